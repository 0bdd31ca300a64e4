"""The pipeline that trains the model is well while it runs, succeeds, and takes no longer than it did."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import NotFoundError
from tests.monitoring.conftest import Later


def ran(workspace: Workspace, clock: Later, *, minutes: float = 1, fails: bool = False) -> None:
    """A run of the pipeline, as the runner records it, an hour after the last."""
    clock.at += timedelta(hours=1)
    run = workspace.run.start("training", kind="pipeline")
    clock.at += timedelta(minutes=minutes)
    if fails:
        workspace.run.fail(run.id, ValueError("no rows"))
    else:
        workspace.run.finish(run.id, "finished")


def looked(workspace: Workspace) -> dict[str, Outcome]:
    (report,) = workspace.monitor.run("health")
    return {one.check: one for one in report.outcomes}


@pytest.fixture
def watched(workspace: Workspace, clock: Later) -> Workspace:
    ran(workspace, clock)
    workspace.monitor.add("health", "delay", "pipeline", reference="training", bound=2)
    return workspace


def test_a_pipeline_that_succeeds_is_well(watched: Workspace) -> None:
    found = looked(watched)
    assert {one.status for one in found.values()} == {"passed"}
    assert found["last run"].figure == "training-1 finished"


def test_a_failure_is_told_with_its_error_and_one_that_was_mended_only_warns(watched: Workspace, clock: Later) -> None:
    ran(watched, clock, fails=True)
    found = looked(watched)
    assert (found["last run"].status, found["last run"].detail) == ("failed", "ValueError: no rows")
    ran(watched, clock)
    found = looked(watched)
    assert (found["last run"].status, found["failed runs"].status) == ("passed", "warned")
    assert found["failed runs"].figure == "1 of 3 in the window"


def test_a_success_that_is_too_long_ago_fails(watched: Workspace, clock: Later) -> None:
    clock.at += timedelta(days=3)
    assert looked(watched)["age of the last success"].figure == "3.0 days"
    assert looked(watched)["age of the last success"].status == "failed"


def test_a_run_that_takes_twice_as_long_as_ever_warns(watched: Workspace, clock: Later) -> None:
    for minutes in (1, 1.5, 1, 1, 1):
        ran(watched, clock, minutes=minutes)
    assert looked(watched)["duration"].status == "passed"
    ran(watched, clock, minutes=4)
    assert looked(watched)["duration"].status == "warned"


def test_the_pipeline_that_trained_the_version_is_found_by_itself(workspace: Workspace, clock: Later) -> None:
    data = pd.DataFrame({"x": np.random.default_rng(1).random(100)})
    with workspace.run.start("training", kind="pipeline"):
        workspace.model.save(LogisticRegression().fit(data, data["x"] > 0.5), "delay", example=data)
    workspace.model.promote("delay", to="production")
    workspace.monitor.add("health", "delay", "pipeline")
    assert looked(workspace)["last run"].figure == "training-1 finished"


def test_a_pipeline_that_never_ran_and_a_version_that_none_trained_are_said(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no pipeline named trainning"):
        workspace.monitor.add("health", "delay", "pipeline", reference="trainning")
    workspace.monitor.add("health", "delay", "pipeline")
    (report,) = workspace.monitor.run("health")
    assert "was trained by no pipeline" in report.outcomes[0].detail
