"""What workers run on is noted while they live; of the dead, the last one stays until another begins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from nbmlops.core.errors import CorruptError
from nbmlops.serving.capture import environments
from nbmlops.serving.capture.environments import EnvironmentNote, worker_environments
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.segments import Place
from nbmlops.store.liveness import is_held
from tests.serving.conftest import NOON

HERE = {"python": "3.12.1", "distributions": {"numpy": "2.1.0"}, "cpu": "any"}
WORKER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from nbmlops.serving.capture.environments import EnvironmentNote
from nbmlops.serving.capture.segments import Place
note = EnvironmentNote(Place(Path(sys.argv[1]), "delay"), "killed")
note.write(datetime.now(UTC), [1], {"python": "3.12.1", "distributions": {}})
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def place(captured: Captured) -> Place:
    return captured.place("delay")


def test_workers_that_live_are_told_with_what_they_run_on_and_what_they_serve(place: Place) -> None:
    assert worker_environments(place) == []
    first, second = EnvironmentNote(place, "a"), EnvironmentNote(place, "b")
    first.write(NOON, [2, 1, 2], HERE)
    second.write(NOON, [3], HERE)
    second.write(NOON + timedelta(hours=1), [3, 4], HERE)
    found = worker_environments(place)
    assert [(one.worker, one.versions, one.alive) for one in found] == [("a", (1, 2), True), ("b", (3, 4), True)]
    assert (found[0].at, found[0].python, dict(found[0].distributions)) == (NOON, "3.12.1", {"numpy": "2.1.0"})
    first.close()
    assert [one.worker for one in worker_environments(place)] == ["b"]
    second.close()


def test_a_worker_that_notes_anew_is_not_taken_for_dead_by_others_that_look(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = EnvironmentNote(place, "a"), EnvironmentNote(place, "b")
    first.write(NOON, [1], HERE)
    noting = iter([2])

    def held(path: Path) -> bool | None:
        """As `is_held`, while the worker notes anew between its two steps."""
        if path.name != "a.json" or (version := next(noting, None)) is None:
            return is_held(path)
        old = path.with_suffix(".old")
        os.link(path, old)
        first.write(NOON, [version], HERE)
        try:
            return is_held(old)
        finally:
            old.unlink()

    monkeypatch.setattr(environments, "is_held", held)
    second.write(NOON, [1], HERE)
    told = [(one.worker, one.versions, one.alive) for one in worker_environments(place)]
    assert told == [("a", (2,), True), ("b", (1,), True)]


def test_of_the_dead_the_last_is_told_until_another_begins(place: Place) -> None:
    for hour, worker in enumerate(("a", "b")):
        note = EnvironmentNote(place, worker)
        note.write(NOON + timedelta(hours=hour), [1], HERE)
        note.close()
    assert [(one.worker, one.alive) for one in worker_environments(place)] == [("b", False)]
    note = EnvironmentNote(place, "c")
    note.write(NOON, [1], HERE)
    assert [(one.worker, one.alive) for one in worker_environments(place)] == [("c", True)]
    assert sorted(path.name for path in place.environments.iterdir()) == ["c.json"]
    note.close()


def test_a_worker_that_was_killed_is_dead(place: Place) -> None:
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(place.root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert [one.alive for one in worker_environments(place)] == [True]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert [(one.worker, one.alive) for one in worker_environments(place)] == [("killed", False)]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"worker": "a"}', b'{"at": 3}'])
def test_a_damaged_record_is_said_with_its_file(place: Place, content: bytes) -> None:
    place.environments.mkdir(parents=True)
    path: Path = place.environments / "a.json"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=r"a\.json is damaged"):
        worker_environments(place)
