"""A long history in parts, and what was deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.commands.answer import answer
from nbmlops.commands.session import Session
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render import text
from nbmlops.store import lineage
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        for number in range(7):
            made.data.save(pd.DataFrame({"a": [number]}), "flights")
        yield made


def numbers(workspace: Workspace, limit: int | None = None, after: str | None = None) -> list[int | None]:
    return [version.number for version in workspace.data.history("flights", limit=limit, after=after)]


def test_a_page_begins_after_a_version(workspace: Workspace) -> None:
    assert numbers(workspace, 3) == [7, 6, 5]
    assert numbers(workspace, 3, "flights@v5") == [4, 3, 2]
    assert numbers(workspace, after="flights@v2") == [1]
    assert numbers(workspace, after="flights@v1") == []


def test_a_page_begins_where_an_alias_or_a_digest_leads(workspace: Workspace) -> None:
    workspace.data.alias("flights@v3", "golden")
    digest = workspace.data.show("flights@v3").digest
    assert numbers(workspace, after="flights@golden") == numbers(workspace, after=f"flights@{digest}") == [2, 1]


def test_the_outline_tells_where_pages_begin(workspace: Workspace) -> None:
    assert workspace.data.outline("flights", 3) == (7, ["flights@v5", "flights@v2"])
    assert workspace.data.outline("flights", 7) == (7, [])
    assert workspace.data.outline("nothing", 3) == (0, [])
    workspace.data.delete("flights@v6")
    assert workspace.data.outline("flights", 3) == (6, ["flights@v4"])


def test_only_versions_that_an_alias_is_on_are_told_when_asked(workspace: Workspace) -> None:
    workspace.data.alias("flights@v3", "golden")
    assert [version.number for version in workspace.data.history("flights", aliased=True)] == [3]


def test_what_was_deleted_is_told_the_last_first_until_it_is_restored(workspace: Workspace) -> None:
    for ref in ("flights@v2", "flights@v5"):
        workspace.data.delete(ref)
    assert [version.ref for version in workspace.data.list(deleted=True)] == ["flights@v5", "flights@v2"]
    assert workspace.data.list(deleted=True, tags={"a": 1}) == []
    workspace.data.restore("flights@v5")
    assert [version.ref for version in workspace.data.list(deleted=True)] == ["flights@v2"]


@pytest.mark.parametrize(
    ("limit", "after", "why"),
    [
        (0, None, "at least one version"),
        (None, "other@v1", "no version of flights"),
        (None, "flights@@", "not a reference"),
    ],
)
def test_a_page_that_cannot_be_is_refused(workspace: Workspace, limit: int | None, after: str | None, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        numbers(workspace, limit, after)


def test_a_page_after_a_version_that_is_not_there_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="flights@golden"):
        numbers(workspace, None, "flights@golden")


def test_a_history_tells_the_newest_report_on_each_version(workspace: Workspace) -> None:
    for suite in ("a: number", "a: between(5, 6)"):
        workspace.check.data("flights@v2", suite)
    judged = {version.number: version.judged for version in workspace.data.history("flights")}
    assert judged[2] == (2, "failed")
    assert judged[3] is None
    assert "flights@v2" in text(workspace.data.history("flights"))


def test_who_only_looks_has_not_read(workspace: Workspace) -> None:
    with workspace.run("look"):
        with lineage.activate(replace(lineage.current(), looks=True)):
            workspace.data.load("flights@v2")
        workspace.data.load("flights@v3")
    assert workspace.run.show("look").inputs == ("flights@v3",)


def test_an_empty_page_and_nothing_deleted_are_said_as_such(workspace: Workspace) -> None:
    assert text(workspace.data.history("flights", aliased=True)) == "no version matches"
    with workspace:
        session = Session(lambda: workspace)
        for noun in ("data", "model"):
            given = answer([noun, "list", "--deleted"], session)
            assert text(given.result) == "nothing is deleted that could be restored"
