"""Whatever is sent, the answer is a clear 4xx, nothing grows, and who has asked well is answered as before."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import psutil
import pytest
import uvicorn

from nbmlops import Workspace
from nbmlops.serving.endpoint import arrow as reading
from nbmlops.serving.endpoint import connection
from nbmlops.serving.endpoint.limits import Limits
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.serving.endpoint.refusals import Refusal
from tests.serving.endpoint.hostile import ARROW, Raw, answered, bodies, endless, raws, signed, turns
from tests.serving.endpoint.places import Client
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow, protocol
from tests.serving.endpoint.test_refusals import METHODS, ROUTES, raw
from tests.serving.endpoint.test_reload import eventually


@pytest.fixture
def grown(endpoint: Endpoint, client: Client) -> Iterator[list[int]]:
    """Bytes by which the workers have grown, at the end; they are still the same ones, and still answer."""
    client.ask(INFER, protocol(ROWS))
    workers = psutil.Process(endpoint.pid).children()
    before = sum(worker.memory_info().rss for worker in workers)
    found: list[int] = []
    yield found
    assert client.ask(INFER, protocol(ROWS)).status == 200
    assert psutil.Process(endpoint.pid).children() == workers
    found.append(sum(worker.memory_info().rss for worker in workers) - before)
    print(f"{found[0] / 2**20:.1f} MiB of growth")
    assert found[0] < 64 * 2**20


def test_every_body_that_is_none_is_refused(client: Client, grown: list[int]) -> None:
    payloads = bodies()
    statuses: Counter[int] = Counter()
    for path in (INFER, "/invocations"):
        for sent in payloads:
            found = client.ask(path, sent.body, content_type=sent.content_type, **sent.headers)
            assert 400 <= found.status < 500, (path, sent.content_type[:40], sent.body[:80], sent.headers)
            assert found.json["error"]
            statuses[found.status] += 1
    print(f"{sum(statuses.values())} hostile bodies, all refused: {dict(statuses)}")
    assert len(payloads) >= 180


def test_every_request_that_is_no_clear_http_is_refused(client: Client, grown: list[int]) -> None:
    statuses = {each.name: answered(client, each)[0] for each in raws()}
    print(f"{len(statuses)} unclear requests, all refused: {dict(Counter(statuses.values()))}")
    assert [name for name, status in statuses.items() if not 400 <= status < 500] == []
    assert len(statuses) >= 60


def test_what_has_no_end_is_refused_while_it_still_comes(client: Client, grown: list[int]) -> None:
    for begun, more in endless():
        status, sent = answered(client, begun, more, 16_384)  # a gigabyte, for whoever lets it come
        assert status in {413, 431}, begun.name
        assert sent < 64 * 2**20, begun.name


def test_a_token_that_has_expired_opens_nothing(client: Client, endpoint: Endpoint) -> None:
    assert endpoint.token_file is not None
    file = Path(endpoint.token_file)
    old = {"authorization": f"Bearer {client.token}"}
    try:
        file.write_text("another-token-of-enough-letters\n")
        eventually(lambda: raw(client, "GET", "/v2", old).status == 401)
        asked = [(method, route) for method in METHODS for route in ROUTES]
        assert {raw(client, method, route, old).status for method, route in asked} == {401}
        print(f"{len(asked)} routes and methods with the expired token: 401")
        assert replace(client, token="another-token-of-enough-letters").ask("/v2").status == 200
    finally:
        file.write_text(client.token + "\n")
        eventually(lambda: client.ask("/v2").status == 200)


def test_a_body_that_fits_its_digest_is_answered_and_another_is_not(client: Client) -> None:
    body = arrow(ROWS)
    good = client.ask(INFER, body, content_type=ARROW, **signed(body))
    assert good.status == 200
    both = f"{signed(body)['content_digest']}, crc32c=:AAAA:"
    assert client.ask(INFER, body, content_type=ARROW, content_digest=both).json["outputs"] == good.json["outputs"]
    for turned in turns(body, 100):
        refused = client.ask(INFER, turned, content_type=ARROW, **signed(body))
        assert refused.status == 400
        assert "damaged on its way" in refused.json["error"]


def test_a_turned_byte_of_a_stream_is_refused_or_changes_nothing_but_a_value() -> None:
    whole = arrow(ROWS)
    bound: Any = SimpleNamespace(most=1_000)
    good = reading.from_arrow(whole, bound)
    values = whole.index(ROWS["wind"].to_numpy().tobytes())
    counts: Counter[str] = Counter()
    for at, turned in enumerate(turns(whole, 1)):
        try:
            found = reading.from_arrow(turned, bound)
        except Refusal:
            counts["refused"] += 1
        else:
            changed = any(not np.array_equal(found[name], good[name], equal_nan=True) for name in ROWS)
            counts["a value" if changed else "of no meaning"] += 1
            assert not changed or values <= at < values + ROWS.to_numpy().nbytes + 256, at
    print(f"{len(whole)} turned bytes: {dict(counts)}")
    assert counts["refused"] > counts["a value"] + counts["of no meaning"]


@pytest.mark.parametrize("rows", [1, 5, 900])
def test_streams_of_other_writers_are_read(client: Client, rows: int) -> None:
    frame = pd.concat([ROWS] * (rows // 5 + 1)).head(rows)
    stream = pl.from_pandas(frame.reset_index(drop=True)).write_ipc_stream(None)
    found = client.ask("/invocations", stream.getvalue(), content_type=ARROW)
    asked = client.ask("/invocations", {"inputs": frame.to_dict(orient="list")})
    assert found.json["predictions"] == asked.json["predictions"]


@pytest.fixture
def hasty(workspace: Workspace) -> Iterator[Client]:
    """A server that waits for a quarter of a second."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(application, http=connection.connections(Limits(seconds=0.25)), port=0, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    (port,) = (each.getsockname()[1] for one in server.servers for each in one.sockets)
    yield Client(f"http://127.0.0.1:{port}", "")
    server.should_exit = True
    thread.join()


def test_a_head_that_drips_and_a_connection_that_says_nothing_are_closed(hasty: Client) -> None:
    assert answered(hasty, Raw("whole", b"GET / HTTP/1.1\r\n\r\n"))[0] == 200
    assert answered(hasty, Raw("silent", b""))[0] == 408
    status, sent = answered(hasty, Raw("slow", b"GET / HTTP/1.1\r\n"), b"x", pieces=1_000, pause=0.02)
    assert (status, sent < 500) == (408, True)


def test_a_connection_is_used_again_and_requests_may_come_in_one_piece(hasty: Client) -> None:
    import http.client

    place = hasty.address.removeprefix("http://")
    again = http.client.HTTPConnection(place, timeout=30)
    for _ in range(3):
        again.request("POST", "/", b"x" * 200_000)
        response = again.getresponse()
        assert (response.status, response.read()) == (200, b"")
        time.sleep(0.4)  # longer than a request may take
    again.close()
    one = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    assert answered(hasty, Raw("three", one * 3))[0] == 200
