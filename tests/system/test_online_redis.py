"""The online store in a real Redis, which the test starts: the contract, and what becomes of reads when it is down."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from nbmlops.core.errors import UnavailableError
from nbmlops.features.online.port import OnlineStore
from nbmlops.features.online.redis_store import RedisStore
from nbmlops.workspace import Workspace
from tests.contracts.online import OnlineContract
from tests.features.conftest import flights
from tests.features.online.views import define_delays


class Server:
    """A server of Redis on loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.05)
        raise AssertionError("redis-server did not answer")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def store(server: Server) -> Iterator[OnlineStore]:
    made = RedisStore(server.url)
    yield made
    made.close()


class TestRedis(OnlineContract):
    """All of it."""


def test_many_servers_read_what_one_materialized_and_know_when_it_is_down(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_ONLINE", server.url)
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as here, Workspace.open(tmp_path) as there:
        here.data.save(flights(), "flights")
        define_delays(here)
        here.feature.materialize()
        known = here.feature.online("carrier=AA;carrier=DL", "delays")
        assert there.feature.online("carrier=AA;carrier=DL", "delays", down="stale") == known
        server.stop()
        with pytest.raises(UnavailableError, match=r"the online store 127\.0\.0\.1:\d+ cannot be reached"):
            here.feature.online("carrier=AA", "delays")
        old = there.feature.online("carrier=AA;carrier=DL", "delays", down="stale")
        assert old.values == known.values
        assert old.statuses["mean_delay"] == ["stale", "stale"]
        assert old.age is not None
        with pytest.raises(UnavailableError):
            there.feature.online("carrier=UA", "delays", down="stale")


def test_an_erasure_reaches_the_server_and_the_file_that_was_there_before(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, condition = tmp_path / "project", tmp_path / "where.txt"
    condition.write_text("carrier = 'UA'")
    with Workspace.init(folder) as alone:
        alone.data.save(flights(), "flights")
        define_delays(alone)
        alone.feature.materialize()
        file = alone.feature.online_store()
    monkeypatch.setenv("NBMLOPS_ONLINE", server.url)
    with Workspace.open(folder) as here, Workspace.open(folder) as there:
        here.feature.materialize()
        before = there.feature.online("carrier=AA;carrier=DL", "delays").values
        asked = {"where_file": condition, "yes": True, "derived": True}
        done = here.data.erase("flights", **asked)
        assert done.records is not None
        assert done.records["online keys of delays"] == 2  # one in the server, one in the file
        assert any("BGREWRITEAOF" in each for each in done.listed)
        assert there.feature.online("carrier=UA", "delays").statuses["flown"] == ["missing"]
        assert there.feature.online("carrier=AA;carrier=DL", "delays").values == before
        (known,) = file.slots()
        assert sorted(file.keys(known.id)) == ['["AA"]', '["DL"]']
        file.close()
        there.feature.materialize()
        assert there.feature.online("carrier=UA", "delays").statuses["flown"] == ["missing"]
        assert there.feature.online("carrier=AA;carrier=DL", "delays").values == before
        condition.write_text("carrier = 'DL'")
        server.stop()
        with pytest.raises(UnavailableError, match="the online store"):
            here.data.erase("flights", **asked)
        assert (here.data.load("flights")["carrier"] == "DL").any()
