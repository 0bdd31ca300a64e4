"""Differences between versions, against what plain Python finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.data import comparing
from nbmlops.render.dispatch import html, json, text
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def flights(count: int = 1_000) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "delay": np.where(generator.random(count) < 0.05, np.nan, generator.normal(10, 30, count)),
            "carrier": generator.choice(["UA", "AA", "DL"], count),
            "when": pd.Timestamp("2013-01-01") + pd.to_timedelta(generator.integers(0, 8_760, count), "h"),
        }
    )


def test_by_key_cells_and_rows_are_told(workspace: Workspace) -> None:
    before = flights()
    after = before.sample(frac=1, random_state=1).reset_index(drop=True)
    after = after[after.id != 7]
    after.loc[after.id == 3, "carrier"] = "B6"
    after.loc[after.id == 4, "delay"] = 999.0
    after = pd.concat([after, flights(1).assign(id=5_000)], ignore_index=True)
    workspace.data.save(before, "flights")
    workspace.data.save(after, "flights")
    found = workspace.data.diff("flights@v1", "flights@v2", key=["id"])
    assert workspace.data.diff("flights@v1", "flights@v2", key="id") == found
    assert found.rows is not None
    assert (found.rows.added, found.rows.removed, found.rows.changed, found.rows.unchanged) == (1, 1, 2, 997)
    assert found.reordered
    assert {(cell.row, cell.column, cell.before, cell.after) for cell in found.cells} == {
        ((3,), "carrier", before.carrier[3], "B6"),
        ((4,), "delay", before.delay[4], 999.0),
    }
    assert [row["id"] for row in found.added] == [5_000]
    assert [row["id"] for row in found.removed] == [7]
    cells = {column.column: column.cells for column in found.columns}
    assert cells["carrier"] == cells["delay"] == 1
    frame = found.to_pandas()
    assert list(frame.columns) == ["change", "id", "column", "before", "after"]
    assert Counter(frame.change) == {"changed": 2, "added": 3, "removed": 3}


def test_whole_numbers_as_a_key_find_what_their_text_finds(workspace: Workspace) -> None:
    before = flights(60_000).assign(name=lambda f: f.id.map("{:06}".format), id=lambda f: f.id - 20_000)
    before.loc[before.index[::97], "carrier"] = None
    after = before.sample(frac=0.99, random_state=1).reset_index(drop=True)
    after.loc[after.index[::50], "carrier"] = "B6"
    after.loc[after.index[::70], "delay"] = 0.0
    workspace.data.save(before, "flights")
    workspace.data.save(after, "flights")
    by_number, by_text = (workspace.data.diff("flights@v1", "flights@v2", key=[key]) for key in ("id", "name"))
    assert by_number.rows == by_text.rows
    assert by_number.columns[1:3] == by_text.columns[1:3]
    assert [(cell.column, cell.before, cell.after) for cell in by_number.cells] == [
        (cell.column, cell.before, cell.after) for cell in by_text.cells
    ]
    (carrier,) = (column for column in by_number.columns if column.column == "carrier")
    old, new = before.set_index("id").carrier.reindex(after.id).to_numpy(), after.carrier.to_numpy()
    assert carrier.cells == int((pd.Series(old).fillna("") != pd.Series(new).fillna("")).sum())
    assert dict(carrier.after.top) == after.carrier.value_counts().to_dict()
    assert carrier.before.nulls == int(before.carrier.isna().sum())


@pytest.mark.parametrize("key", [[1, 2, 2], [1, 2, None]])
def test_a_key_of_whole_numbers_that_does_not_serve_is_refused(workspace: Workspace, key: list[int | None]) -> None:
    serves = pd.DataFrame({"id": pd.array([1, 2, 3], "Int64"), "value": [1, 2, 3]})
    workspace.data.save(serves, "flights")
    workspace.data.save(serves.assign(id=pd.array(key, "Int64")), "flights")
    with pytest.raises(InvalidError, match="of the version after"):
        workspace.data.diff("flights@v1", "flights@v2", key=["id"])


def test_without_a_key_rows_stand_where_they_stood_or_are_found_by_content(workspace: Workspace) -> None:
    before = flights()
    workspace.data.save(before, "flights")
    workspace.data.save(before.fillna({"delay": 0.0}), "flights")
    filled = workspace.data.diff("flights", sample=3)
    assert (filled.before, filled.after, filled.by) == ("flights@v1", "flights@v2", "position")
    assert filled.rows is not None
    assert filled.rows.changed == before.delay.isna().sum()
    assert [cell.row for cell in filled.cells] == [(int(row),) for row in np.flatnonzero(before.delay.isna())[:3]]
    (delay,) = filled.columns
    assert (delay.before.nulls, delay.after.nulls) == (before.delay.isna().sum(), 0)
    assert delay.before.mean == pytest.approx(before.delay.mean())
    assert sum(delay.after.bars) == 1_000
    workspace.data.save(before.dropna(), "flights")
    dropped = workspace.data.diff("flights@v1", "flights@v3")
    assert dropped.by == "content"
    assert dropped.rows is not None
    assert (dropped.rows.added, dropped.rows.removed, dropped.rows.changed) == (0, before.delay.isna().sum(), None)
    assert len(dropped.to_pandas()) == before.delay.isna().sum() * 4
    sorted_ = workspace.data.save(before.sort_values("delay", ignore_index=True), "sorted")
    order = workspace.data.diff("flights@v1", sorted_.ref)
    assert order.rows is not None
    assert order.reordered
    assert (order.rows.added, order.rows.removed, order.rows.unchanged) == (0, 0, 1_000)


def test_changes_of_the_schema_are_told(workspace: Workspace) -> None:
    before = flights()
    after = before.rename(columns={"carrier": "airline"})[["id", "when", "delay", "airline"]].astype({"id": "float64"})
    workspace.data.save(before, "flights")
    workspace.data.save(after, "flights")
    found = workspace.data.diff("flights")
    assert {(change.column, change.what) for change in found.schema} == {
        ("carrier", "removed"),
        ("airline", "added"),
        ("id", "retyped"),
        ("when", "moved"),
        ("delay", "moved"),
    }
    assert found.rows is not None
    assert found.rows.unchanged == 1_000


def test_the_same_content_and_history_before_the_first(workspace: Workspace) -> None:
    workspace.data.save(flights(), "a")
    workspace.data.save(flights(), "b")
    found = workspace.data.diff("a", "b")
    assert found.same
    assert found.to_pandas().empty
    assert "the same content" in text(found)
    with pytest.raises(NotFoundError, match="first version"):
        workspace.data.diff("a")


def test_folders_and_text_files_are_compared(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text(name)
    workspace.data.save(folder)
    (folder / "a").unlink()
    (folder / "b").write_text("other")
    (folder / "d").write_text("new")
    workspace.data.save(folder)
    found = workspace.data.diff("pictures")
    assert [(file.path, file.what) for file in found.files] == [("a", "removed"), ("b", "modified"), ("d", "added")]
    assert list(found.to_pandas().path) == ["a", "b", "d"]
    note = tmp_path / "note.txt"
    note.write_text("one\ntwo\n")
    workspace.data.save(note)
    note.write_text("one\nthree\n")
    workspace.data.save(note)
    lines = workspace.data.diff("note").lines
    assert "-two" in lines
    assert "+three" in lines
    note.write_bytes(b"\xff\x00")
    workspace.data.save(note)
    assert workspace.data.diff("note").lines == ()
    with pytest.raises(InvalidError, match="cannot be compared"):
        workspace.data.diff("note", "pictures")
    with pytest.raises(InvalidError, match="no key"):
        workspace.data.diff("note", key=["a"])


def test_a_key_that_does_not_serve_is_refused(workspace: Workspace) -> None:
    frame = flights(50)
    workspace.data.save(frame, "flights")
    workspace.data.save(pd.concat([frame, frame.head(2)], ignore_index=True), "flights")
    with pytest.raises(InvalidError, match="not unique: 4 rows of the version after"):
        workspace.data.diff("flights", key=["id"])
    with pytest.raises(InvalidError, match="null in"):
        workspace.data.diff("flights@v1", "flights@v2", key=["id", "delay"])
    with pytest.raises(InvalidError, match="in neither") as caught:
        workspace.data.diff("flights", key=["idd"])
    assert "id" in str(caught.value.hint)
    with pytest.raises(InvalidError, match="sample of -1"):
        workspace.data.diff("flights", sample=-1)


def test_a_frame_of_all_changes_is_never_a_part_of_them(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = flights(100)
    workspace.data.save(before, "flights")
    workspace.data.save(before.assign(carrier="B6"), "flights")
    found = workspace.data.diff("flights")
    assert len(found.to_pandas()) == 100
    # As if a hundred were more than fit into a frame.
    monkeypatch.setattr(comparing, "_ALL", 99)
    with pytest.raises(InvalidError, match="more cells and rows than one frame can hold"):
        found.to_pandas()


def test_a_difference_is_shown_as_text_html_and_json(workspace: Workspace) -> None:
    before = flights()
    after = before.assign(carrier=before.carrier.where(before.id > 5, "<b>"), delay=before.delay + 20)[:900]
    workspace.data.save(before, "flights")
    workspace.data.save(after, "flights")
    found = workspace.data.diff("flights", key=["id"])
    shown = text(found)
    assert "flights@v1 → flights@v2" in shown
    assert "100 removed" in shown
    assert any(block in shown for block in "▁▂▃▄▅▆▇█")
    page = html(found)
    assert "<svg" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert json(found)["rows"]["removed"] == 100


CELL = st.one_of(st.none(), st.integers(-2, 2))
ROWS = st.lists(st.tuples(st.integers(0, 9), CELL, st.sampled_from(["", "a", None]), st.booleans()), max_size=12)


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    types = {"k": pl.Int64, "n": pl.Int64, "s": pl.String, "b": pl.Boolean}
    return pl.DataFrame(rows, schema=types, orient="row")


@pytest.mark.parametrize("large", [False, True])
@given(before=ROWS, after=ROWS)
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_plain_python_finds(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    large: bool,
    before: list[tuple[Any, ...]],
    after: list[tuple[Any, ...]],
) -> None:
    if large:
        # Every table is too large for memory then.
        monkeypatch.setattr(comparing, "_IN_MEMORY", -1)
        monkeypatch.setattr(comparing, "_PART", 40)
    with Workspace.init(tmp_path_factory.mktemp("diff")) as workspace:
        for rows in (before, after):
            workspace.data.save(table(rows), "t", allow_empty=True)
        unlike = before != after
        found = workspace.data.diff("t@v1", "t@v2" if unlike else "t@v1")
        assert found.rows is not None
        if found.by == "content":
            old, new = Counter(before), Counter(after)
            assert found.rows.removed == sum((old - new).values())
            assert found.rows.added == sum((new - old).values())
            assert found.rows.unchanged == sum((old & new).values())
        else:
            pairs = list(zip(before, after, strict=True))
            assert found.rows.changed == sum(was != now for was, now in pairs)
            for place, name in enumerate("knsb"):
                cells = sum(was[place] != now[place] for was, now in pairs)
                assert sum(column.cells or 0 for column in found.columns if column.column == name) == cells
        first, second = ({row[0]: row for row in rows} for rows in (before, after))
        if unlike and len(first) == len(before) and len(second) == len(after):
            keyed = workspace.data.diff("t@v1", "t@v2", key=["k"], sample=1_000)
            assert keyed.rows is not None
            both = first.keys() & second.keys()
            assert keyed.rows.changed == sum(first[key] != second[key] for key in both)
            assert keyed.rows.removed == len(first.keys() - second.keys())
            assert {row["k"] for row in keyed.added} == second.keys() - first.keys()
            wanted = {
                ((key,), name, first[key][place], second[key][place])
                for key in both
                for place, name in enumerate("knsb")
                if first[key][place] != second[key][place]
            }
            assert {(cell.row, cell.column, cell.before, cell.after) for cell in keyed.cells} == wanted


def test_an_index_without_a_name_is_called_the_index(workspace: Workspace) -> None:
    frame = pd.DataFrame({"x": range(6)})
    workspace.data.save(frame, "t")
    workspace.data.save(frame[frame.x != 2], "t")
    shown = text(workspace.data.diff("t@v1", "t@v2"))
    assert "column (index) added" in shown
    assert "__index_level_0__" not in shown


def test_a_column_that_is_the_same_as_a_whole_differs_by_key_when_the_keys_have_moved(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"k": [0, 1], "s": ["", "a"]}), "t")
    workspace.data.save(pd.DataFrame({"k": [1, 0], "s": ["", "a"]}), "t")
    found = workspace.data.diff("t@v1", "t@v2", key=["k"])
    assert {(cell.row, cell.column, cell.before, cell.after) for cell in found.cells} == {
        ((0,), "s", "", "a"),
        ((1,), "s", "a", ""),
    }
