"""A panel as the value of a cell: drawn where a front end can draw it, and readable where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.jupyter.panels.panel import find
from nbmlops.jupyter.panels.still import Still

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["open_panel"]


def open_panel(workspace: Workspace, name: str | None = None) -> Any:
    """Draw a panel of a workspace, or all of them, below the cell.

    Parameters
    ----------
    workspace : Workspace
        What it is of.
    name : str, optional
        One of `nbmlops.jupyter.panels.panel.ORDER`; tabs of all by default.

    Returns
    -------
    Panel or Still
        A widget; without anywidget, what it would show.

    Raises
    ------
    NotFoundError
        When there is no such panel.
    """
    if name is not None:
        find(name)
    try:
        from nbmlops.jupyter.panels.widget import Panel
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"anywidget", "ipywidgets"}:
            raise
        return Still(workspace, name, "this is a still picture: pip install anywidget, and it can be used")
    return Panel(workspace, name)
