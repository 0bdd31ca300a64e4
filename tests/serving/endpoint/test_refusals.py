"""Whatever is sent, the answer is a clear 4xx, and the endpoint goes on as it was."""

from __future__ import annotations

import base64
import http.client
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import psutil
import pytest

from nbmlops.serving.endpoint.records import Endpoint
from tests.serving.endpoint.hostile import changed
from tests.serving.endpoint.places import Client
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow

ROUTES = [
    *("/v2", "/v2/models/delay", "/v2/models/delay/ready", INFER, "/v2/models/delay/versions/1"),
    *("/v2/models/delay/versions/1/infer", "/invocations", "/metrics", "/docs", "/openapi.json", "/nothing", "/"),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
HEAD = b"wind,rain,delay,distance\n"
TOKENS = ["", "Bearer ", "Bearer wrong", "Basic d3Jvbmc=", "Basic %%%", "Bearer \xff", "Digest x", "Bearer"]


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_answers_without_the_token(client: Client, route: str) -> None:
    for method in METHODS:
        for token in TOKENS:
            found = raw(client, method, route, {"authorization": token} if token else {})
            assert found.status == 401, (method, token)


@pytest.mark.parametrize("route", [*ROUTES, "/v2/health/live"])
def test_no_route_answers_under_another_name_or_to_another_site(client: Client, route: str) -> None:
    mine = {"authorization": f"Bearer {client.token}"}
    for method in METHODS:
        for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", "", "localhost:80\t", "[::2]"):
            assert raw(client, method, route, {**mine, "host": host}).status in {400, 403}, (method, host)
        for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
            assert raw(client, method, route, {**mine, "origin": origin}).status == 403, (method, origin)


def test_health_needs_no_token_and_a_browser_may_give_it_as_a_password(client: Client) -> None:
    assert client.ask("/v2/health/ready", authorization="").status == 200
    word = base64.b64encode(f"me:{client.token}".encode()).decode()
    assert client.ask("/docs", authorization=f"Basic {word}").status == 200


def test_every_fault_is_told_with_its_row_and_column(client: Client) -> None:
    found = client.ask(INFER, changed(wind=["x", None], rain=[True, 1], distance=[1.5, 2**70]))
    assert found.status == 422
    assert found.json["faults"] == [
        {"row": 0, "column": "wind", "message": "'x' is no number"},
        {"row": 0, "column": "rain", "message": "True is no number"},
        {"row": 0, "column": "distance", "message": "1.5 is no whole number"},
        {
            "row": 1,
            "column": "distance",
            "message": "1.1805916207174113e+21 is no exact whole number, or does not fit into int64",
        },
    ]


def test_of_many_faults_twenty_are_told_and_the_others_counted(client: Client) -> None:
    found = client.ask("/invocations", {"inputs": {name: ["x"] * 15 for name in ROWS}})
    assert len(found.json["faults"]) == 20
    assert found.json["more"] > 0


def test_missing_and_extra_columns_are_named_together(client: Client) -> None:
    found = client.ask("/invocations", {"inputs": {"wind": [1.0], "rain": [1.0], "delays": [1.0], "distance": [1]}})
    assert found.status == 422
    told = {fault["column"]: fault["message"] for fault in found.json["faults"]}
    assert told.keys() == {"delay", "delays"}
    assert "did you mean delay" in told["delays"]


def test_a_null_that_the_model_cannot_take_is_the_callers_fault(client: Client) -> None:
    found = client.ask(INFER, changed(wind=[None, 1.0]))
    assert found.status == 422
    assert "NaN" in found.json["error"]


def test_a_compressed_arrow_stream_is_refused_before_it_is_read(client: Client) -> None:
    zeros = pd.DataFrame({name: np.zeros(9_000) for name in ROWS})
    found = client.ask(INFER, arrow(zeros, "zstd"), content_type="application/vnd.apache.arrow.stream")
    assert found.status == 415
    assert "compress" in found.json["error"]


def test_a_body_that_is_too_large_is_refused_by_its_length_or_as_it_comes(client: Client, endpoint: Endpoint) -> None:
    (worker,) = psutil.Process(endpoint.pid).children()
    before = worker.memory_info().rss
    place = urlsplit(client.address)
    head = {"authorization": f"Bearer {client.token}", "content-type": "application/json"}
    for framing in ({"content-length": str(2**30)}, {"transfer-encoding": "chunked"}):
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        connection.putrequest("POST", INFER)
        for name, value in (head | framing).items():
            connection.putheader(name, value)
        connection.endheaders()
        piece = b"[" * 65_536
        chunk = piece if "content-length" in framing else b"%x\r\n%s\r\n" % (len(piece), piece)
        for _ in range(1 if "content-length" in framing else 5):
            connection.send(chunk)
        assert connection.getresponse().status == 413
        connection.close()
    assert worker.memory_info().rss - before < 64 * 2**20


def test_paths_are_names_and_lead_nowhere_else(client: Client) -> None:
    for name in ("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e", "delay;x", "a%00b", "delay@v2", "\u202e"):
        for tail in ("", "/ready", "/infer", "/versions/1/infer", "/versions/..%2f1"):
            path = f"/v2/models/{name}{tail}".encode("ascii", "ignore").decode()
            found = raw(
                client, "POST" if tail.endswith("infer") else "GET", path, {"authorization": f"Bearer {client.token}"}
            )
            assert 400 <= found.status < 500, path


def raw(client: Client, method: str, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """A request with these headers alone."""
    place = urlsplit(client.address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.putrequest(method, path, skip_host="host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    connection.close()
    return response
