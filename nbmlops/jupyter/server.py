"""The extension of Jupyter Server: routes below ``/nbmlops``, all for people who are signed in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from nbmlops.core.version import __version__
from nbmlops.workspace import layout

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["Health"]


class Health(APIHandler):
    """``GET /nbmlops/health``: that it answers, its version, and the name of the workspace it serves."""

    @web.authenticated
    def get(self) -> None:
        """Answer."""
        root = layout.find(Path(self.settings["server_root_dir"]).expanduser())
        self.finish({"status": "ok", "version": __version__, "workspace": root.name if root else None})


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the routes; Jupyter Server calls this."""
    application: Any = server.web_app
    base = application.settings["base_url"]
    application.add_handlers(".*$", [(url_path_join(base, "nbmlops", "health"), Health)])
    server.log.info("nbmlops %s: routes below %s", __version__, url_path_join(base, "nbmlops"))
