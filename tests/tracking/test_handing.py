"""Processes of joblib log to one run at once."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.active import ActiveRun
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def work(run: ActiveRun, part: int) -> int:
    for step in range(50):
        run.log({f"loss.{part}": 1 / (1 + step)}, step=step)
    run.log(done=part)
    run.param({f"part.{part}": part})
    run.tag({f"who.{part}": "worker"})
    run.artifact(f"part {part}".encode(), f"{part}.txt")
    return os.getpid()


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_log_to_one_run_at_once(workspace: Workspace, backend: str) -> None:
    with workspace.run("grid") as run:
        processes = set(Parallel(n_jobs=2, backend=backend)(delayed(work)(run, part) for part in range(4)))
        run.log(whole=1)
    get_reusable_executor().shutdown()  # what a process that lives has said is in the catalog a moment later
    assert (os.getpid() in processes) == (backend == "threading")
    record = workspace.run.show("grid-1")
    assert record.status == "finished"
    assert record.params == {f"part.{part}": part for part in range(4)}
    assert record.tags == {f"who.{part}": "worker" for part in range(4)}
    assert sorted(record.artifacts) == [f"{part}.txt" for part in range(4)]
    for part in range(4):
        assert workspace.run.history("grid-1", f"loss.{part}") == [(step, 1 / (1 + step)) for step in range(50)]
    assert sorted(value for _, value in workspace.run.history("grid-1", "done")) == [0, 1, 2, 3]


def test_a_run_that_went_on_a_journey_is_the_same_run(workspace: Workspace) -> None:
    with workspace.run("grid") as run:
        other = pickle.loads(pickle.dumps(run))
        assert other.id == run.id
        other.log(auc=0.5)
        run.log(auc=0.6)
    assert [value for _, value in workspace.run.history("grid", "auc")] == [0.5, 0.6]
    with pytest.raises(InvalidError, match="the run grid-1 is finished"):
        pickle.loads(pickle.dumps(run)).param(late=True)
