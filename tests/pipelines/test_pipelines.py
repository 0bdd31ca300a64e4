"""Pipelines end to end, with real kernels: run, skip, fail, prove, promote, roll back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, StepFailedError
from nbmlops.render.dispatch import text
from nbmlops.store import lineage
from nbmlops.store.aliases import Aliases
from nbmlops.store.versions import Version
from nbmlops.tracking.resources import summed
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, TOTAL, make, states, write

EMPTY = {"steps": [], "parameters": {}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        yield made


def test_a_pipeline_runs_skips_and_runs_only_what_depends_on_a_change(workspace: Workspace) -> None:
    first = workspace.pipeline.run("sums")
    assert states(first) == {"1_make": "completed", "2_sum": "completed"}
    assert first.run.metrics == {"total": 90.0}
    assert [step.outputs for step in first.steps] == [("raw@v1",), ("total@v1",)]
    step = workspace.run.show("2_sum")
    assert step.resources == summed(step.cells)
    assert step.resources is not None
    assert step.resources.cpu_seconds is not None

    again = workspace.pipeline.run("sums")
    assert states(again) == {"1_make": "skipped", "2_sum": "skipped"}
    assert again.steps[1].why == "same code, parameters and inputs as 2_sum-1"
    assert again.run.metrics == first.run.metrics

    changed = workspace.pipeline.run("sums", {"factor": "3"})
    assert states(changed) == {"1_make": "skipped", "2_sum": "completed"}
    assert workspace.data.show("total").ref == "total@v2"
    assert workspace.data.load("total").y.max() == 27

    source = workspace.marker.root / "notebooks" / "1_make.ipynb"
    source.write_text(source.read_text().replace("1.5})", "1.5})  # a comment"))
    assert states(workspace.pipeline.run("sums")) == {"1_make": "skipped", "2_sum": "skipped"}
    assert workspace.data.show("total").ref == "total@v3", "the older content is the newest again"
    assert workspace.data.load("total", locked=True).y.max() == 18


def test_a_notebook_that_no_pipeline_names_runs_by_its_path(workspace: Workspace, tmp_path: Path) -> None:
    notebook = workspace.marker.root / "alone.ipynb"
    write(notebook, "rows: int = 10", RAW, "ml.log(rows=rows)")
    done = workspace.pipeline.run(str(notebook), {"rows": "3"})
    assert (states(done), done.run.metrics, done.run.experiment) == ({"alone": "completed"}, {"rows": 3.0}, "alone")
    assert states(workspace.pipeline.run(str(notebook), {"rows": 3})) == {"alone": "skipped"}
    write(notebook, "rows: int = 10", "rows / 0")
    with pytest.raises(StepFailedError) as failed:
        workspace.pipeline.run(str(notebook))
    assert failed.value.notebook is not None
    assert nbformat.read(failed.value.notebook, as_version=4).cells[-1].outputs[0].ename == "ZeroDivisionError"
    with pytest.raises(NotFoundError, match=r"there is no notebook .*absent\.ipynb"):
        workspace.pipeline.run(str(tmp_path / "absent.ipynb"))


def test_a_step_that_fails_stops_the_run_and_names_nothing(workspace: Workspace) -> None:
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 0", 'ml.data.load("raw")', "1 / factor")
    with pytest.raises(StepFailedError, match=r"the step 2_sum of sums: .*cell 5.*ZeroDivisionError"):
        workspace.pipeline.run("sums")
    assert workspace.data.list() == []
    run = workspace.run.show("sums")
    assert run.status == "failed"
    assert workspace.run.show("2_sum").status == "failed"
    assert workspace.run.show("1_make").status == "finished"
    assert [cell.status for cell in workspace.run.show("2_sum").cells][-1] == "failed"


def test_a_kernel_that_dies_kills_its_run(workspace: Workspace) -> None:
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 0", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(StepFailedError, match="kernel died"):
        workspace.pipeline.run("sums")
    assert workspace.run.show("2_sum").status == "killed"


def test_parameters_are_checked_before_a_kernel_starts(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match=r"no step of sums has a parameter 'factr'\nhint: did you mean factor\?"):
        workspace.pipeline.run("sums", {"factr": 3})
    with pytest.raises(InvalidError, match=r"parameter factor of 2_sum\.ipynb \(cell 2\) expects int"):
        workspace.pipeline.run("sums", {"factor": "many"})
    with pytest.raises(NotFoundError, match="there is no pipeline named 'sum'"):
        workspace.pipeline.run("sum")
    assert workspace.run.list() == []


def test_a_promotion_proves_freezes_and_moves_and_rolls_back(workspace: Workspace) -> None:
    first = workspace.pipeline.run("sums")
    promoted = workspace.pipeline.promote("sums", "production", against=first.run.name)
    assert (promoted.before, promoted.after) == (None, "sums@v1")
    assert workspace.pipeline.history("sums")[0].aliases == ("production",)
    assert workspace.data.show("raw").ref == "raw@v1", "a proof names nothing"

    source = workspace.marker.root / "notebooks" / "2_sum.ipynb"
    write(source, "factor: int = 5", TOTAL)
    frozen = workspace.pipeline.run("sums@production")
    assert states(frozen) == {"1_make": "skipped", "2_sum": "skipped"}, "production runs what was frozen"
    working = workspace.pipeline.run("sums")
    assert working.run.metrics == {"total": 225.0}

    assert workspace.pipeline.promote("sums", "production").after == "sums@v2"
    assert workspace.pipeline.rollback("sums", "production").after == "sums@v1"
    assert workspace.audit.verify() == 3


def test_a_promoted_version_knows_the_reports_that_it_was_promoted_on(workspace: Workspace) -> None:
    check = 'ml.check.data("raw", "table: rows between(1, )", strict=True, name="enough")'
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", check, TOTAL)
    first = workspace.pipeline.run("sums")
    promoted = workspace.pipeline.promote("sums", "production", against=first.run.name)
    assert promoted.report is not None
    (version,) = workspace.pipeline.history("sums")
    assert version.judged == (promoted.report.id, promoted.report.status)
    (linked,) = version.reports
    number = int(linked.split()[1].rstrip(":"))
    suite = workspace.check.show(number)
    assert linked == f"report {number}: {suite.suite} passed"
    assert workspace.run.show(str(suite.run_id)).parent_id == promoted_proof(workspace)
    assert f"report {number}: " in text(version, detail=True)
    assert f"check show {promoted.report.id}" in text(version, detail=True)


def promoted_proof(workspace: Workspace) -> str:
    """Id of the run that proved what was promoted."""
    (proof,) = (run for run in workspace.run.list() if run.kind == "proof")
    return proof.id


def test_what_is_not_the_same_again_is_not_promoted(workspace: Workspace) -> None:
    write(
        workspace.marker.root / "notebooks" / "1_make.ipynb",
        "rows: int = 10",
        'import uuid\nml.data.save(pd.DataFrame({"n": range(rows), "id": uuid.uuid4().hex}), "raw")',
    )
    first = workspace.pipeline.run("sums")
    with pytest.raises(RefusedError, match=r"data raw is reproduced: .*bound = "):
        workspace.pipeline.promote("sums", "production", against=first.run.name)
    with pytest.raises(NotFoundError):
        workspace.pipeline.history("sums")


def test_the_lint_refuses_before_anything_runs(workspace: Workspace) -> None:
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 2", "print(airports)")
    with pytest.raises(RefusedError, match=r"cell 4 line 1 of 2_sum\.ipynb: .*airports"):
        workspace.pipeline.promote("sums", "production")
    assert workspace.run.list() == []


def test_two_promotions_that_race_are_one_promotion(workspace: Workspace) -> None:
    first = workspace.pipeline.run("sums")
    aliases, versions = Aliases(workspace.versions("pipeline"), workspace.clock), workspace.versions("pipeline")
    moved: list[Version] = []

    def meanwhile(_: object) -> None:
        if not moved:
            with lineage.activate(lineage.Active()):
                root = workspace.objects.put(b"an archive").digest
                made = versions.add("sums", digest="a" * 64, root=root, size=1, new_bytes=1, detail=EMPTY)
            workspace.catalog.transact(lambda c: aliases.move(c, "production", made, expected=None))
            moved.append(made)

    with pytest.raises(ConflictError, match="moved by somebody else"):
        workspace.pipeline.promote("sums", "production", against=first.run.name, progress=meanwhile)
    assert aliases.at("sums", "production") == versions.get(moved[0].id)


def test_a_version_knows_the_cell_that_wrote_it(workspace: Workspace) -> None:
    source = workspace.marker.root / "notebooks" / "1_make.ipynb"
    write(source, "rows: int = 10", "%load_ext nbmlops", RAW)
    workspace.pipeline.run("sums")
    cells = nbformat.read(source, as_version=4).cells
    assert workspace.data.show("raw").cell_id == cells[-1].id


def test_a_date_is_proved_and_frozen(workspace: Workspace) -> None:
    notebooks = workspace.marker.root / "notebooks"
    write(notebooks / "1_make.ipynb", "from datetime import date\nday: date = date(2013, 4, 1)\nrows: int = 3", RAW)
    first = workspace.pipeline.run("sums", {"day": "2013-05-01"})
    assert workspace.pipeline.promote("sums", "production", against=first.run.name).after == "sums@v1"
    assert states(workspace.pipeline.run("sums@production")) == {"1_make": "skipped", "2_sum": "skipped"}


def test_frozen_steps_keep_their_own_values_of_one_parameter(workspace: Workspace) -> None:
    notebooks = workspace.marker.root / "notebooks"
    write(notebooks / "1_make.ipynb", "rows: int = 3", RAW)
    write(notebooks / "2_sum.ipynb", "rows: int = 5\nfactor: int = 2", TOTAL)
    first = workspace.pipeline.run("sums")
    assert workspace.pipeline.promote("sums", "production", against=first.run.name).moved
    workspace.data.save(workspace.data.load("raw").head(2), "unrelated")
    again = workspace.pipeline.promote("sums", "production", against=first.run.name)
    assert (again.after, again.moved) == ("sums@v1", False)
    write(notebooks / "1_make.ipynb", "rows: int = 4", RAW)
    assert states(workspace.pipeline.run("sums@production")) == {"1_make": "skipped", "2_sum": "skipped"}


def test_one_bad_pattern_does_not_hide_the_other_pipelines(workspace: Workspace) -> None:
    settings = workspace.marker.root / "pyproject.toml"
    settings.write_text(settings.read_text() + 'none = ["absent/*.ipynb"]\nroot = ["/notebooks/*.ipynb"]\n')
    with Workspace.open(workspace.marker.root) as again:
        listed = {pipeline.name: (pipeline.steps, pipeline.fault) for pipeline in again.pipeline.list()}
        with pytest.raises(InvalidError, match="is no pattern of paths"):
            again.pipeline.run("root")
    assert listed["none"] == ((), "the pipeline none names 'absent/*.ipynb', and no notebook fits it")
    assert listed["root"][1] is not None
    assert listed["sums"] == (("1_make", "2_sum"), None)


@pytest.mark.parametrize("name", ["class", "two words", "2x", ""])
def test_what_is_no_name_cannot_be_a_parameter(workspace: Workspace, name: str) -> None:
    with pytest.raises(InvalidError, match=r"cannot be a parameter: it is no name in Python"):
        workspace.pipeline.run("sums", {name: 1})
