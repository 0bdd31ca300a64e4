"""The panels as a page of their own, for people outside Jupyter: the server behind ``nbmlops ui``.

It listens on this machine only. Whoever has the token in the address gets a cookie, and whoever has the cookie may
ask; other sites' pages have neither, cannot borrow the cookie (``SameSite=Strict``), are told apart by their
``Origin``, and a name of theirs that they point at this machine is none that the server goes by (``Host``).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import html
import json
import secrets
import signal
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tornado import httpserver, netutil, web

from nbmlops.core.errors import UnavailableError
from nbmlops.jupyter.server.bodies import Bounded, send_file
from nbmlops.jupyter.server.desk import Desk, Reply
from nbmlops.jupyter.server.files import NAMES

__all__ = ["Standalone"]

_HOST = "127.0.0.1"
_READS = ("GET", "HEAD")
_HEADERS = {
    "Cache-Control": "no-store",
    # Styles that a result brings along are its own, and escaped; scripts come from here alone.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Standalone:
    """A server on this machine, for one workspace.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    port : int
        Where to listen; 0 for a port that is free.

    Raises
    ------
    UnavailableError
        When the port cannot be had.
    """

    def __init__(self, root: Path, port: int = 0) -> None:
        try:
            self._sockets = netutil.bind_sockets(port, _HOST)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnavailableError(
                f"cannot listen on port {port}: {reason}", hint="leave --port out for one that is free"
            ) from error
        self.port: int = self._sockets[0].getsockname()[1]
        self.token = secrets.token_urlsafe(32)
        self._gate = _Gate(self.port, self.token)
        self._desk = Desk(root)
        self._name = root.name

    @property
    def address(self) -> str:
        """The page's address, with the token in it."""
        return f"http://{_HOST}:{self.port}/?token={self.token}"

    def run(self, started: Callable[[], None]) -> None:
        """Serve until this process is interrupted or told to end; `started` is called when the page can be loaded."""
        asyncio.run(self._run(started))

    async def _run(self, started: Callable[[], None]) -> None:
        given = {"gate": self._gate}
        names = "|".join(name.replace(".", r"\.") for name in NAMES if not name.startswith("sidebar."))
        routes: list[Any] = [
            ("/", _Page, {**given, "name": self._name}),
            ("/api/workspace", _Where, {**given, "desk": self._desk}),
            ("/api/panel", _Panel, {**given, "desk": self._desk}),
            (f"/({names})", _File, given),
        ]
        application = web.Application(
            routes,
            default_handler_class=_Nothing,
            default_handler_args=given,
            compress_response=True,
            log_function=_log,
        )
        server = httpserver.HTTPServer(application)
        server.add_sockets(self._sockets)
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Outside the main thread there are no signals to wait for.
            with contextlib.suppress(RuntimeError, ValueError):
                loop.add_signal_handler(number, stopped.set)
        started()
        await stopped.wait()
        server.stop()
        await server.close_all_connections()


def _log(_handler: web.RequestHandler) -> None:
    """Say nothing of each request: the terminal is the person's."""


class _Gate:
    """Who may come in."""

    def __init__(self, port: int, token: str) -> None:
        # A browser leaves the port out where it is HTTP's own.
        self.hosts = {name if port == 80 else f"{name}:{port}" for name in (_HOST, "localhost")}
        # Cookies do not tell ports apart.
        self.cookie = f"nbmlops-{port}"
        self.token = token
        self.session = secrets.token_urlsafe(32)

    def is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def is_session(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self.session.encode())

    def is_own(self, request: Any) -> bool:
        """Whether a page of ours sent the request, or no page at all."""
        origin = request.headers.get("Origin")
        return origin is None or origin in {f"http://{host}" for host in self.hosts}


class _Guarded(web.RequestHandler):
    """Goes through the gate, whatever the method."""

    def initialize(self, gate: _Gate) -> None:
        self.gate = gate

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if self.request.host not in self.gate.hosts:
            raise web.HTTPError(403, reason="This Host Is Not Served")
        if self.request.method not in _READS and not self.gate.is_own(self.request):
            raise web.HTTPError(403, reason="Another Site Asked")
        if not self.known():
            raise web.HTTPError(403, reason="The Token Is Missing")

    def known(self) -> bool:
        """Whether the browser has the cookie."""
        return self.gate.is_session(self.get_cookie(self.gate.cookie))

    def write_error(self, status_code: int, **_: Any) -> None:
        hint = "open the address that `nbmlops ui` printed" if status_code == 403 else None
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"error": {"message": f"{status_code}: {self._reason}", "hint": hint}}))

    def reply(self, reply: Reply) -> None:
        """Send what the desk answers."""
        self.set_status(reply.status)
        self.set_header("Content-Type", "application/json")
        self.finish(reply.body)


class _Nothing(_Guarded):
    """Every other address: there is nothing, for those who may know."""

    def prepare(self) -> None:
        super().prepare()
        raise web.HTTPError(404)


class _Page(_Guarded):
    """``GET /``: the page; with the token in the address, the cookie too."""

    def initialize(self, gate: _Gate, name: str) -> None:  # type: ignore[override]
        super().initialize(gate)
        self.name = name

    def known(self) -> bool:
        return super().known() or self.gate.is_token(self.get_query_argument("token", ""))

    def get(self) -> None:
        # Not sent on to an address without the token: the browser would leave the new cookie out, when the link was
        # on a page of another site. The page clears its address itself.
        self.set_cookie(self.gate.cookie, self.gate.session, httponly=True, samesite="Strict")
        page = files("nbmlops.jupyter.server").joinpath("web", "page.html").read_text(encoding="utf-8")
        self.finish(Template(page).substitute(name=html.escape(self.name)))


class _Where(_Guarded):
    """``GET /api/workspace``: which workspace this is."""

    def initialize(self, gate: _Gate, desk: Desk) -> None:  # type: ignore[override]
        super().initialize(gate)
        self.desk = desk

    async def get(self) -> None:
        folder, notebook = (self.get_query_argument(name, "") for name in ("folder", "notebook"))
        self.reply(await self.desk.where(folder, notebook))


@web.stream_request_body
class _Panel(Bounded, _Guarded):
    """``POST /api/panel``: ask a panel something, or do one of its actions."""

    def initialize(self, gate: _Gate, desk: Desk) -> None:  # type: ignore[override]
        super().initialize(gate)
        self.desk = desk

    async def post(self) -> None:
        self.reply(await self.desk.panel(self.request.headers.get("Content-Type", ""), self.received()))


class _File(_Guarded):
    """``GET /panel.js`` and its like."""

    def get(self, name: str) -> None:
        self.set_header("Content-Type", send_file(self, name))
        self.finish()
