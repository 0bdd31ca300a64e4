"""The panel of runs: a table of all of them, one run, some beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError, RefSyntaxError
from nbmlops.jupyter.panels.lines import typed, words
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import short
from nbmlops.tracking.filtering import Group, RunField

if TYPE_CHECKING:
    from nbmlops.render.listing import Listing
    from nbmlops.tracking.records import Cell, Run
    from nbmlops.tracking.tabling import RunRow
    from nbmlops.workspace.root import Workspace

__all__ = ["panel"]

_PAGE = 100
_COLUMNS: tuple[Group, ...] = ("metrics", "params")
_FIRST = 4
"""Params, and metrics, that are columns from the start."""
_PARTS, _SOURCE = 200, 2_000
"""Cells and parts of a run that are shown, and characters of a cell."""


def start(workspace: Workspace, where: str | None = None, by: str | None = None) -> dict[str, Any]:
    """The first page, and the columns there are; those of the newest runs are shown from the start."""
    newest = workspace.run.list(20)
    shown = [RunField(group, name) for group in _COLUMNS for name in _most(getattr(run, group) for run in newest)]
    columns = [str(field) for field in shown]
    known = workspace.run.fields()
    fields = [{"field": str(each), "group": each.group, "name": each.name} for each in {*known, *shown}]
    return {"fields": sorted(fields, key=_in_order), "columns": columns, **page(workspace, columns, where=where, by=by)}


def page(
    workspace: Workspace,
    columns: list[str],
    where: str | None = None,
    by: str | None = None,
    after: str | None = None,
    limit: int = _PAGE,
) -> dict[str, Any]:
    """A page of rows; each is an id, name, status, kind, start, seconds, notebook, and the columns' values."""
    found = workspace.run.rows(columns, limit, where=where or None, by=by, after=after)
    return {"rows": [_row(row) for row in found], "line": typed(_list(where, by))}


def outline(workspace: Workspace, where: str | None = None, by: str | None = None, every: int = _PAGE) -> Any:
    """How many runs there are, and behind which ids the pages begin."""
    return workspace.run.outline(every, where=where or None, by=by)


def run(workspace: Workspace, ref: str) -> dict[str, Any]:
    """What is known of a run; of its cells the first lines, of a pipeline's many parts the first."""
    found = workspace.run.show(ref)
    on = found.environment or {}
    return {
        **_told(found),
        "parent": found.parent_id and workspace.run.name_of(found.parent_id),
        "python": on.get("python"),
        "hidden": ", ".join(sorted({one.name for one in found.hidden_state})),
        "models": _models(workspace, found),
        "cells": [_cell(cell) for cell in found.cells[:_PARTS]],
        "children": [
            {"name": child.name, "status": child.status, "seconds": child.seconds} for child in found.children[:_PARTS]
        ],
    }


def curves(workspace: Workspace, ref: str, names: list[str]) -> dict[str, Any]:
    """The points of some metrics of a run, thinned so that they can be drawn."""
    return {name: workspace.run.curve(ref, name) for name in names[:24]}


def compare(workspace: Workspace, refs: list[str]) -> Any:
    """Runs beside each other."""
    found = workspace.run.compare(*refs)
    return {
        "runs": [run.name for run in found.runs],
        **{
            group: [{"name": each.name, "values": [short(value) for value in each.values]} for each in differing]
            for group, differing in (
                ("params", found.params),
                ("metrics", found.metrics),
                ("tags", found.tags),
                ("inputs", found.inputs),
                ("environment", found.environment),
            )
        },
        "curves": found.curves,
        "cells": found.cells[:100],
    }


def _in_order(told: dict[str, str]) -> tuple[str, str]:
    return told["group"], told["name"]


def _most(groups: Any) -> list[str]:
    """The names that most of some runs have."""
    counted: dict[str, int] = {}
    for names in groups:
        for name in names:
            counted[name] = counted.get(name, 0) + 1
    return sorted(counted, key=lambda name: (-counted[name], name))[:_FIRST]


def _row(row: RunRow) -> list[Any]:
    own = [row.id, row.name, row.status, row.kind, row.started_at, row.seconds, row.notebook]
    return [*own, *row.values]


def _models(workspace: Workspace, found: Run) -> list[str]:
    """Which of the versions that a run wrote are models."""
    models = []
    for ref in found.outputs[:_PARTS]:
        try:
            version = workspace.model.show(ref)
        except (NotFoundError, RefSyntaxError):
            continue  # it is data
        if version.run_id == found.id:
            models.append(version.ref)
    return models


def _cell(cell: Cell) -> dict[str, Any]:
    told = {name: getattr(cell, name) for name in ("position", "count", "status", "seconds")}
    return {**told, "source": short(cell.source, _SOURCE)}


def _told(found: Run) -> dict[str, Any]:
    same = "id name experiment kind status started_at ended_at seconds error parent_id notebook git".split()
    more = "params metrics tags artifacts inputs outputs resources".split()
    return {name: getattr(found, name) for name in (*same, *more)}


def _list(where: str | None = None, by: str | None = None) -> list[str]:
    return words("run", "list", *(["--where", where] if where else []), *(["--by", by] if by else []))


def _show(ref: str) -> list[str]:
    return words("run", "show", beyond=(ref,))


def _compare(refs: list[str]) -> list[str]:
    return words("run", "compare", beyond=tuple(refs))


def _note(ref: str, text: str) -> list[str]:
    return words("run", "note", beyond=(ref, text))


def _artifact(ref: str, name: str) -> list[str]:
    return words("run", "artifact", "-o", "value", beyond=(ref, name))


def _register(name: str) -> list[str]:
    return words("model", "save", beyond=("model", name))


def _promote(ref: str, message: str | None = None) -> list[str]:
    return words("model", "promote", *(["-m", message] if message else []), beyond=(ref,))


def _reproduce(ref: str) -> list[str]:
    return words("reproduce", beyond=(ref,))


def _static(workspace: Workspace) -> Listing[Run]:
    return workspace.run.list(100)


panel = Panel(
    name="runs",
    title="Runs",
    asks={each.__name__: each for each in (start, page, outline, run, curves, compare)},
    lines={
        "list": _list,
        "show": _show,
        "compare": _compare,
        "note": _note,
        "artifact": _artifact,
        "register": _register,
        "promote": _promote,
        "reproduce": _reproduce,
    },
    static=_static,
    apart=frozenset({"reproduce"}),
)
