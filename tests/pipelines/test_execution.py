"""With real kernels: what the file says when a notebook ends well, badly, late, or not by its own will."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbmlops.core.errors import InvalidError, StepFailedError
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.outcome import CellProgress, Execution
from nbmlops.pipelines.request import Cancellation, Limits

ROOT = Path(__file__).parents[2]
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}

pytestmark = pytest.mark.notebook


def notebook_of(*sources: str, kernel: str = "python3") -> NotebookNode:
    cells = [new_markdown_cell("# A step"), *map(new_code_cell, sources), new_markdown_cell("the end")]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC | {"name": kernel}})


def run(folder: Path, *sources: str, **options: Any) -> Execution:
    execution = execute(notebook_of(*sources), folder / "step.ipynb", cwd=folder, env={}, **options)
    assert_true_on_disk(execution)
    return execution


def assert_true_on_disk(execution: Execution) -> None:
    assert execution.output is not None
    saved = nbformat.read(execution.output, 4)
    nbformat.validate(saved)
    assert saved == execution.notebook
    assert saved.metadata.papermill.status == execution.status
    assert saved.metadata.papermill.exception is (None if execution.status == "completed" else True)
    for result in execution.cells:
        mark = saved.cells[result.number - 1].metadata.papermill
        assert (mark.status, mark.duration) == (result.status, result.seconds)
    said = {cell.metadata.papermill.status for cell in saved.cells}
    assert said <= {"completed", "failed", "timed_out", "kernel_died", "cancelled", "not_run"}


def statuses(execution: Execution) -> list[str]:
    return [cell.status for cell in execution.cells]


def text_of(execution: Execution, number: int) -> str:
    outputs = execution.notebook.cells[number - 1].outputs
    return "".join(output.get("text", "") for output in outputs)


def is_running(pid: int) -> bool:
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.strip().startswith("Z")


def ends(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def wait_for(path: Path, seconds: float = 60.0) -> str:
    deadline = time.monotonic() + seconds
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)
    return path.read_text().strip()


# Starts a child, and says its own number and the child's in a file.
WITH_CHILD = """\
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"])
with open("pids.tmp", "w") as file:
    print(os.getpid(), child.pid, file=file)
