"""A step's key: when it has committed before, the step need not run again.

The key is the digest of the step's code (its AST, so comments do not count), its parameters, the
digests of what it reads, the content of the project's own modules that it imports, and the versions of
Python and of the distributions that it imports.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

from nbmlops.core import digests
from nbmlops.core.version import __version__

__all__ = ["parts", "relevant", "step_key"]

PROTOCOL = 2


def step_key(made_of: Mapping[str, Any]) -> str:
    """Digest of the `parts` that decide a step's result."""
    return digests.of_json(made_of)


def parts(
    code: str,
    parameters: Mapping[str, Any],
    inputs: Sequence[tuple[str, str, str]],
    modules: Mapping[str, str],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """What decides a step's result, as JSON can hold it.

    Parameters
    ----------
    code : str
        Digest of the step's code.
    parameters : mapping
        Its effective parameters.
    inputs : sequence of (kind, name, digest)
        What it reads.
    modules : mapping
        File -> digest, as `local_code` gives them.
    environment : mapping
        Distribution -> version, as `relevant` gives it.
    """
    return {
        "protocol": PROTOCOL,
        "code": code,
        "parameters": {name: repr(value) for name, value in parameters.items()},
        "inputs": sorted(list(item) for item in inputs),
        "modules": dict(modules),
        "environment": dict(environment),
    }


def relevant(modules: Iterable[str], known: dict[str, str] | None = None) -> dict[str, str]:
    """Versions of Python, of nbmlops and of the distributions that hold some modules.

    `known` are versions that were asked for at the same moment, to which these are added.
    """
    holders, known = _holders(), {} if known is None else known
    names = {name for module in modules for name in holders.get(module, ())}
    known |= {name: metadata.version(name) for name in names - known.keys()}
    versions = {name: known[name] for name in names}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "nbmlops": __version__, **versions}


@cache
def _holders() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
