"""A proxy between a client of S3 and its server that fails as networks and servers do, by a seed."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["FaultProxy", "Faults"]

_ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>%s</Message></Error>"


@dataclass(frozen=True, slots=True)
class Faults:
    """How often, from 0 to 1, a request ends otherwise.

    `stall` in seconds is longer than the client waits; so many requests as `after` says pass before.
    """

    errors: float = 0.0
    stalls: float = 0.0
    truncations: float = 0.0
    resets: float = 0.0
    denials: float = 0.0
    stall: float = 1.5
    after: int = 0


class FaultProxy:
    """Listens on 127.0.0.1 and hands on to a server there; `counts` has what it did to how many requests."""

    def __init__(self, port: int, faults: Faults, seed: int = 0) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        self._port = port
        self._random = random.Random(seed)
        self._guard = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, TimeoutError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                proxy._answer(self)

        for verb in ("PUT", "POST", "HEAD", "DELETE"):
            setattr(Handler, f"do_{verb}", Handler.do_GET)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                """A client that went away is what this is about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _fate(self) -> str:
        faults = self.faults
        with self._guard:
            if sum(self.counts.values()) < faults.after:
                self.counts["passed"] += 1
                return "passed"
            drawn = self._random.random()
            for name in ("errors", "stalls", "truncations", "resets", "denials"):
                drawn -= getattr(faults, name)
                if drawn < 0:
                    break
            else:
                name = "passed"
            self.counts[name] += 1
            return name

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fate = self._fate()
        if fate == "stalls":
            time.sleep(self.faults.stall)
            _reset(request)
        elif fate == "errors":
            code, said = self._random.choice(
                [(500, b"InternalError"), (503, b"SlowDown"), (503, b"ServiceUnavailable")]
            )
            _send(request, code, {}, _ERROR % (said, b"we encountered an error"))
        elif fate == "denials":
            _send(request, 403, {}, _ERROR % (b"InvalidAccessKeyId", b"the access key you gave does not exist"))
        else:
            self._hand_on(request, body, fate)

    def _hand_on(self, request: BaseHTTPRequestHandler, body: bytes, fate: str) -> None:
        onward = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            onward.request(request.command, request.path, body, dict(request.headers))
            answer = onward.getresponse()
            content = answer.read()
        finally:
            onward.close()
        if fate == "resets":  # the server has done it, and nobody hears of it
            _reset(request)
            return
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        if request.command == "HEAD":
            headers["Content-Length"] = answer.getheader("Content-Length", "0")
        cut = len(content) // 2 if fate == "truncations" and content else None
        _send(request, answer.status, headers, content, cut)


_SAID = [(500, b"InternalError"), (503, b"SlowDown"), (503, b"ServiceUnavailable")]
_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


def _send(
    request: BaseHTTPRequestHandler, code: int, headers: dict[str, str], content: bytes, cut: int | None = None
) -> None:
    request.send_response(code)
    for name, value in headers.items():
        request.send_header(name, value)
    if request.command != "HEAD":
        request.send_header("Content-Length", str(len(content)))
    elif "Content-Length" not in headers:
        request.send_header("Content-Length", "0")
    request.end_headers()
    if request.command == "HEAD":
        return
    request.wfile.write(content if cut is None else content[:cut])
    if cut is not None:
        request.wfile.flush()
        request.close_connection = True


def _reset(request: BaseHTTPRequestHandler) -> None:
    """Close the connection as a machine that lost power does."""
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.close_connection = True
    request.connection.close()
