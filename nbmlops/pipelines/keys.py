"""A step's key: when it has committed before, the step need not run again.

The key is the digest of the step's code (its AST, so comments do not count), its parameters, the
digests of what it reads, and the versions of Python and of the distributions that it imports.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from nbmlops.core import digests
from nbmlops.core.version import __version__

__all__ = ["imported", "relevant", "step_key"]

PROTOCOL = 1


def step_key(
    code: str, parameters: Mapping[str, Any], inputs: Sequence[tuple[str, str, str]], environment: Mapping[str, str]
) -> str:
    """Digest of what decides a step's result.

    Parameters
    ----------
    code : str
        Digest of the step's code.
    parameters : mapping
        Its effective parameters.
    inputs : sequence of (kind, name, digest)
        What it reads.
    environment : mapping
        Distribution -> version, as `relevant` gives it.
    """
    return digests.of_json(
        {
            "protocol": PROTOCOL,
            "code": code,
            "parameters": {name: repr(value) for name, value in parameters.items()},
            "inputs": sorted(list(item) for item in inputs),
            "environment": dict(environment),
        }
    )


def imported(trees: Iterable[ast.AST | None]) -> set[str]:
    """Top-level modules that some code imports, wherever in it."""
    found = set()
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def relevant(modules: Iterable[str]) -> dict[str, str]:
    """Versions of Python, of nbmlops and of the distributions that hold some modules."""
    holders = _holders()
    names = {name for module in modules for name in holders.get(module, ())}
    versions = {name: metadata.version(name) for name in names}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "nbmlops": __version__, **versions}


@cache
def _holders() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
