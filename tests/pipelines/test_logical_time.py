"""A run that stands for a time commits once for it, whoever asks and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.core.errors import ConflictError, StepFailedError
from nbmlops.pipelines.ledger import WHOLE, Claimant, Slot
from nbmlops.workspace import Workspace
from tests.pipelines.project import START, TOTAL, make, states, write

AT = "2013-04-01T06:00:00Z"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make(tmp_path / "project")


def test_the_second_run_for_a_time_is_the_first(workspace: Workspace) -> None:
    first = workspace.pipeline.run("sums", logical_time=AT)
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", TOTAL, "changed = True")
    again = workspace.pipeline.run("sums", logical_time="2013-04-01T08:00:00+02:00")
    assert again.run.id == first.run.id
    assert states(again) == {"1_make": "skipped", "2_sum": "skipped"}
    assert {step.why for step in again.steps} == {f"{AT} has committed already, with {first.run.name}"}
    assert len(workspace.run.list(experiment="sums")) == 1
    assert first.run.tags["logical_time"] == AT
    assert workspace.pipeline.run("sums", logical_time=AT, cache=False).run == first.run


def test_another_time_and_other_parameters_are_other_runs(workspace: Workspace) -> None:
    runs = [
        workspace.pipeline.run("sums", logical_time=AT),
        workspace.pipeline.run("sums", logical_time="2013-04-02T06:00:00Z"),
        workspace.pipeline.run("sums", {"factor": "3"}, logical_time=AT),
    ]
    assert len({done.run.id for done in runs}) == 3


def test_a_time_whose_run_failed_is_run_again_with_what_was_mended(workspace: Workspace) -> None:
    notebook = workspace.marker.root / "notebooks" / "2_sum.ipynb"
    write(notebook, "factor: int = 2", "raise ValueError('not today')")
    with pytest.raises(StepFailedError, match="not today"):
        workspace.pipeline.run("sums", logical_time=AT)
    write(
        workspace.marker.root / "notebooks" / "1_make.ipynb",
        "rows: int = 10",
        START,
        'ml.data.save(pd.DataFrame({"n": [1]}), "raw")',
    )
    write(notebook, "factor: int = 2", TOTAL.replace("raw.n", "raw.n + 1"))
    done = workspace.pipeline.run("sums", logical_time=AT)
    assert states(done) == {"1_make": "completed", "2_sum": "completed"}
    assert workspace.pipeline.run("sums", logical_time=AT).run.id == done.run.id


def test_a_time_that_somebody_else_runs_is_refused_and_left_alone(workspace: Workspace) -> None:
    plan = workspace.pipeline._planner.plan("sums", {})
    other = workspace.run.start("sums", kind="pipeline")
    slot = Slot("sums", AT, plan.parameters_digest, WHOLE)
    workspace.pipeline._runner._ledger.claim(slot, Claimant(other.id, ""))
    with pytest.raises(ConflictError, match="is being run by somebody else"):
        workspace.pipeline.run("sums", logical_time=AT)
    assert workspace.data.list() == []
    workspace.run.finish(other.id, "killed")
    assert workspace.pipeline.run("sums", logical_time=AT).run.status == "finished"
