"""Several writers of one remote at once, and ``kill -9`` in the middle of a push and of a pull."""

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

from nbmlops.core.errors import NotFoundError, UnavailableError
from nbmlops.workspace import Workspace

TRAVELLER = Path(__file__).with_name("traveller.py")
ROUNDS = int(os.environ.get("NBMLOPS_SOAK_TRAVELS", "6"))
VERSIONS, ROWS = 4, 500_000

pytestmark = pytest.mark.faults


def frame(seed: int, rows: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(generator.normal(size=(rows, 8)), columns=list("abcdefgh"))


def start(verb: str, folder: Path, remote: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(TRAVELLER), verb, str(folder), str(remote)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def killed(verb: str, folder: Path, remote: Path, seconds: float) -> bool:
    """Start one, kill it so many seconds after it began; whether it was done by then."""
    process = start(verb, folder, remote)
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    time.sleep(seconds)
    process.kill()
    output, _ = process.communicate()
    return "done" in output


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with some versions of 32 MB each."""
    folder = tmp_path_factory.mktemp("full")
    with Workspace.init(folder) as workspace:
        for seed in range(VERSIONS):
            workspace.data.save(frame(seed, ROWS), f"table_{seed}")
    return folder


def whole(workspace: Workspace) -> int:
    """Check every byte of a workspace; how many of its versions load."""
    checked = workspace.store.verify(full=True)
    assert checked.ok, checked.damages
    for version in workspace.data.list():
        seed = int(version.name.rpartition("_")[2])
        pd.testing.assert_frame_equal(workspace.data.load(version.ref), frame(seed, version.rows or 0))
    return len(workspace.data.list())


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_push_that_is_killed_leaves_only_what_is_whole(
    full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments, early = random.Random(4), 0
    for turn in range(ROUNDS):
        remote = tmp_path / "remote"
        early += not killed("push", full, remote, moments.uniform(0, 0.8))
        with Workspace.init(tmp_path / f"reader_{turn}") as reader:
            try:
                reader.data.pull(from_=str(remote))
            except (NotFoundError, UnavailableError):
                continue  # no record was written yet
            whole(reader)
    process = start("push", full, tmp_path / "remote")
    output, errors = process.communicate(timeout=120)
    assert f"done {VERSIONS}" in output, errors
    with Workspace.init(tmp_path / "last") as reader:
        reader.data.pull(from_=str(tmp_path / "remote"))
        assert whole(reader) == VERSIONS
    assert not [path for path in (tmp_path / "remote").rglob(".*") if path.is_file()]
    with capsys.disabled():
        print(f"\nkilled {ROUNDS} pushes, {early} of them before they were done: nothing lost, nothing half there")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_pull_that_is_killed_leaves_only_what_is_whole(
    full: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remote, moments, early = tmp_path / "remote", random.Random(5), 0
    with Workspace.open(full) as workspace:
        workspace.data.push(to=str(remote))
    Workspace.init(tmp_path / "reader").close()
    for _ in range(ROUNDS):
        early += not killed("pull", tmp_path / "reader", remote, moments.uniform(0, 1.2))
        with Workspace.open(tmp_path / "reader") as reader:
            whole(reader)
    with Workspace.open(tmp_path / "reader") as reader:
        reader.data.pull(from_=str(remote))
        assert whole(reader) == VERSIONS
    with capsys.disabled():
        print(f"\nkilled {ROUNDS} pulls, {early} of them before they were done: nothing lost, nothing half there")


def test_two_who_push_and_one_who_pulls_do_not_disturb_each_other(tmp_path: Path) -> None:
    remote, rows = tmp_path / "remote", 20_000
    for number, seeds in enumerate(([1, 2, 3], [1, 4, 5])):
        with Workspace.init(tmp_path / f"writer_{number}") as workspace:
            for seed in seeds:
                workspace.data.save(frame(seed, rows), f"table_{seed}")
    writers = [start("push", tmp_path / f"writer_{number}", remote) for number in range(2)]
    with Workspace.init(tmp_path / "reader") as reader:
        while any(writer.poll() is None for writer in writers):
            try:
                reader.data.pull(from_=str(remote))
            except (NotFoundError, UnavailableError):
                time.sleep(0.02)
        for writer in writers:
            output, errors = writer.communicate()
            assert "done 3" in output, errors
        reader.data.pull(from_=str(remote))
        assert whole(reader) == 5
        # What both had is one version for whoever pulls, though two people saved it.
        assert len(reader.data.history("table_1")) == 1
