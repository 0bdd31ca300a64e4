"""The rule about names that nothing uses: imports, and parameters.

Variables are left alone: a cell may define one for a person to look at.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nbmlops.pipelines.linting.finding import Spot
from nbmlops.tracking.bindings import imported_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell

__all__ = ["names_used"]

_BY_TEXT = frozenset({"eval", "exec", "globals", "locals", "vars"})
# Imported for what the import itself does.
_FOR_EFFECT = ("__future__", "sklearn.experimental")


def names_used(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    """Find imports and parameters that no cell uses; nothing where a cell may use names unseen."""
    if any(map(_is_open, cells)):
        return
    used = {
        event.name
        for cell in cells
        if "injected-parameters" not in cell.tags
        for event in cell.events
        if event.kind in {"use", "later", "mention", "call"}
    }
    used |= {word for cell in cells for word in _said(cell.tree)}
    for cell in cells:
        for name, line in _imported(cell.tree):
            if name not in used:
                fix = "take the import out"
                yield Spot("unused", cell.number, line, f"`{name}` is imported, and no cell uses it", fix)
        if "parameters" in cell.tags:
            for name, line in _assigned(cell.tree):
                if name not in used:
                    fix = "use it, or take it out"
                    yield Spot("unused", cell.number, line, f"no cell uses the parameter `{name}`", fix)


def _is_open(cell: CodeCell) -> bool:
    """Whether a cell may use a name without writing it, or cannot be read."""
    if cell.parsed.error is not None or any(event.kind == "open" for event in cell.events):
        return True
    return any(isinstance(node, ast.Name) and node.id in _BY_TEXT for node in ast.walk(cell.tree))


def _said(tree: ast.Module) -> Iterator[str]:
    """Names in annotations that are text, in ``__all__`` and in what is evaluated: any text that is a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            for mark in "[](){},|@:.=+-*/ \n":
                text = text.replace(mark, " ")
            yield from text.split()


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that plain statements import; an import below `try` or `if` asks whether something is there."""
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module=str(module)) if module in _FOR_EFFECT:
                continue
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                # `import a.b` may be for what it does to a.
                yield from ((imported_name(one), one.lineno) for one in aliases if one.asname or "." not in one.name)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, statement.lineno
