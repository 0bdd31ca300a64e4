"""A pipeline over times of the past, and what a schedule of a real pipeline starts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.core.errors import AmbiguousError, ConflictError, InvalidError, NotFoundError
from nbmlops.core.signs import StepProgress
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, write
from tests.pipelines.schedules.bench import MovedClock, opened, passed

pytestmark = pytest.mark.notebook
BROKEN = 'assert day != "2026-11-03"'


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nsums = ["notebooks/*.ipynb"]\n')
    write(root / "notebooks" / "1_make.ipynb", 'day: str = "2026-11-01"\nrows: int = 10', RAW)
    with opened(root, MovedClock()) as made:
        yield made


def states(workspace: Workspace, **options: object) -> dict[str, str]:
    done = workspace.pipeline.backfill("sums", "2026-11-01", "2026-11-04", {"day": "due:%Y-%m-%d"}, **options)
    return {time.logical_time[8:10]: time.state for time in done.times}


def test_times_of_the_past_are_run_once_and_those_that_failed_again(workspace: Workspace) -> None:
    workspace.schedule.add("sums@working", "0 6 * * *", tz="Europe/Berlin")
    path = workspace.marker.root / "notebooks" / "1_make.ipynb"
    write(path, 'day: str = "2026-11-01"\nrows: int = 10', RAW, BROKEN)
    said: list[StepProgress] = []
    assert states(workspace, dry_run=True) == dict.fromkeys(("01", "02", "03", "04"), "to run")
    assert workspace.run.list() == []
    first = states(workspace, parallel=2, progress=said.append)
    assert first == {"01": "completed", "02": "completed", "03": "failed", "04": "completed"}
    assert {(sign.step[8:10], sign.state) for sign in said if sign.state != "running"} == {
        ("01", "completed"),
        ("02", "completed"),
        ("03", "failed"),
        ("04", "completed"),
    }
    write(path, 'day: str = "2026-11-01"\nrows: int = 10', RAW)
    assert states(workspace, reprocess="none")["03"] == "left"
    assert states(workspace) == {"01": "left", "02": "left", "03": "completed", "04": "left"}
    assert states(workspace, reprocess="completed", dry_run=True) == dict.fromkeys(("01", "02", "03", "04"), "to run")
    done = workspace.pipeline.backfill(
        "sums", "2026-11-02", "2026-11-02", {"day": "due:%Y-%m-%d"}, reprocess="completed"
    )
    assert [time.state for time in done.times] == ["completed"]
    runs = [run for run in workspace.run.list(100) if run.kind == "pipeline" and run.status == "finished"]
    again = [run.tags["logical_time"] for run in runs]
    assert sorted(again) == sorted([*(f"2026-11-0{day}T05:00:00Z" for day in (1, 2, 3, 4)), "2026-11-02T05:00:00Z"])


def test_a_backfill_needs_to_know_when_it_was_due(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no schedule starts sums"):
        states(workspace)
    workspace.schedule.add("sums@working", "0 6 * * *")
    workspace.schedule.add("sums@working", "0 7 * * *", name="later")
    assert len(states(workspace, dry_run=True)) == 4
    workspace.schedule.rename("sums", "early")
    with pytest.raises(AmbiguousError, match="several schedules start sums: early, later"):
        states(workspace)
    assert len(workspace.pipeline.backfill("later", "2026-11-01", "2026-11-02", dry_run=True).times) == 2


@pytest.mark.parametrize(
    ("start", "end", "options", "said"),
    [
        ("yesterday", "2026-11-04", {}, "neither a day nor a time"),
        ("2026-11-04", "2026-11-01", {}, "comes before"),
        ("2026-11-01T06:00", "2026-11-04", {}, "does not say in which zone"),
        ("2026-11-01T07:00Z", "2026-11-01T08:00Z", {}, "was not due from"),
        ("2026-11-01", "2026-11-04", {"parallel": 0}, "is none at all"),
        ("2026-11-01", "2026-11-04", {"reprocess": "faild"}, "reprocess cannot be 'faild'"),
        ("2026-11-01", "2026-11-04", {"cron": None, "tz": "UTC"}, "only a cron line has a time zone"),
        ("2026-11-01", "2026-11-04", {"cron": "* * * * *", "pace": 2}, "a backfill has no 'pace'"),
        ("2026-01-01", "2026-11-04", {"cron": "* * * * *"}, "more than 10,000 times"),
    ],
)
def test_a_backfill_that_cannot_be_is_refused(
    workspace: Workspace, start: str, end: str, options: dict[str, object], said: str
) -> None:
    workspace.schedule.add("sums@working", "0 6 * * *")
    with pytest.raises(InvalidError, match=said) as raised:
        workspace.pipeline.backfill("sums@working", start, end, **{"dry_run": True, **options})
    assert raised.value.hint


def test_what_runs_is_the_frozen_version_and_the_working_copy_only_when_asked_for(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="there is no frozen version sums@production") as raised:
        workspace.schedule.add("sums", every="1h")
    assert "pipeline promote sums" in str(raised.value.hint)
    with pytest.raises(NotFoundError, match="there is no pipeline named 'smus'"):
        workspace.schedule.add("smus", every="1h")
    workspace.pipeline.promote("sums")
    frozen = workspace.pipeline.history("sums")[0]
    notebook = workspace.marker.root / "notebooks" / "1_make.ipynb"
    write(notebook, 'day: str = "2026-11-01"\nrows: int = 20', RAW)
    workspace.schedule.add("sums", every="1h")
    workspace.schedule.add("sums@working", every="1h", name="trial")
    clock = workspace.clock
    assert isinstance(clock, MovedClock)
    clock.move(hours=1)
    fires = {fire.schedule: fire for fire in passed(workspace, parallel=1)}
    assert {fire.state for fire in fires.values()} == {"completed"}
    assert workspace.run.show(str(fires["sums"].run)).tags["version"] == frozen.digest
    trial = workspace.run.show(str(fires["trial"].run))
    assert "version" not in trial.tags
    assert workspace.data.show("raw").rows == 20


def test_a_schedule_with_a_parameter_that_no_step_has_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="has a parameter 'dya'"):
        workspace.schedule.add("sums@working", every="1h", params={"dya": "due:%Y-%m-%d"})
    with pytest.raises(InvalidError, match="rows"):
        workspace.schedule.add("sums@working", every="1h", params={"rows": "due:%Y-%m-%d"})


def test_a_run_for_a_time_that_somebody_else_runs_waits_for_its_turn(workspace: Workspace) -> None:
    from nbmlops.pipelines.ledger import WHOLE, Claimant, Ledger, Slot

    workspace.schedule.add("sums@working", every="1h")
    clock = workspace.clock
    assert isinstance(clock, MovedClock)
    clock.move(hours=1)
    plan = workspace.pipeline._planner.plan("sums", {}, logical_time="2026-11-26T06:59:00Z")
    slot = Slot("sums", "2026-11-26T06:59:00Z", plan.parameters_digest, WHOLE)
    other = workspace.run.start("sums", kind="pipeline")
    ledger = Ledger(workspace.catalog, clock, workspace.run.writer_lives)
    ledger.claim(slot, Claimant(other.id, ""))
    assert passed(workspace) == []
    (fire,) = workspace.schedule.history("sums")
    assert (fire.state, "being run by somebody else" in str(fire.note)) == ("waiting", True)
    workspace.run.finish(other.id, "failed")
    clock.move(seconds=10)
    assert [(fire.state, fire.note) for fire in passed(workspace)] == [("completed", None)]
    with pytest.raises(ConflictError, match="has committed already"):
        ledger.claim(slot, Claimant(other.id, ""))


def test_the_daemon_prints_a_line_for_each_fire_and_with_json_a_line_of_json(workspace: Workspace) -> None:
    def nbmlops(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nbmlops", "schedule", *words]
        return subprocess.run(command, cwd=workspace.marker.root, capture_output=True, text=True, check=True)

    nbmlops("add", "sums@working", "* * * * *", "-p", "day=due:%Y-%m-%d")
    row = {"reached": workspace.schedule.show("sums").created_at.replace(year=2020)}
    from nbmlops.pipelines.schedules import queries

    workspace.catalog.transact(lambda c: queries.change_schedule(c, "sums", row))
    fire, vigil = map(json.loads, nbmlops("run", "--once", "--json").stdout.splitlines())
    assert (fire["schedule"], fire["state"], fire["run"]) == ("sums", "completed", "sums-1")
    assert vigil["ended"] == {"completed": 1}
    shown = nbmlops("run", "--once").stdout.splitlines()
    assert shown[-1].startswith("watched for")
    assert "completed" in nbmlops("list").stdout
