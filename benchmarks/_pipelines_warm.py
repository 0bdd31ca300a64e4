"""How soon a step starts: in a cold kernel and in a warm one, beside papermill; and what a running scheduler takes."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import papermill
from _bounds import Row, Times, at_most, by_turns, run
from _pipelines_engine import write

from nbmlops import Workspace
from nbmlops.pipelines.execution import perform
from nbmlops.pipelines.notebook import read_notebook
from nbmlops.pipelines.request import Request
from nbmlops.pipelines.warm.pool import KernelPool
from nbmlops.pipelines.warm.wanted import Wanted

if TYPE_CHECKING:
    from _bench import Bench

    from nbmlops.pipelines.schedules.records import Fire
    from nbmlops.pipelines.warm.kernel import WarmKernel

__all__ = ["scheduler", "start"]

_IMPORTS = ("import pandas\nfrom sklearn.linear_model import LinearRegression", "import time\nprint(time.time())")
_START, _SCHEDULED = 0.1, 0.3
_EVERY = 8


def start(bench: Bench) -> Iterator[Row]:
    """From the order to execute a notebook to the end of its imports of pandas and scikit-learn."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    folder = bench.fresh()
    source, target = write(folder / "in.ipynb", _IMPORTS), folder / "out.ipynb"
    notebook, pool = read_notebook(source), KernelPool(1)
    wanted = Wanted.of(notebook, folder, folder)
    assert wanted is not None, "the kernel runs this Python"

    def ours(warm: WarmKernel | None) -> float:
        done = perform(Request("in", notebook, target, "python3", folder, {}, warm=warm))
        assert done.notebook.metadata.nbmlops.kernel == ("warm" if warm else "cold")
        return float(done.notebook.cells[1].outputs[0].text)

    def theirs() -> float:
        done = papermill.execute_notebook(source, target, progress_bar=False)
        return float(done.cells[1].outputs[0].text)

    taken: dict[str, list[float]] = {"papermill": [], "cold": [], "warm": []}
    with pool.open():
        for _ in range(bench.rounds):
            pool.expect([wanted])
            kernel = pool.take(wanted)
            assert kernel is not None, "there is room for one kernel"
            while not kernel.is_ready:
                time.sleep(0.05)
            for name, work in (("papermill", theirs), ("cold", lambda: ours(None)), ("warm", lambda: ours(kernel))):  # noqa: B023
                began = time.time()
                taken[name].append(work() - began)
    peer, cold, warm = (Times(tuple(taken[name])) for name in ("papermill", "cold", "warm"))
    what = "start of a step that imports pandas and scikit-learn"
    ratio = f"{peer.median / cold.median:.1f}x"
    yield Row(f"{what}, cold kernel", f"papermill {peer}", str(cold), ratio, "no target", None)
    ratio, met = f"{peer.median / warm.median:.0f}x", warm.median <= _START
    milliseconds = f"{warm.median * 1_000:.0f} ms [{min(warm.seconds) * 1_000:.0f}-{max(warm.seconds) * 1_000:.0f}]"
    yield Row(f"{what}, warm kernel", f"papermill {peer}", milliseconds, ratio, f"at most {_START:g} s", met)


def scheduler(bench: Bench) -> Iterator[Row]:
    """A trivial notebook that a running scheduler starts again and again, beside papermill's CLI."""
    root = bench.fresh()
    notebook = write(root / "step.ipynb", ['at: str = ""', "1"], parameters=0)
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\none = ["step.ipynb"]\n')
    theirs = [sys.executable, "-m", "papermill", notebook.name, "out.ipynb", "--no-progress-bar"]
    with Workspace.init(root) as workspace:
        # Another parameter each time, or the step would be skipped.
        due = {"at": "due:%H:%M:%S"}
        workspace.schedule.add("one@working", every=f"{_EVERY}s", params=due, catchup="none")
        command, quiet = [sys.executable, "-m", "nbmlops", "schedule", "run"], subprocess.DEVNULL
        with subprocess.Popen(command, cwd=root, stdout=quiet, env=_environment()) as daemon:
            try:
                fires = _ended(workspace, 1)  # the first has a cold kernel
                peer = by_turns(bench.rounds, lambda: lambda: run(theirs, root))[0]
                fires = _ended(workspace, len(fires) + bench.rounds)[: bench.rounds]
            finally:
                daemon.terminate()
                daemon.wait(30)
    assert all(fire.state == "completed" for fire in fires), fires
    ours = Times(tuple(fire.seconds or 0.0 for fire in fires))
    kernels = _kernels(root)
    assert kernels.count("cold") == 1, kernels
    yield at_most("one trivial cell, from a running scheduler", ("papermill's CLI", peer), ours, _SCHEDULED)


def _environment() -> dict[str, str]:
    # Whoever installs a program has it compiled, once.
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def _ended(workspace: Workspace, count: int) -> list[Fire]:
    """The fires that have ended, the newest first, as soon as there are so many."""
    deadline = time.monotonic() + 120 + count * _EVERY * 2
    while time.monotonic() < deadline:
        history = workspace.schedule.history("one", 1_000)
        ended = [fire for fire in history if fire.ended_at is not None and fire.state != "skipped"]
        if len(ended) >= count:
            return ended
        time.sleep(0.2)
    sys.exit("the scheduler started nothing")


def _kernels(root: Path) -> list[str]:
    paths = (root / ".nbmlops" / "runs").rglob("*.ipynb")
    return [read_notebook(path).metadata.nbmlops.kernel for path in paths]
