"""A run is stopped from another process or thread, through the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops.core.errors import InvalidError, StoppedError
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        yield made


def slowly(workspace: Workspace, seconds: int = 60) -> None:
    """Let the second step take long in its third cell, and print before that."""
    cells = ('print("so far so good", flush=True)', f"import time; time.sleep({seconds})")
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", 'ml.data.load("raw")', *cells)


def until(found: Callable[[], Any]) -> Any:
    """What is found, as soon as it is there."""
    for _ in range(600):
        if there := found():
            return there
        time.sleep(0.1)
    raise AssertionError("it did not come")


@pytest.fixture
def running(workspace: Workspace) -> Iterator[tuple[threading.Thread, list[BaseException]]]:
    """A run of ``sums`` in a thread, whose second step waits."""
    slowly(workspace)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            workspace.pipeline.run("sums")
        except BaseException as error:  # noqa: BLE001 - it is what the test looks at
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield thread, raised
    thread.join(30)


def test_a_run_is_followed_cell_by_cell_and_stopped_from_another_workspace(
    workspace: Workspace, running: tuple[threading.Thread, list[BaseException]]
) -> None:
    thread, raised = running
    with Workspace.open(workspace.marker.root) as other:

        def second() -> Any:
            if not other.run.list(1, experiment="sums"):
                return None
            live = other.pipeline.follow("sums")
            return next((step for step in live.steps if step.name == "2_sum" and step.cell == 6), None)

        step = until(second)
        assert (step.state, step.done, step.cells) == ("running", 4, 5)
        assert step.seconds > 0
        texts = [
            out.get("text") for cell in other.pipeline.cells_of(step.run)["cells"] for out in cell.get("outputs", [])
        ]
        assert ["so far so good\n"] in texts or "so far so good\n" in texts
        asked = other.pipeline.stop(step.run)
        assert (asked.name, asked.status) == ("sums-1", "running"), "the step's run stands for its pipeline's"
        thread.join(30)
        assert not thread.is_alive()
        assert isinstance(raised[0], StoppedError)
        ended = other.pipeline.follow("sums-1")
        assert ended.run.status == "killed"
        assert "was stopped by" in (ended.run.error or {})["value"]
        assert {step.name: step.state for step in ended.steps} == {"1_make": "completed", "2_sum": "cancelled"}
        with pytest.raises(InvalidError, match="sums-1 has ended: it is killed"):
            other.pipeline.stop("sums-1")
        slowly(workspace, 0)
        done = other.pipeline.resume("sums-1")
        assert done.run.status == "finished"
        assert {step.name: step.state for step in other.pipeline.follow(done.run.name).steps} == {
            "1_make": "skipped",
            "2_sum": "completed",
        }


def test_a_schedules_run_that_is_stopped_has_failed_and_is_not_started_again(workspace: Workspace) -> None:
    slowly(workspace)
    workspace.schedule.add("sums@working", on="data:flights")
    workspace.data.save(pd.DataFrame({"a": [1]}), "flights")
    daemon = threading.Thread(target=lambda: workspace.schedule.run(once=True))
    daemon.start()
    with Workspace.open(workspace.marker.root) as other:
        until(lambda: other.run.list(1, where="kind = 'step' and status = 'running'"))
        other.pipeline.stop("sums")
        daemon.join(60)
        assert not daemon.is_alive()
        (fire,) = other.schedule.history("sums")
        assert (fire.state, fire.run) == ("failed", None)
        assert "sums-1 was stopped by" in (fire.note or "")
        assert len(other.run.list(10, where="kind = 'pipeline'")) == 1


def test_what_is_no_run_of_a_pipeline_is_not_stopped_or_followed(workspace: Workspace) -> None:
    with workspace.run("gbm"), pytest.raises(InvalidError, match="gbm-1 is no run of a pipeline"):
        workspace.pipeline.stop("gbm-1")
    with pytest.raises(InvalidError, match="gbm-1 is no run of a pipeline"):
        workspace.pipeline.follow("gbm-1")


def test_a_step_tells_how_long_it_usually_takes(workspace: Workspace) -> None:
    workspace.pipeline.run("sums")
    workspace.pipeline.run("sums", cache=False)
    for step in workspace.pipeline.follow("sums").steps:
        assert step.expected is not None
        assert step.cell is None, "it has ended"
