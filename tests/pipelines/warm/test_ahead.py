"""With real kernels: which steps run in warm kernels, and which never do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbmlops.pipelines.warm import pool as pools
from nbmlops.workspace import Workspace
from tests.pipelines.project import make

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setattr(pools, "cores", lambda: 4)
    monkeypatch.setattr(pools, "_free_memory", lambda: 1.0)
    monkeypatch.setenv("NBMLOPS_WARM_KERNELS", "2")
    with make(tmp_path / "project") as made:
        yield made


def kernels(workspace: Workspace) -> dict[str, list[str]]:
    """Step -> the kernels of its executions, as its executed notebooks say, in the order of their runs."""
    found: dict[str, list[str]] = {}
    paths = sorted((workspace.marker.state / "runs").rglob("*.ipynb"), key=lambda path: path.stat().st_mtime)
    for path in paths:
        said: Any = nbformat.read(path, 4).metadata.get("nbmlops", {})
        found.setdefault(path.stem, []).append(said.get("kernel", "cold"))
    return found


def waiting_kernels() -> list[str]:
    shown = subprocess.run(
        ["ps", "-o", "command=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return [line for line in shown.stdout.splitlines() if "ipykernel_launcher" in line]


def test_a_step_that_waits_for_another_finds_its_kernel_warm_and_nothing_is_left_after_the_run(
    workspace: Workspace,
) -> None:
    done = workspace.pipeline.run("sums")
    assert done.run.metrics == {"total": 90.0}
    assert kernels(workspace) == {"1_make": ["cold"], "2_sum": ["warm"]}
    assert workspace.run.show("2_sum").inputs == ("raw@v1",)
    assert waiting_kernels() == []


def test_a_proof_and_a_reproduction_run_in_cold_kernels(workspace: Workspace) -> None:
    with workspace.pipeline.kernels.keeping():
        first = workspace.pipeline.run("sums")
        workspace.pipeline.promote("sums", against=first.run.name)
        assert workspace.pipeline.reproduce("2_sum").verdict == "identical"
    assert kernels(workspace) == {"1_make": ["cold", "cold"], "2_sum": ["warm", "cold", "cold"]}


def test_while_kernels_are_kept_the_first_step_of_the_next_run_finds_one_too(workspace: Workspace) -> None:
    with workspace.pipeline.kernels.keeping():
        for factor in (2, 3):
            workspace.pipeline.run("sums", {"factor": factor}, cache=False)
        assert len(waiting_kernels()) == 1
    assert waiting_kernels() == []
    assert kernels(workspace) == {"1_make": ["cold", "warm"], "2_sum": ["warm", "warm"]}


def test_a_setting_turns_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "cores", lambda: 4)
    monkeypatch.setenv("NBMLOPS_WARM_KERNELS", "0")
    with make(tmp_path / "project") as workspace:
        workspace.pipeline.run("sums")
        assert kernels(workspace) == {"1_make": ["cold"], "2_sum": ["cold"]}