os.rename("pids.tmp", "pids")
"""


def test_a_notebook_that_runs_through_is_completed_with_times_and_resources(tmp_path: Path) -> None:
    execution = run(tmp_path, "x = bytearray(60_000_000)", "print(len(x))\nlen(x)")
    assert execution.status == "completed"
    assert statuses(execution) == ["completed", "completed"]
    assert text_of(execution, 3) == "60000000\n"
    assert execution.notebook.cells[2].execution_count == 2
    assert execution.error is None
    execution.raise_for_status()
    if sys.platform == "linux":
        memory = [cell.usage.peak_memory for cell in execution.cells]
        assert all(peak is not None and peak > 60_000_000 for peak in memory)
    mark = execution.notebook.metadata.papermill
    assert {"start_time", "end_time", "duration", "version", "parameters", "environment_variables"} <= set(mark)
    assert execution.notebook.metadata.language_info.name == "python"


def test_the_notebook_that_was_given_stays_as_it_is(tmp_path: Path) -> None:
    notebook = notebook_of("1")
    before = nbformat.writes(notebook)
    execute(notebook, tmp_path / "step.ipynb", cwd=tmp_path, env={})
    assert nbformat.writes(notebook) == before


def test_what_an_earlier_execution_left_is_cleared(tmp_path: Path) -> None:
    first = run(tmp_path, "print('first')", "1 / 0", "print('last')")
    first.notebook.cells[2].source = "pass"
    again = execute(first.notebook, tmp_path / "again.ipynb", cwd=tmp_path, env={})
    assert statuses(again) == ["completed"] * 3
    assert again.notebook.metadata.papermill.exception is None
    assert again.notebook.cells[2].outputs == []


def test_a_cell_that_raises_is_failed_and_the_cells_after_it_are_not_run(tmp_path: Path) -> None:
    execution = run(tmp_path, "x = 1", "raise ValueError('bad month')", "x")
    assert execution.status == "failed"
    assert statuses(execution) == ["completed", "failed", "not_run"]
    assert execution.error is not None
    assert (execution.error.number, execution.error.ename, execution.error.evalue) == (3, "ValueError", "bad month")
    assert any("ValueError" in line for line in execution.error.traceback)
    assert execution.notebook.cells[4].metadata.papermill.status == "not_run"
    with pytest.raises(StepFailedError, match=r"step.ipynb failed at cell 3: ValueError: bad month"):
        execution.raise_for_status()


def test_a_cell_that_may_raise_does_not_end_the_notebook(tmp_path: Path) -> None:
    notebook = notebook_of("1 / 0", "2")
    notebook.cells[1].metadata["tags"] = ["raises-exception"]
    execution = execute(notebook, tmp_path / "step.ipynb", cwd=tmp_path, env={})
    assert statuses(execution) == ["completed", "completed"]


def test_a_value_that_cannot_show_itself_fails_by_its_own_error(tmp_path: Path) -> None:
    execution = run(tmp_path, "class Shy:\n    def _repr_html_(self):\n        raise ValueError('not me')", "Shy()")
    assert statuses(execution) == ["completed", "failed"]
    assert execution.error is not None
    assert (execution.error.ename, execution.error.evalue) == ("ValueError", "not me")


def test_a_cell_tagged_to_be_skipped_is_not_run(tmp_path: Path) -> None:
    notebook = notebook_of("1 / 0", "2")
    notebook.cells[1].metadata["tags"] = ["skip-execution"]
    execution = execute(notebook, tmp_path / "step.ipynb", cwd=tmp_path, env={})
    assert execution.status == "completed"
    assert statuses(execution) == ["not_run", "completed"]


@pytest.mark.parametrize("leave", ["exit()", "import sys; sys.exit()", "raise SystemExit(0)"])
def test_a_notebook_may_end_early_on_purpose(tmp_path: Path, leave: str) -> None:
    execution = run(tmp_path, leave, "1 / 0")
    assert execution.status == "completed"
    assert statuses(execution) == ["completed", "not_run"]


def test_leaving_with_an_exit_code_is_a_failure(tmp_path: Path) -> None:
    execution = run(tmp_path, "import sys; sys.exit(3)", "2")
    assert (execution.status, statuses(execution)) == ("failed", ["failed", "not_run"])


def test_a_kernel_killed_in_the_middle_of_a_cell_is_told_from_a_cell_that_failed(tmp_path: Path) -> None:
    kill = "import os, time\nprint('so far', flush=True)\ntime.sleep(0.5)\nos.kill(os.getpid(), 9)"
    execution = run(tmp_path, "1", kill, "2")
    assert execution.status == "kernel_died"
    assert statuses(execution) == ["completed", "kernel_died", "not_run"]
    assert text_of(execution, 3) == "so far\n"
    assert execution.error is not None
    assert "killed by SIGKILL" in execution.error.evalue
    assert execution.notebook.cells[2].outputs[-1].ename == "DeadKernelError"
    with pytest.raises(StepFailedError, match="lost its kernel at cell 3"):
        execution.raise_for_status()


def test_a_kernel_that_crashes_names_the_signal(tmp_path: Path) -> None:
    execution = run(tmp_path, "import ctypes; ctypes.string_at(0)")
    assert execution.status == "kernel_died"
    assert execution.error is not None
    assert "SIGSEGV" in execution.error.evalue


def test_a_cell_that_takes_too_long_is_timed_out_and_shows_where_it_was(tmp_path: Path) -> None:
    execution = run(tmp_path, "1", "import time\ntime.sleep(300)", "2", limits=Limits(cell=1))
    assert execution.status == "timed_out"
    assert statuses(execution) == ["completed", "timed_out", "not_run"]
    assert execution.error is not None
    assert execution.error.evalue == "the cell ran longer than 1 s"
    assert [output.ename for output in execution.notebook.cells[2].outputs] == ["KeyboardInterrupt", "CellTimeoutError"]


def test_a_cell_that_cannot_be_interrupted_is_killed_with_its_children(tmp_path: Path) -> None:
    deaf = f"{WITH_CHILD}import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(300)"
    execution = run(tmp_path, deaf, limits=Limits(cell=2))
    assert statuses(execution) == ["timed_out"]
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_children_of_a_notebook_that_completed_end_with_it(tmp_path: Path) -> None:
    execution = run(tmp_path, WITH_CHILD)
    assert execution.status == "completed"
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_what_was_registered_for_the_end_of_the_kernel_is_run(tmp_path: Path) -> None:
    run(tmp_path, "import atexit, pathlib\natexit.register(pathlib.Path('done').touch)")
    assert (tmp_path / "done").exists()


def test_a_cancelled_notebook_is_interrupted_saved_and_gone(tmp_path: Path) -> None:
    cancellation = Cancellation()

    def cancel() -> None:
        wait_for(tmp_path / "pids")
        cancellation.cancel()

    helper = threading.Thread(target=cancel)
    helper.start()
    execution = run(tmp_path, "1", f"{WITH_CHILD}time.sleep(300)", "2", cancellation=cancellation)
    helper.join()
    assert execution.status == "cancelled"
    assert statuses(execution) == ["completed", "cancelled", "not_run"]
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_notebook_cancelled_before_it_began_runs_nothing(tmp_path: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    execution = run(tmp_path, "open('ran', 'w')", cancellation=cancellation)
    assert (execution.status, statuses(execution)) == ("cancelled", ["not_run"])
    assert not (tmp_path / "ran").exists()


def test_an_error_in_the_caller_s_own_progress_ends_the_kernel_and_is_raised(tmp_path: Path) -> None:
    def show(cell: CellProgress) -> None:
        if cell.done == 1:
            raise LookupError("no room for the bar")

    with pytest.raises(LookupError, match="no room"):
        execute(notebook_of(WITH_CHILD, "2"), tmp_path / "step.ipynb", cwd=tmp_path, env={}, progress=show)
    saved = nbformat.read(tmp_path / "step.ipynb", 4)
    assert saved.metadata.papermill.status == "cancelled"
    assert all(ends(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_progress_counts_the_code_cells(tmp_path: Path) -> None:
    seen: list[CellProgress] = []
    run(tmp_path, "1", "", "1 / 0", "2", progress=seen.append)
    assert [(cell.number, cell.done, cell.total, cell.status) for cell in seen] == [
        (2, 0, 3, "running"),
        (2, 1, 3, "completed"),
        (4, 1, 3, "running"),
        (4, 2, 3, "failed"),
    ]


def test_notebooks_in_threads_have_folders_and_variables_of_their_own(tmp_path: Path) -> None:
    def one(name: str) -> tuple[str, Path]:
        folder = tmp_path / name
        folder.mkdir()
        sources = ["import os\nprint(os.getcwd())\nprint(os.environ['WHO'])"]
        execution = execute(notebook_of(*sources), folder / "step.ipynb", cwd=folder, env={"WHO": name})
        return text_of(execution, 2), folder

    before = Path.cwd()
    with ThreadPoolExecutor(4) as pool:
        for text, folder in pool.map(one, [f"month-{number}" for number in range(6)]):
            assert text == f"{folder}\n{folder.name}\n"
    assert Path.cwd() == before
    assert "WHO" not in os.environ


def test_a_notebook_runs_from_within_a_running_event_loop(tmp_path: Path) -> None:
    import asyncio

    async def within() -> Execution:
        return run(tmp_path, "1 + 1")

    assert asyncio.run(within()).status == "completed"


def test_a_reader_sees_a_whole_notebook_at_every_moment(tmp_path: Path) -> None:
    output, read, over = tmp_path / "step.ipynb", [0], threading.Event()

    def reader() -> None:
        while not over.is_set():
            with contextlib.suppress(FileNotFoundError):
                nbformat.validate(nbformat.reads(output.read_text(), 4))
                read[0] += 1

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader)
        try:
            run(
                tmp_path,
                *["import time\nfor _ in range(4):\n    print('x' * 50_000, flush=True); time.sleep(0.15)"] * 4,
            )
        finally:
            over.set()
        reading.result()
    assert read[0] > 10


def test_an_output_that_comes_late_replaces_what_was_shown_in_an_earlier_cell(tmp_path: Path) -> None:
    execution = run(tmp_path, "h = display('first', display_id=True)", "h.update('second')")
    assert execution.notebook.cells[1].outputs[0].data["text/plain"] == "'second'"


def test_many_small_outputs_all_arrive(tmp_path: Path) -> None:
    execution = run(tmp_path, "for number in range(1_500): display(number)")
    assert len(execution.notebook.cells[1].outputs) == 1_500


def test_the_state_of_widgets_is_not_stored(tmp_path: Path) -> None:
    execution = run(tmp_path, "import ipywidgets\nipywidgets.IntSlider()")
    assert "widgets" not in execution.notebook.metadata


def test_a_kernel_that_is_not_installed_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"kernel julia-9, which is not installed \(installed: .*python3"):
        execute(notebook_of("1", kernel="julia-9"), tmp_path / "step.ipynb", cwd=tmp_path, env={})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="there is no such folder"):
        execute(notebook_of("1"), tmp_path / "step.ipynb", cwd=tmp_path / "gone", env={})


def test_a_kernel_that_does_not_start_says_why_and_no_cell_passes_as_run(tmp_path: Path) -> None:
    broken = tmp_path / "ipykernel_launcher.py"
    broken.write_text("raise SystemExit('no room for a kernel')")
    execution = execute(notebook_of("1"), tmp_path / "step.ipynb", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert (execution.status, statuses(execution)) == ("kernel_died", ["not_run"])
    assert execution.error is not None
    assert "no room for a kernel" in execution.error.evalue
    assert_true_on_disk(execution)


RUNNER = """\
import signal, sys
from pathlib import Path
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.notebook import read_notebook
from nbmlops.pipelines.request import Cancellation

