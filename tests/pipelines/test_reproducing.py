"""Runs executed again, with real kernels: the same, or what is another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select, update

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.pipelines.reproduction import Reproduction
from nbmlops.render.dispatch import text
from nbmlops.store import schema
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write

MODULE = "def double(values):\n    return values * 2\n"
READ = 'import doubling\nraw = ml.data.load("raw@golden")'
PRINT = 'print("mean", raw.n.mean())'
DONE = 'total = int(doubling.double(raw.n).sum() * factor)\nml.log(total=total)\nml.data.save(raw, "copy")'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A project in which a step has run that reads an alias, imports a module, prints and saves."""
    with make(tmp_path_factory.mktemp("reproducing") / "project") as made:
        folder = made.marker.root / "notebooks"
        (folder / "1_make.ipynb").unlink()
        (folder / "doubling.py").write_text(MODULE)
        write(folder / "2_sum.ipynb", "factor: int = 2", READ, PRINT, DONE)
        made.data.save(pd.DataFrame({"n": [1, 2, 3]}), "raw", alias="golden")
        made.pipeline.run("sums")
        yield made


def named(done: Reproduction) -> dict[str, str]:
    """What a verdict rests on: check -> figure."""
    return {reason.check: reason.figure for reason in done.reasons}


def test_a_run_is_the_same_again_whatever_its_names_mean_now_and_leaves_nothing_behind(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"n": [7]}), "raw", alias="golden")
    versions = [(version.ref, version.aliases) for version in workspace.data.list()]
    events = workspace.audit.verify()

    done = workspace.reproduce("2_sum-1")
    assert (done.verdict, named(done)) == ("identical", {})
    assert {"data raw is what was read", "module notebooks/doubling.py", "params"} <= {one.check for one in done.given}
    assert {one.check for one in done.results} == {
        "data copy is reproduced",
        "metric total is reproduced",
        "cell outputs",
    }
    assert [(version.ref, version.aliases) for version in workspace.data.list()] == versions
    assert workspace.audit.verify() == events

    run, proof = workspace.run.show("2_sum-1"), workspace.run.show(str(done.proof))
    assert run.tags["reproduced"] == "identical"
    assert (run.tags["reproduced.by"], run.tags["reproduced.environment"]) == (proof.name, done.environment)
    assert (proof.kind, proof.status, proof.tags["reproduces"]) == ("proof", "finished", "2_sum-1")
    assert workspace.run.load_artifact(proof.name, "reproduction.json")["verdict"] == "identical"
    assert "reproduced  identical" in text(run, detail=True)
    assert workspace.run.list(where="tags.reproduced = 'identical'")[0].name == "2_sum-1"


def test_a_run_of_a_pipeline_is_what_its_steps_are(workspace: Workspace) -> None:
    done = workspace.reproduce("sums-1")
    assert (done.verdict, [part.run for part in done.parts]) == ("identical", ["2_sum-1"])
    assert workspace.run.show("sums-1").tags["reproduced"] == "identical"
    with pytest.raises(InvalidError, match="in which of its steps"):
        workspace.reproduce("sums-1", {"factor": 3})


def test_a_module_of_the_project_that_was_changed_is_named(workspace: Workspace) -> None:
    module = workspace.marker.root / "notebooks" / "doubling.py"
    module.write_text(MODULE.replace("2", "3"))
    try:
        done = workspace.reproduce("2_sum-1")
    finally:
        module.write_text(MODULE)
    assert done.verdict == "differs"
    assert named(done).keys() == {"module notebooks/doubling.py", "metric total is reproduced"}
    tags = workspace.run.show("2_sum-1").tags
    assert tags["reproduced"] == "differs"
    assert "module notebooks/doubling.py" in tags["reproduced.why"]


def test_what_was_read_and_is_gone_cannot_be_read_again_until_it_is_restored(workspace: Workspace) -> None:
    workspace.data.delete("raw@v1")
    done = workspace.reproduce("2_sum-1")
    workspace.data.restore("raw@v1")
    assert (done.verdict, done.proof, named(done)) == ("cannot", None, {"data raw@v1": "deleted"})
    assert done.reasons[0].detail == "`ml data restore raw@v1`"
    assert workspace.run.show("2_sum-1").tags["reproduced.by"] == ""


def test_what_is_to_be_another_is_named_and_the_verdict_is_not_that_of_the_run(workspace: Workspace) -> None:
    before = workspace.run.show("2_sum-1").tags
    path = workspace.marker.root / "another.ipynb"
    write(path, "factor: int = 2", READ, PRINT.replace("mean", "the mean", 1), DONE)
    done = workspace.reproduce("2_sum-1", {"factor": "3"}, notebook=path)
    assert done.changed == ("factor=3", "notebook another.ipynb")
    assert done.verdict == "differs"
    assert named(done) == {
        "param factor": "3",
        "cell 5": 'print("the mean", raw.n.mean())',
        "metric total is reproduced": "36",
    }
    assert workspace.run.show("2_sum-1").tags == before
    assert "does not keep it" in text(done)


def test_what_cannot_be_asked_for_is_refused_before_anything_is_executed(workspace: Workspace) -> None:
    count = workspace.run.count()
    with pytest.raises(InvalidError, match="has no parameter factr"):
        workspace.reproduce("2_sum-1", {"factr": 3})
    with pytest.raises(NotFoundError, match="no data named 'rw'"):
        workspace.reproduce("2_sum-1", data=["rw@v1"])
    with pytest.raises(NotFoundError, match="no run '3_sum'"):
        workspace.reproduce("3_sum")
    with pytest.raises(InvalidError, match="not between 0 and 1"):
        workspace.reproduce("2_sum-1", tolerance=-1)
    with workspace.run("open") as run, pytest.raises(InvalidError, match="open-1 is running"):
        workspace.reproduce(run.id)
    assert workspace.run.count() == count + 1


def test_packages_count_when_the_notebook_reaches_them(workspace: Workspace) -> None:
    def record(**versions: str) -> dict[str, Any]:
        """Let the run have run on other versions; what it really ran on."""
        digest = select(schema.run.c.environment).filter_by(experiment="2_sum", number=1).scalar_subquery()
        table = schema.environment

        def work(connection: Any) -> dict[str, Any]:
            found: dict[str, Any] = connection.execute(
                select(table.c.content).where(table.c.digest == digest)
            ).scalar_one()
            other = {**found, "distributions": {**found["distributions"], **versions}}
            connection.execute(update(table).where(table.c.digest == digest).values(content=other))
            return found

        return workspace.catalog.transact(work)

    real = record(numpy="1.0", ruff="0.1")["distributions"]
    done, strict = workspace.reproduce("2_sum-1"), workspace.reproduce("2_sum-1", strict=True)
    record(numpy=real["numpy"], ruff=real["ruff"])
    assert (done.verdict, named(done)) == ("differs", {"numpy": real["numpy"]})
    assert f"ruff 0.1 → {real['ruff']}" in {one.figure for one in done.given}
    assert (strict.verdict, strict.proof) == ("cannot", None)
    assert named(strict) == {"numpy": real["numpy"]}
