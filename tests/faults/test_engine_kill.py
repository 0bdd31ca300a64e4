"""Kill a kernel, stop or kill its runner, or let memory run out, at any moment: the notebook tells the truth."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from nbmlops.workspace import Workspace
from tests.pipelines.project import states, write

ROUNDS = int(os.environ.get("NBMLOPS_SOAK_ENGINE_KILLS", "6"))
WAYS = ("kernel", "runner", "memory", "runner killed")
# Each cell says in a file that it began, and that it ended; the first starts a child that outlives it.
CELL = """\
import os, subprocess, time
open(f"began-{turn}-$", "w").close()
print("cell $ began", flush=True)
if $ == 1:
    subprocess.Popen(["sleep", "600"])
held = bytearray(b"x") * size
time.sleep(0.25)
open(f"ended-{turn}-$", "w").close()
"""
CELLS, RESUMED = 6, 5

pytestmark = [pytest.mark.faults, pytest.mark.notebook, pytest.mark.slow]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nwork = ["notebooks/*.ipynb"]\n')
    sources = [CELL.replace("$", str(number)) for number in range(1, CELLS + 1)]
    write(root / "notebooks" / "1_work.ipynb", "turn: int = 0\nsize: int = 1", *sources)
    Workspace.init(root).close()
    return root


def marked(mark: str) -> list[int]:
    """Processes that were started with `mark` in their environment, or inherited it."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                held = mark.encode() in (folder / "environ").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue  # it has ended meanwhile
            if held and state != "Z":
                found.append(int(folder.name))
    return found


def kernels(mark: str) -> list[int]:
    return [pid for pid in marked(mark) if b"ipykernel_launcher" in command_of(pid)]


def working(mark: str) -> list[int]:
    """Those that run a kernel, or were started by one."""
    aside = (b"nbmlops.pipelines.recovery", b"/bin/sh")
    return [pid for pid in marked(mark) if not any(word in command_of(pid) for word in aside)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


def left(look: Callable[[str], list[int]], mark: str, seconds: float) -> list[int]:
    """What is left after so many seconds, at most."""
    deadline = time.monotonic() + seconds
    while (found := look(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def resume(root: Path, turn: int) -> None:
    """Go on with the run of this turn, where it has begun and not finished."""
    with Workspace.open(root) as workspace:
        newest = workspace.run.list(1, experiment="work", where="kind = 'pipeline'")
        if newest and newest[0].params.get("turn") == turn and newest[0].status != "finished":
            done = workspace.pipeline.resume(newest[0].name)
            assert states(done) == {"1_work": "completed"}
            assert judge(root, turn) == "completed"


def run(root: Path, turn: int, mark: str, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "nbmlops", "pipeline", "run", "work", "-p", f"turn={turn}", *options]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=root, stdout=quiet, stderr=quiet, env={**os.environ, "MARK_OF_TEST": mark})


def strike(way: str, process: subprocess.Popen[bytes], mark: str, seconds: float) -> None:
    if way == "memory":
        return
    if way == "kernel":
        while process.poll() is None and not kernels(mark):
            time.sleep(0.02)
    time.sleep(seconds)
    if way == "runner":
        process.send_signal(signal.SIGTERM)
    if way == "runner killed":
        process.kill()
    for pid in kernels(mark) if way == "kernel" else ():
        os.kill(pid, signal.SIGKILL)


def judge(root: Path, turn: int) -> str:
    """Check the newest notebook against what the cells said themselves, and give its status."""
    found = max((root / ".nbmlops" / "runs").rglob("1_work.ipynb"), key=lambda path: path.stat().st_mtime)
    saved = nbformat.read(found, 4)
    nbformat.validate(saved)
    status = saved.metadata.papermill.status
    said = [cell.metadata.papermill.status for cell in saved.cells if "began-" in cell.source]
    assert f"turn = {turn}" in "".join(cell.source for cell in saved.cells)
    assert len(said) == CELLS
    folder = root / "notebooks"
    began = sum((folder / f"began-{turn}-{number}").exists() for number in range(1, CELLS + 1))
    ended = sum((folder / f"ended-{turn}-{number}").exists() for number in range(1, CELLS + 1))
    printed = ["cell" in str(cell.outputs) for cell in saved.cells if "began-" in cell.source]
    assert printed[: said.count("completed")] == [True] * said.count("completed")
    completed = said.count("completed")
    # A cell whose last word was cut off with its kernel ended, and is not known to have.
    assert completed in {ended, ended - 1}
    assert said[:completed] == ["completed"] * completed
    rest = said[completed:]
    if status == "completed":
        assert rest == []
    elif rest:
        assert rest[0] in {status, "not_run"}
        assert set(rest[1:]) <= {"not_run"}
        # What began does not pass as what was not run.
        assert began <= completed + (rest[0] != "not_run")
    return str(status)


@pytest.mark.timeout(3_600)
def test_a_notebook_tells_the_truth_however_it_was_ended_and_leaves_no_process(root: Path) -> None:
    moments = random.Random(23)
    for turn in range(1, ROUNDS + 1):
        way, mark = WAYS[turn % len(WAYS)], uuid.uuid4().hex
        options = ["--memory", "400MB", "-p", f"size={moments.choice([30_000_000, 500_000_000])}"]
        known = (
            set((root / ".nbmlops" / "runs").rglob("1_work.ipynb")) if (root / ".nbmlops" / "runs").exists() else set()
        )
        with run(root, turn, mark, *(options if way == "memory" else ())) as process:
            strike(way, process, mark, moments.uniform(0, 2.5) + (1.0 if "runner" in way else 0))
            process.wait(120)
        assert left(working, mark, 5) == [], f"turn {turn}, {way}"
        # What puts the last words of a killed runner into its notebook is a process too.
        assert left(marked, mark, 60) == [], f"turn {turn}, {way}"
        new = set((root / ".nbmlops" / "runs").rglob("1_work.ipynb")) - known
        if new:
            status = judge(root, turn)
            if way == "runner killed":
                assert status in {"completed", "cancelled"}
            elif process.returncode == 0:
                assert status == "completed", f"turn {turn}, {way}"
            elif status == "completed":
                # The signal came after the last cell and before the last word: what is done counts.
                assert (way, process.returncode) == ("runner", 130), f"turn {turn}"
                resume(root, turn)
        if turn % RESUMED == 0:
            resume(root, turn)
    with run(root, turn, uuid.uuid4().hex) as process:
        assert process.wait(120) == 0
    assert judge(root, turn) == "completed"
