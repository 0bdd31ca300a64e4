"""Checks of a column as a whole: its mean, its largest value, how many values, and what decides it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError

NAN = float("nan")


def only(column: list[Any], check: str, **others: list[Any]) -> Outcome:
    frame = pd.DataFrame({"x": column, **others})
    (found,) = judge(table_of(frame), Suite.parse(f"x: {check}"))
    return found


@pytest.mark.parametrize(
    ("column", "check", "status", "figure"),
    [
        ([1.0, 2.0, NAN, 6.0], "mean between(3, 3)", "passed", "3"),
        ([1.0, 2.0, float("inf"), 6.0], "mean between(3, 3)", "passed", "3"),
        ([1, 2, 6], "mean between(, 2.9)", "failed", "3"),
        ([1, 2, 6], "max between(6, )", "passed", "6"),
        ([1.0, NAN, 6.0], "max between(, 5)", "failed", "6"),
        (["a", "b", "a", None], "distinct between(2, 2)", "passed", "2"),
        ([1.0, NAN, NAN, 6.0], "distinct between(3, 9)", "failed", "2"),
        ([True, False], "distinct between(1, 1), warn", "warned", "2"),
        (
            pd.to_datetime(["2013-04-01T05:00", "2013-03-01T00:00"]),
            'max between("2013-04-01", )',
            "passed",
            "2013-04-01T05:00:00",
        ),
        (pd.to_datetime(["2013-03-31", "2013-03-01"]), 'max between("2013-04-01", )', "failed", "2013-03-31T00:00:00"),
    ],
)
def test_a_figure_of_the_column_is_judged(column: list[Any], check: str, status: str, figure: str) -> None:
    found = only(column, check)
    assert (found.status, found.figure, found.rows) == (status, figure, ())


@pytest.mark.parametrize("check", ["mean between(0, 1)", "max between(0, 1)", "distinct between(1, 2)"])
def test_a_column_of_nothing_has_no_figure_that_could_be_wrong(check: str) -> None:
    assert only([None, None], check).status == "passed"
    assert only([NAN, NAN], check).status == "passed"


@pytest.mark.parametrize("check", ["mean between(0, 1)", "max between(0, 1)", 'max between("2013-01-01", )'])
def test_a_text_has_neither_mean_nor_date(check: str) -> None:
    found = only(["a", "b"], check)
    assert found.status == "errored"
    assert "its type is string" in found.detail


def test_rows_of_a_group_agree() -> None:
    groups = ["a", "a", "b", "b", None, None]
    assert only([1.0, 1.0, 2.0, NAN, 7.0, 8.0], "depends(g)", g=groups).status == "passed"
    found = only([1.0, 1.0, 2.0, 3.0, 7.0, 8.0], "depends(g)", g=groups)
    assert (found.status, found.rows) == ("failed", (3,))
    assert found.figure == "1 of 2 groups with several values (50%)"
    assert only([1.0, 1.0, 2.0, 3.0, 7.0, 8.0], "depends(g), mostly(0.5)", g=groups).status == "passed"
    assert "no column 'h'" in only([1, 2], "depends(h)", g=["a", "b"]).detail


def test_two_columns_decide_together() -> None:
    found = only([1, 1, 2, 3], "depends(a, b)", a=["x", "x", "x", "y"], b=[1, 1, 2, 1])
    assert found.status == "passed"
    assert only([1, 1, 2, 3], "depends(a)", a=["x", "x", "x", "y"]).status == "failed"


@pytest.mark.parametrize(
    "text",
    [
        'x: mean between(-1.5, 2), max between(, 4), distinct between(1, 3), depends(y, "z z"), mostly(0.98)',
        'x: max between("2013-04-01T03:00:01", )',
    ],
)
def test_they_print_as_they_are_read(text: str) -> None:
    assert str(Suite.parse(text)) == text


def test_they_are_built_in_python_too() -> None:
    built = SuiteBuilder().column("x").mean(0, 1).max(None, 4).distinct(1, 3).depends("y").done()
    assert str(built) == "x: mean between(0, 1), max between(, 4), distinct between(1, 3), depends(y)"


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        ("mean between(, )", "no end at all"),
        ("mean between(2, 1)", "nothing lies between"),
        ('mean between("2013-01-01", )', "takes numbers, not dates"),
        ("distinct between(1.5, 2)", "takes whole numbers"),
        ("mean(1, 2)", "expected 'between' after mean"),
        ("depends()", "names no column"),
        ("depends(y, y)", "names a column twice"),
        ("mean between(0, 1), mean between(0, 1)", "is there twice"),
        ("max between(0, 1), mostly(0.9)", "mostly cannot follow"),
    ],
)
def test_what_says_nothing_is_refused_with_a_caret(check: str, complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint) as error:
        Suite.parse(f"x: {check}")
    assert "^" in error.value.message


def test_larger_than_memory_by_path(tmp_path: Any) -> None:
    pl.DataFrame({"x": [1, 1, 2], "g": ["a", "a", "b"]}).write_parquet(tmp_path / "t.parquet")
    suite = Suite.parse("x: mean between(1, 2), distinct between(2, 2), depends(g)")
    assert {each.status for each in judge(table_of(tmp_path / "t.parquet"), suite)} == {"passed"}
