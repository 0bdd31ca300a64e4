"""Notebooks that are not the same again, that fail, that ask, and runs that were made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import StepFailedError
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        yield made


def step(workspace: Workspace, *cells: str) -> None:
    """Make the pipeline ``sums`` one notebook of some cells."""
    folder = workspace.marker.root / "notebooks"
    (folder / "1_make.ipynb").unlink(missing_ok=True)
    write(folder / "2_sum.ipynb", "factor: int = 2", *cells)


def test_what_the_clock_says_differs_and_the_cell_is_named(workspace: Workspace) -> None:
    step(workspace, "import time\nprint('at', time.time_ns())", "ml.log(near=1 + 1e-12 * (time.time_ns() % 97))")
    workspace.pipeline.run("sums")
    done = workspace.reproduce("2_sum", tolerance=1e-6)
    assert done.verdict == "differs"
    (reason,) = (one for one in done.reasons if one.status == "failed")
    assert reason.check == "output of cell 4"
    assert reason.figure.startswith("'at 1")


def test_a_notebook_that_cannot_run_to_its_end_says_in_which_cell(workspace: Workspace) -> None:
    marker = workspace.marker.root / "ran"
    step(workspace, f"import pathlib\np = pathlib.Path({str(marker)!r})", "name = input() if p.exists() else p.touch()")
    workspace.pipeline.run("sums")
    done = workspace.reproduce("2_sum")
    assert done.verdict == "cannot"
    assert done.reasons[0].check == "cell 5"
    assert "StdinNotImplementedError" in done.reasons[0].figure
    assert workspace.run.show(str(done.proof)).status == "failed"


def test_a_run_that_failed_fails_again(workspace: Workspace) -> None:
    step(workspace, "ml.log(a=1)", "1 / 0")
    with pytest.raises(StepFailedError):
        workspace.pipeline.run("sums")
    done = workspace.reproduce("2_sum")
    assert (done.verdict, done.results[0].detail) == ("identical", "fails as it did, at cell 5")


def test_nothing_that_others_see_is_done_by_a_notebook_that_is_executed_again(workspace: Workspace) -> None:
    marker = workspace.marker.root / "ran"
    step(
        workspace,
        'import pathlib\nwith ml.run("inner") as run:\n    run.log(a=1)',
        f"p = pathlib.Path({str(marker)!r})\nml.data.delete('kept', unlock=True) if p.exists() else p.touch()",
    )
    workspace.data.save(pd.DataFrame({"n": [1]}), "kept")
    workspace.pipeline.run("sums")
    done = workspace.reproduce("2_sum")
    assert done.verdict == "cannot"
    assert "data.delete of kept: nothing of that is done while a run is reproduced" in done.reasons[0].figure
    assert workspace.data.show("kept").ref == "kept@v1"
    assert [run.kind for run in workspace.run.list(experiment="inner")] == ["proof", "run"]


def test_a_run_made_by_hand_is_executed_from_the_notebook_as_it_was_saved(workspace: Workspace) -> None:
    path = workspace.marker.root / "notebooks" / "by_hand.ipynb"
    write(
        path,
        "depth: int = 3",
        "start = 2",
        'with ml.run("hand", {"depth": depth}) as run:\n    run.log(a=depth ** start)',
        'ml.data.save(pd.DataFrame({"n": [2]}), "table", alias="golden")',
    )
    workspace.data.save(pd.DataFrame({"n": [1]}), "table", alias="golden")
    run = workspace.run.start("hand", params={"depth": 3}, notebook="notebooks/by_hand.ipynb")
    run.log(a=9)
    run.finish()
    done = workspace.reproduce("hand-1")
    assert (done.verdict, [reason.check for reason in done.reasons]) == ("identical", [])
    assert [one.figure for one in done.given if one.check == "cell outputs"] == ["not kept"]
    assert [(one.ref, one.aliases) for one in workspace.data.history("table")] == [("table@v1", ("golden",))]

    changed = json.loads(path.read_text())
    changed["cells"][-2]["source"] = "print(1)"
    path.write_text(json.dumps(changed))
    without = workspace.reproduce("hand-1", notebook=path)
    assert (without.verdict, [one.check for one in without.reasons]) == ("cannot", ["cell 5", "run hand"])


def test_a_run_without_a_notebook_cannot_be_executed_again(workspace: Workspace) -> None:
    with workspace.run("script") as run:
        run.log(a=1)
    done = workspace.reproduce("script-1")
    assert (done.verdict, done.proof) == ("cannot", None)
    assert "it ran outside of a notebook" in done.reasons[0].figure
    assert workspace.run.show("script-1").tags["reproduced"] == "cannot"
