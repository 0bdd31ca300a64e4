"""What stands before everything else: hosts, origins, the token, and bounds, for every route and method there is.

A route that is forgotten here is closed, not open: only the two of `_OPEN` are answered without a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.tokens import Token

__all__ = ["Gate", "Receive", "Scope", "Send", "read_body", "send_refusal"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready"})
_SAFE = frozenset({"GET", "HEAD"})
_SINGLE = frozenset({b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"origin"})
_CHALLENGE = (b"www-authenticate", b'Bearer realm="nbmlops", Basic realm="nbmlops: any name, the token as password"')
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Gate:
    """An ASGI application around another.

    Parameters
    ----------
    inner : callable
        The other one; it gets only what may come in.
    token : Token
        What callers have to show.
    hosts : iterable of str
        Values of the header ``Host`` that are this endpoint's, with and without the port.
    limits : Limits
        Bounds.
    refused : callable
        Gets the path's kind and the status of what is refused here.
    """

    def __init__(
        self,
        inner: Callable[[Scope, Receive, Send], Awaitable[None]],
        token: Token,
        hosts: Iterable[str],
        limits: Limits,
        refused: Callable[[int], None],
    ) -> None:
        self._inner = inner
        self._token = token
        self._hosts = frozenset(host.lower().encode() for host in hosts)
        self._origins = frozenset(scheme + host for host in self._hosts for scheme in (b"http://", b"https://"))
        self._limits = limits
        self._refused = refused
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        try:
            self._admit(scope)
        except Refusal as refusal:
            self._refused(refusal.status)
            await send_refusal(send, refusal)
            return
        self._inside += 1
        try:
            await self._inner(scope, receive, send)
        finally:
            self._inside -= 1

    def _admit(self, scope: Scope) -> None:
        given = scope["headers"]
        headers = dict(given)
        if len(headers) != len(given):
            _refuse_doubled(given)
        host = headers.get(b"host", b"")
        if host.lower() not in self._hosts:
            raise Refusal(403, "this endpoint does not go by that Host", "start it with --allow-host NAME")
        origin = headers.get(b"origin", b"")
        if origin and origin.lower() not in self._origins:
            raise Refusal(403, "a page of another site may not ask")
        if scope["path"] in _OPEN and scope["method"] in _SAFE:
            return
        if not self._token.fits(headers.get(b"authorization", b"")):
            raise Refusal(401, "the token is missing, or is another", "Authorization: Bearer …", headers=[_CHALLENGE])
        self._bound(headers)

    def _bound(self, headers: dict[bytes, bytes]) -> None:
        if len(headers) > 100:
            raise Refusal(431, f"the request has {len(headers)} headers, and 100 is the most")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refusal(415, "a compressed body is not read", "send it as it is")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._limits.body:
            raise Refusal(413, f"the body is larger than {self._limits.body:,} bytes", "send the rows in parts")
        if self._inside >= self._limits.requests:
            raise Refusal(
                429, "too many requests at a time", "send it again in a second", headers=[(b"retry-after", b"1")]
            )


def _refuse_doubled(given: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse two values where a proxy before us may have heeded the other one."""
    seen = set()
    for name, _ in given:
        if name in _SINGLE and name in seen:
            raise Refusal(400, f"the header {name.decode()} is there twice")
        seen.add(name)


async def read_body(receive: Receive, limits: Limits) -> bytes:
    """Read a body as far as it may go."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limits.body:
            raise Refusal(413, f"the body is larger than {limits.body:,} bytes", "send the rows in parts")
        return body
    try:
        async with asyncio.timeout(limits.seconds):
            return await _rest(message, receive, limits)
    except TimeoutError:
        raise Refusal(
            408, f"the body has not arrived in {limits.seconds:g} seconds", headers=[(b"connection", b"close")]
        ) from None


async def _rest(message: MutableMapping[str, Any], receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the connection was closed before the body had arrived")
        part = message.get("body", b"")
        size += len(part)
        if size > limits.body:
            raise Refusal(413, f"the body is larger than {limits.body:,} bytes", "send the rows in parts")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def send_refusal(send: Send, refusal: Refusal, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer with why not."""
    body = refusal.body()
    headers = [*_HEADERS, (b"content-length", b"%d" % len(body)), *refusal.headers, *more]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
