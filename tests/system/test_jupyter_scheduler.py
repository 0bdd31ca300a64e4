"""Jobs of a real jupyter-scheduler, made by its REST API, run by our engine: what it tells of them is true."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from nbmlops.workspace import Workspace
from tests.pipelines.project import write

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-scheduler" / "bin" / "python"
TOKEN = "0" * 32
PATIENCE = 240.0
HELLO = 'print(f"hello {who}")\nml.log(times=float(times))\nopen("left.txt", "w").write(who)'

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(900)]


class Server:
    """A Jupyter server with jupyter-scheduler, in a workspace."""

    def __init__(self, root: Path, place: Path) -> None:
        assert PYTHON.exists(), "there is no environment with jupyter-scheduler: make test-system makes it"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url, self.root = f"http://127.0.0.1:{port}/scheduler/", root
        named = {f"JUPYTER_{name}_DIR": str(place / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        for folder in named.values():
            Path(folder).mkdir()
        (place / "config" / "jupyter_server_config.py").write_text(
            'c.Scheduler.execution_manager_class = "nbmlops.jupyter.jobs.ExecutionManager"\n'
            f'c.IdentityProvider.token = "{TOKEN}"\n'
        )
        environment = {**os.environ, **named, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "HOME": str(place)}
        command = [str(PYTHON), "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
        self._log = (place / "log").open("wb")
        self._process = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={root}"], cwd=root, env=environment, stdout=self._log, stderr=self._log
        )

    def wait(self) -> None:
        """Wait until it answers."""
        self.until(lambda: self._ask("GET", "config"), "the server answers")

    def job(self, notebook: str, **more: Any) -> str:
        """Have a notebook executed; the job's id."""
        wanted = {"name": notebook, "input_uri": notebook, "runtime_environment_name": "python", **more}
        made = self._ask("POST", "jobs", {"output_formats": ["ipynb", "html"], **wanted})
        return str(made["job_id"])

    def told(self, job: str) -> dict[str, Any]:
        """What jupyter-scheduler says of a job."""
        return dict(self._ask("GET", f"jobs/{job}"))

    def ended(self, job: str) -> dict[str, Any]:
        """What it says of a job when that has ended."""
        over = {"COMPLETED", "FAILED", "STOPPED"}

        def looked() -> dict[str, Any] | None:
            told = self.told(job)
            # It says STOPPED of one that has not begun, too.
            return told if told["start_time"] and told["status"] in over else None

        return dict(self.until(looked, "the job ends"))

    def outputs(self, job: str) -> dict[str, Path]:
        """The files of a job that has ended, by format, once they are fetched as its own user interface does."""
        self._ask("GET", f"jobs/{job}/download_files")

        def files() -> dict[str, Path]:
            found = {one["file_format"]: one["file_path"] for one in self.told(job)["job_files"]}
            return {name: self.root / path for name, path in found.items() if path}

        return dict(self.until(lambda: {"ipynb", "html"} <= set(found := files()) and found, "the files are there"))

    def until(self, look: Callable[[], Any], what: str) -> Any:
        """Wait until something holds, and give it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                if found := look():
                    return found
            except OSError:
                assert self._process.poll() is None, Path(self._log.name).read_text()
            time.sleep(0.2)
        raise AssertionError(f"waited in vain: {what}\n{Path(self._log.name).read_text()[-4_000:]}")

    def close(self) -> None:
        """End the server, and what it has started."""
        below = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        self._process.wait(30)
        for process in below:
            if process.is_running():
                process.kill()
        self._log.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = answer.read()
        return json.loads(said) if said else True


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("jobs") / "project"
    root.mkdir()
    Workspace.init(root).close()
    return root


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    place = project.parent / "jupyter"
    place.mkdir()
    made = Server(project, place)
    try:
        made.wait()
        yield made
    finally:
        made.close()


def put(project: Path, name: str, *cells: str) -> str:
    write(project / name, "who: str = 'nobody'\ntimes: int = 1", *cells)
    return name


def test_a_job_that_succeeds_is_recorded_with_its_parameters_metrics_and_files(project: Path, server: Server) -> None:
    (project / "beside.txt").write_text("beside")
    notebook = put(project, "hello.ipynb", HELLO, 'print(open("beside.txt").read())')
    job = server.job(notebook, parameters={"who": "'the world'", "times": "3"}, package_input_folder=True)
    told = server.ended(job)
    assert (told["status"], told["status_message"]) == ("COMPLETED", "recorded as the run hello-1")
    with Workspace.open(project) as workspace:
        run = workspace.run.show("hello-1")
        (step,) = run.children
        assert (run.kind, run.status, run.metrics) == ("pipeline", "finished", {"times": 3.0})
        assert step.params == {"who": "the world", "times": 3}
    files = server.outputs(job)
    executed = nbformat.read(files["ipynb"], as_version=4)
    printed = "".join(output.get("text", "") for cell in executed.cells for output in cell.get("outputs", ()))
    assert "hello the world\nbeside" in printed
    assert "hello the world" in files["html"].read_text()
    assert (files["ipynb"].parent / "left.txt").read_text() == "the world"
    assert not (project / ".nbmlops" / "scratch" / "jobs" / job).exists()
    assert not (project / "left.txt").exists(), "it ran in a folder of its own"
    assert not (files["ipynb"].parent / ".nbmlops").exists(), "what lies in a workspace may not become another one"


def test_a_job_that_fails_says_where_and_keeps_what_was_executed(project: Path, server: Server) -> None:
    job = server.job(put(project, "fails.ipynb", "print('before')", "1 / 0", "print('after')"))
    told = server.ended(job)
    assert told["status"] == "FAILED"
    assert "failed at cell 5: ZeroDivisionError: division by zero" in told["status_message"]
    assert told["end_time"] is not None
    cells = nbformat.read(server.outputs(job)["ipynb"], as_version=4).cells
    assert cells[-3].outputs[0].text == "before\n"
    assert cells[-1].outputs == [], "what was not reached was not executed"
    with Workspace.open(project) as workspace:
        run, step = workspace.run.show("fails-1"), workspace.run.show("fails-2")
        assert (run.kind, run.status, step.kind, step.status) == ("pipeline", "failed", "step", "failed")
        assert [cell.status for cell in step.cells][-2:] == ["completed", "failed"]


def test_a_job_that_takes_too_long_is_ended_and_was_tried_as_often_as_asked(project: Path, server: Server) -> None:
    notebook = put(project, "sleeps.ipynb", "import time\ntime.sleep(600)")
    asked = {"cell timeout": 3, "retries": "1, wait 1s"}
    told = server.ended(server.job(notebook, runtime_environment_parameters=asked))
    assert told["status"] == "FAILED"
    assert "timed out at cell 4" in told["status_message"]
    with Workspace.open(project) as workspace:
        runs = workspace.run.list(where="kind = 'pipeline'", experiment="sleeps")
        assert [run.status for run in runs] == ["failed", "failed"]


def test_a_job_that_a_second_attempt_completes_is_completed(project: Path, server: Server) -> None:
    place = project.parent / "tried"
    once = f"import pathlib\ntried = pathlib.Path({str(place)!r})\nassert tried.exists() or tried.touch()"
    notebook = put(project, "again.ipynb", "%load_ext nbmlops", "%%ml step\nretries: 1, wait 1s", once)
    assert server.ended(server.job(notebook))["status"] == "COMPLETED"
    with Workspace.open(project) as workspace:
        (run,) = workspace.run.list(where="kind = 'pipeline'", experiment="again")
        assert sorted(step.status for step in workspace.run.show(run.name).children) == ["failed", "finished"]


def test_a_job_whose_kernel_is_killed_says_so(project: Path, server: Server) -> None:
    here = project.parent / "here"
    lives = f"import os, pathlib, time\npathlib.Path({str(here)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    job = server.job(put(project, "dies.ipynb", lives))
    kernel = int(server.until(lambda: here.exists() and here.read_text(), "the kernel is there"))
    os.kill(kernel, signal.SIGKILL)
    told = server.ended(job)
    assert told["status"] == "FAILED"
    assert "kernel died at cell 4" in told["status_message"]
    with Workspace.open(project) as workspace:
        assert workspace.run.show("dies-2").status == "killed"


def test_a_job_that_is_stopped_leaves_no_kernel_and_no_run_that_seems_to_run(project: Path, server: Server) -> None:
    there = project.parent / "there"
    lives = f"import os, pathlib, time\npathlib.Path({str(there)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    job = server.job(put(project, "stops.ipynb", lives))
    kernel = int(server.until(lambda: there.exists() and there.read_text(), "the kernel is there"))
    server._ask("PATCH", f"jobs/{job}", {"status": "STOPPED"})
    assert server.ended(job)["status"] == "STOPPED"
    server.until(lambda: not psutil.pid_exists(kernel), "the kernel is gone")
    with Workspace.open(project) as workspace:
        assert {run.status for run in workspace.run.list(experiment="stops")} == {"killed"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"parameters": {"whom": "me"}}, "no step of hello has a parameter 'whom'"),
        ({"runtime_environment_parameters": {"colour": "red"}}, "a job cannot ask for 'colour'"),
        ({"runtime_environment_parameters": {"timeout": "soon"}}, "'soon' is no span of time"),
    ],
)
def test_a_job_that_asks_for_what_there_is_not_fails_before_a_kernel_starts(
    project: Path, server: Server, more: dict[str, Any], said: str
) -> None:
    told = server.ended(server.job(put(project, "hello.ipynb", HELLO), **more))
    assert told["status"] == "FAILED"
    assert said in told["status_message"]
