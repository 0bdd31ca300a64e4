"""Steps on a Dask cluster of two worker processes that are killed, paused and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.core.errors import StepFailedError
from nbmlops.demo.project import make_project
from nbmlops.pipelines import queries
from nbmlops.pipelines.records import PipelineRun
from nbmlops.pipelines.request import Cancellation
from nbmlops.workspace import Workspace
from tests.pipelines.project import states
from tests.system.dask_cluster import WORKERS, DaskCluster, dask_cluster

pytestmark = [pytest.mark.notebook, pytest.mark.slow]

MONTHS = int(os.environ.get("NBMLOPS_SOAK_MONTHS", "2"))
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# Says in a file that it has begun, and by whom it is run.
BEGIN = "import os, pathlib, time\nhere = pathlib.Path('..').resolve()\n"
BEGIN += "with (here / 'begun').open('a') as file:\n    file.write(f'{NAME} {os.getppid()}\\n')"
WAIT = "while not (here / 'go').exists():\n    time.sleep(0.05)"
END = "with (here / 'ended').open('a') as file:\n    file.write(f'{NAME}\\n')"
# Whoever runs the tests in the background lets them ignore Ctrl-C, and so what they start.
AT_A_TERMINAL = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from nbmlops.__main__ import main; main()"
)
SAVE = "from nbmlops import ml\nimport pandas as pd\nml.data.save(pd.DataFrame({'by': [os.getppid()]}), 'out')"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def cluster(started: DaskCluster) -> DaskCluster:
    """The cluster with both workers there: those that the test before has ended are started again."""
    until(lambda: len(started.client.nthreads()) == WORKERS and not started.kernels())
    return started


def project(folder: Path, **steps: list[str]) -> Workspace:
    """A workspace with the pipeline ``marks``, whose steps are these cells, each after one that names it."""
    root = folder / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nmarks = ["notebooks/*.ipynb"]\n')
    for name, sources in steps.items():
        cells = [new_code_cell(source) for source in (f"NAME = {name!r}", *sources)]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), root / "notebooks" / f"{name}.ipynb")
    return Workspace.init(root)


def lines(workspace: Workspace, name: str) -> list[list[str]]:
    path = workspace.marker.root / name
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def until(holds: Callable[[], object], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def run(workspace: Workspace, cluster: DaskCluster, stop: Cancellation | None = None) -> PipelineRun:
    return workspace.pipeline.run("marks", executor="dask", scheduler=cluster.address, cancellation=stop)


@contextmanager
def running(workspace: Workspace, cluster: DaskCluster) -> Iterator[Future[PipelineRun]]:
    """The pipeline as it runs, stopped when the body fails."""
    stop = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, workspace, cluster, stop)
        try:
            yield done
        finally:
            stop.cancel()


def statuses(workspace: Workspace, step: str | None = None) -> list[str]:
    return sorted(run.status for run in workspace.run.list(1_000, experiment=step, where="kind = 'step'"))


def test_a_worker_that_is_killed_takes_only_what_has_not_committed_with_it(
    cluster: DaskCluster, tmp_path: Path
) -> None:
    with project(tmp_path, a=[BEGIN], b=[BEGIN], c=[BEGIN], d=[BEGIN, WAIT, END]) as workspace:
        with running(workspace, cluster) as done:
            until(lambda: [statuses(workspace, step) for step in "abcd"] == [["finished"]] * 3 + [["running"]])
            until(lambda: "d" in {name for name, _ in lines(workspace, "begun")})
            os.kill(int(dict(lines(workspace, "begun"))["d"]), signal.SIGKILL)
            until(lambda: len(lines(workspace, "begun")) == 5)
            (workspace.marker.root / "go").touch()
            steps = {step.name: step for step in done.result(120).steps}
        assert Counter(name for name, _ in lines(workspace, "begun")) == {"a": 1, "b": 1, "c": 1, "d": 2}
        assert lines(workspace, "ended") == [["d"]]
        assert statuses(workspace, "d") == ["finished", "killed"]
        assert "started again, as tcp://" in steps["d"].notes[0]


def test_a_step_that_kills_its_workers_is_given_up_and_others_are_not(cluster: DaskCluster, tmp_path: Path) -> None:
    kill = "import signal\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"
    with project(tmp_path, bad=[BEGIN, kill], good=[BEGIN]) as workspace:
        with pytest.raises(StepFailedError, match=r"the step bad of marks: the worker was gone 3 times: tcp://"):
            run(workspace, cluster)
        begun = Counter(name for name, _ in lines(workspace, "begun"))
        assert begun["bad"] == 3
        assert statuses(workspace, "bad") == ["killed"] * 3
        assert statuses(workspace, "good") == ["finished"]


def test_a_worker_that_was_paused_for_too_long_can_neither_save_nor_commit(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbmlops.pipelines.executors.dispatch.LOOK", 1.0)
    monkeypatch.setattr("nbmlops.pipelines.executors.dispatch.PATIENCE", 10.0)
    with project(tmp_path, late=[BEGIN, WAIT, SAVE, END]) as workspace, running(workspace, cluster) as done:
        until(lambda: lines(workspace, "begun"))
        paused = int(lines(workspace, "begun")[0][1])
        os.kill(paused, signal.SIGSTOP)
        try:
            until(lambda: len(lines(workspace, "begun")) == 2)
            (workspace.marker.root / "go").touch()
            (step,) = done.result(120).steps
        finally:
            os.kill(paused, signal.SIGCONT)
        until(lambda: not psutil.Process(paused).children())
        assert step.status == "completed"
        assert statuses(workspace, "late") == ["finished", "killed"]
        taken = workspace.data.load("out")["by"].tolist()
        assert taken == [int(lines(workspace, "begun")[1][1])] != [paused]
        assert [version.ref for version in workspace.data.history("out")] == ["out@v1"]
        assert lines(workspace, "ended") == [["late"]], "the cell that saved for nothing failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_nothing_on_the_workers(
    cluster: DaskCluster, tmp_path: Path, number: signal.Signals
) -> None:
    with project(tmp_path, one=[BEGIN, WAIT, END], other=[BEGIN, WAIT, END], third=[BEGIN, END]) as workspace:
        asked = ["pipeline", "run", "marks", "--executor", "dask", "--scheduler", cluster.address]
        client = subprocess.Popen([sys.executable, "-c", AT_A_TERMINAL, *asked], cwd=workspace.marker.root)
        try:
            until(lambda: len(lines(workspace, "begun")) == 2)
            client.send_signal(number)
            client.wait(60)
        finally:
            client.kill()
        assert client.returncode != 0
        until(lambda: not cluster.kernels(), 30)
        (workspace.marker.root / "go").touch()
        assert workspace.run.show("marks").status == "killed"
        # A worker says so when it has ended the kernel.
        until(lambda: statuses(workspace, "one") == statuses(workspace, "other") == ["killed"])
        assert statuses(workspace, "third") == lines(workspace, "ended") == []

        done = workspace.pipeline.resume("marks")
        assert set(states(done).values()) == {"completed"}


def project_of_months(folder: Path) -> Workspace:
    """The demo's project; a month that is harder to tell than those it judges may commit too."""
    workspace = make_project(folder)
    judged = folder / "notebooks" / "5_evaluate.ipynb"
    asked, wide = "--floor 0.6 --calibration 0.1", "--floor 0.5 --calibration 0.3"
    assert judged.read_text().count(asked) == 1
    judged.write_text(judged.read_text().replace(asked, wide))
    return workspace


