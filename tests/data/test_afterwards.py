"""Profiles made after saves: nobody waits for them, and nothing is lost when the process ends, forks or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.settings import Profiles
from nbmlops.data import afterwards
from nbmlops.data.afterwards import Afterwards, Pause
from nbmlops.profiling import profile
from nbmlops.workspace import Workspace

MARKER = "MARKER-7Q"
ROWS = 30_000


def flights(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({f"delay_{number}": random.normal(size=rows) for number in range(4)})
    frame["tail"] = [MARKER, *(f"N{number}" for number in random.integers(100, 140, rows - 1))]
    frame["day"] = random.integers(1, 32, rows)
    return frame


def wait_until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def kept(workspace: Workspace, ref: str) -> str | None:
    found: str | None = workspace.versions("data").resolve(ref).detail.get("profile")
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def later() -> Iterator[Afterwards]:
    made = Afterwards()
    yield made
    made.stop()


class Slow:
    """Work of many steps, which tells how many it has done."""

    def __init__(self) -> None:
        self.steps = 0
        self.begun = threading.Event()
        self.enough = threading.Event()

    def __call__(self, pause: Pause) -> None:
        self.begun.set()
        while not self.enough.is_set():
            pause()
            self.steps += 1
            time.sleep(0.001)


def test_a_table_is_profiled_after_its_save(workspace):
    saved = workspace.data.save(flights(), "flights")
    wait_until(lambda: kept(workspace, "flights"))
    found = kept(workspace, "flights")
    made = workspace.data.profile("flights")
    assert (made.of, made.digest, made.rows) == (saved.ref, saved.digest, ROWS)
    assert kept(workspace, "flights") == found
    of_memory = profile(flights())
    assert [column.counts for column in made.columns] == [column.counts for column in of_memory.columns]
    assert [column.hashes for column in made.columns] == [column.hashes for column in of_memory.columns]
    assert [column.bins for column in made.columns] == [column.bins for column in of_memory.columns]


def test_a_table_of_several_parts_is_profiled_as_a_whole(workspace):
    table = flights(300_000)
    table.index = pd.Index(np.arange(300_000)[::-1], name="key")
    workspace.data.save(table, "flights")
    wait_until(lambda: kept(workspace, "flights"))
    made, of_memory = workspace.data.profile("flights"), profile(table)
    assert made.names == of_memory.names
    assert made.column("day").counts == of_memory.column("day").counts
    assert made.column("delay_0").moments.mean == pytest.approx(of_memory.column("delay_0").moments.mean)
    assert made.comoments.correlations() == pytest.approx(of_memory.comoments.correlations())


@pytest.mark.parametrize(
    "asked", [Profiles(after_saves=False), Profiles(least=6 * ROWS + 1), Profiles(least=0, most=6 * ROWS - 1)]
)
def test_tables_that_the_settings_leave_out_wait_until_they_are_asked_for(workspace, asked):
    workspace.data.profiles = asked
    workspace.data.save(flights(), "flights")
    workspace.data.profiles = Profiles(least=1)
    workspace.data.save(flights()[:10], "few")
    wait_until(lambda: kept(workspace, "few"))
    assert kept(workspace, "flights") is None
    assert workspace.data.profile("flights").rows == ROWS


def test_the_settings_are_those_of_the_project(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.nbmlops.profiles]\nleast = 7\n", encoding="utf-8")
    with Workspace.init(tmp_path) as workspace:
        assert workspace.data.profiles == Profiles(least=7)


def test_what_is_asked_for_before_it_is_begun_is_made_at_once(workspace):
    workspace.data.save(flights(), "flights")
    assert workspace.data.profile("flights").rows == ROWS
    assert kept(workspace, "flights")


def test_what_is_asked_for_while_it_is_made_is_waited_for(later):
    slow = Slow()
    later.add("flights", slow)
    assert slow.begun.wait(20)
    threading.Timer(0.2, slow.enough.set).start()
    assert later.settle("flights")
    assert slow.enough.is_set()
    assert not later.settle("flights")


def test_nothing_goes_on_while_something_is_saved(later):
    slow = Slow()
    later.add("flights", slow)
    assert slow.begun.wait(20)
    with later.first():
        time.sleep(0.1)  # the step that was under way
        before = slow.steps
        time.sleep(0.2)
        assert slow.steps == before
    wait_until(lambda: slow.steps > before)


def test_a_save_that_follows_another_finds_nothing_begun(later):
    with later.first():
        slow = Slow()
        later.add("flights", slow)
    assert not slow.begun.wait(0.1)
    assert slow.begun.wait(20)


def test_only_the_newest_of_many_wait(later):
    done: list[int] = []
    with later.first():
        for number in range(100):
            later.add(number, lambda _, number=number: done.append(number))
    wait_until(lambda: 99 in done)
    assert done == list(range(68, 100))


def test_what_fails_is_logged_and_nothing_else(later, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(afterwards._LOG, "info", lambda text, **_: said.append(text))
    done: list[int] = []

    def fails(_: Pause) -> None:
        raise OSError("the disk is gone")

    with later.first():
        later.add("first", fails)
        later.add("second", lambda _: done.append(2))
    wait_until(lambda: done)
    assert said == ["what was to be done after a save failed"]


def test_a_table_that_is_gone_when_its_turn_comes_leaves_nothing_behind(workspace):
    with workspace.data._later.first():  # or it may be done before the table is gone
        saved = workspace.data.save(flights(), "flights")
        workspace.objects.purge([workspace.versions("data").get(saved.id).root])
    workspace.data.save(flights().assign(day=1), "others")
    wait_until(lambda: kept(workspace, "others"))
    assert kept(workspace, "flights") is None


def test_the_thread_is_gone_when_all_is_done(workspace):
    workspace.data.save(flights(), "flights")
    wait_until(lambda: kept(workspace, "flights"))
    wait_until(lambda: not [each for each in threading.enumerate() if each.name == "nbmlops-afterwards"])


def test_an_erasure_takes_what_was_about_to_be_kept(workspace, condition):
    workspace.data.save(flights(), "flights")
    wait_until(lambda: kept(workspace, "flights"))
    workspace.data.save(flights().assign(day=1), "flights")
    time.sleep(0.45)  # about when the second profile is begun
    assert workspace.data.erase("flights", where_file=condition, yes=True).ok
    assert not any("profile" in version.detail for version in workspace.versions("data").everything())
    assert not holding_the_marker(workspace)


def test_an_erasure_takes_what_another_process_keeps_meanwhile(workspace, condition):
    workspace.data.profiles = Profiles(after_saves=False)
    workspace.data.save(flights(), "flights")
    found: list[object] = []

    def profiled(_: int) -> None:
        if not found:
            with Workspace.open(workspace.marker.root) as other:
                found.append(other.data.profile("flights").column("tail").counts)

    assert workspace.data.erase("flights", where_file=condition, yes=True, progress=profiled).ok
    assert MARKER in str(found)
    assert not holding_the_marker(workspace)


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{MARKER}'\n", encoding="utf-8")
    return path


def holding_the_marker(workspace: Workspace) -> list[str]:
    with workspace.catalog._reader.connect() as connection:
        objects = connection.exec_driver_sql("SELECT digest FROM object").scalars().all()
    return [digest for digest in objects if MARKER.encode() in workspace.objects.read(digest)]


SAVES = f"""
import os, sys, time
import numpy as np, pandas as pd
from nbmlops.workspace import Workspace
workspace = Workspace.open(sys.argv[1])
frame = pd.DataFrame(np.random.default_rng(0).normal(size=({ROWS}, 100)), columns=[f"c{{n}}" for n in range(100)])
workspace.data.save(frame, "wide")
"""


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SAVES + script, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("wait", [0, 0.7])
def test_a_process_may_end_at_any_moment(tmp_path, wait):
    Workspace.init(tmp_path).close()
    done = run(tmp_path, f"time.sleep({wait})")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with Workspace.open(tmp_path) as workspace:
        assert workspace.store.verify(full=True).ok
        assert workspace.data.profile("wide").rows == ROWS


@pytest.mark.parametrize("wait", [0.6, 0.9])
def test_a_process_may_be_killed_at_any_moment(tmp_path, wait):
    Workspace.init(tmp_path).close()
    done = run(tmp_path, f"time.sleep({wait}); os.kill(os.getpid(), {signal.SIGKILL.value})")
    assert done.returncode == -signal.SIGKILL
    with Workspace.open(tmp_path) as workspace:
        assert workspace.store.verify(full=True).ok
        assert workspace.data.profile("wide").rows == ROWS


FORKS = """
from nbmlops.data import afterwards
workspace.data.profiles = type(workspace.data.profiles)(least=1)
for turn in range(8):
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        with Workspace.open(sys.argv[1]) as own:
            assert len(own.data.load("wide", columns="c0")) == len(frame)
            own.data.save(frame[:100], f"child-{turn}")
            own.data.profile(f"child-{turn}")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(len(workspace.data.list()))
"""


def test_a_process_may_fork_while_a_profile_is_made(tmp_path):
    Workspace.init(tmp_path).close()
    done = run(tmp_path, FORKS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "9\n", "")


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_begins_without_what_its_parent_left_for_later():
    later = Afterwards()
    with later.first():
        later.add("flights", lambda _: None)
        child = os.fork()
        if child == 0:
            os._exit(0 if not later.settle("flights") and later._thread is None else 1)
        assert os.waitpid(child, 0)[1] == 0
    later.stop()
