"""Checks of order, of lengths and of age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError

NAN = float("nan")


def only(column: Any, check: str) -> Outcome:
    (found,) = judge(table_of(pd.DataFrame({"x": column})), Suite.parse(f"x: {check}"))
    return found


@pytest.mark.parametrize(
    ("column", "check", "status", "rows"),
    [
        ([1, 1, 2], "increasing", "passed", ()),
        ([1, 1, 2], "increasing(strict)", "failed", (1,)),
        ([3, 2, 2], "decreasing", "passed", ()),
        ([3, 2, 2], "decreasing(strict)", "failed", (2,)),
        ([3.0, NAN, 2.0, NAN, 5.0], "increasing", "failed", (2,)),
        ([3.0, NAN, 3.0], "increasing(strict)", "failed", (2,)),
        (["a", None, "b", "B"], "increasing", "failed", (3,)),
        (pd.to_datetime(["2013-01-01", "2013-01-03", "2013-01-02"]), "increasing", "failed", (2,)),
        ([1, 2, 1, 4], "increasing, mostly(0.75)", "passed", ()),
        ([5], "increasing(strict)", "passed", ()),
        ([None, None], "decreasing", "passed", ()),
        (["", "ab", None, "abc"], "length between(1, 2)", "failed", (0, 3)),
        (["é", "时间"], "length between(1, 2)", "passed", ()),
        (pd.Series(["a", "bb"], dtype="category"), "length between(, 1)", "failed", (1,)),
    ],
)
def test_values_are_judged_by_their_place_and_length(column: Any, check: str, status: str, rows: Any) -> None:
    found = only(column, check)
    assert (found.status, found.rows) == (status, rows)


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-3, 3)), max_size=12), st.booleans(), st.booleans())
def test_the_rows_out_of_order_are_those_that_a_loop_finds(column: list[int | None], up: bool, strict: bool) -> None:
    wrong, before = [], None
    for row, value in enumerate(column):
        if value is None:
            continue
        if before is not None and ((value - before) * (1 if up else -1) < strict):
            wrong.append(row)
        before = value
    builder = SuiteBuilder().column("x")
    suite = (builder.increasing(strict=strict) if up else builder.decreasing(strict=strict)).done()
    found = judge(table_of(pl.DataFrame({"x": column}, schema={"x": pl.Int64})), suite)[-1]
    assert found.rows == tuple(wrong[:5])
    assert found.status == ("failed" if wrong else "passed")


def test_order_is_judged_over_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    pl.DataFrame({"x": [*range(200_000), 5, *range(200_000, 300_000)]}).write_parquet(path, row_group_size=10_000)
    (found,) = judge(table_of(path), Suite.parse("x: increasing"))
    assert (found.status, found.rows, found.figure) == (
        "failed",
        (200_000,),
        "1 of 300,001 values out of order (0.00033%)",
    )


@pytest.mark.parametrize(("age", "status"), [(timedelta(days=6), "passed"), (timedelta(days=8), "failed")])
def test_the_newest_value_is_recent(age: timedelta, status: str) -> None:
    newest = datetime.now(UTC).replace(tzinfo=None) - age
    found = only(pd.to_datetime([datetime(2013, 1, 1), newest, None]), "fresh(7 days)")
    assert (found.status, found.bound) == (status, "at most 7 days old")
    assert found.figure.startswith(f"newest {newest.date()}")


def test_an_age_of_nothing_is_not_judged() -> None:
    assert only([None, None], "fresh(1 hours)").status == "passed"


@pytest.mark.parametrize("check", ["fresh(7 days)", "length between(1, 2)"])
def test_a_number_has_neither_age_nor_length(check: str) -> None:
    found = only([1, 2], check)
    assert found.status == "errored"
    assert "its type is int64" in found.detail


def test_booleans_have_no_order() -> None:
    assert only([True, False], "increasing").status == "errored"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: fresh(7)", "expected an age"),
        ("x: fresh(7 moons)", "minutes, hours, days, weeks"),
        ("x: fresh(-1 days)", "above 0"),
        ("x: fresh(1_000_000 weeks)", "1,000 years"),
        ("x: fresh(7 days), fresh(8 days)", "say two things"),
        ("x: number, fresh(7 days)", "cannot hold for a number"),
        ("x: increasing(loosely)", "expected 'strict'"),
        ("x: increasing, decreasing", "say two things"),
        ("x: length between(2, 1)", "nothing lies between 2 and 1"),
        ("x: length between(1.5, )", "whole numbers from 0"),
        ("x: integer, length between(1, 2)", "cannot hold for a integer"),
        ("x: length between(1, 2), length between(5, 6)", "no value can be in"),
        ("table: increasing", "belongs to a column"),
    ],
)
def test_what_can_never_hold_is_refused_with_a_caret(text: str, message: str) -> None:
    with pytest.raises(InvalidError) as raised:
        Suite.parse(text)
    assert message in raised.value.message.splitlines()[0]
    assert raised.value.message.endswith("^")


def test_the_builder_writes_what_the_text_says() -> None:
    built = (
        SuiteBuilder()
        .column("at")
        .increasing(strict=True)
        .fresh(1.5, "hours")
        .column("code")
        .length(2, None)
        .decreasing()
        .warn()
        .done()
    )
    assert str(built) == "at: increasing(strict), fresh(1.5 hours)\ncode: length between(2, ), decreasing, warn"
    assert Suite.parse(str(built)) == built
