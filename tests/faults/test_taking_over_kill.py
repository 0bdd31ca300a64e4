"""Kill -9 a run while it takes results over, at one statement after another: of a wave it has taken all, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nbmlops.pipelines.taking_over import SKIPPED
from nbmlops.store import schema
from nbmlops.workspace import Workspace
from tests.pipelines.project import states, write

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_TAKING_OVER_KILLS", "16"))
TAKER = Path(__file__).with_name("taker.py")
NEVER = 1 << 30
COUNT = 'ml.data.save(pd.DataFrame({"n": range(part)}), "raw")'
TWICE = 'raw = ml.data.load("raw")\nml.data.save(raw.assign(y=raw.n * 2), "twice")'
WAVES = [{f"{stem}[part={part}]" for part in (1, 2, 3)} for stem in ("1_count", "2_twice")]

pytestmark = [pytest.mark.faults, pytest.mark.notebook, pytest.mark.slow]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nsums = ["notebooks/*.ipynb"]\n')
    write(root / "notebooks" / "1_count.ipynb", "part: int = 1", COUNT)
    write(root / "notebooks" / "2_twice.ipynb", "part: int = 1", TWICE)
    with Workspace.init(root) as workspace:
        assert set(states(workspace.pipeline.run("sums", for_={"part": [1, 2, 3]})).values()) == {"completed"}
    return root


def taken(root: Path, last: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TAKER), str(root), str(last)], capture_output=True, text=True, check=False
    )


def judge(workspace: Workspace) -> str:
    """Look at what the newest run has taken over, and give its status."""
    run = workspace.run.show("sums")

    def rows(name: str, **own: str) -> Any:
        table = schema.metadata.tables[name]
        return workspace.catalog.read(lambda c: c.execute(select(table).filter_by(**own)).all())

    committed = {row.step for row in rows("ledger", logical_time=run.id, state="committed")}
    assert committed in ([set(), WAVES[0], WAVES[0] | WAVES[1]])
    assert len(rows("ledger", logical_time=run.id)) == len(committed), "no claim is left behind"
    assert {tag.removeprefix(SKIPPED) for tag in run.tags if tag.startswith(SKIPPED)} == committed
    assert len(rows("run_output", run_id=run.id)) == len(committed)
    assert run.status == "killed" or committed == WAVES[0] | WAVES[1]
    return run.status


@pytest.mark.timeout(900)
def test_of_steps_that_are_settled_together_all_are_taken_over_or_none(root: Path) -> None:
    counted = taken(root, NEVER)
    assert counted.returncode == 0, counted.stderr
    statements = int(counted.stdout)
    seen = set()
    for turn in range(ROUNDS):
        # From the first statement to the last, evenly.
        killed = taken(root, 1 + turn * (statements - 1) // (ROUNDS - 1))
        # One that is aimed at the last statements may find that they were fewer: it has ended then.
        assert killed.returncode in {0, -signal.SIGKILL}, killed.stderr
        with Workspace.open(root) as workspace:
            seen.add(judge(workspace))
    assert "killed" in seen
    with Workspace.open(root) as workspace:
        assert workspace.store.verify().ok
        assert set(states(workspace.pipeline.run("sums", for_={"part": [1, 2, 3]})).values()) == {"skipped"}
        assert [version.number for version in workspace.data.history("twice.part-3")] == [1]
