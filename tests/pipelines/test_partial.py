"""Some steps alone, a run that goes on, and what a run would do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import InvalidError, StepFailedError
from nbmlops.pipelines.explaining import Explanation
from nbmlops.pipelines.selection import Selection
from nbmlops.render import html, text
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, START, TOTAL, make, states, write

LAST = 'ml.log(last=float(ml.data.load("total").y.max()))'
FAILS = 'raise ValueError("not today")'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = make(tmp_path / "project")
    change(workspace, "3_last", "", LAST)
    return workspace


def change(workspace: Workspace, step: str, parameters: str, *cells: str) -> None:
    write(workspace.marker.root / "notebooks" / f"{step}.ipynb", parameters, *cells)


def told(explanation: Explanation) -> dict[str, tuple[str, str]]:
    return {step.step: (step.will, "; ".join(step.why)) for step in explanation.steps}


def test_a_part_of_the_steps_reads_what_the_others_made(workspace: Workspace) -> None:
    workspace.pipeline.run("sums")
    change(workspace, "1_make", "rows: int = 10", FAILS, RAW)
    change(workspace, "2_sum", "factor: int = 3", TOTAL)
    done = workspace.pipeline.run("sums", steps=Selection(start=("2_sum",)))
    assert states(done) == {"2_sum": "completed", "3_last": "completed"}
    assert done.run.tags["steps"] == "2_sum 3_last"
    assert [v.ref for v in workspace.data.history("total")] == ["total@v2", "total@v1"]
    assert states(workspace.pipeline.run("sums", steps=["3_last"])) == {"3_last": "skipped"}
    between = Selection(start=("2_sum",), until=("2_sum",))
    assert states(workspace.pipeline.run("sums", steps=between)) == {"2_sum": "skipped"}


def test_a_part_whose_inputs_were_never_made_says_what_makes_them(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="reads data raw, which no step writes") as raised:
        workspace.pipeline.run("sums", steps=["2_sum"])
    assert "pipeline run sums" in str(raised.value.hint)
    assert states(workspace.pipeline.run("sums", steps=Selection(until=("2_sum",)))) == {
        "1_make": "completed",
        "2_sum": "completed",
    }


def test_a_part_that_is_none_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="there is no step '2_som'") as raised:
        workspace.pipeline.run("sums", steps=["2_som"])
    assert "2_sum" in str(raised.value.hint)
    with pytest.raises(InvalidError, match="1_make does not wait for 2_sum"):
        workspace.pipeline.run("sums", steps=Selection(start=("2_sum",), until=("1_make",)))
    with pytest.raises(InvalidError, match="cannot stand for a time"):
        workspace.pipeline.run("sums", steps=["1_make"], logical_time="2013-04-01")
    with pytest.raises(InvalidError, match="--only names the steps"):
        Selection(start=("1_make",), only=("1_make",))


def test_a_run_goes_on_after_its_good_steps_whatever_has_changed_there(workspace: Workspace) -> None:
    change(workspace, "2_sum", "factor: int = 2", FAILS, TOTAL)
    with pytest.raises(StepFailedError, match="not today"):
        workspace.pipeline.run("sums", {"rows": "4"})
    change(workspace, "1_make", "rows: int = 10", "other = 1", RAW)
    change(workspace, "2_sum", "factor: int = 2", TOTAL)
    done = workspace.pipeline.resume("sums-1")
    assert states(done) == {"1_make": "skipped", "2_sum": "completed", "3_last": "completed"}
    assert done.steps[0].why == "taken from 1_make-1, though something has changed since"
    assert done.steps[2].metrics == {"last": 6.0}
    with pytest.raises(InvalidError, match="has finished: nothing of it is left to do"):
        workspace.pipeline.resume(done.run.name)


def test_a_result_that_was_taken_is_not_taken_for_that_of_the_code_of_now(workspace: Workspace) -> None:
    change(workspace, "2_sum", "factor: int = 2", FAILS, TOTAL)
    with pytest.raises(StepFailedError):
        workspace.pipeline.run("sums")
    change(workspace, "1_make", "rows: int = 10", RAW.replace("range(rows)", "range(1, rows + 1)"))
    change(workspace, "2_sum", "factor: int = 2", TOTAL)
    assert workspace.pipeline.resume("sums-1").steps[0].status == "skipped"
    why = told(workspace.pipeline.explain("sums"))["1_make"]
    assert why == ("run", "its code is another than that of 1_make-1: cell 4")
    assert set(states(workspace.pipeline.run("sums")).values()) == {"completed"}


def test_a_run_for_a_time_goes_on_with_its_own_steps_alone(workspace: Workspace) -> None:
    workspace.pipeline.run("sums", {"rows": "3"}, logical_time="2013-04-01")
    change(workspace, "1_make", "rows: int = 10", FAILS, RAW)
    with pytest.raises(StepFailedError):
        workspace.pipeline.run("sums", {"rows": "7"}, logical_time="2013-04-01")
    change(workspace, "1_make", "rows: int = 10", "other = 1", RAW)
    failed = workspace.run.list(1, experiment="sums")[0]
    done = workspace.pipeline.resume(failed.name)
    assert states(done) == {"1_make": "completed", "2_sum": "completed", "3_last": "completed"}
    assert done.steps[2].metrics == {"last": 12.0}


def test_a_run_goes_on_for_its_time_and_on_its_data(workspace: Workspace) -> None:
    workspace.pipeline.run("sums")
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", FAILS, TOTAL)
    with pytest.raises(StepFailedError):
        workspace.pipeline.run("sums", logical_time="2013-04-01")
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", TOTAL)
    failed = workspace.run.list(1, experiment="sums")[0]
    done = workspace.pipeline.resume(failed.name)
    assert done.run.tags["logical_time"] == "2013-04-01T00:00:00Z"
    assert workspace.pipeline.run("sums", logical_time="2013-04-01").run.id == done.run.id


def test_a_run_whose_process_was_killed_goes_on(workspace: Workspace) -> None:
    change(workspace, "2_sum", "factor: int = 2", "import time\nprint('here', flush=True)\ntime.sleep(600)", TOTAL)
    root = workspace.marker.root
    code = f"from nbmlops.workspace import Workspace\nWorkspace.open({str(root)!r}).pipeline.run('sums')"
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not any(run.experiment == "2_sum" for run in workspace.run.list(10)):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    change(workspace, "2_sum", "factor: int = 2", TOTAL)
    assert states(workspace.pipeline.resume("sums-1")) == {
        "1_make": "skipped",
        "2_sum": "completed",
        "3_last": "completed",
    }


def test_only_a_run_of_a_pipeline_can_go_on(workspace: Workspace) -> None:
    with workspace.run("gbm"):
        pass
    with pytest.raises(InvalidError, match="gbm-1 is no run of a pipeline"):
        workspace.pipeline.resume("gbm-1")


def test_it_is_told_which_steps_would_run_and_why(workspace: Workspace) -> None:
    first = told(workspace.pipeline.explain("sums"))
    assert first["1_make"] == ("run", "no result of it has committed yet")
    workspace.pipeline.run("sums")
    assert {will for will, _ in told(workspace.pipeline.explain("sums")).values()} == {"skip"}
    change(workspace, "2_sum", "factor: int = 2", "# a comment is no change", TOTAL)
    assert told(workspace.pipeline.explain("sums"))["2_sum"][0] == "skip"
    change(workspace, "2_sum", "factor: int = 2", TOTAL.replace("raw.n *", "raw.n +"))
    told_again = told(workspace.pipeline.explain("sums"))
    assert told_again["1_make"][0] == "skip"
    assert told_again["2_sum"] == ("run", "its code is another than that of 2_sum-1: cell 4")
    assert told_again["3_last"] == ("depends", "2_sum may make something else")
    assert told(workspace.pipeline.explain("sums", {"rows": "12"}))["1_make"] == (
        "run",
        "parameter rows is another: 10 → 12",
    )


def test_it_is_told_that_data_from_outside_is_another(workspace: Workspace) -> None:
    change(workspace, "1_make", "", 'outside = ml.data.load("outside")\nml.data.save(outside, "raw")')
    workspace.data.save(pd.DataFrame({"n": [1]}), "outside")
    workspace.pipeline.run("sums", steps=["1_make"])
    workspace.data.save(pd.DataFrame({"n": [2]}), "outside")
    assert told(workspace.pipeline.explain("sums"))["1_make"] == ("run", "data outside has another content")
    change(workspace, "1_make", "", "raw = 1", f"{START}\n{RAW}".replace("rows", "3"))
    assert told(workspace.pipeline.explain("sums"))["1_make"][1].endswith("it does not read data outside any more")


def test_the_graph_shows_what_happened_to_each_step_last(workspace: Workspace) -> None:
    assert "not run yet" in text(workspace.pipeline.show("sums"))
    workspace.pipeline.run("sums", steps=["1_make"])
    change(workspace, "2_sum", "factor: int = 2", FAILS, TOTAL)
    with pytest.raises(StepFailedError):
        workspace.pipeline.run("sums")
    graph = workspace.pipeline.show("sums")
    assert graph.last == {"1_make": "skipped", "2_sum": "failed", "3_last": "not_run"}
    assert "last run sums-2" in text(graph)
    assert "2_sum (factor)  reads raw · writes total · [failed]" in text(graph)
    assert '["3_last<br/>not run"]' in graph.mermaid()
    picture = html(graph)
    assert picture.count("nbmlops-done") - 1 == 1
    assert 'class="nbmlops-failed"><title>2_sum failed</title>' in picture
