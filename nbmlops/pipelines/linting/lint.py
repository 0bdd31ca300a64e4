"""Read a notebook for what would keep it from running, or from meaning the same, at night."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from nbmlops.pipelines.cells import NotebookContent, code_cells, text_of
from nbmlops.pipelines.dotted import FullNames
from nbmlops.pipelines.linting.call_rules import files_versioned, no_installs, randomness_seeded
from nbmlops.pipelines.linting.finding import RULES, Finding, Spot
from nbmlops.pipelines.linting.ignoring import without_ignored
from nbmlops.pipelines.linting.night_rules import runs_alone
from nbmlops.pipelines.linting.state_rules import counts_in_order, names_exist, names_lasting
from nbmlops.pipelines.linting.text_rules import no_machine_paths, no_secrets, no_secrets_in_text
from nbmlops.pipelines.linting.use_rules import names_used
from nbmlops.pipelines.scan import scan_cells
from nbmlops.tracking.source import is_builtin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell
    from nbmlops.tracking.records import HiddenState

__all__ = ["RULES", "Finding", "lint"]


def lint(
    notebook: NotebookContent,
    path: str | PurePath,
    *,
    stored: Collection[str] = (),
    hidden: Sequence[HiddenState] = (),
) -> tuple[Finding, ...]:
    """Find what is wrong with a notebook, without running it.

    Parameters
    ----------
    notebook : mapping
        A notebook, as nbformat or `json` gives it.
    path : str or path
        Where it lies; findings name the file.
    stored : collection of str
        Names of stored data, for better fixes.
    hidden : sequence of HiddenState
        What is known of a session that executed it.

    Returns
    -------
    tuple of Finding
        In the order of cells and lines.

    Examples
    --------
    >>> cells = [{"cell_type": "code", "source": "print(airports)", "metadata": {"tags": ["parameters"]}}]
    >>> [(f.rule, f.cell, f.line) for f in lint({"cells": cells}, "3_features.ipynb")]
    [('hidden-state', 1, 1)]
    """
    cells = code_cells(notebook)
    names = FullNames(cell.tree for cell in cells)
    spots = [
        *names_exist(cells, stored),
        *counts_in_order(cells),
        *no_secrets(cells),
        *_secrets_in_prose(notebook),
        *no_machine_paths(cells),
        *no_installs(cells),
        *_parameters(cells),
        *randomness_seeded(cells, names),
        *files_versioned(cells, names),
        *_dynamic_names(cells),
        *names_used(cells),
        *runs_alone(cells, names),
    ]
    spots += names_lasting(cells, hidden, spots)
    spots = without_ignored(cells, spots)
    spots.sort(key=lambda spot: (spot.cell, spot.line, spot.rule))
    return tuple(spot.finding(PurePath(path).name) for spot in spots)


def _secrets_in_prose(notebook: NotebookContent) -> Iterator[Spot]:
    for number, cell in enumerate(notebook.get("cells") or (), start=1):
        if cell.get("cell_type") != "code":
            yield from no_secrets_in_text(number, text_of(cell))


def _parameters(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    tagged = [cell for cell in cells if "parameters" in cell.tags]
    if not tagged:
        first = cells[0].number if cells else 1
        fix = "tag the cell that holds the values to vary with `parameters` (an empty one will do)"
        yield Spot("parameters", first, 1, "no cell is tagged `parameters`", fix)
    for cell in tagged[:1]:
        yield from _shadowed(cell)
    for cell in tagged[1:]:
        message = f"a second cell is tagged `parameters`; only the one in cell {tagged[0].number} counts"
        yield Spot("parameters", cell.number, 1, message, "join the two cells")


def _shadowed(cell: CodeCell) -> Iterator[Spot]:
    for event in cell.events:
        if event.kind == "define" and is_builtin(event.name):
            message = f"the parameter `{event.name}` hides what Python gives by this name"
            yield Spot("shadowed", cell.number, event.line, message, f"call it another name: {event.name}_value")


def _dynamic_names(cells: tuple[CodeCell, ...]) -> Iterator[Spot]:
    for place in scan_cells(cells).dynamic:
        message = f"the name of the {place.kind} is `{place.text}`: {place.why}"
        yield Spot("dynamic-name", place.cell, place.line, message, "write the name, or make it a parameter")
