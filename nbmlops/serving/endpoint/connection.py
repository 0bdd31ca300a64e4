"""One connection, with bounds on what comes before there is a request that `gate` could judge.

uvicorn keeps a request's head as long as it grows, and waits for it as long as it takes, before anybody is asked for a
token. Here a head, or the trailer of a chunked body, may have so many bytes; and a request has to be whole in time,
also one that was refused when its head had come.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.refusals import Refusal

__all__ = ["connections"]

_LINGER = 1.0  # seconds


def connections(limits: Limits) -> type[asyncio.Protocol]:
    """The kind of connection that uvicorn is to make for each caller."""
    return type("BoundedConnection", (_Connection,), {"limits": limits})


class _Connection(HttpToolsProtocol):
    limits: Limits

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._since = 0  # bytes since a head was whole, or a part of a body came
        self._open = False  # whether a request has begun that is not whole
        self._ahead = True  # whether its head is not whole
        self._timer: asyncio.TimerHandle | None = None
        self._deaf = False  # whether it was refused, and what still comes is dropped

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request, and not for ever."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds."""
        if self._deaf:
            return
        self._since += len(data)
        super().data_received(data)
        self._bound()

    def _bound(self) -> None:
        if self._deaf or self.transport.is_closing():
            return
        if not self._open:
            self._disarm()
        elif self._since > self.limits.head:
            self._refuse(Refusal(431, f"the head of the request is larger than {self.limits.head:,} bytes"))
        elif self._timer is None:
            self._arm()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._open = self._ahead = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one after the body would be unknown to whoever has judged the head."""
        if self._ahead:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if not self.url.startswith(b"/"):  # such as http://another.host/v2, which would have the last word over Host
            raise ValueError("the request's target is no path")
        super().on_headers_complete()
        self._since, self._ahead = 0, False

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._since = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._since, self._open, self._ahead = 0, False, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was given; what of its request still comes is dropped, and not for long."""
        super().on_response_complete()
        if self._open and not self._ahead and not self.transport.is_closing():
            self._disarm()
            self._timer = self.loop.call_later(_LINGER, self.transport.close)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn says no more than that
        """Refuse what is no HTTP, in the words of all other refusals."""
        self._refuse(Refusal(400, "this is no request of HTTP/1.1"))

    def _arm(self) -> None:
        # Later than the bound of `read_body`, which gives a reason while somebody waits for the answer.
        self._timer = self.loop.call_later(1.2 * self.limits.seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._answering():
            self._arm()
        else:
            self._refuse(Refusal(408, "the request has not arrived in time"))

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own types leave out that there may be none
        return cycle is not None and not cycle.response_complete

    def _refuse(self, refusal: Refusal) -> None:
        """Say why and close; where the word is another answer's, only close."""
        in_turn = not self._answering() if self._ahead else self._answering() and not self.cycle.response_started
        self._disarm()
        if not in_turn or self.transport.is_closing():
            self.transport.close()
            return
        body = refusal.body()
        status = HTTPStatus(refusal.status)
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, status.phrase.encode(), len(body), body)
        )
        # Closing while bytes still come would take the answer back from whoever sends them before they read it.
        self._deaf = True
        if self._answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._timer = self.loop.call_later(_LINGER, self.transport.close)
