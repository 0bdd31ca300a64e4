"""Two daemons on one embedded store: no time has two committed runs, none is missed, whoever is killed or goes away."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from nbmlops.workspace import Workspace
from tests.faults.daemons import watch
from tests.pipelines.project import RAW, write

FIRES = int(os.environ.get("NBMLOPS_SOAK_FIRES", "45"))


@pytest.mark.faults
def test_two_daemons_of_which_one_is_killed_every_20_fires_commit_each_time_once(tmp_path: Path) -> None:
    root = tmp_path / "project"
    Workspace.init(root).close()
    seen = watch([root, root], tmp_path, FIRES, FIRES // 20)
    print(f"{len(seen.started)} fires, {sum(seen.started.values())} starts, takeovers {seen.takeovers}")
    assert len(seen.started) >= FIRES
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert max(seen.takeovers) <= 30


@pytest.mark.faults
def test_a_store_that_stays_locked_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    root = tmp_path / "project"
    Workspace.init(root).close()

    def away() -> None:
        with closing(sqlite3.connect(root / ".nbmlops" / "catalog.db", isolation_level=None)) as other:
            other.execute("PRAGMA busy_timeout=30000")
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(6)

    seen = watch([root, root], tmp_path, 32, 0, away)
    assert [key for key, number in seen.committed.items() if number > 1] == []
    assert seen.missed == []
    assert any("waiting until it is back" in remark for remark in seen.remarks)
    assert any("the store is back after" in remark for remark in seen.remarks)


def daemon(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nbmlops", "schedule", "run", "--parallel", "1"]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)


@pytest.mark.faults
@pytest.mark.notebook
@pytest.mark.slow
def test_a_pipeline_whose_daemon_is_killed_in_the_middle_is_run_by_the_other_and_commits_once(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nsums = ["notebooks/*.ipynb"]\n')
    write(root / "notebooks" / "1_make.ipynb", 'at: str = ""\nrows: int = 10', "import time; time.sleep(1)", RAW)
    with Workspace.init(root) as workspace:
        workspace.schedule.add("sums@working", every="5s", catchup="all", params={"at": "due:"})
        daemons = [daemon(root), daemon(root)]
        try:
            deadline = time.monotonic() + 90
            while not any(run.kind == "step" and run.status == "running" for run in workspace.run.list(5)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            # Whichever of the two it is that works.
            for process in daemons[:2]:
                process.kill()
                process.wait()
            daemons[:2] = [daemon(root), daemon(root)]
            while sum(fire.state == "completed" for fire in workspace.schedule.history("sums")) < 1:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            for process in daemons:
                process.terminate()
            for process in daemons:
                process.wait(timeout=30)
        workspace.schedule.run(once=True)
        fires = workspace.schedule.history("sums", 100)
        runs = [run for run in workspace.run.list(100) if run.kind == "pipeline"]
        committed = Counter(run.tags["logical_time"] for run in runs if run.status == "finished")
        assert {fire.state for fire in fires} == {"completed"}
        assert committed == Counter(fire.logical_time for fire in fires)
        assert {run.status for run in runs} <= {"finished", "killed"}
        assert any(run.status == "killed" for run in runs)
