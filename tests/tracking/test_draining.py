"""From journals to the catalog: once and only once, whoever is killed, whether the catalog is there or not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import UnavailableError
from nbmlops.tracking.queries import metrics
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def journals(workspace: Workspace) -> list[Path]:
    return sorted((workspace.marker.state / "journal").glob("*.ndjson"))


def in_another_process(workspace: Workspace, code: str, *, killed: bool = True) -> None:
    end = "\nos.kill(os.getpid(), signal.SIGKILL)" if killed else ""
    script = f"import os, signal, sys; from nbmlops import Workspace\nw = Workspace.open(sys.argv[1])\n{code}{end}"
    done = subprocess.run([sys.executable, "-c", script, str(workspace.marker.root)], check=False)
    assert done.returncode == (-signal.SIGKILL if killed else 0)


def test_what_a_killed_process_logged_is_there_when_somebody_looks(workspace: Workspace) -> None:
    in_another_process(workspace, "r = w.run('gbm', params={'depth': 4})\nfor i in range(100): r.log(loss=i, step=i)")
    record = workspace.run.show("gbm")
    assert (record.status, record.params, record.metrics) == ("killed", {"depth": 4}, {"loss": 99.0})
    assert workspace.run.history("gbm", "loss") == [(i, float(i)) for i in range(100)]
    assert journals(workspace) == []


def test_a_process_that_ends_leaves_no_journal(workspace: Workspace) -> None:
    in_another_process(workspace, "with w.run('gbm') as r: r.log(loss=1)", killed=False)
    assert journals(workspace) == []
    assert workspace.run.show("gbm").status == "finished"


def test_a_workspace_that_was_closed_is_not_asked_for_at_the_end(workspace: Workspace) -> None:
    code = "with w.run('gbm') as run: run.log(loss=1)\nw.close(); shutil.rmtree(sys.argv[1])"
    script = f"import shutil, sys; from nbmlops import Workspace\nw = Workspace.open(sys.argv[1])\n{code}"
    line = [sys.executable, "-c", script, str(workspace.marker.root)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_others_see_it_soon_without_anybody_reading_here(workspace: Workspace) -> None:
    run = workspace.run("gbm")
    run.log(loss=1)
    with Workspace.open(workspace.marker.root) as other:
        deadline = time.monotonic() + 20
        while not other.run.list() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert other.run.show("gbm").metrics == {"loss": 1.0}


def test_a_batch_that_comes_twice_is_kept_once(workspace: Workspace) -> None:
    run = workspace.run("gbm")
    run.log(loss=1, step=0)
    assert len(workspace.run.history("gbm", "loss")) == 1
    run.log(loss=2, step=1)
    drain = workspace.run.recording._drain
    drain._applied.clear()  # as when the commit was made and its answer was lost
    drain._taken = 0
    assert workspace.run.history("gbm", "loss") == [(0, 1.0), (1, 2.0)]


def test_logging_goes_on_while_the_catalog_is_away_and_is_there_when_it_is_back(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    with workspace.run("gbm") as run:
        run.log(loss=1)
        workspace.run.show("gbm")
        workspace.catalog.close()
        catalog = workspace.catalog.path
        catalog.rename(catalog.with_suffix(".away"))
        catalog.mkdir()
        for number in range(50):
            run.log(loss=number)
        with pytest.raises(UnavailableError):
            workspace.run.list()
        catalog.rmdir()
        catalog.with_suffix(".away").rename(catalog)
    assert len(workspace.run.history("gbm", "loss")) == 51
    assert workspace.run.show("gbm").status == "finished"
    capfd.readouterr()


def test_damaged_lines_cost_only_themselves_and_the_file_is_kept(workspace: Workspace) -> None:
    in_another_process(workspace, "r = w.run('gbm')\nfor i in range(3): r.log(loss=i, step=i)")
    (path,) = journals(workspace)
    content = bytearray(path.read_bytes())
    content[content.index(b'"loss":1') + 7] ^= 1
    path.write_bytes(content)
    assert workspace.run.history("gbm", "loss") == [(0, 0.0), (2, 2.0)]
    assert journals(workspace) == []
    assert path.with_suffix(".damaged").exists()


def test_the_catalog_remembers_no_journal_that_is_gone(workspace: Workspace) -> None:
    for _ in range(3):
        in_another_process(workspace, "w.run('gbm').log(loss=1)")
        workspace.run.list()
    in_another_process(workspace, "w.run('gbm').log(loss=1)", killed=False)
    from nbmlops.tracking.queries import journals as kept

    assert workspace.catalog.read(lambda c: kept.known(c, "")) == []


def test_a_forked_child_logs_to_its_parents_run(workspace: Workspace) -> None:
    code = """
