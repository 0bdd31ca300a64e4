"""Tags and aliases: words on versions that come, change and go, and change nothing of what was saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import insert

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.store import lineage, schema
from nbmlops.store.naming import name_outputs, newest_named
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def frame(number: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [number]})


def test_a_version_is_saved_with_its_tags(workspace: Workspace) -> None:
    saved = workspace.data.save(frame(1), "t", tags={"region": "NYC", "year": 2013})
    assert saved.tags == {"region": "NYC", "year": "2013"}
    assert workspace.data.show("t") == saved
    assert workspace.data.save(frame(2), "t").tags == {}
    assert workspace.data.show("t@v1").tags == saved.tags


def test_content_that_is_there_gets_the_new_tags_too(workspace: Workspace) -> None:
    first = workspace.data.save(frame(1), "t", tags={"a": "1", "b": "1"})
    again = workspace.data.save(frame(1), "t", tags={"b": "2", "c": "2"})
    assert (again.id, again.tags) == (first.id, {"a": "1", "b": "2", "c": "2"})


def test_tags_change_and_go(workspace: Workspace) -> None:
    workspace.data.save(frame(1), "t", tags={"a": "1", "b": "1"})
    assert workspace.data.tag("t@v1", {"a": "2", "ü": "é"}, remove=["b"]).tags == {"a": "2", "ü": "é"}
    with pytest.raises(NotFoundError, match=r"there is no tag 'b' on it\nhint: it has a, ü"):
        workspace.data.tag("t", {"x": "1"}, remove=["b"])
    assert workspace.data.show("t").tags == {"a": "2", "ü": "é"}
    assert workspace.data.tag("t", {"a": "3"}, remove=["a"]).tags == {"a": "3", "ü": "é"}


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"": "x"}, "cannot be the key"),
        ({"a=b": "x"}, "cannot be the key"),
        ({"k" * 513: "x"}, "cannot be the key"),
        ({"a": [1]}, "the tag a cannot hold a list"),
        ({"a": "x" * 5_000}, "a text of 5000 characters"),
        ({}, "there is no tag to set"),
    ],
)
def test_what_is_no_tag_is_said_and_nothing_is_saved(
    workspace: Workspace, tags: dict[str, object], message: str
) -> None:
    if tags:
        with pytest.raises(InvalidError, match=message):
            workspace.data.save(frame(1), "t", tags=tags)
        assert workspace.data.list() == []
    workspace.data.save(frame(1), "t")
    with pytest.raises(InvalidError, match=message):
        workspace.data.tag("t", tags)


def test_listings_find_versions_by_their_tags(workspace: Workspace) -> None:
    for number, tags in enumerate([{"a": "1"}, {"a": "1", "b": "1"}, {"a": "2"}, {}]):
        workspace.data.save(frame(number), "t", tags=tags)
    workspace.data.save(frame(0), "u", tags={"a": "1"})
    assert [version.ref for version in workspace.data.history("t", tags={"a": "1"})] == ["t@v2", "t@v1"]
    assert [version.ref for version in workspace.data.history("t", tags={"a": "1", "b": "1"})] == ["t@v2"]
    assert [version.ref for version in workspace.data.list(tags={"a": "1"})] == ["t@v2", "u@v1"]
    assert [version.ref for version in workspace.data.list()] == ["t@v4", "u@v1"]
    assert workspace.data.history("t", tags={"a": "9"}) == []


def test_many_versions_have_their_tags(workspace: Workspace) -> None:
    for number in range(3):
        workspace.data.save(frame(number), "t")
    versions = workspace.versions("data")
    one = versions.resolve("t")
    for number in range(1_200):
        versions.add("t", digest=f"{number:064x}", root=one.root, size=1, new_bytes=0, detail=one.detail)
    workspace.data.tag("t@v2", {"a": "1"})
    workspace.data.tag("t", {"a": "2"})
    tagged = {version.number: version.tags for version in workspace.data.history("t") if version.tags}
    assert tagged == {2: {"a": "1"}, 1_203: {"a": "2"}}


def test_an_alias_is_moved_by_a_save_and_by_hand(workspace: Workspace) -> None:
    first = workspace.data.save(frame(1), "t", alias="golden")
    assert first.aliases == ("golden",)
    second = workspace.data.save(frame(2), "t", alias="golden")
    assert workspace.data.show("t@golden").id == second.id
    assert workspace.data.load("t@golden").a.tolist() == [2]
    assert workspace.data.alias("t@v1", "golden").aliases == ("golden",)
    assert workspace.data.load("t@golden").a.tolist() == [1]
    assert workspace.data.save(frame(2), "t", alias="golden").id == second.id
    with pytest.raises(RefusedError, match="the alias golden is on it") as refused:
        workspace.data.delete("t@v2", unlock=True)
    assert refused.value.hint == "`nbmlops data alias t@v2 golden --remove` first"
    assert workspace.data.alias("t", "golden", remove=True).aliases == ()
    with pytest.raises(NotFoundError, match=r"there is no t@golden"):
        workspace.data.alias("t", "golden", remove=True)
    with pytest.raises(NotFoundError, match=r"the alias golden is not on t@v1\nhint: it has no aliases"):
        workspace.data.alias("t@v1", "golden", remove=True)


def test_each_move_of_an_alias_is_audited_and_a_move_to_where_it_is_none(workspace: Workspace) -> None:
    workspace.data.save(frame(1), "t", alias="golden")
    workspace.data.save(frame(1), "t", alias="golden")
    workspace.data.save(frame(2), "t")
    workspace.data.alias("t", "golden")
    workspace.data.alias("t", "golden", remove=True)
    events = [event for event in workspace.audit.events(10) if event.detail.get("alias") == "golden"]
    assert sorted((event.action, event.subject) for event in events) == [
        ("data.promote", "t@v1"),
        ("data.promote", "t@v2"),
        ("data.remove", "t@v2"),
    ]
    workspace.audit.verify()


@pytest.mark.parametrize("alias", ["v3", "abcdef", "a b", ""])
def test_an_alias_that_reads_like_something_else_is_refused_before_anything_is_saved(
    workspace: Workspace, alias: str
) -> None:
    with pytest.raises(InvalidError):
        workspace.data.save(frame(1), "t", alias=alias)
    assert workspace.data.list() == []


def begin(workspace: Workspace, number: int) -> lineage.Active:
    """Enter a pipeline run in the catalog, as the runner does."""
    run_id = str(number) * 32
    values = {"id": run_id, "sequence": number, "experiment": "p", "number": number, "kind": "pipeline"}
    workspace.catalog.transact(
        lambda c: c.execute(
            insert(schema.run).values(status="running", started_at=datetime.now(UTC), as_of=newest_named(c), **values)
        )
    )
    return lineage.Active(run_id=run_id, pipeline_run_id=run_id)


def test_tags_of_what_a_pipeline_run_wrote_stay_when_it_gets_its_number(workspace: Workspace) -> None:
    workspace.data.save(frame(1), "old", tags={"by": "hand"})
    with lineage.activate(begin(workspace, 1)):
        workspace.data.save(frame(1), "new", tags={"by": "run"})
        with pytest.raises(RefusedError, match="cannot move inside a pipeline run"):
            workspace.data.save(frame(2), "new", alias="golden")
    with lineage.activate(begin(workspace, 2)):
        workspace.data.save(frame(2), "old", tags={"why": "again"})
    workspace.data.save(frame(2), "old")
    for run_id in ("1" * 32, "2" * 32):
        workspace.catalog.transact(lambda c, r=run_id: name_outputs(c, r))
    assert workspace.data.show("new@v1").tags == {"by": "run"}
    # What the run wrote was saved by hand meanwhile, and the one stands for the other.
    assert [(v.ref, v.tags) for v in workspace.data.history("old")] == [
        ("old@v2", {"why": "again"}),
        ("old@v1", {"by": "hand"}),
    ]
