"""Where a request over HTTP becomes a question to the panels: checked, put to a workspace, answered in a thread.

A request is ``{"folder": "analysis/churn", "message": {…}}``. The folder is named from the server's root and lies
below it; the workspace is the one around it, as it is for a kernel that starts there. What the message may be is
`nbmlops.jupyter.panels.protocol`'s to say.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.version import __version__
from nbmlops.jupyter.server.workers import Busy, Workers
from nbmlops.workspace import layout

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["LARGEST", "Desk", "Reply"]

LARGEST = 256 * 1024
"""Bytes that the body of a request may have."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back.

    Attributes
    ----------
    status : int
        The status code of HTTP: 200 whenever the panels have answered, be it with an error.
    body : bytes
        JSON: ``{"ok": …}`` or ``{"error": {"message": …, "hint": …}}``.
    """

    status: int
    body: bytes


class _Refused(Exception):  # noqa: N818 - an answer, and it is sent
    """The request is none that the panels could answer."""

    def __init__(self, status: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.reply = Reply(status, _json({"error": {"message": message, "hint": hint}}))


class Desk:
    """Answers the requests of one server.

    Parameters
    ----------
    root : Path
        The folder that requests name folders in.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        # Actions may take an hour; who only looks does not wait for them.
        self._asks = Workers("nbmlops-ask", threads=4, waiting=64)
        self._acts = Workers("nbmlops-act", threads=4, waiting=16)

    async def panel(self, content_type: str, body: bytes, user: str | None = None) -> Reply:
        """Answer the body of a request to ``/nbmlops/api/panel``; `user` is who signed in, None who runs the server."""
        try:
            folder, message = _parsed(content_type, body)
            place = self._place(folder)
            workers = self._acts if "act" in message and not message.get("dry") else self._asks
            return await workers.do(partial(_answered, place, message, user))
        except _Refused as refused:
            return refused.reply
        except Busy:
            return _too_busy()

    async def where(self, folder: str, notebook: str = "") -> Reply:
        """Tell which workspace is around `folder`: its name, its id, and where it lies below the server's root.

        With a notebook, as a run names it, also where that lies; None where the server does not show it. The version
        is that of what answers, so that a page loaded from another can tell.
        """
        try:
            return await self._asks.do(partial(self._described, self._place(folder), notebook))
        except _Refused as refused:
            return refused.reply
        except Busy:
            return _too_busy()

    def _described(self, place: Path, notebook: str) -> Reply:
        from nbmlops.core.errors import NbmlopsError

        if layout.find(place) is None:
            return Reply(200, _json({"ok": None, "version": __version__}))
        try:
            marker = layout.locate(place)
        except NbmlopsError as error:
            return Reply(200, _json({"error": {"message": error.message, "hint": error.hint}}))
        known = {"name": marker.root.name, "id": marker.id, "path": self._below(marker.root)}
        if notebook:
            known["notebook"] = self._below(marker.root / notebook)
        return Reply(200, _json({"ok": known, "version": __version__}))

    def _below(self, path: Path) -> str | None:
        """Where something lies below the server's root; None when it does not, or is not there."""
        try:
            found = path.resolve()
            there = found.is_relative_to(self.root) and found.exists()
        except (OSError, RuntimeError, ValueError):
            return None
        return found.relative_to(self.root).as_posix() if there else None

    def _place(self, folder: str) -> Path:
        """The folder that a request names, links followed, and below the root."""
        try:
            place = (self.root / folder.lstrip("/")).resolve()
            if place.is_relative_to(self.root) and place.is_dir():
                return place
        except (OSError, RuntimeError, ValueError):  # a name too long, a circle of links, a zero byte
            pass
        # One answer for what is not there and for what lies outside, so that nobody learns which.
        raise _Refused(404, f"there is no folder {folder[:200]!r} here")


def _too_busy() -> Reply:
    return _Refused(503, "too many requests wait already", "try again in a moment").reply


def _parsed(content_type: str, body: bytes) -> tuple[str, dict[str, Any]]:
    if len(body) > LARGEST:
        raise _Refused(413, f"a request may have {LARGEST:,} bytes, and this one has more")
    # A form of another site can send text or fields, but not this without asking first.
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise _Refused(415, f"a request is application/json, not {content_type[:100] or 'nothing'}")
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise _Refused(400, "the request is no JSON") from None
    match request:
        case {"message": dict(message), "folder": str(folder)} if len(request) == 2:
            return folder, message
        case {"message": dict(message)} if len(request) == 1:
            return "", message
    raise _Refused(400, 'a request is {"folder": "…", "message": {…}}')


def _answered(place: Path, message: Mapping[str, Any], user: str | None) -> Reply:
    from nbmlops.jupyter.panels.protocol import answer
    from nbmlops.store.audit import acting

    try:
        with acting(user):
            return Reply(200, _json(answer(partial(_opened, place), dict(message))))
    except Exception:  # noqa: BLE001 - the server goes on, and the log has it whole
        # The person learns that it is not their fault, and the log where it happened.
        _log.exception("nbmlops: a panel could not answer")
        return _Refused(500, "nbmlops could not answer, by a fault of its own", "the server's log has it").reply


def _opened(place: Path) -> Workspace:
    from nbmlops.workspace.current import workspace

    return workspace(place)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