stop = Cancellation()
signal.signal(signal.SIGTERM, lambda *_: stop.cancel())
folder = Path(sys.argv[1])
print(execute(read_notebook(folder / "in.ipynb"), folder / "out.ipynb", cwd=folder, env={}, cancellation=stop).status)
"""


@pytest.fixture
def runner(tmp_path: Path) -> subprocess.Popen[str]:
    # The word comes before the file by which the test knows, and is passed on in the time that follows.
    word = "print('the last word', flush=True); import time; time.sleep(0.5)\n"
    nbformat.write(notebook_of("1", f"{word}{WITH_CHILD}time.sleep(300)", "2"), tmp_path / "in.ipynb")
    (tmp_path / "t").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "t")}
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("number", "said"), [(signal.SIGTERM, "cancelled\n"), (signal.SIGINT, "")])
def test_a_runner_that_is_told_to_stop_saves_and_leaves_nothing_behind(
    tmp_path: Path, runner: subprocess.Popen[str], number: signal.Signals, said: str
) -> None:
    pids = wait_for(tmp_path / "pids").split()
    runner.send_signal(number)
    out, _ = runner.communicate(timeout=20)
    assert out == said
    assert all(ends(int(pid)) for pid in pids)
    saved = nbformat.read(tmp_path / "out.ipynb", 4)
    nbformat.validate(saved)
    assert [cell.metadata.papermill.status for cell in saved.cells] == [
        "completed", "completed", "cancelled", "not_run", "not_run"
    ]  # fmt: skip
    assert saved.metadata.papermill.status == "cancelled"


def test_a_runner_that_is_killed_takes_the_kernel_and_its_children_with_it(
    tmp_path: Path, runner: subprocess.Popen[str]
) -> None:
    pids = wait_for(tmp_path / "pids").split()
    runner.kill()
    runner.communicate(timeout=20)
    assert all(ends(int(pid)) for pid in pids)
    deadline = time.monotonic() + 30
    while (saved := nbformat.read(tmp_path / "out.ipynb", 4)).metadata.papermill.status == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    nbformat.validate(saved)
    assert [cell.metadata.papermill.status for cell in saved.cells] == [
        "completed", "completed", "cancelled", "not_run", "not_run"
    ]  # fmt: skip
    assert [(output.get("text"), output.get("evalue")) for output in saved.cells[2].outputs] == [
        ("the last word\n", None), (None, "the runner was killed")
    ]  # fmt: skip
    while list((tmp_path / "t").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list((tmp_path / "t").iterdir()) == []


def test_nothing_is_left_open_after_an_execution(tmp_path: Path) -> None:
    def open_here() -> tuple[set[str], int]:
        return {thread.name for thread in threading.enumerate()}, len(list(Path("/dev/fd").iterdir()))

    run(tmp_path, "1")
    before = open_here()
    for _ in range(3):
        run(tmp_path, "1")
    assert open_here() == before


def test_where_a_path_is_too_long_for_a_socket_the_kernel_is_reached_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert run(tmp_path, "1").status == "completed"
    assert list(deep.iterdir()) == []
