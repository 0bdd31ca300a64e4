"""Many bare names at once mean what each means by itself."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import NotFoundError
from nbmlops.store import lineage
from nbmlops.store.meaning import digests_of
from nbmlops.workspace import Workspace

ASKED = ["a", "b", "b@v1", "c", "gone", "d", "d@production", "renamed", "none", "none@v3"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.init(tmp_path / "project")
    for number, name in enumerate(("a", "b", "b", "c", "gone", "d", "d", "month-3")):
        made.data.save(pd.DataFrame({"x": [number]}), name)
    made.data.delete("gone", unlock=True)
    made.data.delete("d@v2", unlock=True)
    made.data.alias("d@v1", "production")
    return made


def each(workspace: Workspace) -> dict[str, str]:
    versions, found = workspace.versions("data"), {}
    for ref in ASKED:
        try:
            found[ref] = versions.resolve(ref).digest
        except NotFoundError:
            continue
    return found


def test_what_names_mean_outside_of_a_run(workspace: Workspace) -> None:
    found = digests_of(workspace.versions("data"), ASKED)
    assert found == each(workspace)
    assert set(found) == {"a", "b", "b@v1", "c", "d", "d@production"}
    assert digests_of(workspace.versions("data"), []) == {}


def test_what_names_mean_in_a_run_that_has_written_some_of_them(workspace: Workspace) -> None:
    run = workspace.run.start("sums", kind="pipeline")
    old = workspace.data.show("b@v1").digest
    workspace.data.save(pd.DataFrame({"x": [70]}), "a")  # named after the run began: it does not see it
    active = lineage.Active(run.id, run.id, pins={"data:b": old}, names={"data:renamed": "month-3"})
    with lineage.activate(active):
        workspace.data.save(pd.DataFrame({"x": [71]}), "c")
        found = digests_of(workspace.versions("data"), ASKED)
        assert found == each(workspace)
    assert found["b"] == old
    assert found["a"] == workspace.data.show("a@v1").digest
    assert found["c"] != workspace.data.show("c").digest
    assert found["renamed"] == workspace.data.show("month-3").digest
    run.finish()


def test_more_names_than_one_statement_takes(workspace: Workspace) -> None:
    versions = workspace.versions("data")
    asked = [f"n{number}" for number in range(1_200)]
    assert digests_of(versions, ["a", *asked, "b"]) == {ref: versions.resolve(ref).digest for ref in ("a", "b")}
