"""Which names the source of one cell defines and uses, read without running it.

Capture stores it with each recorded cell; lint and the graph of a pipeline are inferred from it.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from nbmlops.tracking.bindings import imported_name
from nbmlops.tracking.ipython_syntax import parse_python, to_python
from nbmlops.tracking.scopes import NameEvent, walk

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CellNames",
    "Parsed",
    "Read",
    "analyse",
    "events",
    "is_builtin",
    "is_provided",
    "parse",
    "read",
    "to_python",
]

# Given to every cell by Python or by IPython. `__file__` is not among them: a notebook has none.
_PROVIDED = frozenset(dir(builtins)) | frozenset(
    {"display", "get_ipython", "exit", "quit", "In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh", "_dh"}
    | {"_exit_code", "__name__", "__doc__", "__builtin__", "__builtins__", "__spec__", "__loader__", "__package__"}
    | {"__annotations__", "__session__", "__vsc_ipynb_file__"}
)
_HISTORY = re.compile(r"_i?\d+")


@dataclass(frozen=True, slots=True)
class Parsed:
    """The tree of a cell, or why there is none and in which line (1-based) of the cell."""

    tree: ast.Module | None
    error: str | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class CellNames:
    """Names of one cell, in the order in which they appear.

    Attributes
    ----------
    defines : tuple of str
        Names that exist after the cell because of it.
    uses : tuple of str
        Names that the cell, or a function it defines, takes from elsewhere; Python's own left out.
    error : str or None
        Why the source could not be read; both tuples are empty then.
    """

    defines: tuple[str, ...]
    uses: tuple[str, ...]
    error: str | None = None


class Read(NamedTuple):
    """What a cell does to names, in order, which of them it imports, and why the source could not be read."""

    events: tuple[NameEvent, ...]
    imports: frozenset[str]
    error: str | None


def is_provided(name: str) -> bool:
    """Whether Python or IPython gives `name` to every cell.

    Examples
    --------
    >>> is_provided("print"), is_provided("display"), is_provided("_12"), is_provided("flights")
    (True, True, True, False)
    """
    return name in _PROVIDED or _HISTORY.fullmatch(name) is not None


def is_builtin(name: str) -> bool:
    """Whether Python itself gives `name`: ``print``, ``list``, ``ValueError``.

    Examples
    --------
    >>> is_builtin("list"), is_builtin("display"), is_builtin("flights")
    (True, False, False)
    """
    return hasattr(builtins, name) and not name.startswith("_") and name not in {"display", "get_ipython"}


def parse(source: str) -> Parsed:
    """Parse the source of a cell, IPython syntax included; never raises for any text."""
    try:
        return Parsed(parse_python(to_python(source)))
    except SyntaxError as error:
        return Parsed(None, error.msg, error.lineno or 1)
    except (RecursionError, MemoryError):
        return Parsed(None, "nested too deeply to be read")
    except ValueError as error:
        return Parsed(None, str(error))


def events(parsed: Parsed) -> tuple[NameEvent, ...]:
    """Give what a parsed cell does to names, in order; nothing for a cell that has no tree.

    Code nested deeper than the interpreter can follow may define anything: one ``open`` event.
    """
    if parsed.tree is None:
        return ()
    try:
        return walk(parsed.tree)
    except RecursionError:
        return (NameEvent("open", "deeply nested code", 1),)


@lru_cache(maxsize=10_000)
def read(source: str) -> Read:
    """What a cell does to names; read once, for a session is looked at as often as a run of it ends."""
    parsed = parse(source)
    nodes = () if parsed.tree is None else ast.walk(parsed.tree)
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    names = frozenset(imported_name(alias) for node in imports for alias in node.names)
    return Read(events(parsed), names, parsed.error)


def analyse(source: str) -> CellNames:
    r"""Find the names that `source` defines and uses; never raises for any text.

    Examples
    --------
    >>> analyse("%ml data load flights -o df\nlate = df[df.delay > limit]")
    CellNames(defines=('df', 'late'), uses=('limit',), error=None)
    """
    found = read(source)
    if found.error is not None:
        return CellNames((), (), found.error)
    return _reduce(found.events)


def _reduce(found: Iterable[NameEvent]) -> CellNames:
    defined, uses, later, given = dict[str, None](), dict[str, None](), dict[str, None](), set[str]()
    for event in found:
        if event.kind == "define":
            defined[event.name] = None
        elif event.kind == "given":
            given.add(event.name)
        elif event.kind == "delete":
            defined.pop(event.name, None)
        elif event.kind in {"use", "mention"} and event.name not in defined:
            uses[event.name] = None
        elif event.kind == "later":
            later[event.name] = None
    uses |= {name: None for name in later if name not in defined}
    return CellNames(tuple(defined), tuple(name for name in uses if name not in given and not is_provided(name)))
