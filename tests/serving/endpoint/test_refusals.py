"""Whatever is sent, the answer is a clear 4xx, and the endpoint goes on as it was."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import psutil
import pytest

from nbmlops.serving.endpoint.records import Endpoint
from tests.serving.endpoint.places import Client
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow, protocol

ROUTES = [
    *("/v2", "/v2/models/delay", "/v2/models/delay/ready", INFER, "/v2/models/delay/versions/1"),
    *("/v2/models/delay/versions/1/infer", "/invocations", "/metrics", "/docs", "/openapi.json", "/nothing", "/"),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
HEAD = b"wind,rain,delay,distance\n"
TOKENS = ["", "Bearer ", "Bearer wrong", "Basic d3Jvbmc=", "Basic %%%", "Bearer \xff", "Digest x", "Bearer"]


def changed(**values: list[Any]) -> dict[str, Any]:
    """A request with other values in some columns."""
    body = protocol(ROWS.head(2))
    for tensor in body["inputs"]:
        tensor["data"] = values.get(tensor["name"], tensor["data"])
    return body


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


def hostile() -> list[tuple[str, bytes]]:
    """Bodies that no honest client sends, with their content types."""
    good = json.dumps(protocol(ROWS)).encode()
    values: list[Any] = [
        *(None, True, 0, "", [], {}, [[]], [{}], {"inputs": None}, {"inputs": {}}, {"inputs": [1]}),
        *({"inputs": [{}]}, {"inputs": [{"name": 1}]}, {"instances": None}, {"instances": 5}, {"instances": [[]]}),
        *({"dataframe_split": []}, {"dataframe_split": {"columns": 1, "data": 2}}, {"dataframe_records": [1, 2]}),
        *({"instances": [1], "inputs": [2]}, {"params": {}}, {"instances": [1], "params": 5}, {"x" * 10_000: 1}),
        {"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}},
        {"instances": [[1, 2, 3, 4]], "params": {"method": "__class__"}},
        {"inputs": [{"name": "wind", "shape": [10**12], "datatype": "FP64", "data": []}]},
        {"inputs": [{"name": "wind", "shape": [-1, 2**62], "datatype": "FP64", "data": [1]}]},
        {"inputs": [{"name": "x", "shape": [0, 0], "datatype": "FP64", "data": []}]},
        {"inputs": [{"name": "../../etc/passwd", "shape": [1], "datatype": "FP64", "data": [1]}]},
        {**protocol(ROWS), "outputs": [{"name": "__reduce__"}]},
        {**protocol(ROWS), "outputs": "predict"},
        {**protocol(ROWS), "id": ["a"]},
    ]
    strange: list[Any] = [None, True, "1", [1], {"a": 1}, "x" * 5_000, -(2**63) - 1, 1.5, "\u0000", "2020-01-01"]
    values += [changed(distance=[one, 1]) for one in strange]
    values += [changed(wind=[one, 1.0]) for one in strange if not isinstance(one, float | int) or one is True]
    bodies = [json.dumps(value).encode() for value in values]
    bodies += [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a":' * 30_000, b"NaN", b'{"instances":[[NaN,1,1,1]]}']
    bodies += [b'{"instances":[[1e999,1,1,1]]}', b'{"instances":[[Infinity,1,1,1]]}', b"\x00" * 100, good[:-1]]
    bodies += [b'{"instances":' + b"[1]," * 50_000, b"\xef\xbb\xbf" + good, b'{"inputs":"\\ud800"}', b"A" * 300_000]
    found = [("application/json", body) for body in bodies]
    csvs = [
        b"",
        b"wind\n1",
        b'"',
        b'wind,rain\n"1',
        b"\xff",
        b"wind,wind\n1,1",
        b"a," * 50_000,
        HEAD,
    ]
    csvs += [
        HEAD + b"1,2\n",
        HEAD + b"1,2,3,x\n",
        HEAD + b"1,2,inf,4",
    ]
    found += [("text/csv", body) for body in csvs]
    stream = arrow(ROWS)
    arrows = [
        b"",
        b"\xff\xff\xff\xff",
        stream[: len(stream) // 2],
        stream[:200],
        b"\xff\xff\xff\xff\x00\x00\x00\x7f" + stream,
    ]
    arrows += [stream[:at] + bytes([stream[at] ^ 0xFF]) * 4 + stream[at + 4 :] for at in range(0, 400, 16)]
    found += [("application/vnd.apache.arrow.stream", body) for body in arrows]
    kinds = ["text/plain", "application/x-pickle", "multipart/form-data", "application/octet-stream", "x" * 3_000]
    return found + [(kind, good) for kind in kinds]


def test_hostile_bodies_are_refused_clearly_and_leave_no_memory_behind(client: Client, endpoint: Endpoint) -> None:
    payloads = hostile()
    assert 2 * len(payloads) >= 220
    workers = psutil.Process(endpoint.pid).children()
    before = sum(worker.memory_info().rss for worker in workers)
    refused = 0
    for kind, body in payloads:
        for path in (INFER, "/invocations"):
            found = client.ask(path, body, content_type=kind)
            # A stream with some of its padding turned may still be a whole one.
            assert 400 <= found.status < 500 or (found.status == 200 and "arrow" in kind), (kind, body[:80], found)
            if found.status >= 400:
                refused += 1
                assert found.json["error"]
    grown = sum(worker.memory_info().rss for worker in workers) - before
    print(f"{refused} of {2 * len(payloads)} requests were refused; {grown / 2**20:.1f} MiB of growth")
    assert refused >= 180
    assert grown < 64 * 2**20
    assert psutil.Process(endpoint.pid).children() == workers


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
