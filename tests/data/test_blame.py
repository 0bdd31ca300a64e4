"""Blame: which version last changed the cells of a column, told apart from versions that changed rows only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render import html, json, text
from nbmlops.workspace import Workspace

ROWS = 400
RNG = np.random.default_rng(7)
FIRST = pd.DataFrame({"id": range(ROWS), "delay": RNG.normal(size=ROWS), "carrier": RNG.choice(["UA", "AA"], ROWS)})


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(FIRST, "flights", message="as it came")
        yield made


def blamed(workspace: Workspace, ref: str = "flights", key: str = "") -> dict[str, tuple[str, str]]:
    return {one.column: (one.version.ref, one.change) for one in workspace.data.blame(ref, key=key or ())}


def test_the_version_that_changed_a_cell_is_named_for_that_column_alone(workspace: Workspace) -> None:
    second = FIRST.copy()
    second.loc[3:5, "delay"] = 0.0
    workspace.data.save(second, "flights", message="no delay")
    (one,) = workspace.data.blame("flights", column="delay")
    assert (one.version.ref, one.version.message, one.change, one.cells) == ("flights@v2", "no delay", "cells", 3)
    assert blamed(workspace)["id"] == ("flights@v1", "first")


@pytest.mark.parametrize("key", ["", "id"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda table: table[table.delay > 0],
        lambda table: table.sort_values("delay", ignore_index=True),
        lambda table: pd.concat([table, pd.DataFrame({"id": [ROWS], "delay": [9.0], "carrier": ["B6"]})]),
        lambda table: table.sample(frac=0.5, random_state=1),
    ],
    ids=["drop", "sort", "append", "sample"],
)
def test_a_version_that_only_changed_rows_is_not_to_blame(workspace: Workspace, edit: object, key: str) -> None:
    assert callable(edit)
    workspace.data.save(edit(FIRST).reset_index(drop=True), "flights")
    found = workspace.data.blame("flights", key=key or ())
    assert {one.version.ref for one in found} == {"flights@v1"}
    assert next(one for one in found if one.column == "delay").rows_since == ("flights@v2",)


def test_with_a_key_a_change_is_seen_among_rows_that_came_and_went(workspace: Workspace) -> None:
    second = pd.concat([FIRST.iloc[10:], FIRST.iloc[:5].assign(id=[900, 901, 902, 903, 904])], ignore_index=True)
    second.loc[second["id"] == 50, "carrier"] = "WN"
    workspace.data.save(second, "flights")
    found = blamed(workspace, key="id")
    assert found["carrier"] == ("flights@v2", "cells")
    assert found["delay"] == ("flights@v1", "first")


def test_columns_that_were_added_and_types_that_changed_are_told(workspace: Workspace) -> None:
    workspace.data.save(FIRST.assign(late=FIRST.delay > 1), "flights")
    workspace.data.save(FIRST.assign(late=FIRST.delay > 1, id=FIRST["id"].astype("int32")), "flights")
    found = blamed(workspace)
    assert found["late"] == ("flights@v2", "added")
    assert found["id"] == ("flights@v3", "type")


def test_the_question_starts_at_the_version_that_is_named(workspace: Workspace) -> None:
    workspace.data.save(FIRST.assign(delay=0.0), "flights")
    assert blamed(workspace, "flights@v1")["delay"] == ("flights@v1", "first")


def test_a_change_that_was_taken_back_is_the_last_change(workspace: Workspace) -> None:
    workspace.data.save(FIRST.assign(delay=0.0), "flights")
    workspace.data.save(FIRST, "flights")
    assert blamed(workspace)["delay"] == ("flights@v3", "cells")
    assert blamed(workspace)["carrier"] == ("flights@v1", "first")


def test_behind_the_first_version_comes_the_table_that_it_was_made_from(workspace: Workspace) -> None:
    with workspace.run("clean"):
        table = workspace.data.load("flights")
        workspace.data.save(table[table.delay > 0].reset_index(drop=True).assign(carrier="all"), "clean")
    assert blamed(workspace, "clean") == {
        "id": ("flights@v1", "first"),
        "delay": ("flights@v1", "first"),
        "carrier": ("clean@v1", "cells"),
    }


def test_equal_columns_are_not_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbmlops.data.stored import StoredTable

    workspace.data.save(FIRST.assign(late=True), "flights")
    monkeypatch.delattr(StoredTable, "read")
    monkeypatch.delattr(StoredTable, "batches")
    assert blamed(workspace)["late"] == ("flights@v2", "added")


def test_it_is_told_in_text_html_and_as_a_frame(workspace: Workspace) -> None:
    with workspace.run("mend"):
        workspace.data.save(FIRST.assign(delay=0.0), "flights", message="mended")
    found = workspace.data.blame("flights")
    for shown in (text(found), html(found)):
        assert "mend-1" in shown
        assert "flights@v2" in shown
        assert "mended" in shown
    assert list(found.to_pandas()["column"]) == ["id", "delay", "carrier"]
    assert [one["change"] for one in json(found)] == ["first", "cells", "first"]


def test_what_is_not_there_is_said_with_the_nearest(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        workspace.data.blame("flights", column="dely")
    assert "delay" in str(caught.value.hint)
    with pytest.raises(NotFoundError):
        workspace.data.blame("fligths")
    (tmp_path / "notes.txt").write_text("no table")
    workspace.data.save(tmp_path / "notes.txt")
    with pytest.raises(InvalidError, match="no columns"):
        workspace.data.blame("notes")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.sampled_from(["delay", "carrier", "drop", "none"]), max_size=4))
def test_blame_agrees_with_a_list_of_what_was_done(edits: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    with Workspace.init(tmp_path_factory.mktemp("blame")) as workspace:
        table, last = FIRST.copy(), dict.fromkeys(FIRST.columns, 1)
        number = workspace.data.save(table, "flights").number
        for edit in edits:
            if edit == "delay":
                table = table.assign(delay=table.delay + 1)
            elif edit == "carrier":
                table = table.assign(carrier=table.carrier + "x")
            elif edit == "drop":
                table = table.iloc[1:].reset_index(drop=True)
            number = workspace.data.save(table, "flights").number or 0
            if edit in last:
                last[edit] = number
        found = {one.column: one.version.number for one in workspace.data.blame("flights", key="id")}
        assert found == last
