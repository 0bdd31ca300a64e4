"""Through papermill itself: its command line in a process of its own, as a user or Airflow starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}

pytestmark = pytest.mark.notebook

# A recorder as the workspace has one: it writes what it is told into the folder, if `workspace` lies there.
RECORDER = """\
import json
from pathlib import Path

class Recorder:
    def __init__(self, folder):
        self.folder = folder

    def begin(self, notebook, parameters):
        (self.folder / "begun.json").write_text(json.dumps([notebook, dict(parameters)]))
        return {"NBMLOPS_RUN": "run-1"}

    def end(self, status, error, execution):
        (self.folder / "ended.json").write_text(json.dumps([status, error]))
        (self.folder / "ran.json").write_text(json.dumps(execution and [cell.status for cell in execution.cells]))

def recorder(folder):
    return Recorder(folder) if (folder / "workspace").exists() else None
"""
POINTS = """\
[papermill.engine]
nbmlops = nbmlops.pipelines.engine:NbmlopsEngine

[nbmlops.recorder]
nbmlops = a_recorder:recorder
"""

Papermill = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that, on the path, stands for an installed nbmlops with a recorder."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "a_recorder.py").write_text(RECORDER)
    metadata = folder / "nbmlops_tested-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nbmlops-tested\nVersion: 0.1\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    return folder


@pytest.fixture
def papermill(tmp_path: Path, installed: Path) -> Papermill:
    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "papermill", "--engine", "nbmlops", "--no-progress-bar"]
        command += ["in.ipynb", "out.ipynb", *arguments]
        environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


def write(folder: Path, *sources: str, parameters: str = "month: int = 5") -> None:
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(new_code_cell, sources)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    nbformat.write(notebook, folder / "in.ipynb")


def read(folder: Path) -> NotebookNode:
    notebook = nbformat.read(folder / "out.ipynb", 4)
    nbformat.validate(notebook)
    return notebook


def said(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


def statuses(notebook: NotebookNode) -> list[str]:
    return [cell.metadata.papermill.status for cell in notebook.cells if "papermill" in cell.metadata]


def test_a_notebook_runs_with_its_parameters_and_the_run_is_recorded(tmp_path: Path, papermill: Papermill) -> None:
    (tmp_path / "workspace").touch()
    write(tmp_path, "import os\nprint(month, os.environ['NBMLOPS_RUN'], os.environ['NBMLOPS_NOTEBOOK'])")
    _, err = (process := papermill("-p", "month", "2")).communicate(timeout=120)
    assert process.returncode == 0, err
    notebook = read(tmp_path)
    assert notebook.cells[2].outputs[0].text == "2 run-1 in.ipynb\n"
    mark = notebook.metadata.papermill
    assert (mark.status, mark.exception, mark.parameters, mark.input_path) == (
        "completed",
        None,
        {"month": 2},
        "in.ipynb",
    )
    assert statuses(notebook) == ["completed"] * 3
    assert said(tmp_path, "begun.json") == ["in.ipynb", {"month": 2}]
    assert said(tmp_path, "ended.json") == ["finished", None]
    assert said(tmp_path, "ran.json") == ["completed"] * 3


def test_without_a_workspace_the_notebook_runs_and_the_log_says_that_no_run_is_recorded(
    tmp_path: Path, papermill: Papermill
) -> None:
    write(tmp_path, "print(month)")
    _, err = (process := papermill()).communicate(timeout=120)
    assert process.returncode == 0, err
    assert read(tmp_path).cells[1].outputs[0].text == "5\n"
    assert err.count("no run is recorded") == 1


def test_a_cell_that_raises_fails_papermill_as_ever_and_the_run(tmp_path: Path, papermill: Papermill) -> None:
    (tmp_path / "workspace").touch()
    write(tmp_path, "raise ValueError('bad month')", "2")
    _, err = (process := papermill()).communicate(timeout=120)
    assert process.returncode == 1
    assert "PapermillExecutionError" in err
    assert "bad month" in err
    assert statuses(read(tmp_path)) == ["completed", "failed", "not_run"]
    assert said(tmp_path, "ended.json") == ["failed", "ValueError: bad month (at cell 2)"]


def test_a_dead_kernel_is_saved_as_what_it_is_and_gives_papermill_s_exit_code_for_it(
    tmp_path: Path, papermill: Papermill
) -> None:
    (tmp_path / "workspace").touch()
    write(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "2")
    process = papermill()
    process.communicate(timeout=120)
    assert process.returncode == 138
    notebook = read(tmp_path)
    assert statuses(notebook) == ["completed", "kernel_died", "not_run"]
    assert notebook.metadata.papermill.exception is True
    assert said(tmp_path, "ended.json")[0] == "killed"


def test_a_timeout_is_saved_as_what_it_is_and_raised(tmp_path: Path, papermill: Papermill) -> None:
    (tmp_path / "workspace").touch()
    write(tmp_path, "import time\ntime.sleep(300)", "2")
    _, err = (process := papermill("--execution-timeout", "1")).communicate(timeout=120)
    assert process.returncode == 1
    assert "CellTimeoutError: in.ipynb at cell 2: the cell ran longer than 1 s" in err
    assert statuses(read(tmp_path)) == ["completed", "timed_out", "not_run"]
    assert said(tmp_path, "ended.json")[0] == "failed"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_papermill_told_to_stop_saves_records_and_leaves_no_kernel(
    tmp_path: Path, papermill: Papermill, number: signal.Signals, code: int
) -> None:
    (tmp_path / "workspace").touch()
    write(
        tmp_path,
        "import os, time\nopen('pid.tmp', 'w').write(f'{os.getpid()}')\nos.rename('pid.tmp', 'pid')\ntime.sleep(300)",
    )
    process = papermill()
    while not (tmp_path / "pid").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == code
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    notebook = read(tmp_path)
    assert statuses(notebook) == ["completed", "cancelled"]
    assert notebook.metadata.papermill.status == "cancelled"
    assert said(tmp_path, "ended.json")[0] == "killed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-p", "month", "two"], "parameter month of in.ipynb (cell 1) expects int, not 'two' (str)"),
        (["-y", '{"month = 1\\nimport os #": 2}'], "the injected cell 2 of in.ipynb holds more than assignments"),
    ],
)
def test_a_parameter_that_is_not_acceptable_is_refused_before_a_kernel_starts(
    tmp_path: Path, papermill: Papermill, arguments: list[str], says: str
) -> None:
    (tmp_path / "workspace").touch()
    write(tmp_path, "open('ran', 'w')")
    _, err = (process := papermill(*arguments)).communicate(timeout=120)
    assert process.returncode == 1
    assert says in err
    assert {path.name for path in tmp_path.iterdir()} == {"in.ipynb", "workspace"}


def test_a_date_given_as_text_arrives_as_a_date(tmp_path: Path, papermill: Papermill) -> None:
    write(tmp_path, "print(when.year)", parameters="from datetime import date\nwhen: date = date(2013, 1, 1)")
    _, err = (process := papermill("-p", "when", "2014-02-03", "--inject-paths")).communicate(timeout=120)
    assert process.returncode == 0, err
    notebook = read(tmp_path)
    assert notebook.cells[2].outputs[0].text == "2014\n"
    assert notebook.metadata.papermill.parameters.when == "2014-02-03"


def test_the_notebook_runs_in_papermill_s_folder_and_is_saved_in_the_caller_s(
    tmp_path: Path, papermill: Papermill
) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path, "import os\nprint(os.path.basename(os.getcwd()))")
    _, err = (process := papermill("--cwd", "elsewhere", "--log-output")).communicate(timeout=120)
    assert process.returncode == 0, err
    assert read(tmp_path).cells[1].outputs[0].text == "elsewhere\n"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert "elsewhere" in err
