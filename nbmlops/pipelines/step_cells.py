"""The cell in which a notebook says how it wants to run as a step: ``%%ml step``, or ``ml.step(settings=…)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.dotted import FullNames
from nbmlops.pipelines.step_settings import NONE, StepSettings, parse_settings
from nbmlops.tracking.ipython_syntax import read_magic
from nbmlops.tracking.ml_line import MlLine

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import CodeCell

__all__ = ["settings_of", "without_settings"]


def settings_of(cells: Sequence[CodeCell], notebook: str) -> StepSettings:
    """The settings of a step, as a cell of its notebook says them; the usual ones where none does.

    Parameters
    ----------
    cells : sequence of CodeCell
        The code cells of the notebook.
    notebook : str
        What to call it in messages.

    Raises
    ------
    InvalidError
        When a line is no setting, or two cells hold settings; the message names the cell.
    """
    found = [(cell, text) for cell in cells for text in _texts(cell, cells)]
    if not found:
        return NONE
    (cell, text), *others = found
    if others:
        raise InvalidError(
            f"{notebook} cell {others[0][0].number}: the settings of the step are in cell {cell.number} already",
            hint="join the two cells",
        )
    try:
        return parse_settings(text, cell.number)
    except InvalidError as error:
        raise InvalidError(f"{notebook} cell {cell.number}: {error.message}", hint=error.hint) from None


def without_settings(cells: Sequence[CodeCell]) -> list[CodeCell]:
    """The cells that decide what a notebook makes: how often it is tried, or when, does not."""
    return [cell for cell in cells if len(cell.tree.body) != 1 or not list(_texts(cell, cells))]


def _texts(cell: CodeCell, cells: Sequence[CodeCell]) -> Iterator[str]:
    # Asked of every cell of every notebook: most hold the word nowhere.
    if "step" not in cell.source:
        return
    for statement in cell.tree.body:
        match statement:
            case ast.Expr(value=ast.Call() as call) | ast.Assign(value=ast.Call() as call):
                yield from _text(call, cells)


def _text(call: ast.Call, cells: Sequence[CodeCell]) -> Iterator[str]:
    if (magic := read_magic(call)) is not None:
        line = MlLine.parse(magic.text) if magic.name == "ml" else None
        if line is not None and (line.noun, line.verb) == ("", "step") and not line.arguments:
            yield from (str(body.value) for body in call.args[2:] if isinstance(body, ast.Constant))
    elif FullNames(cell.tree for cell in cells).of(call.func) == "nbmlops.ml.step":
        given = [keyword.value for keyword in call.keywords if keyword.arg == "settings"]
        yield from (str(value.value) for value in given if isinstance(value, ast.Constant))
