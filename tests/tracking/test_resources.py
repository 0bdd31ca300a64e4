"""What cells and runs took of the machine: measured here, summed, priced, kept and shown."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.render import json, text
from nbmlops.store.journal import Journal
from nbmlops.tracking import capture
from nbmlops.tracking.capture import CellLog
from nbmlops.tracking.records import Cell, Resources
from nbmlops.tracking.resources import Gauge, peaked, priced, summed
from nbmlops.workspace import Workspace
from tests.render.samples import DIGEST, NOW

amounts = st.none() | st.integers(min_value=0, max_value=1 << 40)
taken = st.builds(Resources, st.floats(0, 1e6), st.none() | st.floats(0, 1e6), amounts, amounts)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("NBMLOPS_COST_PER_HOUR", "3600")
    with Workspace.init(tmp_path / "project") as made:
        yield made


def burn() -> int:
    return sum(number * number for number in range(300_000))


def test_a_gauge_tells_what_was_taken_since_it_was_made(tmp_path: Path) -> None:
    gauge = Gauge()
    burn()
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x" * 1_000_000)
        file.flush()
        os.fsync(file.fileno())
    read = gauge.read()
    assert read is not None
    assert read.cpu_seconds is not None
    assert read.cpu_seconds > 0
    assert read.peak_memory is not None
    assert read.peak_memory > 10_000_000
    assert (read.written_bytes is not None) == Path("/proc/self/io").exists()
    assert read.cost is None


def test_children_that_have_ended_count() -> None:
    gauge = Gauge()
    code = "import resource; sum(n * n for n in range(2_000_000)); print(resource.getrusage(resource.RUSAGE_SELF)[0])"
    told = float(subprocess.check_output([sys.executable, "-c", code], text=True))
    read = gauge.read()
    assert read is not None
    assert read.cpu_seconds is not None
    assert read.cpu_seconds >= told


def test_a_small_program_does_not_tell_the_peak_of_the_one_that_started_it() -> None:
    held = bytearray(200_000_000)
    code = "from nbmlops.tracking.resources import Gauge; print(Gauge().read().peak_memory)"
    told = int(subprocess.check_output([sys.executable, "-c", code], text=True))
    assert told < len(held) or not Path("/proc/self/status").exists()


def test_a_forked_child_has_not_taken_what_its_parent_took() -> None:
    gauge = Gauge()
    child = os.fork()
    if child == 0:
        os._exit(0 if gauge.read() is None else 1)
    assert os.waitpid(child, 0)[1] == 0


@given(st.lists(st.none() | taken, max_size=5))
def test_what_cells_took_together(found: list[Resources | None]) -> None:
    cells = [Cell(0, None, DIGEST, "", None, NOW, 0.0, "completed", resources=each) for each in found]
    total = summed(cells)
    known = [each for each in found if each is not None]
    assert (total is None) == (not known)
    if total is None:
        return
    assert total.seconds == sum(each.seconds for each in known)
    for name, combined in (("cpu_seconds", sum), ("peak_memory", max), ("written_bytes", sum)):
        values = [value for each in known if (value := getattr(each, name)) is not None]
        assert getattr(total, name) == (combined(values) if values else None)


@given(taken, st.floats(0, 1e4))
def test_the_cost_is_that_of_the_time(resources: Resources, rate: float) -> None:
    with_cost = priced(resources, rate)
    assert with_cost is not None
    assert with_cost.cost == pytest.approx(resources.seconds * rate / 3600)
    assert priced(resources, None) == resources
    assert priced(None, rate) is None


@given(taken, st.lists(st.none() | taken, max_size=5))
def test_the_peak_of_a_run_is_at_least_that_of_its_cells(own: Resources, found: list[Resources | None]) -> None:
    cells = [Cell(0, None, DIGEST, "", None, NOW, 0.0, "completed", resources=each) for each in found]
    peaks = [each.peak_memory for each in (own, *found) if each is not None and each.peak_memory is not None]
    assert peaked(own, cells) == replace(own, peak_memory=max(peaks, default=None))
    assert peaked(None, cells) is None


def test_a_run_keeps_what_it_took_and_shows_it(workspace: Workspace) -> None:
    with workspace.run("gbm"):
        capture.log.begin("a", "x = 1", 1)
        burn()
        capture.log.end(True)
    record = workspace.run.show("gbm")
    assert record.resources is not None
    assert record.resources.cost == pytest.approx(record.resources.seconds)
    (cell,) = record.cells
    assert cell.resources is not None
    assert cell.resources.cpu_seconds is not None
    assert record.resources.cpu_seconds is not None
    assert 0 < cell.resources.cpu_seconds <= record.resources.cpu_seconds
    assert cell.resources.cost == pytest.approx(cell.resources.seconds)
    shown = text(record, detail=True)
    assert "of processor, peak memory" in shown
    assert "(of the process so far)" in shown
    assert ", cost 0." in shown
    assert json(record)["resources"]["peak_memory"] == record.resources.peak_memory
    assert json(record)["cells"][0]["resources"]["cpu_seconds"] == cell.resources.cpu_seconds
    assert workspace.run.list()[0].resources == record.resources


def test_a_run_that_ends_in_another_process_took_what_its_cells_took_there(workspace: Workspace) -> None:
    run = workspace.run("gbm")
    log = CellLog()
    log.begin("a", "x = 1", 1)
    cell = log.end(True)
    assert cell is not None
    with Workspace.open(workspace.marker.root) as other:
        workspace.run.recording.settle()
        other.run.end(run.id, "finished", cells=[cell])
    record = workspace.run.show("gbm")
    assert record.resources is not None
    assert cell.resources is not None
    assert record.resources.seconds == cell.resources.seconds


def test_a_journal_of_before_tells_runs_without_what_they_took(workspace: Workspace) -> None:
    with workspace.run("gbm"):
        pass
    workspace.run.show("gbm")
    journal = Journal(workspace.marker.state / "journal")
    at = 1_700_000_000_000_000
    fields = {"id": "ab" * 16, "experiment": "old", "kind": "run", "parent_id": None, "notebook": None, "writer": None}
    journal.append("begin", {**fields, "started_at": at, "environment": "e"}, {}, {})
    cell = {"position": 0, "cell_id": None, "digest": DIGEST, "source": "x", "count": 1, "started_at": at}
    journal.append("end", "ab" * 16, "finished", at, None, [{**cell, "seconds": 1.0, "status": "completed"}])
    journal.close()
    record = workspace.run.show("old")
    assert (record.status, record.resources, record.cells[0].resources) == ("finished", None, None)
    assert "\n  took" not in text(record, detail=True)
