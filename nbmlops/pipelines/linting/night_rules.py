"""Rules about what works by day only: what waits for a person, ends the kernel, or waits for ever."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nbmlops.pipelines.linting.finding import Spot
from nbmlops.tracking.ipython_syntax import read_magic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell
    from nbmlops.pipelines.dotted import FullNames

__all__ = ["runs_alone"]

_ASKS = frozenset({"input", "getpass.getpass", "click.prompt", "click.confirm"})
_STOPS = frozenset(
    {"breakpoint", "pdb.set_trace", "ipdb.set_trace", "IPython.embed", "IPython.core.debugger.set_trace"}
)
_LEAVES = frozenset({"exit", "quit", "os._exit"})
_DEBUGGERS = frozenset({"debug", "pdb"})
# Neither has a time limit of its own: https://requests.readthedocs.io (Quickstart, Timeouts) and urllib's reference.
_REQUESTS = re.compile(r"requests\.(?:get|post|put|patch|delete|head|options|request)|urllib\.request\.urlopen")
_URLOPEN_TIMEOUT = 2

_SAID = {
    "waits": "waits for a person",
    "kernel-exit": "ends the kernel in the middle of the notebook",
    "no-timeout": "waits for ever for a server that does not answer",
}
_FIXES = {
    "asks": "make the answer a parameter: it is given with -p",
    "stops": "take it out",
    "leaves": "leave the work in an `if`, or raise an error that says why",
    "no-timeout": "give it timeout=60",
}


def runs_alone(cells: Sequence[CodeCell], names: FullNames) -> Iterator[Spot]:
    """Find what needs a person, ends the kernel, or may wait for ever."""
    own = {event.name for cell in cells for event in cell.events if event.kind == "define"}
    for cell in cells:
        for node in ast.walk(cell.tree):
            if not isinstance(node, ast.Call):
                continue
            if magic := read_magic(node):
                if magic.kind == "line" and magic.name in _DEBUGGERS:
                    message = f"`%{magic.name}` {_SAID['waits']}"
                    yield Spot("waits", cell.number, magic.line, message, _FIXES["stops"])
                continue
            bare = node.func.id if isinstance(node.func, ast.Name) and node.func.id not in own else ""
            called = names.of(node.func) or bare
            if found := _fault(called, node):
                rule, fix = found
                yield Spot(rule, cell.number, node.lineno, f"`{ast.unparse(node.func)}` {_SAID[rule]}", _FIXES[fix])


def _fault(called: str, call: ast.Call) -> tuple[str, str] | None:
    """The rule that a call breaks and the fix; `called` is its full name."""
    if called in _ASKS:
        return "waits", "asks"
    if called in _STOPS:
        return "waits", "stops"
    if called in _LEAVES:
        return "kernel-exit", "leaves"
    if _REQUESTS.fullmatch(called) and not _limited(call, called):
        return "no-timeout", "no-timeout"
    return None


def _limited(call: ast.Call, called: str) -> bool:
    """Whether a call has a time limit, or a `**` that may hold one."""
    by_place = called.startswith("urllib") and len(call.args) > _URLOPEN_TIMEOUT
    return by_place or any(keyword.arg in {"timeout", None} for keyword in call.keywords)
