"""Every kind of check on data that passes and on data that does not, with exact figures."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite


def outcome_of(text: str, **columns: object) -> Outcome:
    outcomes = judge(table_of(pl.DataFrame(columns)), Suite.parse(text))
    assert len(outcomes) == 1, outcomes
    return outcomes[0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x: number", [1.5, None]),
        ("x: integer", [1, 2]),
        ("x: integer", [1.0, None, float("nan"), 3.0]),
        ("x: string", ["a", None]),
        ("x: boolean", [True, None]),
        ("x: datetime", [date(2013, 1, 1)]),
        ("x: datetime", [datetime(2013, 1, 1, tzinfo=UTC)]),
        ("x: category", pl.Series(["a", "b"], dtype=pl.Categorical)),
        ("x: string", pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))),
        ("x: number", pl.Series([Decimal("1.5")])),
        ("x: integer", pl.Series([Decimal("2.0")])),
        ("x: boolean", [None, None]),
        ("x: between(0, 5)", [0, 5, None]),
        ("x: between(0, )", [0.0, float("inf"), float("nan")]),
        ("x: between(, 5)", [-float("inf"), 5.0]),
        ("x: between(-1, 300)", pl.Series([0, 255], dtype=pl.UInt8)),
        ("x: between(0, 20000000000000000000)", [0, 2**62]),
        ("x: between(0, 2)", pl.Series([Decimal("1.5")])),
        ('x: between("2013-01-01", "2013-12-31")', [date(2013, 1, 1), date(2013, 12, 31), None]),
        ('x: between("2013-01-01T00:00:00Z", )', [datetime(2013, 1, 1, tzinfo=UTC)]),
        ('x: between("2013-01-01", )', pl.Series([datetime(2013, 1, 1)]).cast(pl.Datetime("ns"))),
        ('x: in("UA", "AA")', ["UA", "AA", None]),
        ('x: in("a")', pl.Series(["a"], dtype=pl.Categorical)),
        ("x: in(1, 2)", [1.0, 2.0, float("nan")]),
        ("x: in(1, 2, 3, 4, 5, 6, 7, 8, 9, 9.5)", [1.0, 9.5, None]),
        ("x: in(true)", [True, True]),
        ('x: matches("N[0-9]+")', ["N1", "N22", None]),
        ("x: no nulls", [1, 2]),
        ("x: nulls < 51%", [None, 1]),
        ("x: nulls <= 50%", [None, 1]),
        ("x: unique", ["a", "b", None, None]),
        ("x: unique", [1.0, float("nan"), float("nan")]),
        ('x: expr("x > 0")', [1, None]),
        ("x: between(0, 9), mostly(0.99)", [*range(10)] * 10 + [0] * 99 + [99]),
        ("table: rows between(1, 3)", [1, 2, 3]),
        ("table: key(x)", [1, 2, 3]),
        ("table: columns(exact, x)", [1]),
        ("table: columns(at_least, x)", [1]),
        ('table: expr("x > 0")', [1]),
    ],
)
def test_what_holds_passes(text: str, values: object) -> None:
    found = outcome_of(text, x=values)
    assert (found.status, found.rows) == ("passed", ()), found


@pytest.mark.parametrize(
    ("text", "values", "figure", "bound", "rows"),
    [
        ("x: number", ["1"], "string", "number", ()),
        ("x: string", [1], "integer", "string", ()),
        ("x: datetime", ["2013-01-01"], "string", "datetime", ()),
        ("x: integer", [1.0, 1.5, float("inf"), None], "2 of 3 values not whole (66.7%)", "integer", (1, 2)),
        ("x: between(0, 1_500)", [0, -1, 2000, None], "2 of 3 values outside (66.7%)", "0 to 1,500", (1, 2)),
        ("x: between(0, )", [float("nan"), -0.5, 1.0], "1 of 2 values outside (50%)", "at least 0", (1,)),
        ("x: between(, 5)", [float("inf"), float("nan"), 1.0], "1 of 2 values outside (50%)", "at most 5", (0,)),
        (
            'x: between("2013-01-01", "2013-12-31")',
            [date(2013, 5, 1), date(1970, 1, 1)],
            "1 of 2 values outside (50%)",
            "2013-01-01 to 2013-12-31",
            (1,),
        ),
        ('x: in("UA", "AA")', ["UA", "ua", None], "1 of 2 values outside (50%)", "UA, AA", (1,)),
        (
            'x: matches("N[0-9]+")',
            ["N1", "N1 ", "xN1", "N1\n"],
            "3 of 4 values do not match (75%)",
            "N[0-9]+",
            (1, 2, 3),
        ),
        ("x: no nulls", [1, None], "1 of 2 values missing (50%)", "none", (1,)),
        ("x: nulls < 50%", [1.0, float("nan")], "1 of 2 values missing (50%)", "< 50%", (1,)),
        ("x: unique", ["a", "b", "a", None, None], "1 of 3 values repeated (33.3%)", "no value twice", (2,)),
        ('x: expr("x > 0")', [1, None, 0], "1 of 2 rows untrue (50%)", "x > 0", (2,)),
        ("table: rows between(2, 3)", [1], "1 rows", "2 to 3", ()),
        ("table: key(x)", [1, 1, 2, None], "2 of 4 rows repeated or null (50%)", "each x once", (1, 3)),
        ("table: columns(exact, y)", [1], "1 columns, without y, with x beside", "exact y", ()),
        (
            "x: between(0, 9), mostly(0.99)",
            [*range(10)] * 9 + [99, 99] + [0] * 9,
            "2 of 101 values outside (2%)",
            "0 to 9 in 99% of the values",
            (90, 91),
        ),
    ],
)
def test_what_does_not_hold_fails_with_its_figure_and_its_rows(
    text: str, values: object, figure: str, bound: str, rows: tuple[int, ...]
) -> None:
    found = outcome_of(text, x=values)
    assert (found.status, found.figure, found.bound, found.rows) == ("failed", figure, bound, rows)


def test_a_check_that_warns_does_not_fail() -> None:
    assert outcome_of("x: no nulls, warn", x=[None, 1]).status == "warned"


def test_five_offending_rows_are_named_and_their_values_shown() -> None:
    found = outcome_of("x: between(0, 10)", x=[*map(float, range(10)), 20.0, 30.5, 20.0, 40.0, 50.0, 60.0])
    assert found.rows == (10, 11, 12, 13, 14)
    assert found.detail == "such as 20, 30.5, 40, 50"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dep_dely: number, no nulls", "did you mean dep_delay? 2 checks could not run"),
        ("table: key(tailnm)", "the table has no column 'tailnm'; did you mean tailnum?"),
        ('table: expr("dep_dlay > 0")', "the table has no column 'dep_dlay'; did you mean dep_delay?"),
        ("tailnum: between(0, 1)", "between of numbers cannot judge 'tailnum': its type is string"),
        ('dep_delay: between("2013-01-01", )', "between of dates cannot judge 'dep_delay': its type is integer"),
        ('dep_delay: in("a")', "in of strings cannot judge 'dep_delay': its type is integer"),
        ("tailnum: in(true)", "in of booleans cannot judge 'tailnum': its type is string"),
        ('dep_delay: matches("a")', "matches of strings cannot judge 'dep_delay': its type is integer"),
        ('table: expr("tailnum > 5")', "the expression cannot be evaluated: tailnum is string"),
        ('table: expr("dep_delay + 1")', "the expression gives integer, not true or false"),
    ],
)
def test_a_check_that_cannot_run_is_errored_and_the_others_still_run(text: str, said: str) -> None:
    suite = Suite.parse(f"{text}\nother: between(0, 0)")
    frame = pl.DataFrame({"dep_delay": [1], "tailnum": ["N1"], "other": [1]})
    broken, other = judge(table_of(frame), suite)
    assert broken.status == "errored"
    assert said in broken.detail
    assert other.status == "failed"


def test_one_check_that_only_breaks_on_the_data_does_not_take_the_others_with_it() -> None:
    frame = pl.DataFrame({"x": [[1], [1]], "y": [1, 2]})
    found = judge(table_of(frame), Suite.parse("x: unique, no nulls\ny: between(0, 1)"))
    assert [each.status for each in found if each.column == "y"] == ["failed"]


def test_an_empty_table_fails_unless_the_suite_allows_it() -> None:
    empty = table_of(pl.DataFrame({"x": pl.Series([], dtype=pl.Int64)}))
    rows, between = judge(empty, Suite.parse("x: between(0, 1)"))
    assert (rows.check, rows.status, rows.figure) == ("rows", "failed", "0 rows")
    assert (between.status, between.figure) == ("passed", "no values")
    assert all(each.status == "passed" for each in judge(empty, Suite.parse("table: rows between(0, 9)\nx: no nulls")))


def test_one_row_and_a_column_of_nothing_are_judged() -> None:
    frame = pd.DataFrame({"x": [1], "none": [np.nan]})
    found = judge(table_of(frame), Suite.parse('x: unique, between(1, 1)\nnone: string, in("a"), nulls <= 100%'))
    assert [each.status for each in found] == ["passed"] * 5
    assert judge(table_of(frame), Suite.parse("none: no nulls"))[0].figure == "1 of 1 values missing (100%)"


@pytest.mark.parametrize(
    "name", ["dep delay", "时间", "*", "^.*$", "c0", "c1", "rows", "", "table", "हिन्दी", "a\nb", "x" * 500]
)
def test_columns_of_any_name_are_judged(name: str) -> None:
    frame = pl.DataFrame({name: [1, 5], "c1" if name != "c1" else "c0": ["a", "b"]})
    from nbmlops.checks.lines import ColumnChecks
    from nbmlops.checks.suite import SuiteBuilder

    suite = SuiteBuilder().column(name).between(0, 2).table().key(name).done()
    assert Suite.parse(str(suite)) == suite
    assert isinstance(suite.columns[0], ColumnChecks)
    key, between = judge(table_of(frame), suite)
    assert (key.status, between.status, between.rows) == ("passed", "failed", (1,))


def test_ten_thousand_columns_are_judged_in_one_go() -> None:
    frame = pd.DataFrame(np.zeros((3, 10_000)), columns=[f"x{place}" for place in range(10_000)])
    frame.iloc[2, 7_000] = 9
    suite = Suite.parse("\n".join(f"x{place}: between(0, 1), no nulls" for place in range(10_000)))
    outcomes = judge(table_of(frame), suite)
    assert [(each.column, each.rows) for each in outcomes if each.status != "passed"] == [("x7000", (2,))]
    assert len(outcomes) == 20_000
