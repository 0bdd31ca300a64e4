"""Schemas of pandera are suites, and suites are schemas; what has no counterpart is said."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pandas as pd
import pandera.errors
import pandera.pandas as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.checks.accepting import read_suite
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.schemas import imported, is_schema
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError

FLIGHTS = pd.DataFrame(
    {
        "carrier": ["UA", "AA", "UA", "DL"],
        "flight": [1, 2, 3, 4],
        "delay": [1.0, None, -3.0, 4.0],
        "at": pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-04"]),
    }
)


NEW_YEAR = pd.Timestamp("2013-01-01")


class Flights(pa.DataFrameModel):
    carrier: str = pa.Field(isin=["UA", "AA", "DL"])
    flight: int = pa.Field(ge=1, unique=True)
    delay: float = pa.Field(nullable=True, in_range={"min_value": -60, "max_value": 1500})


def passes(schema: Any, frame: pd.DataFrame) -> bool:
    try:
        schema.validate(frame, lazy=True)
    except (pandera.errors.SchemaErrors, pandera.errors.SchemaError):
        return False
    return True


def judged(suite: Suite, frame: pd.DataFrame) -> bool:
    return all(each.status == "passed" for each in judge(table_of(frame), suite))


# -- in -----------------------------------------------------------------------------------------------


def test_a_model_and_a_schema_are_read_as_the_suite_that_they_say() -> None:
    said = (
        'carrier: string, in("UA", "AA", "DL"), no nulls\n'
        "flight: integer, between(1, ), unique, no nulls\n"
        "delay: number, between(-60, 1500)"
    )
    assert str(read_suite(Flights)) == said
    assert str(read_suite(Flights.to_schema())) == said
    assert read_suite(Flights).name == "Flights"


@pytest.mark.parametrize(
    ("column", "line"),
    [
        (pa.Column(int, pa.Check.gt(3)), 'x: integer, expr("x > 3"), no nulls'),
        (pa.Column(float, pa.Check.lt(3.5), nullable=True), 'x: number, expr("x < 3.5")'),
        (pa.Column(int, pa.Check.le(3, raise_warning=True)), "x: integer, between(, 3), warn, no nulls"),
        (pa.Column(int, pa.Check.in_range(0, 5, include_max=False)), 'x: integer, expr("x >= 0 and x < 5"), no nulls'),
        (pa.Column(str, pa.Check.notin(["a"])), 'x: string, expr("not (x in (\\"a\\",))"), no nulls'),
        (pa.Column(str, pa.Check.str_length(2, 4)), 'x: string, expr("length(x) >= 2 and length(x) <= 4"), no nulls'),
        (pa.Column(str, pa.Check.str_startswith("a.b")), r'x: string, matches("a\.b(?s:.*)"), no nulls'),
        (pa.Column(str, pa.Check.str_matches("[A-Z]+")), 'x: string, matches("(?:[A-Z]+)(?s:.*)"), no nulls'),
        (pa.Column(pa.DateTime, pa.Check.ge(NEW_YEAR)), 'x: datetime, between("2013-01-01T00:00:00", ), no nulls'),
        (pa.Column(bool), "x: boolean, no nulls"),
        (pa.Column(nullable=True), "x: nulls <= 100%"),
        (pa.Column(int, pa.Check.eq(3)), 'x: integer, expr("x == 3"), no nulls'),
    ],
)  # fmt: skip
def test_each_check_of_pandera_has_its_counterpart(column: pa.Column, line: str) -> None:
    suite = imported(pa.DataFrameSchema({"x": column}))
    assert (str(suite), suite.left_out) == (line, ())
    assert Suite.parse(str(suite)) == suite


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (pa.DataFrameSchema({"x": pa.Column(int, pa.Check(lambda s: s > 0, name="mine"))}), "the check 'mine' of 'x'"),
        (pa.DataFrameSchema({"x": pa.Column(int, pa.Check(lambda s: s > 0, name="isin"))}), "the check 'isin' of 'x'"),
        (pa.DataFrameSchema({"x": pa.Column(str, pa.Check.str_matches("(?=a)b"))}), "(the pattern does not parse"),
        (pa.DataFrameSchema({"x": pa.Column(str, pa.Check.isin(["a", 1]))}), "the check 'isin' (in() mixes"),
        (pa.DataFrameSchema({"x": pa.Column(int, coerce=True)}), "coerce of 'x'"),
        (pa.DataFrameSchema({"x.*": pa.Column(int, regex=True)}), "its name is a pattern"),
        (pa.DataFrameSchema({"x": pa.Column(int, required=False)}), "it may be absent"),
        (pa.DataFrameSchema({"x": pa.Column("timedelta64[ns]")}), "the type timedelta64[ns] of 'x'"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, index=pa.Index(int)), "the checks of the index"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, pa.Check(lambda _: True, name="f")), "the check 'f' of the frame"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, strict="filter"), "strict='filter'"),
        (pa.DataFrameSchema({"x": pa.Column(int)}, ordered=True), "the order of columns"),
        (pa.DataFrameSchema({"x": pa.Column(int, nullable=True)}, unique=["x"]), "unique=['x']"),
        (pa.DataFrameSchema({"x": pa.Column(int, [pa.Check.ge(5), pa.Check.le(3)])}), "no value can be in"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_named_and_every_report_warns_of_it(schema: Any, said: str) -> None:
    suite = imported(schema)
    (left_out,) = suite.left_out
    assert said in left_out
    assert f"# left out: {left_out}" in str(suite)
    first = judge(table_of(pd.DataFrame({"x": [1, 2]})), suite)[0]
    assert (first.check, first.status, first.detail) == ("left out", "warned", left_out)


def test_columns_and_keys_of_a_schema_are_those_of_the_table() -> None:
    schema = pa.DataFrameSchema({"a": pa.Column(int), "b": pa.Column(str)}, unique=["a", "b"], strict=True)
    assert str(imported(schema)).splitlines()[0] == "table: key(a, b), columns(exact)"


def test_only_schemas_are_schemas() -> None:
    assert is_schema(Flights)
    assert is_schema(Flights.to_schema())
    for value in (3, int, pa.Column(int), FLIGHTS):
        with pytest.raises(InvalidError, match="is no suite"):
            read_suite(value)


def test_a_suite_is_read_without_pandera() -> None:
    script = "import sys, nbmlops.checks.schemas as s; assert not s.is_schema(3); print('pandera' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


# -- out, and in again --------------------------------------------------------------------------------

LINES = {
    "carrier": [
        'in("UA", "AA", "DL")',
        "string",
        "no nulls",
        'matches("[A-Z]{2}")',
        "distinct between(2, 4)",
        "unique",
    ],
    "flight": ["integer", "between(1, 3)", "no nulls", "unique", "mean between(0, 9)", "between(0, ), mostly(0.5)"],
    "delay": [
        "number",
        "between(, 10)",
        "nulls < 40%",
        "between(0, 9), warn",
        'expr("delay > -9")',
        "depends(carrier)",
    ],
    "at": ["datetime", 'between("2013-01-02", )', 'max between("2013-01-05", )', "nulls <= 100%"],
    "gone": ["integer", "no nulls"],
}
TABLE = [  # of each kind one at most
    "rows between(1, 3)",
    "rows between(1, 9)",
    "key(flight)",
    "key(carrier)",
    "columns(exact)",
    "columns(at_least, at), warn",
]


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    lines = []
    if chosen := draw(st.lists(st.sampled_from(TABLE), unique_by=lambda text: text.split("(")[0], max_size=3)):
        lines.append(f"table: {', '.join(chosen)}")
    for column in draw(st.lists(st.sampled_from([*LINES]), unique=True, min_size=1)):
        checks = draw(st.lists(st.sampled_from(LINES[column]), unique=True, min_size=1, max_size=4))
        note = draw(st.sampled_from(["", "  # agreed with Eve"]))
        lines.append(f"{column}: {', '.join(checks)}{note}")
    return Suite.parse("\n".join(lines), draw(st.sampled_from(["", "flights"])))


def as_sets(suite: Suite) -> tuple[object, ...]:
    columns = {each.column: (frozenset(each.checks), each.note) for each in suite.columns}
    return suite.name, suite.left_out, columns, frozenset(suite.table)


@settings(deadline=None)
@given(suites())
def test_a_suite_that_went_out_comes_back(suite: Suite) -> None:
    assert as_sets(imported(suite.to_pandera())) == as_sets(suite)


@settings(deadline=None)
@given(suites(), st.integers(0, 4))
@pytest.mark.filterwarnings("ignore::pandera.errors.SchemaWarning")
def test_a_schema_passes_what_its_suite_passes(suite: Suite, rows: int) -> None:
    frame = FLIGHTS.head(max(rows, 1))
    errors = all(each.status in ("passed", "warned") for each in judge(table_of(frame), suite))
    assert passes(suite.to_pandera(), frame) == errors


def test_a_warning_stays_a_warning() -> None:
    schema = Suite.parse("flight: between(0, 1), warn").to_pandera()
    with pytest.warns(pandera.errors.SchemaWarning):
        assert passes(schema, FLIGHTS)
