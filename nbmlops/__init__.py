"""nbmlops makes the notebook the unit of MLOps: one line in a cell versions, records, checks and promotes.

``from nbmlops import ml`` gives the workspace around the current folder; ``%load_ext nbmlops`` gives
``%ml`` the same verbs in a cell, and the program ``nbmlops`` in a shell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.version import __version__

if TYPE_CHECKING:
    from nbmlops.core.refs import DataRef, ModelRef
    from nbmlops.data.query import Query
    from nbmlops.workspace import Workspace
    from nbmlops.workspace.current import ml

__all__ = ["DataRef", "ModelRef", "Query", "Workspace", "__version__", "ml"]


def __getattr__(name: str) -> Any:
    if name == "ml":
        from nbmlops.workspace.current import ml

        return ml
    if name in {"DataRef", "ModelRef"}:
        from nbmlops.core import refs

        return getattr(refs, name)
    if name == "Query":
        from nbmlops.data.query import Query

        return Query
    if name == "Workspace":
        from nbmlops.workspace import Workspace

        return Workspace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(ipython: Any) -> None:
    """What ``%load_ext nbmlops`` calls."""
    from nbmlops.jupyter.extension import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """What ``%unload_ext nbmlops`` calls."""
    from nbmlops.jupyter.extension import unload

    unload(ipython)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Where Jupyter Server finds the server extension."""
    return [{"module": "nbmlops.jupyter.server.extension"}]