def run_months(workspace: Workspace) -> dict[str, dict[tuple[str, str], str]]:
    """Run the demo's pipeline for each month, two at once; by time, the digests of what its run made."""

    def one(month: int) -> tuple[str, dict[tuple[str, str], str]]:
        # Nothing comes before January to learn from: its run is judged on March.
        last, at = month if month > 1 else 3, f"2013-{month:02}-01T00:00:00Z"
        given = {"month": last, "until": last - 1 if month > 1 else 1, "holdout": last}
        done = workspace.pipeline.run("delays", given, logical_time=at)
        return at, workspace.catalog.read(lambda c: queries.outputs(c, done.run.id))

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(one, range(1, MONTHS + 1)))


@pytest.mark.timeout(3_600)
def test_every_month_commits_once_with_the_digests_of_a_local_run_though_a_worker_is_killed(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project_of_months(tmp_path / "local") as local:
        expected = run_months(local)
    monkeypatch.setenv("NBMLOPS_EXECUTOR", "dask")
    monkeypatch.setenv("NBMLOPS_SCHEDULER", cluster.address)
    project_of_months(tmp_path / "cluster").close()
    with Workspace.open(tmp_path / "cluster") as there:
        killed: list[int] = []

        def kill() -> None:
            until(lambda: statuses(there).count("finished") >= 5 * MONTHS // 2, 3_000)
            workers = cluster.workers()
            until(lambda: [worker for worker in workers if worker.children()])
            (busy, *_) = [worker for worker in workers if worker.children()]
            busy.kill()
            killed.append(busy.pid)

        killer = threading.Thread(target=kill)
        killer.start()
        found = run_months(there)
        killer.join()
        assert killed
        assert found == expected
        runs = there.run.list(1_000, experiment="delays")
        assert [run.status for run in runs] == ["finished"] * MONTHS, "each month has one run, which committed"
        for run_of_month in runs:
            steps = there.run.list(1_000, parent_id=run_of_month.id, where="status = 'finished'")
            assert set(Counter(step.experiment for step in steps).values()) == {1}, "no step has committed twice"
        assert "killed" in statuses(there)
        assert run_months(there) == expected
        assert there.run.list(1_000, experiment="delays") == runs, "what has committed is not run again"
