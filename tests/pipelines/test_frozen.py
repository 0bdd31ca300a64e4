"""Frozen versions read what was proved; proofs read what the run that they are compared with has read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.pipelines.freezing import differences
from nbmlops.pipelines.promotion import Submission
from nbmlops.store import lineage
from nbmlops.store.aliases import Aliases
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, states, write

SUM = 'total = ml.data.load("flights").n.sum()\nml.log(total=float(total))'


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A pipeline of one step that sums up data from outside."""
    with make(tmp_path / "project") as made:
        shutil.rmtree(made.marker.root / "notebooks")
        write(made.marker.root / "notebooks" / "sum.ipynb", "factor: int = 2", SUM)
        made.data.save(pd.DataFrame({"n": [1, 2, 3]}), "flights")
        yield made


def test_a_frozen_version_reads_the_data_that_was_proved(workspace: Workspace) -> None:
    workspace.pipeline.promote("sums")
    workspace.data.save(pd.DataFrame({"n": [10]}), "flights")
    assert workspace.pipeline.run("sums", cache=False).run.metrics == {"total": 10.0}
    frozen = workspace.pipeline.run("sums@production", cache=False)
    assert (frozen.run.metrics, frozen.run.inputs, frozen.notes) == ({"total": 6.0}, (), ())
    assert workspace.run.show("sum").inputs == ("flights@v1",)

    with pytest.raises(RefusedError, match=r"flights@v1 cannot be deleted: the frozen pipeline sums@v1 reads it"):
        workspace.data.delete("flights@v1")
    assert workspace.data.show("flights@v1").deleted_at is None
    workspace.data.delete("flights@v2", unlock=True)


def test_a_frozen_version_takes_locked_reads_from_its_own_lock(workspace: Workspace) -> None:
    locked = SUM.replace('"flights"', '"flights", locked=True')
    write(workspace.marker.root / "notebooks" / "sum.ipynb", "factor: int = 2", locked)
    assert states(workspace.pipeline.run("sums")) == {"sum": "completed"}
    assert states(workspace.pipeline.run("sums")) == {"sum": "skipped"}
    workspace.pipeline.promote("sums")
    workspace.data.save(pd.DataFrame({"n": [10]}), "flights")
    again = workspace.pipeline.run("sums")
    assert (states(again), again.run.metrics) == ({"sum": "completed"}, {"total": 10.0})
    assert workspace.pipeline.run("sums@production", cache=False).run.metrics == {"total": 6.0}


def test_a_frozen_version_that_adds_to_its_own_data_carries_on(workspace: Workspace) -> None:
    add = 'before = ml.data.load("flights")\nml.data.save(pd.concat([before, before.tail(1)]), "flights")'
    notebook = workspace.marker.root / "notebooks" / "sum.ipynb"
    write(notebook, "factor: int = 2", add, "ml.log(rows=len(before))")
    workspace.pipeline.promote("sums")
    rows = [workspace.pipeline.run("sums@production").run.metrics for _ in range(2)]
    assert rows == [{"rows": 3.0}, {"rows": 4.0}]


def test_a_proof_reads_what_the_run_that_it_is_compared_with_has_read(workspace: Workspace) -> None:
    first = workspace.pipeline.run("sums")
    workspace.data.save(pd.DataFrame({"n": [10]}), "flights")
    promoted = workspace.pipeline.promote("sums", against=first.run.name)
    assert promoted.moved
    assert workspace.pipeline.run("sums@production", cache=False).run.metrics == {"total": 6.0}


def test_a_frozen_version_runs_its_own_modules_whatever_became_of_those_of_the_project(workspace: Workspace) -> None:
    root = workspace.marker.root
    notebooks, shared = root / "notebooks", root / "shared"
    shared.mkdir()
    (notebooks / "helpers.py").write_text("from shared.scale import SCALE\ndef scaled(x): return SCALE * x")
    (shared / "scale.py").write_text("SCALE = 2")
    # The folder of the project is found from the notebook's, as notebooks do it.
    own = "import sys; sys.path.insert(0, '..')\nfrom helpers import scaled"
    write(notebooks / "sum.ipynb", "factor: int = 2", own, SUM.replace("float(total)", "float(scaled(total))"))
    workspace.pipeline.promote("sums")
    assert workspace.pipeline.run("sums@production").notes == ()
    package = root / "sums.pipeline.zip"
    workspace.pipeline.package("sums@production", package)

    (shared / "scale.py").write_text("SCALE = 100")
    with workspace.pipeline.kernels.keeping():
        assert workspace.pipeline.run("sums").run.metrics == {"total": 600.0}
        frozen = workspace.pipeline.run("sums@production", cache=False)
    assert frozen.run.metrics == {"total": 12.0}
    assert workspace.pipeline.run(str(package), cache=False).run.metrics == {"total": 12.0}
    place = workspace.marker.state / "scratch" / frozen.run.tags["version"][:16] / "project"
    assert frozen.notes == (
        "modules are not as frozen: shared/scale.py",
        f"its own modules are those that were frozen: it runs in {place}",
    )
    # Executed again, it finds its own modules again.
    (step,) = frozen.steps
    again = workspace.reproduce(str(step.run))
    assert again.verdict == "identical"
    modules = {outcome.check: outcome.status for outcome in again.given if outcome.check.startswith("module")}
    assert modules == {"module notebooks/helpers.py": "passed", "module shared/scale.py": "passed"}
    # One that has the key of the frozen ones has its result, too.
    skipped = workspace.pipeline.run("sums@production")
    assert (states(skipped), skipped.run.metrics) == ({"sum": "skipped"}, {"total": 12.0})
    (explained,) = workspace.pipeline.explain("sums@production").steps
    assert explained.will == "skip"

    (notebooks / "helpers.py").unlink()
    shutil.rmtree(shared)
    assert workspace.pipeline.run("sums@production", cache=False).run.metrics == {"total": 12.0}


