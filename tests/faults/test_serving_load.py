"""Under constant load an alias moves, workers are killed and the catalog does not answer: what that costs callers."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nbmlops.serving.endpoint.records import Endpoint
from tests.faults.callers import Callers
from tests.serving.endpoint.places import Client, flights, project
from tests.serving.endpoint.test_answers import INFER, protocol
from tests.serving.endpoint.test_reload import eventually

if TYPE_CHECKING:
    from nbmlops import Workspace

pytestmark = pytest.mark.faults

SECONDS = float(os.environ.get("NBMLOPS_SOAK_SERVING", "6"))
MOVES, KILLS = (20, 10) if SECONDS >= 60 else (4, 2)
AWAY = SECONDS / 6
CALLERS = 16
FLUSHED = 1.0
LATE = 0.5
"""Seconds that a caller may take to read what its worker had written before it was killed."""


def worker_of(endpoint: Endpoint) -> psutil.Process:
    """A worker that callers are connected to."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(endpoint.pid).children():
            if "nbmlops.workspace.endpoint_worker" in child.cmdline() and connections(child):
                return child
        time.sleep(0.02)
    raise AssertionError("no worker answers")


def connections(process: psutil.Process) -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("tcp"))


def kill(endpoint: Endpoint) -> tuple[float, int]:
    """Kill a worker: when, and how many callers were connected to it, each of which waits for an answer."""
    victim = worker_of(endpoint)
    at = time.time()
    victim.send_signal(signal.SIGSTOP)
    waiting = connections(victim)
    victim.kill()
    return at, waiting


def disturb(workspace: Workspace, endpoint: Endpoint) -> list[tuple[float, int]]:
    """Move the alias and kill workers, evenly spread; then let the catalog answer nobody."""
    kills: list[tuple[float, int]] = []
    began, lasting = time.monotonic(), SECONDS - AWAY
    turns = sorted(
        [((number + 0.5) / MOVES, "move") for number in range(MOVES)]
        + [((number + 0.7) / KILLS, "kill") for number in range(KILLS)]
    )
    for number, (share, what) in enumerate(turns):
        time.sleep(max(0.0, began + share * lasting - time.monotonic()))
        if what == "kill":
            kills.append(kill(endpoint))
        else:
            workspace.model.promote(f"delay@v{1 + number % 2}")
    with closing(sqlite3.connect(workspace.marker.state / "catalog.db", isolation_level=None)) as catalog:
        catalog.execute("BEGIN EXCLUSIVE")
        time.sleep(AWAY)
        catalog.execute("ROLLBACK")
    return kills


def test_no_request_fails_but_those_in_flight_in_a_worker_that_is_killed(tmp_path: Path) -> None:
    rows = flights(3)
    with project(tmp_path) as workspace:
        wanted = {
            str(version): workspace.model.load(f"delay@v{version}").predict_proba(rows).ravel().tolist()
            for version in (1, 2)
        }
        endpoint = workspace.serve("delay@production", workers=2)
        assert isinstance(endpoint, Endpoint)
        body = json.dumps(protocol(rows)).encode()
        with Callers(Client.of(endpoint), INFER, body, wanted, CALLERS) as callers:
            kills = disturb(workspace, endpoint)
            # What the alias is on in the end answers everybody.
            last = str(workspace.model.show("delay@production").number)
            eventually(lambda: {answer.version for answer in callers.answers[-500:]} == {last})
        workspace.serve(stop=True)
        captured = workspace.deployment.captured.rows("delay", columns=["_id", "_version", "_worker"]).collect()
        counted = workspace.deployment.show("delay").traffic or ()

    in_flight = sum(waiting for _, waiting in kills)
    told = {answer.id: answer for answer in callers.answers}
    kept = {str(name).partition("#")[0]: str(version) for name, version, _ in captured.rows()}
    lost = told.keys() - kept.keys()
    by_version = Counter(answer.version for answer in callers.answers)
    print(
        f"\n{len(told):,} answered in {SECONDS:.0f} s by {CALLERS} callers ({dict(by_version)}), {MOVES} moves, "
        f"{len(kills)} kills with {in_flight} in flight: {len(callers.failed)} failed; {len(kept):,} captured, "
        f"{len(lost)} lost with their worker"
    )
    assert len(kills) == KILLS
    assert len(callers.failed) <= in_flight, callers.failed[:5]
    assert not any(why[:3].isdigit() for _, why in callers.failed), callers.failed[:5]
    assert all(answer.good for answer in callers.answers)
    assert by_version.keys() == {"1", "2"}
    # The captured are the answered, each once with the version that it was told.
    assert captured["_id"].n_unique() == captured.height == len(kept) * len(rows)
    assert all(kept[name] == answer.version for name, answer in told.items() if name in kept)
    early = [
        min((at - told[name].at for at, _ in kills if at > told[name].at - LATE), default=math.inf) for name in lost
    ]
    assert max(early, default=0.0) < FLUSHED, sorted(early)[-10:]
    assert kept.keys() - told.keys() <= {name for name, _ in callers.failed}
    assert sum(one.requests for one in counted) == len(kept)
