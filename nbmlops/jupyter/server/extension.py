"""The extension of Jupyter Server: routes below ``/nbmlops``, all for people who are signed in."""

from __future__ import annotations

import atexit
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from nbmlops.core import errors
from nbmlops.core.version import __version__
from nbmlops.jupyter.server.bodies import Bounded, send_file
from nbmlops.jupyter.server.desk import Desk, Reply
from nbmlops.jupyter.server.files import NAMES
from nbmlops.workspace import layout
from nbmlops.workspace.current import forget

if TYPE_CHECKING:
    from jupyter_server.auth.identity import User
    from jupyter_server.serverapp import ServerApp

__all__ = ["File", "Health", "Panel", "Where"]

_MADE_UP = re.compile(r"[0-9a-f]{32}")


class _SignedIn(APIHandler):
    """Closed to strangers, whatever the method; Jupyter checks host, origin and the XSRF cookie."""

    auth_resource = "nbmlops"
    # An open panel asks again and again; a server that nobody uses may still be put to rest.
    _track_activity = False

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse whoever is not signed in, before a method is looked for."""
        await super().prepare()
        if not self.current_user:
            raise web.HTTPError(403)

    def reply(self, reply: Reply) -> None:
        """Send what the desk answers."""
        self.set_status(reply.status)
        self.finish(reply.body)


class Health(_SignedIn):
    """``GET /nbmlops/health``: that it answers, its version, and the name of the workspace it serves."""

    @web.authenticated
    @authorized
    def get(self) -> None:
        """Answer."""
        root = layout.find(Path(self.settings["server_root_dir"]).expanduser())
        self.finish({"status": "ok", "version": __version__, "workspace": root.name if root else None})


class Where(_SignedIn):
    """``GET /nbmlops/api/workspace?folder=…``: which workspace is around a folder, and where a notebook of it lies."""

    def initialize(self, desk: Desk) -> None:
        """Keep the desk."""
        self.desk = desk

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer."""
        folder, notebook = (self.get_query_argument(name, "") for name in ("folder", "notebook"))
        self.reply(await self.desk.where(folder, notebook))


@web.stream_request_body
class Panel(Bounded, _SignedIn):
    """``POST /nbmlops/api/panel``: ask a panel something, or do one of its actions."""

    def initialize(self, desk: Desk) -> None:
        """Keep the desk."""
        self.desk = desk

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer."""
        content_type = self.request.headers.get("Content-Type", "")
        self.reply(await self.desk.panel(content_type, self.received(), _known(self.current_user)))


def _known(user: User) -> str | None:
    """Who signed in, by the identity provider; None for who has the server's token alone, and so is who runs it."""
    # What `IdentityProvider.generate_anonymous_user` makes up for a token: 32 hex digits, another for each browser.
    made_up = (user.name or "").startswith("Anonymous ") and _MADE_UP.fullmatch(user.username)
    return None if made_up else user.username


class File(_SignedIn):
    """``GET /nbmlops/panel.js`` and its like: what the browser loads."""

    @web.authenticated
    @authorized
    def get(self, name: str) -> None:
        """Send it, unless the browser has the same."""
        content_type = send_file(self, name)
        self.finish(set_content_type=content_type)


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the routes; Jupyter Server calls this."""
    application: Any = server.web_app
    base = application.settings["base_url"]
    desk = Desk(Path(application.settings["server_root_dir"]))
    names = "|".join(name.replace(".", r"\.") for name in NAMES)
    routes = [
        (url_path_join(base, "nbmlops", "health"), Health),
        (url_path_join(base, "nbmlops", "api", "workspace"), Where, {"desk": desk}),
        (url_path_join(base, "nbmlops", "api", "panel"), Panel, {"desk": desk}),
        (url_path_join(base, "nbmlops", f"({names})"), File),
    ]
    application.add_handlers(".*$", routes)
    # What is typed next is typed in a cell.
    errors.speak("%ml")
    atexit.register(forget)
    server.log.info("nbmlops %s: routes below %s", __version__, url_path_join(base, "nbmlops"))
