"""Ctrl-C and a full disk in the middle of a large save: an exception, never an abort, and the store as it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.workspace import Workspace

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_INTERRUPTS", "16"))
SAVER = Path(__file__).with_name("saver.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Workspace.init(tmp_path / "project") as workspace:
        workspace.data.save(pd.DataFrame({"a": range(1_000)}), "small")
    return tmp_path / "project"


def intact(folder: Path) -> int:
    """Number of saved large versions, after a look at everything."""
    with Workspace.open(folder) as workspace:
        checked = workspace.store.verify(full=True)
        assert checked.ok, checked.damages
        assert list(workspace.data.load("small").a) == list(range(1_000))
        assert not list((workspace.marker.state / "scratch").iterdir())
        names = {version.name for version in workspace.data.list()}
        return len(workspace.data.history("large")) if "large" in names else 0


@pytest.mark.timeout(1_800)
def test_ctrl_c_in_the_middle_of_a_save_is_an_exception(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moments = random.Random(5)
    acknowledged, unheard = 0, 0
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, str(SAVER), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("saving")
        time.sleep(moments.uniform(0, 0.8))
        process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            # Now and then one is lost on its way, three of some 850 here: Python drops an exception that is raised
            # while it runs a finalizer or another callback. People press again, and then it has to be heard.
            unheard += 1
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, (process.returncode, output, errors)
        acknowledged += output.count("saved")
    assert unheard <= 1 + ROUNDS // 100
    # The interrupt may have come between a commit and its line.
    assert acknowledged <= intact(folder) <= acknowledged + ROUNDS
    with capsys.disabled():
        print(f"\ninterrupted {ROUNDS} saves: {acknowledged} acknowledged, 0 lost, {unheard} interrupts to be repeated")


@pytest.mark.parametrize("limit", [1 << 20, 5 << 20, 20 << 20])
def test_a_disk_without_room_is_said_and_leaves_the_store_as_it_was(folder: Path, limit: int) -> None:
    command = [sys.executable, str(SAVER), str(folder), str(limit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "room" in done.stdout.splitlines()[-1] or "full" in done.stdout.splitlines()[-1]
    assert intact(folder) == 0
