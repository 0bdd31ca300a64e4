"""A web server on this machine that serves as others do: well, or with what goes wrong on the web."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["Page", "WebServer"]


@dataclass
class Page:
    """What lies at a path.

    `statuses` are answered first, one a request; `cut` is after how many bytes of an answer the connection closes;
    `sent` is called before the last byte of an answer is given: who has read the whole of it finds what `sent` did.
    """

    content: bytes
    etag: str | None = None
    written: str | None = None
    ranges: bool = True
    length: bool = True
    statuses: list[int] = field(default_factory=list)
    cut: int | None = None
    login: str | None = None
    query: str = ""
    onward: str | None = None
    packed: str | None = None
    sent: Callable[[Page], None] | None = None


class WebServer:
    """Listens on 127.0.0.1; `asked` has the headers of each request by its path, in order."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                server._answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that went away has seen enough."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        self.asked.append((path, dict(request.headers)))
        page = self.pages.get(path)
        request.close_connection = True
        if page is None:
            request.send_error(404)
        elif page.statuses:
            request.send_error(page.statuses.pop(0))
        elif page.login is not None and request.headers.get("Authorization") != page.login:
            request.send_error(401)
        elif query != page.query:
            request.send_error(403)
        elif page.onward:
            request.send_response(302)
            request.send_header("Location", page.onward)
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            self._send(request, page)

    def _send(self, request: BaseHTTPRequestHandler, page: Page) -> None:
        content, begin = page.content, 0
        asked = request.headers.get("Range", "")
        same = request.headers.get("If-Range") in {None, page.etag, page.written}
        if page.ranges and asked and same:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            request.send_response(200)
        body = content[begin:]
        told = {"ETag": page.etag, "Last-Modified": page.written, "Content-Encoding": page.packed}
        if page.length:
            told["Content-Length"] = str(len(body))
        for name, value in told.items():
            if value is not None:
                request.send_header(name, value)
        request.send_header("Connection", "close")
        request.end_headers()
        body = body if page.cut is None else body[: page.cut]
        request.wfile.write(body[:-1])
        request.wfile.flush()
        if page.sent is not None:
            page.sent(page)
        request.wfile.write(body[-1:])
