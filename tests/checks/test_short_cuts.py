"""Short cuts of the scan (ends that prove a range, texts looked at once) find what Python finds value by value."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.checks import engine, frames, plans
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite

SUITE = Suite.parse(
    "a: between(-1, 5), between(, 9), between(0.5, ), nulls < 90%\n"
    "n: between(-9007199254740993, 9007199254740993), between(0, ), in(1, 2, 3)\n"
    't: in("x", "yy", "é"), in("yy"), matches("[a-z]+"), length between(1, 2), nulls < 90%\n'
    'd: between("2013-01-01", "2013-12-31T12:00:00")'
)
FLOATS = st.one_of(st.none(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.5, 5.0, 9.0]), st.floats(-20, 20))
WHOLE = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([2**53 + 1, -(2**53) - 1, 2**62]))
TEXTS = st.one_of(st.none(), st.sampled_from(["x", "yy", "é", "", "zzz", "A"]))
DATES = st.one_of(st.none(), st.datetimes(pd.Timestamp(2012, 12, 30), pd.Timestamp(2014, 1, 2)))
ROWS = st.lists(st.tuples(FLOATS, WHOLE, TEXTS, DATES), min_size=1, max_size=30)
LAST = pd.Timestamp(2013, 12, 31, 12)


def table(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    kinds = {"a": pl.Float64, "n": pl.Int64, "t": pl.String, "d": pl.Datetime("us")}
    columns = zip(kinds, zip(*rows, strict=True), strict=True)
    return pl.DataFrame({name: list(values) for name, values in columns}, schema=kinds)


def expected(rows: list[tuple[Any, ...]]) -> list[tuple[int, ...]]:
    """The first offending rows of each check of values, told one by one."""
    wrong = [
        *((0, lambda v: not -1 <= v <= 5), (0, lambda v: not v <= 9), (0, lambda v: not v >= 0.5)),
        *((1, lambda v: not -(2**53) - 1 <= v <= 2**53 + 1), (1, lambda v: v < 0), (1, lambda v: v not in (1, 2, 3))),
        *((2, lambda v: v not in ("x", "yy", "é")), (2, lambda v: v != "yy")),
        *((2, lambda v: re.fullmatch("[a-z]+", v) is None), (2, lambda v: not 1 <= len(v) <= 2)),
        (3, lambda v: not pd.Timestamp(2013, 1, 1) <= v <= LAST),
    ]

    def there(value: Any) -> bool:
        return value is not None and not (isinstance(value, float) and math.isnan(value))

    return [
        tuple(place for place, row in enumerate(rows) if there(row[column]) and is_wrong(row[column]))[:5]
        for column, is_wrong in wrong
    ]


def found(outcomes: tuple[Outcome, ...]) -> list[tuple[int, ...]]:
    assert not [outcome for outcome in outcomes if outcome.status == "errored"]
    return [outcome.rows for outcome in outcomes if outcome.check != "nulls"]


def in_every_way(frame: pl.DataFrame, folder: Path) -> list[Any]:
    path = folder / "table.parquet"
    frame.write_parquet(path, row_group_size=7)
    arrow = frame.to_arrow()
    pieces = pa.concat_tables([arrow.slice(0, 3), arrow.slice(3)])
    return [frame, arrow, pieces, frame.to_pandas(use_pyarrow_extension_array=True), path]


@pytest.mark.parametrize("way", ["as it is", "coded", "cut off", "one by one"])
@given(rows=ROWS)
def test_what_offends_is_what_offends_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, way: str, rows: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if way == "coded":
            patch.setattr(frames, "_TRIED", 1)
            patch.setattr(frames, "_REPEATED", 1)
        elif way == "cut off":
            patch.setattr(plans, "_MOST", 2)
        elif way == "one by one":
            patch.setattr(plans, "_MOST", -1)
            patch.setattr(engine, "_settled", lambda each, _: each)
        for value in in_every_way(table(rows), tmp_path_factory.mktemp("tables")):
            assert found(judge(table_of(value), SUITE)) == expected(rows), type(value)


def test_many_different_texts_are_counted_as_they_are() -> None:
    texts = pa.table({"t": [f"word {number}" for number in range(3_000)] * 10})
    (first, second) = judge(table_of(texts), Suite.parse('t: matches("word [0-9]+"), in("word 1", "word 2")'))
    assert first.status == "passed"
    assert (second.figure, second.rows) == ("29,980 of 30,000 values outside (99.9%)", (0, 3, 4, 5, 6))


def test_a_null_among_too_many_texts_does_not_hide_one_that_offends() -> None:
    # In which order the different texts are counted differs from one call to the next.
    texts = pa.table({"t": [None, *(f"word {number}" for number in range(2_000)), "?"]})
    for _ in range(30):
        (outcome,) = judge(table_of(texts), Suite.parse('t: matches("word [0-9]+")'))
        assert (outcome.status, outcome.rows) == ("failed", (2_001,))


def test_texts_that_were_numbered_are_still_called_texts() -> None:
    texts = pd.DataFrame({"t": ["x", "yy"] * 20_000})
    (kind, among) = judge(table_of(texts), Suite.parse('t: string, in("x", "yy")'))
    assert (kind.status, kind.figure, among.status) == ("passed", "string", "passed")
    (kind, among) = judge(table_of(texts.astype("category")), Suite.parse('t: category, in("x")'))
    assert (kind.figure, among.figure) == ("category", "20,000 of 40,000 values outside (50%)")
