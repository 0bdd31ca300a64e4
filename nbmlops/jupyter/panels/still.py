"""A panel where nothing draws it: its tables as they were, for GitHub, converted notebooks, terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import spoken
from nbmlops.jupyter.panels.panel import find, names
from nbmlops.render.look import Lines, Look, Part, line

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["Still"]


class Still:
    """What a panel shows when nothing draws it: its tables, as they were.

    Parameters
    ----------
    workspace : Workspace
        What it is of.
    name : str or None
        The panel; all by default.
    advice : str
        What is said below it.
    """

    def __init__(self, workspace: Workspace, name: str | None, advice: str) -> None:
        self._look = _look(workspace, name, advice)

    def __repr__(self) -> str:
        return self._look.text()

    def _repr_html_(self) -> str:
        from nbmlops.render.page import page

        return page(self._look)


def _look(workspace: Workspace, name: str | None, advice: str) -> Look:
    blocks: list[Any] = []
    for each in [find(one) for one in ([name] if name else names())]:
        shown = each.static(workspace).look()
        blocks += [Lines((line(each.title),)), *([Lines((shown.headline,))] if shown.headline else ()), *shown.body]
    return Look(line(f"panel of {workspace.marker.root.name}", Part(spoken(advice), "muted")), tuple(blocks))
