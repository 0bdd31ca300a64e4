"""With real kernels: limits of time and memory, and what a run that meets them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, StepFailedError, UnsupportedError
from nbmlops.core.signs import StepProgress
from nbmlops.core.sizes import bytes_of
from nbmlops.pipelines.memory import MemoryWatch
from nbmlops.pipelines.request import Limits
from tests.pipelines.project import RAW, make, write
from tests.pipelines.test_execution import ends, run, statuses

pytestmark = pytest.mark.notebook

GROW = "held = []\nfor _ in range(10_000):\n    held.append(bytearray(b'x') * 10_000_000)\n    time.sleep(0.01)"


def test_a_step_that_takes_too_long_is_timed_out_in_the_cell_that_it_had_reached(tmp_path: Path) -> None:
    sleep = "import time\ntime.sleep(2.5)"
    execution = run(tmp_path, "1", sleep, sleep, sleep, sleep, limits=Limits(cell=30, step=6))
    assert execution.status == "timed_out"
    assert statuses(execution)[0] == "completed"
    assert statuses(execution)[-1] == "not_run"
    assert statuses(execution).count("timed_out") == 1
    assert execution.error is not None
    assert (execution.error.ename, execution.error.evalue) == ("StepTimeoutError", "the step ran longer than 6 s")


def test_a_step_without_time_for_its_kernel_is_timed_out_and_runs_nothing(tmp_path: Path) -> None:
    execution = run(tmp_path, "1", limits=Limits(step=0.01))
    assert (execution.status, statuses(execution)) == ("timed_out", ["not_run"])


def test_a_cell_that_takes_too_much_memory_is_stopped_and_says_how_much(tmp_path: Path) -> None:
    execution = run(tmp_path, "1", f"import time\n{GROW}", "2", limits=Limits(memory=400_000_000))
    assert execution.status == "kernel_died"
    assert statuses(execution) == ["completed", "kernel_died", "not_run"]
    assert execution.error is not None
    assert execution.error.ename == "OutOfMemory"
    with pytest.raises(StepFailedError, match=r"at cell 3: OutOfMemory: out of memory: .* had 4\d\d MB of 400 MB"):
        execution.raise_for_status()


def test_the_memory_of_child_processes_counts_and_they_end_too(tmp_path: Path) -> None:
    child = f"import os, time\nprint(os.getpid(), file=open('child', 'w'))\n{GROW}"
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    execution = run(tmp_path, start, limits=Limits(memory=500_000_000))
    assert execution.error is not None
    assert execution.error.ename == "OutOfMemory"
    assert ends(int((tmp_path / "child").read_text()))


def test_pages_that_forked_processes_share_count_once(tmp_path: Path) -> None:
    forks = (
        "import os, time\nheld = bytearray(b'x') * 200_000_000\n"
        "children = [os.fork() or (time.sleep(2), os._exit(0)) for _ in range(4)]\n"
        "for child in children: os.waitpid(child, 0)"
    )
    assert run(tmp_path, forks, limits=Limits(memory=700_000_000)).status == "completed"


def test_a_kernel_elsewhere_has_no_limit_of_memory() -> None:
    with pytest.raises(UnsupportedError, match="on Linux alone"):
        MemoryWatch(None, 1)


@pytest.mark.parametrize("limits", [{"cell": 0}, {"step": -1}, {"memory": 0}])
def test_a_limit_of_nothing_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidError, match="more than 0"):
        Limits(**limits)


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2**31), ("1.5 MB", 1_500_000), ("7", 7), ("3kB", 3_000), ("3KiB", 3_072)]
)
def test_sizes_are_read_as_they_are_written(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "two", "-1", "1GiBs", "1iB", "nan", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="is no size"):
        bytes_of(text)


def test_a_run_of_a_pipeline_passes_limits_on_and_tells_what_cells_print(tmp_path: Path) -> None:
    workspace = make(tmp_path / "project")
    write(
        tmp_path / "project" / "notebooks" / "1_make.ipynb",
        "rows: int = 10",
        "print('so far')\nimport time\ntime.sleep(60)",
        RAW,
    )
    signs: list[StepProgress] = []
    with (
        workspace,
        pytest.raises(StepFailedError, match=r"1_make.* timed out at cell 4: .*the cell ran longer than 5 s"),
    ):
        workspace.pipeline.run("sums", limits=Limits(cell=5), progress=signs.append)
    assert ("1_make", "so far\n") in [(sign.step, sign.printed) for sign in signs]


def test_a_step_that_has_run_before_says_how_long_it_takes(tmp_path: Path) -> None:
    signs: list[StepProgress] = []
    with make(tmp_path / "project") as workspace:
        workspace.pipeline.run("sums", progress=signs.append)
        assert {sign.expected for sign in signs} == {None}
        del signs[:]
        done = workspace.pipeline.run("sums", cache=False, progress=signs.append)
    expected = [sign.expected for sign in signs if sign.cells]
    assert expected
    assert all(seconds is not None and 0 < seconds < 300 for seconds in expected)
    assert len(done.ran) == 2


def test_the_shell_shows_what_cells_print_when_it_is_asked_to(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "project").close()
    write(tmp_path / "project" / "notebooks" / "1_make.ipynb", "rows: int = 10", "print('one\\ntwo')", RAW)
    monkeypatch.chdir(tmp_path / "project")
    with pytest.raises(SystemExit) as ended:
        main(["pipeline", "run", "sums", "--log-output", "--memory", "8GiB", "--timeout", "300"])
    assert not ended.value.code
    assert "1_make | one\n1_make | two\n" in capfd.readouterr().err
