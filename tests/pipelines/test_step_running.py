"""Steps that are tried again, taken over for a while only, or run on a condition."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from nbmlops.core.errors import InvalidError, StepFailedError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.request import Cancellation
from nbmlops.pipelines.selection import Selection
from nbmlops.render import text
from nbmlops.workspace import Workspace
from tests.pipelines.project import TOTAL, make, states, write

# Fails as often as the file beside it says.
FLAKY = (
    "from pathlib import Path\nleft = Path('left.txt')\nn = int(left.read_text())\nleft.write_text(str(n - 1))\n"
    "if n > 0:\n    raise OSError(f'the provider is away, {n} more')"
)
LAST = 'ml.log(last=float(ml.data.load("total").y.max()))'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make(tmp_path / "project")


def change(workspace: Workspace, step: str, parameters: str, *cells: str) -> None:
    write(workspace.marker.root / "notebooks" / f"{step}.ipynb", parameters, "%load_ext nbmlops", *cells)


def failing(workspace: Workspace, times: int, settings: str) -> None:
    (workspace.marker.root / "notebooks" / "left.txt").write_text(str(times))
    change(workspace, "2_sum", "factor: int = 2", f"%%ml step\n{settings}", FLAKY, TOTAL)


def test_a_step_that_fails_is_tried_again_and_each_attempt_is_a_run(workspace: Workspace) -> None:
    failing(workspace, 2, "retries: 3, wait 0s")
    signs: list[StepProgress] = []
    done = workspace.pipeline.run("sums", progress=signs.append)
    assert states(done) == {"1_make": "completed", "2_sum": "completed"}
    assert done.steps[1].notes == ("completed in attempt 3 of 4",)
    assert "completed in attempt 3 of 4" in text(done)
    waits = [sign.why for sign in signs if sign.state == "waiting"]
    assert [wait.partition(":")[0] for wait in waits] == ["attempt 1 of 4", "attempt 2 of 4"]
    assert "the provider is away, 2 more" in waits[0]
    attempts = workspace.run.list(parent_id=done.run.id, experiment="2_sum")
    assert [run.status for run in attempts] == ["finished", "failed", "failed"]
    assert [version.ref for version in workspace.data.history("total")] == ["total@v1"]
    assert workspace.pipeline.show("sums").last == {"1_make": "completed", "2_sum": "completed"}


def test_a_step_that_fails_every_time_says_how_often_it_was_tried(workspace: Workspace) -> None:
    failing(workspace, 9, "retries: 1, wait 0s")
    with pytest.raises(StepFailedError, match=r"the provider is away, 8 more \(attempt 2 of 2\)"):
        workspace.pipeline.run("sums")
    assert workspace.pipeline.show("sums").last == {"1_make": "completed", "2_sum": "failed"}


def test_a_pause_between_attempts_ends_when_the_run_is_stopped(workspace: Workspace) -> None:
    failing(workspace, 9, "retries: 5, wait 10m")
    stop = Cancellation()

    def stopping(sign: StepProgress) -> None:
        if sign.state == "waiting":
            threading.Timer(0.3, stop.cancel).start()

    with pytest.raises(KeyboardInterrupt):
        workspace.pipeline.run("sums", progress=stopping, cancellation=stop)
    (run,) = workspace.run.list(experiment="sums")
    assert run.status in {"failed", "killed"}
    assert len(workspace.run.list(experiment="2_sum")) == 1


def test_a_step_that_runs_out_of_its_own_time_is_tried_again(workspace: Workspace) -> None:
    slow = (
        "import time\nfrom pathlib import Path\n"
        "if not Path('slept').exists():\n    Path('slept').touch()\n    time.sleep(60)"
    )
    change(workspace, "2_sum", "factor: int = 2", "%%ml step\nretries: 1, wait 0s\ncell timeout: 10s", slow, TOTAL)
    done = workspace.pipeline.run("sums")
    assert done.steps[1].notes == ("completed in attempt 2 of 2",)
    attempts = workspace.run.list(parent_id=done.run.id, experiment="2_sum")
    assert [(run.status, (run.error or {}).get("name")) for run in attempts] == [
        ("finished", None),
        ("failed", "CellTimeoutError"),
    ]


def test_a_result_is_taken_over_only_as_long_as_the_step_says(workspace: Workspace) -> None:
    change(
        workspace,
        "1_make",
        "rows: int = 10",
        "%%ml step\ncache: never",
        'raw = pd.DataFrame({"n": range(rows)})\nml.data.save(raw, "raw")',
    )
    change(workspace, "2_sum", "factor: int = 2", "%%ml step\ncache: 1h", TOTAL)
    workspace.pipeline.run("sums")
    told = {step.step: (step.will, step.why) for step in workspace.pipeline.explain("sums").steps}
    assert told["1_make"] == ("run", ("its settings say that no result is taken over",))
    assert told["2_sum"][0] == "depends"
    assert states(workspace.pipeline.run("sums")) == {"1_make": "completed", "2_sum": "skipped"}
    change(workspace, "2_sum", "factor: int = 2", "%%ml step\ncache: 1s", TOTAL)
    time.sleep(1.1)
    explained = workspace.pipeline.explain("sums").steps[1]
    assert explained.will == "run"
    assert "its settings take none over from 1s on" in explained.why[0]
    # That it was taken over in the meantime makes a result no younger.
    assert states(workspace.pipeline.run("sums")) == {"1_make": "completed", "2_sum": "completed"}


def test_a_step_runs_only_when_its_parameters_say_so(workspace: Workspace) -> None:
    change(workspace, "2_sum", "factor: int = 2", "%%ml step\nwhen: factor > 2", TOTAL)
    change(workspace, "3_last", "", LAST)
    # Nothing has made what the last step reads.
    with pytest.raises(StepFailedError, match="3_last"):
        workspace.pipeline.run("sums")
    assert workspace.pipeline.show("sums").last == {"1_make": "completed", "2_sum": "skipped", "3_last": "failed"}
    assert states(workspace.pipeline.run("sums", {"factor": 3}))["2_sum"] == "completed"
    done = workspace.pipeline.run("sums")
    assert states(done) == {"1_make": "skipped", "2_sum": "skipped", "3_last": "skipped"}
    assert done.steps[1].why == "runs only when factor > 2"
    assert done.run.tags["left-out.2_sum"] == "runs only when factor > 2"
    told = {step.step: (step.will, step.why) for step in workspace.pipeline.explain("sums").steps}
    assert told["2_sum"] == ("skip", ("runs only when factor > 2",))


def test_a_step_runs_only_when_what_a_step_before_it_has_logged_says_so(workspace: Workspace) -> None:
    wanted = '%%ml step\nwhen: col("2_sum.total") > limit'
    change(workspace, "3_last", "limit: float = 100.0", wanted, LAST)
    done = workspace.pipeline.run("sums")
    assert states(done) == {"1_make": "completed", "2_sum": "completed", "3_last": "skipped"}
    assert states(workspace.pipeline.run("sums", {"limit": 50}))["3_last"] == "completed"
    change(workspace, "3_last", "limit: float = 1.0", wanted.replace("total", "totl"), LAST)
    with pytest.raises(InvalidError, match="2_sum has not logged totl"):
        workspace.pipeline.run("sums")
    explained = workspace.pipeline.explain("sums").steps[2]
    assert explained.why[-1] == 'it runs only when col("2_sum.totl") > limit'


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("facto > 1", "3_last.ipynb cell 5 runs only when facto > 1, and 'facto' is no parameter of it"),
        ('col("4_x.total") > 1', "is no parameter of it and no metric of a step before it"),
        ("names > 1", "the parameter names is a list, no plain value"),
        ("limit > 'x'", "cannot be told: limit is 1.0"),
        ("limit + 1", "is neither true nor false"),
    ],
)
def test_a_condition_that_cannot_be_told_is_said_before_anything_runs(
    workspace: Workspace, condition: str, said: str
) -> None:
    change(workspace, "3_last", "limit: float = 1.0\nnames: list = []", f"%%ml step\nwhen: {condition}", LAST)
    with pytest.raises(InvalidError) as raised:
        workspace.pipeline.run("sums")
    assert said in raised.value.message
    assert workspace.run.list() == []


def test_a_part_of_the_steps_waits_for_none_of_the_others(workspace: Workspace) -> None:
    change(workspace, "0_first", "", "%%ml step\nafter: 2_sum", "x = 1")
    assert [step.name for step in workspace.pipeline.show("sums").steps] == ["1_make", "2_sum", "0_first"]
    assert states(workspace.pipeline.run("sums", steps=Selection(only=("0_first",)))) == {"0_first": "completed"}


def test_settings_of_a_frozen_pipeline_hold(workspace: Workspace) -> None:
    failing(workspace, 0, "retries: 1, wait 0s\ncache: never")
    workspace.pipeline.promote("sums")
    failing(workspace, 1, "cache: never")
    done = workspace.pipeline.run("sums@production")
    assert done.steps[1].notes[-1] == "completed in attempt 2 of 2"
