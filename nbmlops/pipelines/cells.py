"""The code cells of a notebook, parsed once for the scan, the lint and the digest.

A cell's number is its place among *all* cells of the notebook, from 1, as editors count them; a line
is counted from 1 within its cell.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.pipelines.step_cells import without_settings
from nbmlops.tracking.ipython_syntax import read_magic
from nbmlops.tracking.ml_line import words
from nbmlops.tracking.source import Parsed, events, parse

if TYPE_CHECKING:
    from nbmlops.tracking.scopes import NameEvent

__all__ = ["CodeCell", "NotebookContent", "cell_digests", "code_cells", "code_digest", "literal_parameters", "text_of"]

# Anything that reads as a notebook: nbformat's NotebookNode, or what `json` makes of a file.
NotebookContent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CodeCell:
    """A code cell; `count` is the execution count stored with it."""

    number: int
    id: str | None
    source: str
    tags: frozenset[str]
    count: int | None
    parsed: Parsed
    events: tuple[NameEvent, ...]

    @property
    def tree(self) -> ast.Module:
        """The syntax tree, empty where the source is not Python."""
        return self.parsed.tree or ast.Module(body=[], type_ignores=[])

    @property
    def is_empty(self) -> bool:
        """Whether the cell holds nothing, or comments only."""
        return self.parsed.tree is not None and not self.parsed.tree.body


def code_cells(notebook: NotebookContent) -> tuple[CodeCell, ...]:
    """Parse the code cells of `notebook`, in order; sources may be text or lists of lines."""
    found = []
    for number, cell in enumerate(notebook.get("cells") or (), start=1):
        if cell.get("cell_type") == "code":
            source = text_of(cell)
            tags = frozenset((cell.get("metadata") or {}).get("tags") or ())
            parsed = parse(source)
            found.append(
                CodeCell(number, cell.get("id"), source, tags, cell.get("execution_count"), parsed, events(parsed))
            )
    return tuple(found)


def text_of(cell: Mapping[str, Any]) -> str:
    """Give the source of a cell; notebook files may hold it as a list of lines."""
    source = cell.get("source") or ""
    return source if isinstance(source, str) else "".join(source)


def literal_parameters(cells: Sequence[CodeCell]) -> dict[str, Any]:
    """Read the parameters whose values are literals: name -> value, injected ones on top."""
    values: dict[str, Any] = {}
    for tag in ("parameters", "injected-parameters"):
        cell = next((cell for cell in cells if tag in cell.tags), None)
        for statement in cell.tree.body if cell else ():
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    pass
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    pass
                case _:
                    continue
            try:
                values[name] = ast.literal_eval(value)
            except (ValueError, TypeError, RecursionError):
                values.pop(name, None)
    return values


def cell_digests(notebook: NotebookContent) -> dict[int, str]:
    """Digest each code cell's syntax tree: cell number -> 64 hex digits.

    Comments, blank lines and formatting do not count, nor do cells without code and cells that a
    runner injected. A cell that is not Python is digested as text.
    """
    return _digests(code_cells(notebook))


def code_digest(notebook: NotebookContent) -> str:
    """Digest what a notebook's code cells do, 64 hex digits; see `cell_digests` for what counts.

    Nor does the cell that holds the settings of a step.

    Examples
    --------
    >>> def notebook(source):
    ...     return {"cells": [{"cell_type": "code", "source": source}]}
    >>> code_digest(notebook("x = (1)  # one")) == code_digest(notebook("x=1"))
    True
    """
    return digests.of_json(list(_digests(without_settings(code_cells(notebook))).values()))


def _digests(cells: Iterable[CodeCell]) -> dict[int, str]:
    kept = (cell for cell in cells if not cell.is_empty and "injected-parameters" not in cell.tags)
    return {cell.number: _digest(cell) for cell in kept}


def _digest(cell: CodeCell) -> str:
    if cell.parsed.tree is not None:
        try:
            return digests.of_json(_canonical(cell.parsed.tree))
        except RecursionError:
            pass
    lines = [line.rstrip() for line in cell.source.strip().splitlines()]
    return digests.of_text("\n".join(lines))


def _canonical(node: Any) -> Any:
    """Write a tree as nested lists.

    Empty fields are left out, so that a field that a later Python adds changes no digest.
    """
    if isinstance(node, list):
        return [_canonical(item) for item in node]
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__} {node!r}"
    if isinstance(node, ast.Call) and (magic := read_magic(node)) and magic.name == "ml":
        body = [argument.value for argument in node.args[2:] if isinstance(argument, ast.Constant)]
        return ["ml", magic.kind, list(map(ascii, words(magic.text))), [ascii(str(text).strip()) for text in body]]
    if isinstance(node, ast.JoinedStr):
        # Python 3.12 puts empty texts between the parts of an f-string.
        return ["JoinedStr", [_canonical(part) for part in node.values if getattr(part, "value", None) != ""]]
    fields = [
        [name, _canonical(value)]
        for name, value in ast.iter_fields(node)
        if value is not None and value != [] and name not in {"ctx", "kind", "type_comment"}
    ]
    return [type(node).__name__, *fields]
