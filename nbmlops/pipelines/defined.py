"""A function of a notebook without the rest of it: its definition, and the definitions that it needs, are run alone.

What a notebook defines at the top level of its cells counts: functions, classes, imports, and names that are given a
literal. Nothing else of it is run, so no data is loaded and no model is fitted; a function that needs what a cell
computes, or changes afterwards, is refused with the number of that cell. Where a name is defined more than once the
last definition holds, as after a run of the notebook.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.features.capturing import registers
from nbmlops.pipelines.cells import code_cells
from nbmlops.pipelines.notebook import read_content
from nbmlops.tracking.bindings import imported_name
from nbmlops.tracking.source import Parsed, analyse, events

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import CodeCell

__all__ = ["defined_in"]

_CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault"}
    | {"sort", "update"}
)
"""Methods by which what a literal gives is changed in its place."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """A statement of a cell that defines a name; without one, that the cell computes it."""

    place: tuple[int, int]
    statement: ast.stmt | None


def defined_in(path: Path, name: str, called: str) -> ModuleType:
    """A module with a function of a notebook, and with what that needs.

    Parameters
    ----------
    path : Path
        The notebook.
    name : str
        The function.
    called : str
        What to call the notebook in messages.

    Raises
    ------
    NotFoundError
        When there is no such notebook, or no such function in it.
    InvalidError
        When the function needs what the notebook computes, or is nowhere defined.
    """
    found = _definitions(code_cells(read_content(path)))
    functions = [each for each, one in found.items() if isinstance(one.statement, ast.FunctionDef)]
    if name not in functions:
        raise NotFoundError(f"no cell of {called} defines a function {name}", hint=nearest(name, functions))
    module = ModuleType(path.stem)
    for cell, statement in _needed(found, name, called):
        code = compile(ast.Module([statement], []), f"cell {cell} of {called}", "exec")
        exec(code, vars(module))  # noqa: S102 - the person's own function, of a workspace that is trusted
    return module


def _definitions(cells: Sequence[CodeCell]) -> dict[str, _Definition]:
    """How each name of a notebook comes to be, the last time; statement by statement, as a run of it goes."""
    found: dict[str, _Definition] = {}
    for cell in cells:
        for place, statement in enumerate(cell.tree.body):
            earlier = {name: found.get(name) for name in _names(statement)}
            for event in events(Parsed(ast.Module([statement], []))):
                if event.kind == "define":
                    found[event.name] = _Definition((cell.number, place), None)
                elif event.kind == "delete":
                    found.pop(event.name, None)
            for name in _changed(statement) & found.keys():
                if isinstance(found[name].statement, ast.Assign | ast.AnnAssign):  # options of a module are its own
                    found[name] = _Definition((cell.number, place), None)
            for name, one in earlier.items():
                found[name] = _Definition((cell.number, place), _with_imports(statement, one))
    return found


def _with_imports(statement: ast.stmt, earlier: _Definition | None) -> ast.stmt:
    """An import with those before it of the same package: ``import xml.dom`` and ``import xml.sax`` both stay."""
    if isinstance(statement, ast.Import) and earlier is not None and isinstance(earlier.statement, ast.Import):
        return ast.copy_location(ast.Import([*earlier.statement.names, *statement.names]), statement)
    return statement


def _changed(statement: ast.stmt) -> set[str]:
    """Names whose value a statement changes in its place, as ``columns.append("late")`` does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return set()
    found = set()
    for node in ast.walk(statement):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                found.add(_root(node))
            case ast.Call(func=ast.Attribute(attr=attr) as called) if attr in _CHANGING:
                found.add(_root(called))
    return found


def _root(node: ast.expr) -> str:
    """The name that an attribute or an item is of; empty where it is of none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _names(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement defines without computing anything."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (imported_name(alias) for alias in aliases)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_literal(value):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if _is_literal(value):
            yield name


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _needed(found: dict[str, _Definition], name: str, called: str) -> list[tuple[int, ast.stmt]]:
    """Statements with the numbers of their cells, in the order of the notebook."""
    kept: dict[tuple[int, int], ast.stmt] = {}
    waiting = [(name, name)]
    while waiting:
        wanted, whose = waiting.pop()
        one = found.get(wanted)
        if one is None:
            raise InvalidError(
                f"{whose} of {called} names {wanted}, which no cell defines", hint="define or import it in a cell"
            )
        if one.statement is None:
            raise InvalidError(
                f"{whose} of {called} needs {wanted}, which cell {one.place[0]} computes",
                hint="compute it inside the function, or put both into a file",
            )
        if one.place not in kept:
            kept[one.place] = statement = _undecorated(one.statement)
            waiting += [(each, wanted) for each in analyse(ast.unparse(statement)).uses if each != wanted]
    return [(place[0], statement) for place, statement in sorted(kept.items(), key=lambda item: item[0])]


def _undecorated(statement: ast.stmt) -> ast.stmt:
    """A definition without that which would register it as a feature again."""
    if isinstance(statement, ast.FunctionDef):
        statement.decorator_list = [one for one in statement.decorator_list if not registers(one)]
    return statement
