"""``kill -9`` at random moments of a save and of a promotion: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.data.lockfile import LockFile
from nbmlops.workspace import Workspace

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_KILLS", "50"))
WRITER = Path(__file__).with_name("writer.py")
MODELS = 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.init(tmp_path / "project") as workspace:
        generator = np.random.default_rng(0)
        example = pd.DataFrame(generator.normal(size=(200, 3)), columns=list("abc"))
        for turn in range(MODELS):
            model = LogisticRegression(C=0.1 * (turn + 1)).fit(example, example.a > 0)
            workspace.model.save(model, "m", example=example)
    return tmp_path / "project"


def killed(folder: Path, seed: int, facts: int, seconds: float) -> list[list[str]]:
    """Let a writer acknowledge some facts, kill it `seconds` into the next, and give all it had acknowledged."""
    process = subprocess.Popen([sys.executable, str(WRITER), str(folder), str(seed)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(1 + facts)]
    time.sleep(seconds)
    process.kill()
    output, _ = process.communicate()
    lines += [line for line in output.splitlines(keepends=True) if line.endswith("\n")]
    return [line.split() for line in lines[1:]]


def _lock_follows(workspace: Workspace, acknowledged: list[str]) -> None:
    """The lock names a version that is there, and not an older one than was acknowledged last."""
    content = LockFile(workspace.marker.root / "nbmlops.lock", workspace.marker.state / "lock.guard").read()
    order = [version.digest for version in workspace.data.history("t")]
    if acknowledged:
        assert order.index(content["t"]) <= order.index(acknowledged[-1])


@pytest.mark.timeout(1_800)
def test_nothing_acknowledged_is_lost_to_kill_9(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moments = random.Random(8)
    acknowledged: set[str] = set()
    facts, at = 0, ""
    for seed in range(ROUNDS):
        lines = killed(folder, seed, moments.randrange(4), moments.uniform(0, 0.2))
        facts += len(lines)
        acknowledged |= {line[2] for line in lines if line[0] == "data"}
        promoted = [line[1] for line in lines if line[0] == "alias"]
        with Workspace.open(folder) as workspace:
            checked = workspace.store.verify()
            assert checked.ok, checked.damages
            # Each writer promotes v1, v2, … in turn; the kill may have come between a commit and its line.
            last = promoted[-1] if promoted else at
            following = f"m@v{1 + len(promoted) % MODELS}"
            now = {model.aliases: model.ref for model in workspace.model.history("m")}.get(("production",), "")
            assert now in {last, following}
            if promoted:
                moves = workspace.audit.events(5)
                assert any(event.subject == last and event.action == "model.promote" for event in moves)
            at = now
            _lock_follows(workspace, [line[2] for line in lines if line[0] == "data"])
    with Workspace.open(folder) as workspace:
        assert len({event.detail["after"] for event in workspace.audit.events(1000) if "promote" in event.action}) > 1
        checked = workspace.store.verify(full=True)
        assert checked.ok, checked.damages
        kept = {version.digest: version.ref for version in workspace.data.history("t")}
        assert acknowledged <= kept.keys()
        for ref in kept.values():
            assert len(workspace.data.load(ref)) == 20_000
        events = workspace.audit.verify()
    with capsys.disabled():
        print(
            f"\nkilled {ROUNDS} times: {facts} facts acknowledged, {len(acknowledged)} versions lost 0, "
            f"{checked.objects} objects and {events} events verified"
        )
