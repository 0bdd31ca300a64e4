"""Whatever tables are given, a suite is learnt that reads as itself and that they pass, or the error is clear."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbmlops.checks.aggregates import Maximum
from nbmlops.checks.changes import changes, suite_outcomes
from nbmlops.checks.frames import CheckedTable, table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import NbmlopsError

NAMES = ["x", "month", "dep_time", "arr_time", "id", "class", "a b", "Größe", "*", "^x$", "table", "c0", "时间", "at"]
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def of(dtype: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, st.SearchStrategy[Any]]]:
    return st.just((dtype, st.one_of(st.none(), values)))


KINDS = st.one_of(
    of(pl.Int64, st.integers(-(2**62), 2**62)),
    of(pl.Int64, st.integers(0, 3)),
    of(pl.UInt8, st.integers(0, 255)),
    of(pl.Float64, FLOATS),
    of(pl.Float64, st.integers(0, 2400).map(float)),
    of(pl.Float32, st.floats(-1e6, 1e6, width=32)),
    of(pl.String, st.text(max_size=6)),
    of(pl.String, st.sampled_from(["UA", "AA", "B6"])),
    of(pl.Categorical, st.sampled_from(["UA", "AA", "B6"])),
    of(pl.Boolean, st.booleans()),
    of(pl.Date, st.dates(date(1, 1, 1), date(9999, 12, 31))),
    of(pl.Datetime("us"), st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))),
    of(pl.Datetime("us", "Europe/Paris"), st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1))),
    of(pl.Decimal(10, 2), st.decimals(-1000, 1000, places=2)),
    of(pl.Duration("us"), st.timedeltas(timedelta(-999), timedelta(999))),
    of(pl.List(pl.Int64), st.lists(st.integers(0, 3), max_size=2)),
    of(pl.Null, st.none()),
)


@st.composite
def columns(draw: st.DrawFn, rows: int) -> pl.Series:
    dtype, values = draw(KINDS)
    few = draw(st.lists(values, min_size=rows, max_size=rows))
    repeats = draw(st.sampled_from([1, 1, 40]))
    series = pl.Series(few, dtype=dtype if dtype.base_type() != pl.Datetime else pl.Datetime("us"), strict=False)
    if getattr(dtype, "time_zone", None):
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
    return pl.concat([series] * repeats)[: rows * 40] if repeats > 1 else series


@st.composite
def tables(draw: st.DrawFn) -> list[pl.DataFrame]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    made = []
    for _ in range(draw(st.integers(1, 3))):
        rows = draw(st.integers(1, 6))
        series = [draw(columns(rows)) for _ in names]
        shortest = min(map(len, series))
        made.append(pl.DataFrame([each.head(shortest).alias(n) for n, each in zip(names, series, strict=True)]))
    if draw(st.booleans()):
        made[1:] = [made[0].sample(fraction=1, shuffle=True, seed=seed) for seed in range(len(made) - 1)]
    return made


def learnt_or_none(learnt: list[CheckedTable]) -> Suite | None:
    try:
        return infer(learnt, "any")
    except NbmlopsError:
        return None


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables())
def test_any_tables_teach_a_suite_that_they_pass(frames: list[pl.DataFrame]) -> None:
    learnt = [table_of(frame) for frame in frames]
    suite = learnt_or_none(learnt)
    if suite is None:
        return
    assert Suite.parse(str(suite), "any") == suite
    for table in learnt:
        judged = suite_outcomes(table, suite)
        wrong = [
            outcome for _, check, outcome in judged if outcome.status != "passed" and not isinstance(check, Maximum)
        ]
        assert wrong == []
    assert changes(suite, learnt[-1], suite, "any").after is not None
