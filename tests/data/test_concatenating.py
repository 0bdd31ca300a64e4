"""Tables one below another, as one version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.pipelines.scan import scan
from nbmlops.workspace import Workspace

VALUES = {
    "n": st.integers(-(2**40), 2**40),
    "x": st.floats(allow_nan=False, width=32),
    "t": st.one_of(st.none(), st.text(max_size=4)),
    "c": st.one_of(st.none(), st.sampled_from(["red", "green", "blue"])),
}
TABLES = st.lists(st.lists(st.fixed_dictionaries(VALUES), max_size=6), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.init(tmp_path_factory.mktemp("project"))


def polars_table(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"n": pl.Int64, "x": pl.Float64, "t": pl.String, "c": pl.Categorical})


@given(tables=TABLES)
def test_the_rows_are_those_of_all_tables_in_their_order(
    workspace: Workspace, tables: list[list[dict[str, object]]]
) -> None:
    refs = [
        workspace.data.save(polars_table(rows), f"part_{place}", allow_empty=True).ref
        for place, rows in enumerate(tables)
    ]
    version = workspace.data.concat(refs, "whole")
    rows = [row for table in tables for row in table]
    assert version.rows == len(rows)
    loaded = workspace.data.load("whole", as_="polars")
    assert (
        loaded.with_columns(pl.col("c").cast(pl.String)).to_dicts()
        == polars_table(rows).with_columns(pl.col("c").cast(pl.String)).to_dicts()
    )


def test_the_same_rows_put_together_are_the_same_table(workspace: Workspace) -> None:
    first, second = (pd.DataFrame({"n": range(start, start + 30_000), "x": 0.5}) for start in (0, 30_000))
    workspace.data.save(first, "first")
    workspace.data.save(second, "second")
    both = workspace.data.concat(["first", "second"], "both", message="all of it", tags={"of": 2}, alias="golden")
    assert (both.message, both.tags, both.aliases) == ("all of it", {"of": "2"}, ("golden",))
    assert workspace.data.save(pd.concat([first, second], ignore_index=True), "both").ref == "both@v1"
    loaded = workspace.data.load("both")
    pd.testing.assert_frame_equal(loaded, pd.concat([first, second], ignore_index=True))
    assert workspace.data.concat(["first", "second"], "both").ref == "both@v1", "the same content is no new version"
    reads = {node.label for node in workspace.lineage("both").nodes}
    assert {"first@v1", "second@v1"} <= reads


def test_types_may_differ_as_missing_values_make_them(workspace: Workspace) -> None:
    one = pd.DataFrame(
        {"n": [1, 2], "t": [None, None], "s": np.array([1, 2], "int16"), "c": pd.Categorical(["x", "y"])}
    )
    two = pd.DataFrame({"n": [0.5, None], "t": ["a", None], "s": [2**40, 3], "c": pd.Categorical(["z", "x"])})
    workspace.data.save(one, "one")
    workspace.data.save(two, "two")
    workspace.data.concat(["one", "two"], "mixed")
    loaded = workspace.data.load("mixed")
    assert loaded.dtypes.astype(str).to_dict() == {"n": "float64", "t": "str", "s": "int64", "c": "category"}
    assert loaded["n"].tolist()[:3] == [1, 2, 0.5]
    assert loaded["c"].tolist() == ["x", "y", "z", "x"]
    assert list(loaded["c"].cat.categories) == ["x", "y", "z"]
    workspace.data.save(two.assign(c=["k", "x"]), "texts")
    workspace.data.concat(["one", "texts"], "mixed")
    assert workspace.data.load("mixed")["c"].tolist() == ["x", "y", "k", "x"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"n": [1]}, "has no 'x'"),
        ({"n": [1], "x": [1], "y": [1]}, "first_of_two@v1 has no 'y'"),
        ({"x": ["a"], "n": [1]}, "they stand in another order"),
        ({"n": ["one"], "x": ["a"]}, "the column 'n' is double in first_of_two@v1 and string in"),
        ({"n": [2**60 + 1], "x": ["a"]}, "the column 'n' of .* does not fit double"),
    ],
)
def test_tables_that_do_not_fit_say_where(workspace: Workspace, other: dict[str, list[object]], said: str) -> None:
    workspace.data.save(pd.DataFrame({"n": [0.5], "x": ["a"]}), "first_of_two")
    workspace.data.save(pd.DataFrame(other), "second_of_two")
    with pytest.raises(InvalidError, match=said):
        workspace.data.concat(["first_of_two", "second_of_two"], "nothing")
    with pytest.raises(NotFoundError):
        workspace.data.show("nothing")


def test_ordered_categories_have_to_agree(workspace: Workspace) -> None:
    sizes = pd.CategoricalDtype(["S", "M", "L"], ordered=True)
    workspace.data.save(pd.DataFrame({"size": pd.Series(["S", "L"], dtype=sizes)}), "ordered")
    workspace.data.concat(["ordered", "ordered"], "twice")
    assert workspace.data.load("twice")["size"].dtype == sizes
    workspace.data.save(pd.DataFrame({"size": pd.Categorical(["S", "XL"])}), "unordered")
    with pytest.raises(InvalidError, match="other categories in 'size', or another order"):
        workspace.data.concat(["ordered", "unordered"], "wrong")


def test_what_is_no_table_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(np.arange(3), "numbers")
    with pytest.raises(InvalidError, match="numbers@v1 is an array, not a table"):
        workspace.data.concat(["numbers"], "wrong")
    with pytest.raises(InvalidError, match="there is nothing to put together"):
        workspace.data.concat([], "wrong")
    with pytest.raises(NotFoundError, match="missing"):
        workspace.data.concat(["missing"], "wrong")
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "tracked.parquet")
    workspace.data.track(tmp_path / "tracked.parquet", "tracked")
    assert workspace.data.concat(["tracked", "tracked"], "doubled").rows == 4


def test_a_notebook_shows_what_is_put_together() -> None:
    cells = [
        "%ml data concat a b@v2 --name whole",
        'from nbmlops import ml\nml.data.concat(["c", name], "other")\nml.data.concat(parts, "third")',
    ]
    found = scan({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}, {"name": "d"})
    assert [read.ref for read in found.reads] == ["a", "b@v2", "c", "d"]
    assert [write.name for write in found.writes] == ["whole", "other", "third"]
    assert [(place.relation, place.cell) for place in found.dynamic] == [("reads", 2)]
