"""Callers of an HTTP server from one process: each has a connection and asks again when it has its answer."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

__all__ = ["Load", "asked"]


@dataclass(frozen=True)
class Load:
    """What came of it: requests in a second, and milliseconds within which half and 99 % were answered."""

    rate: float
    p50: float
    p99: float


class _Caller(asyncio.Protocol):
    """One connection; it reads as much of HTTP/1.1 as the servers here speak: a head with the body's length."""

    def __init__(self, request: bytes, until: float, done: asyncio.Future[list[float]]) -> None:
        self._request = request
        self._until = until
        self._done = done
        self._taken: list[float] = []
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, body = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._end(RuntimeError(f"{head[:60]!r} {body[:300]!r}"))
            return
        now = time.perf_counter()
        self._taken.append(now - self._began)
        self._heard = b""
        if now < self._until:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, _: Exception | None) -> None:
        self._end(RuntimeError("the server has closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if self._done.done():
            return
        if error is None:
            self._done.set_result(self._taken)
        else:
            self._done.set_exception(error)
        self._transport.close()


def asked(port: int, path: str, body: bytes, callers: int, seconds: float, token: str | None = None) -> Load:
    """Ask for some seconds."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def run() -> tuple[list[list[float]], float]:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        until = began + seconds
        waiting = []
        for _ in range(callers):
            done: asyncio.Future[list[float]] = loop.create_future()
            await loop.create_connection(lambda done=done: _Caller(request, until, done), "127.0.0.1", port)  # type: ignore[misc]
            waiting.append(done)
        return await asyncio.gather(*waiting), time.perf_counter() - began

    lists, took = asyncio.run(run())
    times = sorted(one for each in lists for one in each)
    return Load(len(times) / took, 1e3 * statistics.median(times), 1e3 * times[int(0.99 * (len(times) - 1))])
