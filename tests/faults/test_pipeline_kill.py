"""Kill -9 a pipeline's run at any moment: what is there is whole, and the next run carries on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from nbmlops.pipelines import queries
from nbmlops.store.schema import ledger
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, TOTAL, states, write

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_PIPELINE_KILLS", "8"))
LONGEST = 9.0
MEAN = 'total = ml.data.load("total")\nml.data.save(total.mean().to_frame("mean"), "mean")'

pytestmark = [pytest.mark.faults, pytest.mark.notebook, pytest.mark.slow]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nsums = ["notebooks/*.ipynb"]\n')
    write(root / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW)
    write(root / "notebooks" / "2_sum.ipynb", "factor: int = 2", TOTAL)
    write(root / "notebooks" / "3_mean.ipynb", "", MEAN)
    Workspace.init(root).close()
    return root


def killed(root: Path, factor: int, seconds: float) -> None:
    """Start a run in a session of its own and kill its process; its kernels are left to find out by themselves."""
    command = [sys.executable, "-m", "nbmlops", "pipeline", "run", "sums", "-p", f"factor={factor}"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)


def judge(workspace: Workspace) -> None:
    """Check that the store is whole, no run seems to run, and what has a name was written for a run that committed."""
    checked = workspace.store.verify()
    assert checked.ok, checked.damages
    runs = workspace.run.list(1_000)
    assert {run.status for run in runs} <= {"finished", "failed", "killed"}
    committed = [run for run in runs if run.kind == "pipeline" and run.status == "finished"]
    outputs = [workspace.catalog.read(lambda c, r=run: queries.outputs(c, r.id)) for run in committed]
    written = {(name, digest) for found in outputs for (_, name), digest in found.items()}
    named = {(one.name, one.digest) for data in workspace.data.list() for one in workspace.data.history(data.name)}
    assert named == written
    rows = workspace.catalog.read(
        lambda c: c.execute(select(ledger.c.run_id).filter_by(state="committed")).scalars().all()
    )
    # A step is finished exactly when the ledger says so.
    assert {run.id for run in runs if run.kind == "step" and run.status == "finished"} == set(rows)


@pytest.mark.timeout(1_200)
def test_a_pipeline_survives_kill_9_at_any_moment(root: Path) -> None:
    moments = random.Random(17)
    for turn in range(ROUNDS):
        # Every moment is tried: from the start of the process to after its end.
        killed(root, factor=turn + 1, seconds=LONGEST * (turn + moments.random()) / ROUNDS)
        with Workspace.open(root) as workspace:
            judge(workspace)
    with Workspace.open(root) as workspace:
        done = workspace.pipeline.run("sums", {"factor": "7"})
        assert set(states(done).values()) <= {"completed", "skipped"}
        assert done.run.metrics == {"total": 315.0}
        judge(workspace)
