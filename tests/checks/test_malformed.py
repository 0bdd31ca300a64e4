"""Malformed suites on odd tables: a clear error or a report, and never a traceback."""

from __future__ import annotations

import contextlib
import os
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError, NbmlopsError

CASES = int(os.environ.get("NBMLOPS_SOAK_MALFORMED", "300"))
odd = settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

NAMES = ["a", "b", "table", "in", "dep delay", "时间", "بيانات", "é", "*", "^x$", "c0", 'q"\\', "", " ", "nan", "🛫"]
CHECKS = [
    *"number integer string boolean datetime category unique increasing decreasing(strict)".split(),
    *["no nulls", "nulls < 5%", "between(0, 1)", "between(, 5)", 'between("2013-01-01", )', "between(-1e300, 1e300)"],
    *['in("a", "b")', "in(1, 2.5)", "in(true)", "in(99999999999999999999)", 'matches("[a-z]+")', 'matches("(a+)+$")'],
    *["mean between(0, 1)", 'max between("2013-01-01", )', "distinct between(1, 2)", "depends(b)", "depends(gone)"],
    *['unique, owner("a")', 'no nulls, reason("b"), warn'],
    *["test(gone)", "like(@b)", "like(@gone.a)"],
    *["in(@b)", "in(@gone.a)", 'in(@b@v1."a b")'],
    *["length between(0, 3)", "fresh(7 days)", 'expr("a > 0")', 'expr("a + b > 0")', 'expr("length(a) < 3")'],
    *['expr("a / 0 > b % 0")', 'expr("gone is null")', 'expr("abs(a) >= 0 and not b")', 'expr("month(a) == 1")'],
]
OF_TABLE = ["rows between(1, 9)", "rows between(0, 0)", "key(a)", "key(a, b)", "columns(exact)", "columns(at_least, a)"]
OF_TABLE += ["references(a, @b)", "references(a, b, @gone@v2)", "test(gone)"]
SLIPS = [
    *", : ( ) \" ' # \n % < <= @ \\ - 0 9e999 a table mostly(0.5) warn no in( expr( matches( \ud800 \x00".split(" "),
    *["open('x')", "__import__", 'expr("read_csv(a)")', "(?=x)", "[", "(" * 70, "9" * 500, "\u2028", "𐍈"],
    *["@a.", '@"a', '@a."b', "in(@", "@a@v0", 'owner("', 'reason("x")'],
]


@st.composite
def lines_of(draw: st.DrawFn, place: str, checks: list[str]) -> str:
    """A line that reads: one check, and those of up to three others that can stand beside it."""
    first, *others = draw(st.lists(st.sampled_from(checks), min_size=1, max_size=4))
    line = f"{place}: {first}"
    for other in others:
        with contextlib.suppress(InvalidError):
            Suite.parse(f"{line}, {other}")
            line = f"{line}, {other}"
    return line


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A valid suite, or one with up to four slips of the pen."""
    lines = []
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True)):
        written = name if name.isidentifier() and name != "table" else '"' + name.replace("\\", "\\\\") + '"'
        lines.append(draw(lines_of(written, CHECKS)))
    if draw(st.booleans()):
        lines.append(draw(lines_of("table", OF_TABLE)))
    text = "\n".join(lines)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 4]))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(SLIPS)) + text[place + draw(st.integers(0, 6)) :]
    return text


OBJECTS: list[Any] = [
    None,
    1,
    -1.5,
    float("nan"),
    "a",
    b"a",
    True,
    10**30,
    1j,
    (),
    [1],
    {"k": 1},
    {1},
    object,
    "\ud800",
]
OBJECTS += [date(1, 1, 1), datetime(9999, 12, 31), timedelta(days=1), pd.NaT, np.datetime64("NaT"), np.int8(3)]
DTYPES = ["float32", "int8", "uint64", "bool", "Int64", "boolean", "string", "category", "datetime64[s]", "complex128"]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> Any:
    kind = draw(st.sampled_from(["objects", "nulls", "nan", "whole", "floats", "texts", "dates", *DTYPES]))
    several = {"min_size": rows, "max_size": rows}
    if kind == "objects":
        return pd.Series(draw(st.lists(st.sampled_from(OBJECTS), **several)), dtype=object)
    if kind == "nulls":
        return pd.Series([None] * rows, dtype=object)
    if kind == "nan":
        return pd.Series([float("nan")] * rows, dtype="float64")
    if kind == "floats":
        return pd.Series(draw(st.lists(st.floats(), **several)), dtype="float64")
    if kind == "texts":
        return pd.Series(draw(st.lists(st.one_of(st.none(), st.text(max_size=4)), **several)), dtype=object)
    if kind == "dates":
        return pd.Series(draw(st.lists(st.dates(), **several)), dtype=object)
    return pd.Series(draw(st.lists(st.integers(0, 1), **several)), dtype="int64" if kind == "whole" else kind)


@st.composite
def tables(draw: st.DrawFn) -> Any:
    """A frame of pandas: empty, of one row, wide, with names twice, of any script, of anything."""
    rows = draw(st.sampled_from([0, 1, 2, 7]))
    width = draw(st.sampled_from([0, 1, 2, 3, 4, 60]))
    named = st.lists(st.sampled_from(NAMES), min_size=width, max_size=width, unique=True)
    unlike = st.one_of(st.sampled_from(NAMES), st.integers(0, 3), st.none(), st.text(max_size=3))
    odd_names = st.lists(unlike, min_size=width, max_size=width)
    names = [*NAMES, *range(60 - len(NAMES))] if width == 60 else draw(st.one_of(named, named, named, odd_names))
    few = [draw(columns(rows)) for _ in range(min(width, 4))]
    frame = pd.DataFrame({place: few[place % len(few)] for place in range(width)}, index=range(rows))
    frame.columns = pd.Index(names, dtype=object)
    return frame


def said_clearly(error: NbmlopsError) -> None:
    lines = str(error).encode().decode().splitlines()
    assert lines[0].strip()
    assert len(lines[0]) < 1_000
    assert not lines[0].startswith("line ") or any(line.endswith("^") for line in lines)


@odd
@given(texts(), tables())
def test_any_suite_on_any_table_is_a_clear_error_or_outcomes(text: str, table: Any) -> None:
    try:
        suite = Suite.parse(text)
    except NbmlopsError as error:
        said_clearly(error)
        return
    try:
        outcomes = judge(table_of(table), suite)
    except NbmlopsError as error:
        said_clearly(error)
        return
    assert all(isinstance(each, Outcome) for each in outcomes)
    assert len(outcomes) >= len(suite.table)


@odd
@given(st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3), st.just(pl.Int8)))
def test_what_is_no_table_is_told_so(value: Any) -> None:
    with pytest.raises(InvalidError, match="is no table"):
        table_of(value)


def test_an_endless_word_is_not_repeated_in_full() -> None:
    with pytest.raises(InvalidError) as raised:
        Suite.parse(f"a: r{'9' * 5_000}")
    first = raised.value.message.splitlines()[0]
    assert len(first) < 400
    assert first.endswith("is no check")


@pytest.mark.parametrize("other", [np.int8(3), np.float64(1.5), np.bool_(True), np.timedelta64(1, "s")])
def test_times_of_numpy_beside_its_other_scalars_are_refused_before_arrow_sees_them(other: Any) -> None:
    table = pd.DataFrame({"a": pd.Series([np.datetime64("NaT"), other], dtype=object)})
    with pytest.raises(InvalidError, match="holds Python objects"):
        judge(table_of(table), Suite.parse("a: number"))
