"""An endpoint follows its alias, keeps what is good, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, UnavailableError
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.serving.endpoint.tokens import Token, make
from tests.serving.endpoint.places import Client, fitted, project
from tests.serving.endpoint.test_answers import INFER, ROWS, protocol


def eventually(what: Callable[[], Any], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.05)


@pytest.fixture
def served(tmp_path: Path) -> Any:
    with project(tmp_path) as workspace:
        endpoint = workspace.serve("delay@production", workers=2, logs=True)
        yield workspace, endpoint, Client.of(endpoint)
        if workspace.serve():
            workspace.serve(stop=True)


def test_the_alias_is_followed_and_a_worker_that_is_killed_is_replaced(served: Any) -> None:
    workspace, endpoint, client = served

    def version() -> str:
        found = client.ask(INFER, protocol(ROWS))
        assert found.status == 200
        assert found.headers["x-model-version"] == found.json["model_version"]
        return found.headers["x-model-version"]

    assert version() == "1"
    workspace.model.promote("delay@v2")
    eventually(lambda: {version() for _ in range(8)} == {"2"})

    before = psutil.Process(endpoint.pid).children()
    before[0].kill()
    before[0].wait()
    eventually(lambda: len([each for each in psutil.Process(endpoint.pid).children() if each.is_running()]) == 2)
    eventually(lambda: {version() for _ in range(8)} == {"2"})  # the other one may have been the later to follow

    log = Path(endpoint.log).read_text()
    assert " infer 200 " in log
    assert str(ROWS["wind"][0]) not in log
    assert client.token not in log


def test_what_is_in_flight_is_answered_when_it_is_stopped(served: Any) -> None:
    workspace, endpoint, client = served
    assert client.ask(INFER, protocol(ROWS)).status == 200
    (stopped,) = workspace.serve("delay", stop=True)
    assert stopped.stopped
    assert workspace.serve() == []
    eventually(lambda: not psutil.pid_exists(endpoint.pid) or psutil.Process(endpoint.pid).status() == "zombie")


def test_workers_end_when_whoever_keeps_them_is_killed(served: Any) -> None:
    workspace, endpoint, _ = served
    workers = psutil.Process(endpoint.pid).children()
    os.kill(endpoint.pid, signal.SIGKILL)
    eventually(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers))
    assert workspace.serve() == []


def test_a_new_token_in_the_file_makes_the_old_one_expire(served: Any) -> None:
    _, endpoint, client = served
    Path(endpoint.token_file).write_text("another-token-of-some-length\n")
    eventually(lambda: all(client.ask("/v2").status == 401 for _ in range(8)))
    assert Client(client.address, "another-token-of-some-length").ask("/v2").status == 200


def test_a_cell_lists_and_stops_what_it_started(tmp_path: Path) -> None:
    with project(tmp_path) as workspace:
        endpoint = workspace.serve("delay@v2")
        assert isinstance(endpoint, Endpoint)
        assert workspace.serve() == [endpoint]
        assert Client.of(endpoint).ask(INFER, protocol(ROWS)).json["model_version"] == "2"
        assert stat.S_IMODE(Path(endpoint.token_file or "").stat().st_mode) == 0o600
        assert workspace.serve("delay@v2", stop=True)[0].pid == endpoint.pid
        with pytest.raises(NotFoundError, match="nothing serves delay"):
            workspace.serve("delay", stop=True)


def test_what_cannot_be_served_says_why(tmp_path: Path) -> None:
    with project(tmp_path) as workspace:
        workspace.model.save(fitted(), "bare")
        with pytest.raises(NotFoundError, match="staging"):
            workspace.serve("delay@staging")
        with pytest.raises(UnavailableError, match="cannot listen"):
            workspace.serve("delay@v1", host="192.0.2.1")
        assert workspace.serve() == []


def test_a_token_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert make(path)
    assert make(path) is None
    path.chmod(0o644)
    with pytest.raises(RefusedError, match="others may read"):
        Token(path).read()
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(InvalidError, match="at least 16"):
        make(path)
