"""One step: when it runs again, and what is there when it is stopped at any point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbmlops.core.errors import UnavailableError
from nbmlops.pipelines import queries, taking_over
from nbmlops.pipelines.ledger import Ledger, Slot
from nbmlops.tracking.active import ActiveRun
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, TOTAL, make, states, write


class StopError(Exception):
    """What a test raises at the moment that it is about."""


def stop(*_: object, **__: object) -> None:
    raise StopError


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        yield made


def slots(workspace: Workspace, run: str) -> dict[str, str | None]:
    """State of each step of a pipeline run in the ledger."""
    record = workspace.run.show(run)
    plan = workspace.pipeline._planner.plan("sums", record.params)
    keys = {name: Slot("sums", record.id, plan.parameters_digest, name) for name in ("1_make", "2_sum")}
    rows = {name: workspace.catalog.read(lambda c, s=slot: queries.slot(c, s.key)) for name, slot in keys.items()}
    return {name: row.state if row else None for name, row in rows.items()}


def outputs(workspace: Workspace, run: str) -> dict[Any, str]:
    record = workspace.run.show(run)
    return workspace.catalog.read(lambda c: queries.outputs(c, record.id))


def test_a_change_in_a_module_of_the_project_runs_the_step_again(workspace: Workspace) -> None:
    notebooks = workspace.marker.root / "notebooks"
    (notebooks / "helpers.py").write_text("from shared.scale import SCALE")
    (workspace.marker.root / "shared").mkdir()
    scale = workspace.marker.root / "shared" / "scale.py"
    scale.write_text("SCALE = 2")
    imports = "import sys; sys.path.insert(0, '..')\nfrom helpers import SCALE as factor"
    write(notebooks / "2_sum.ipynb", "", imports, TOTAL)
    assert workspace.pipeline.run("sums").run.metrics == {"total": 90.0}
    assert states(workspace.pipeline.run("sums")) == {"1_make": "skipped", "2_sum": "skipped"}
    scale.write_text("SCALE = 30")
    changed = workspace.pipeline.run("sums")
    assert states(changed) == {"1_make": "skipped", "2_sum": "completed"}
    assert changed.run.metrics == {"total": 1350.0}


def test_a_steps_end_and_its_row_of_the_ledger_are_one(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Ledger.commit

    def late(*given: Any) -> None:
        commit(*given)
        raise StopError

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", late)
        with pytest.raises(StopError):
            workspace.pipeline.run("sums")
    assert [workspace.run.show(name).status for name in ("sums", "1_make")] == ["failed", "failed"]
    assert slots(workspace, "sums") == {"1_make": "failed", "2_sum": None}
    assert states(workspace.pipeline.run("sums")) == {"1_make": "completed", "2_sum": "completed"}

    with monkeypatch.context() as patch:
        patch.setattr(taking_over, "add_tags", stop)
        with pytest.raises(StopError):
            workspace.pipeline.run("sums")
    assert (slots(workspace, "sums"), outputs(workspace, "sums")) == ({"1_make": None, "2_sum": None}, {})
    again = workspace.pipeline.run("sums")
    assert slots(workspace, "sums") == {"1_make": "committed", "2_sum": "committed"}
    assert again.run.tags == {"skipped.1_make": "1_make-2", "skipped.2_sum": "2_sum-1"}


def test_no_run_is_left_running_when_there_is_no_room_for_its_notebook(workspace: Workspace) -> None:
    (workspace.marker.state / "runs").write_text("a file where the folder should be")
    with pytest.raises(UnavailableError, match=r"cannot make the folder .*runs"):
        workspace.pipeline.run("sums")
    assert {run.name: run.status for run in workspace.run.list()} == {"1_make-1": "failed", "sums-1": "failed"}
    assert slots(workspace, "sums") == {"1_make": "failed", "2_sum": None}


def test_no_run_is_left_running_when_its_metrics_cannot_be_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActiveRun, "log", stop)
    with pytest.raises(StopError):
        workspace.pipeline.run("sums")
    assert {run.name: run.status for run in workspace.run.list(experiment="sums")} == {"sums-1": "failed"}


def test_two_steps_may_log_a_metric_of_one_name(workspace: Workspace) -> None:
    notebooks = workspace.marker.root / "notebooks"
    write(notebooks / "1_make.ipynb", "rows: int = 10", RAW, "ml.log(total=float(rows))\nml.log(rows=rows)")
    first = workspace.pipeline.run("sums")
    assert first.run.metrics == {"1_make.total": 10.0, "2_sum.total": 90.0, "rows": 10.0}
    again = workspace.pipeline.run("sums")
    assert (set(states(again).values()), again.run.metrics) == ({"skipped"}, first.run.metrics)
    # The run that skipped knows what its steps logged, too.
    promoted = workspace.pipeline.promote("sums", against=again.run.name)
    assert promoted.report is not None
    checks = [outcome.check for outcome in promoted.report.outcomes]
    assert [name for name in checks if name.startswith("metric")] == [
        "metric 1_make.rows is reproduced",
        "metric 1_make.total is reproduced",
        "metric 2_sum.total is reproduced",
    ]