def test_a_module_that_comes_into_the_project_later_is_not_found_by_a_frozen_version(workspace: Workspace) -> None:
    notebooks = workspace.marker.root / "notebooks"
    write(
        notebooks / "sum.ipynb", "factor: int = 2", "import iniconfig", SUM + "\nml.log(own=hasattr(iniconfig, 'OWN'))"
    )
    workspace.pipeline.promote("sums")
    (notebooks / "iniconfig.py").write_text("OWN = True")
    frozen = workspace.pipeline.run("sums@production", cache=False)
    assert frozen.notes[0] == "modules are not as frozen: notebooks/iniconfig.py"
    assert frozen.run.metrics == {"total": 6.0, "own": 0.0}


def test_differences_name_a_few_and_count_the_rest() -> None:
    frozen: dict[str, Any] = {
        "python": "3.11.1",
        "distributions": dict.fromkeys("abcde", "1"),
        "modules": {"x.py": "0"},
    }
    present: dict[str, Any] = {"python": "3.12.1", "distributions": {"a": "1", "f": "1"}, "modules": {"x.py": "0"}}
    assert differences(frozen, frozen) == ()
    assert differences(frozen, present) == (
        "Python is not as frozen: 3.11.1 → 3.12.1",
        "distributions are not as frozen: b 1 → none, c 1 → none, d 1 → none, 2 more",
    )


def test_a_pinned_alias_is_read_where_it_was_and_moves_from_where_it_is(workspace: Workspace) -> None:
    versions = workspace.versions("data")
    aliases = Aliases(versions, workspace.clock)
    first, second = versions.resolve("flights"), workspace.data.save(pd.DataFrame({"n": [10]}), "flights")
    workspace.catalog.transact(lambda c: aliases.move(c, "good", versions.get(second.id), expected=None))
    with lineage.activate(lineage.Active(pins={"data:flights@good": first.digest, "model:flights": "0" * 64})):
        assert versions.resolve("flights@good") == first
        assert versions.resolve("flights").ref == "flights@v2"
        assert aliases.at("flights", "good") == versions.get(second.id)


def test_a_promotion_that_loses_a_race_leaves_no_version_and_no_report(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object, **__: object) -> None:
        raise InvalidError("the alias cannot move")

    monkeypatch.setattr(Aliases, "move", lose)
    with pytest.raises(InvalidError, match="the alias cannot move"):
        workspace.pipeline.promote("sums")
    assert workspace.check.list() == []
    assert workspace.versions("pipeline").newest() == []


def test_what_is_linted_is_what_would_be_proved(workspace: Workspace) -> None:
    notebook = workspace.marker.root / "notebooks" / "sum.ipynb"
    write(notebook, "factor: int = 2", "print(airports)")
    plan = workspace.pipeline._planner.plan("sums", {})
    write(notebook, "factor: int = 2", SUM)
    with pytest.raises(RefusedError, match=r"cell 4 line 1 of sum\.ipynb: .*airports"):
        workspace.pipeline._promoter.promote(Submission(plan, "production", None, {}))
    assert workspace.run.list() == []


def test_what_is_refused_says_where_the_alias_stays(workspace: Workspace) -> None:
    workspace.pipeline.promote("sums")
    write(
        workspace.marker.root / "notebooks" / "sum.ipynb",
        "factor: int = 2",
        SUM,
        "import time; ml.log(t=time.time_ns() % 1_000_003)",
    )
    with pytest.raises(RefusedError, match=r"checks failed; production stays on sums@v1"):
        workspace.pipeline.promote("sums")