run = w.run('gbm')
run.log(loss=0, step=0)
child = os.fork()
if child == 0:
    run.log(loss=1, step=1)
    w.run.recording.close()
    os._exit(0)
os.waitpid(child, 0)
run.log(loss=2, step=2)
run.finish()
"""
    in_another_process(workspace, code, killed=False)
    assert workspace.run.history("gbm", "loss") == [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert workspace.run.show("gbm").status == "finished"


@pytest.mark.parametrize("leaving", ["pass", "sys.exit(3)"])
def test_a_forked_child_that_leaves_the_body_does_not_end_the_run(workspace: Workspace, leaving: str) -> None:
    code = f"""
with w.run('gbm') as run:
    run.log(loss=0)
    w.run.list()
    child = os.fork()
    if child == 0:
        {leaving}
    else:
        os.waitpid(child, 0)
        assert w.run.show('gbm').status == 'running'
        run.log(loss=2)
if child == 0:
    os._exit(0)
"""
    in_another_process(workspace, code, killed=False)
    record = workspace.run.show("gbm")
    assert (record.status, record.error) == ("finished", None)
    assert workspace.run.history("gbm", "loss") == [(0, 0.0), (1, 2.0)]


def test_a_param_that_two_processes_give_two_values_stops_nothing_and_both_are_kept(workspace: Workspace) -> None:
    code = """
with w.run('gbm') as run:
    w.run.list()
    child = os.fork()
    if child == 0:
        run.param(depth=2, seed=1)
        w.run.recording.close()
        os._exit(0)
    os.waitpid(child, 0)
    run.param(depth=3, seed=1, rate=0.1)
    run.log(loss=1)
"""
    in_another_process(workspace, code, killed=False)
    with workspace.run("after") as run:
        run.log(loss=2)
    record = workspace.run.show("gbm")
    assert (record.status, record.metrics) == ("finished", {"loss": 1.0})
    assert record.params == {"depth": 2, "seed": 1, "rate": 0.1}
    assert record.tags == {"conflict.depth": "3"}
    with Workspace.open(workspace.marker.root) as other:
        assert [run.name for run in other.run.list()] == ["after-1", "gbm-1"]


POINTS = st.lists(
    # SQLite does not keep the sign of a zero.
    st.tuples(st.sampled_from("ab"), st.none() | st.integers(-5, 5), st.floats().map(lambda value: value + 0.0)),
    max_size=40,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("points") / "project") as made:
        yield made


@settings(deadline=None)
@given(points=POINTS, cuts=st.lists(st.integers(0, 40), max_size=3))
def test_points_in_any_batches_are_kept_as_they_came(
    shared: Workspace, points: list[tuple[str, int | None, float]], cuts: list[int]
) -> None:
    run, catalog = uuid.uuid4().hex, shared.catalog
    told = [metrics.Point(run, key, step, number, value) for number, (key, step, value) in enumerate(points)]
    for start, end in pairwise([0, *sorted(cuts), len(told)]):
        catalog.transact(lambda c, some=told[start:end]: metrics.add(c, some))
    last = catalog.read(lambda c: metrics.last(c, [run]))[run]
    for key in "ab":
        expected: list[tuple[int, float]] = []
        for point in told:
            if point.key == key:
                highest = max((step for step, _ in expected), default=-1)
                expected.append((highest + 1 if point.step is None else point.step, point.value))
        found = catalog.read(lambda c, key=key: metrics.history(c, run, key))
        assert repr(found) == repr(sorted(expected, key=lambda pair: pair[0]))
        assert repr(last.get(key)) == repr(found[-1][1] if found else None)
        numbers = [(value, step) for step, value in expected if value == value]  # noqa: PLR0124
        drawn = catalog.read(lambda c, key=key: metrics.extremes(c, run, key, 100))
        assert drawn == sorted({pair[::-1] for pair in (min(numbers), max(numbers))} if numbers else [])


def test_a_million_points_are_thinned_and_no_peak_is_lost(workspace: Workspace) -> None:
    told = [metrics.Point("r", "loss", step, step, 1 / (1 + step)) for step in range(100_000)]
    told[54_321] = told[54_321]._replace(value=7.0)
    workspace.catalog.transact(lambda c: metrics.add(c, told))
    drawn = workspace.catalog.read(lambda c: metrics.extremes(c, "r", "loss", 50))
    assert (54_321, 7.0) in drawn
    assert 20 <= len(drawn) <= 50
    assert [step for step, _ in drawn] == sorted(step for step, _ in drawn)
