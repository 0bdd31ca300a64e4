from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

from nbmlops.demo.callers import Callers
from nbmlops.serving.endpoint.records import Endpoint

ROWS = pd.DataFrame({"hour": [6, 7, None, 9], "carrier": ["UA", "DL", "B6", "AA"]}, index=["a", "b", "c", "d"])


class Answering(BaseHTTPRequestHandler):
    """Answers by the version 3, refuses UA, and hangs up on who is silent for a moment."""

    protocol_version = "HTTP/1.1"
    timeout = 0.2
    asked: ClassVar[list[tuple[str, str, object]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["dataframe_split"]
        self.asked.append((self.headers["X-Request-Id"], self.headers["Authorization"], body))
        self.send_response(422 if body["data"][0][1] == "UA" else 200)
        self.send_header("x-model-version", "3")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (tmp_path / "token").write_text("secret\n")
    Answering.asked.clear()
    yield Endpoint("delay@production", f"http://127.0.0.1:{server.server_port}", 1, 1, str(tmp_path / "token"))
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_row_is_a_request_of_its_own_and_refusals_are_counted(endpoint: Endpoint) -> None:
    with Callers(endpoint, many=2) as callers:
        answers = callers.ask(ROWS)
    assert (answers.given, answers.refused, dict(answers.by_version)) == (3, 1, {"v3": 3})
    asked = {name: (token, body) for name, token, body in Answering.asked}
    assert set(asked) == set("abcd")
    assert asked["c"] == ("Bearer secret", {"columns": ["hour", "carrier"], "data": [[None, "B6"]]})


def test_an_endpoint_that_hung_up_meanwhile_is_called_again(endpoint: Endpoint) -> None:
    with Callers(endpoint, many=1) as callers:
        callers.ask(ROWS)
        threading.Event().wait(0.5)
        assert callers.ask(ROWS).given == 3
