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

from nbmlops.core.refs import Ref
from nbmlops.workspace import Workspace

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_KILLS", "50"))
WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.init(tmp_path / "project") as workspace:
        generator = np.random.default_rng(0)
        example = pd.DataFrame(generator.normal(size=(200, 3)), columns=list("abc"))
        for rate in (0.1, 1.0):
            model = LogisticRegression(C=rate).fit(example, example.a > 0)
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


@pytest.mark.timeout(1_800)
def test_nothing_acknowledged_is_lost_to_kill_9(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moments = random.Random(8)
    acknowledged: set[str] = set()
    facts = 0
    for seed in range(ROUNDS):
        lines = killed(folder, seed, moments.randrange(4), moments.uniform(0, 0.2))
        facts += len(lines)
        acknowledged |= {line[2] for line in lines if line[0] == "data"}
        promoted = [line[1] for line in lines if line[0] == "alias"]
        with Workspace.open(folder) as workspace:
            checked = workspace.store.verify()
            assert checked.ok, checked.damages
            if promoted:
                at = workspace.model.show("m@production").ref
                # The kill may have come between a later commit and its line.
                assert at in {"m@v1", "m@v2"}
                last = Ref.parse(promoted[-1])
                moves = workspace.audit.events(5)
                assert any(event.subject == str(last) and event.action == "model.promote" for event in moves)
    with Workspace.open(folder) as workspace:
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
