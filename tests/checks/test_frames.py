"""Tables from everywhere: the same outcomes from each, and clear words for what is no table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, UnsupportedError

SUITE = Suite.parse("""\
table: rows between(1, 9), key(id), columns(exact)
id: integer, unique, no nulls
delay: between(-60, 100), nulls < 30%
carrier: in("UA", "AA"), matches("[A-Z]+")
at: datetime, between("2013-01-01", "2013-01-02"), expr("hour(at) < 12")
late: boolean""")


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [1, 2, 2, 4],
            "delay": [1.0, np.nan, 500.0, -100.0],
            "carrier": ["UA", None, "ua", "AA"],
            "at": pd.to_datetime(["2013-01-01T05:00Z", "2013-01-01T20:00Z", None, "2014-01-01T00:00Z"]),
            "late": [True, False, None, True],
        }
    )


def test_pandas_arrow_polars_and_files_give_the_same_outcomes(frame: pd.DataFrame, tmp_path: Path) -> None:
    expected = judge(table_of(frame), SUITE)
    assert [(each.label, each.rows) for each in expected if each.status == "failed"] == [
        ("key", (2,)),
        ("id unique", (2,)),
        ("delay between", (2, 3)),
        ("carrier in", (2,)),
        ("carrier matches", (2,)),
        ("at between", (3,)),
        ("at expr", (1,)),
    ]
    arrow = pa.Table.from_pandas(frame)
    polars = pl.from_arrow(arrow)
    assert isinstance(polars, pl.DataFrame)
    files = [tmp_path / f"flights{suffix}" for suffix in (".parquet", ".csv", ".arrow")]
    polars.write_parquet(files[0])
    polars.write_csv(files[1])
    polars.write_ipc(files[2])
    dictionary = arrow.set_column(2, "carrier", arrow["carrier"].dictionary_encode())
    nullable = frame.convert_dtypes().astype({"carrier": "category"})
    for value in [arrow, polars, polars.lazy(), arrow.to_batches()[0], dictionary, nullable, *files]:
        assert judge(table_of(value), SUITE) == expected, type(value)


def test_floats_that_are_not_numbers_are_missing_wherever_they_come_from() -> None:
    suite = Suite.parse("x: no nulls, between(0, ), unique, integer")
    values = [1.0, float("nan"), float("nan"), -1.0]
    expected = judge(table_of(pd.DataFrame({"x": values})), suite)
    assert [each.rows for each in expected] == [(1, 2), (3,), (), ()]
    assert judge(table_of(pl.DataFrame({"x": values})), suite) == expected
    assert judge(table_of(pa.table({"x": values})), suite) == expected


def test_a_named_index_is_data_and_an_unnamed_one_is_not() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="who"))
    assert table_of(frame).names == ("x", "who")
    assert judge(table_of(frame), Suite.parse('who: in("a")'))[0].rows == (1,)
    filtered = pd.DataFrame({"x": [1, 2, 3]}).query("x > 1")
    assert table_of(filtered).names == table_of(pa.Table.from_pandas(filtered)).names == ("x",)


def test_only_the_columns_that_the_suite_judges_are_handed_over() -> None:
    frame = pd.DataFrame({"x": [1], "objects": [object()]})
    assert judge(table_of(frame), Suite.parse("x: integer"))[0].status == "passed"


def test_the_frame_is_left_as_it_was(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    judge(table_of(frame), SUITE)
    infer([table_of(frame)])
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "two columns called 'x'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "two columns called '1'"),
        (pa.table([[1], [2]], names=["x", "x"]), "two columns called 'x'"),
        (pd.DataFrame(), "no column"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
        ([1, 2], "a list is no table"),
        (None, "a NoneType is no table"),
        (pd.Series([1]), "a Series is no table"),
        ("flights", "a str is no table"),
    ],
)
def test_what_is_no_table_is_told_why(value: Any, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        table_of(value)


@pytest.mark.parametrize("values", [[object(), 1], [1, "a"], [1j], [lambda: 0]])
def test_python_objects_are_named(values: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "y": range(len(values))})
    with pytest.raises(InvalidError, match="'x' holds Python objects"):
        infer([table_of(frame)])


def test_files_that_cannot_be_read_are_told_why(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        table_of(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InvalidError, match="cannot be read as a table"):
        table_of(tmp_path / "broken.parquet")
    (tmp_path / "flights.xls").write_bytes(b"")
    with pytest.raises(UnsupportedError):
        table_of(tmp_path / "flights.xls")


# -- any table, any suite ---------------------------------------------------------------------------

COLUMNS = st.sampled_from(
    [
        pl.Series([], dtype=pl.Int64),
        pl.Series([1, 2, None]),
        pl.Series([1.5, float("nan"), float("inf")]),
        pl.Series([None, None, None]),
        pl.Series(["a", "", None]),
        pl.Series(["N1", "时间", "x\x00y"]),
        pl.Series([True, None, False]),
        pl.Series([datetime(2013, 1, 1), None, datetime(9999, 1, 1)]),
        pl.Series([datetime(2013, 1, 1, tzinfo=UTC)] * 3),
        pl.Series([[1], [], None]),
        pl.Series([{"a": 1}, None, {"a": 2}]),
        pl.Series([b"x", b"", None]),
        pl.Series(["a", "b", "a"], dtype=pl.Categorical),
        pl.Series([2**63, 2**64 - 1, 0], dtype=pl.UInt64),
        pl.Series([1, 2, 3], dtype=pl.Int8),
        pl.Series([1, 2, 3]).cast(pl.Duration("us")),
        pl.Series([1, 2, 3]).cast(pl.Time),
        pl.Series([1, 2, 3]).cast(pl.Decimal(10, 2)),
        pl.Series([1, 2, 3]).cast(pl.Date),
    ]
)
LINES = st.sampled_from(
    [
        *[f"{{}}: {name}" for name in ("number", "integer", "string", "boolean", "datetime", "category")],
        "{}: between(0, 5), nulls < 5%",
        "{}: between(, 99999999999999999999)",
        '{}: between("1500-01-01", "2013-06-01")',
        '{}: in("a", "b"), mostly(0.5)',
        "{}: in(1, 2.5, 3, 4, 5, 6, 7, 8, 9, 10)",
        "{}: in(true), warn",
        '{}: matches("[a-z]*"), unique',
        "{}: no nulls, unique",
        '{}: expr("y > 0 and x is not null")',
        '{}: expr("x == y")',
        '{}: expr("length(x) > y or month(x) == 3")',
        "table: key(x, y), columns(exact), rows between(0, 2)",
    ]
)


@settings(max_examples=500, deadline=None)
@given(COLUMNS, COLUMNS, LINES, LINES)
def test_any_suite_on_any_table_gives_outcomes_or_a_clear_error(x: pl.Series, y: pl.Series, one: str, two: str) -> None:
    height = min(len(x), len(y))
    frame = pl.DataFrame({"x": x.head(height), "y": y.head(height)})
    lines = dict.fromkeys([one.format("x"), two.format("y")])
    suite = Suite.parse("\n".join(lines))
    outcomes = judge(table_of(frame), suite)
    assert len(outcomes) >= len(suite)
    try:
        learnt = infer([table_of(frame)], "any")
    except NbmlopsError:
        assert height == 0
    else:
        assert Suite.parse(str(learnt), "any") == learnt
        assert all(each.status == "passed" for each in judge(table_of(frame), learnt))
