"""What the handlers of both servers share: bodies that stay small as they come in, and files that are sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.jupyter.server.desk import LARGEST
from nbmlops.jupyter.server.files import served

if TYPE_CHECKING:
    from tornado import web

__all__ = ["Bounded", "send_file"]


class Bounded:
    """Keeps no more of a request's body than it may have, for a handler with `tornado.web.stream_request_body`."""

    _kept: bytearray

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body; tornado calls this."""
        if not hasattr(self, "_kept"):
            self._kept = bytearray()
        # One byte too many tells that it was too long; what follows is let go.
        self._kept += chunk[: LARGEST + 1 - len(self._kept)]

    def received(self) -> bytes:
        """The body, or the beginning of one that is too long."""
        return bytes(getattr(self, "_kept", b""))


def send_file(handler: web.RequestHandler, name: str) -> str:
    """Write a file to the answer, or only that the browser has it already; gives its content type."""
    file = served(name)
    handler.set_header("Cache-Control", "private, no-cache")
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("ETag", f'"{file.digest}"')
    if handler.check_etag_header():
        handler.set_status(304)
    else:
        handler.write(file.body)
    return file.content_type
