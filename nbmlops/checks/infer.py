"""A first suite for a table, learnt from its data and meant to be edited.

It is no tautology: it must accept the next month. Ranges reach beyond what was seen, sets and
patterns bear one value in a hundred that is new, dates may move on, nulls get head-room; what the
data cannot show by chance (types, keys, no nulls) is asked for strictly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.checks.bounds import Spread, date_bounds, is_time, null_bound, number_bounds, row_bounds
from nbmlops.checks.engine import judge
from nbmlops.checks.keys import find_key
from nbmlops.checks.kinds import Check, Columns, Key, Matches, Nulls, OneOf, TypeOf
from nbmlops.checks.lines import ColumnChecks
from nbmlops.checks.patterns import common_pattern
from nbmlops.checks.suite import Suite
from nbmlops.checks.words import percent_words, value_words
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["infer"]

_SET = 50
_SAMPLE = 2_000
_MOSTLY = 0.99
_QUANTILES = (0.01, 0.5, 0.99)
_PART = 4_000
Measures = Mapping[str, Any]


def infer(table: CheckedTable, name: str = "") -> Suite:
    """Learn the suite `name` from `table`; the table itself passes it.

    Raises
    ------
    InvalidError
        When the table has no rows, or a column holds Python objects.
    """
    if not table.height():
        raise InvalidError("the table has no rows, so there is nothing to learn from")
    lazy = table.frame(table.names)
    types = lazy.collect_schema()
    measures: dict[str, pl.Expr] = {}
    for column, (place, dtype) in zip(table.names, types.items(), strict=True):
        measures.update(_measures(column, place, dtype))
    seen = _collected(lazy, measures)
    texts = {}
    for place, dtype in types.items():
        if _is_text(dtype) and (distinct := seen[f"{place}.distinct"]):
            texts[f"{place}.values"] = _sample(place, distinct)
    seen |= _collected(lazy, texts)
    rows = table.height()
    columns = tuple(
        _column(column, place, dtype, rows, seen)
        for column, (place, dtype) in zip(table.names, types.items(), strict=True)
    )
    whole = {name for name, place in zip(table.names, types, strict=True) if not seen[f"{place}.nulls"]}
    key = find_key(table, lazy, [each.column for each in columns if each.column in whole and _names_rows(each)])
    checks: list[Check] = [row_bounds(rows)]
    if key:
        checks.append(Key(columns=key))
    checks.append(Columns(mode="exact", severity="warn"))
    return _accepted(table, Suite(name, columns, tuple(checks), f"seen {rows:,} rows"))


def _collected(lazy: pl.LazyFrame, measures: Mapping[str, pl.Expr]) -> dict[str, Any]:
    # Not streaming, which would keep a quantile's column anyway; in parts, so that a wide file is read in parts.
    named = [expression.alias(name) for name, expression in measures.items()]
    found: dict[str, Any] = {}
    for part in range(0, len(named), _PART):
        found |= lazy.select(named[part : part + _PART]).collect(engine="in-memory").row(0, named=True)
    return found


def _is_text(dtype: pl.DataType) -> bool:
    import polars as pl

    return dtype == pl.String or dtype in (pl.Categorical, pl.Enum)


def _measures(column: str, place: str, dtype: pl.DataType) -> dict[str, pl.Expr]:
    import polars as pl

    value = pl.col(place)
    found = {f"{place}.nulls": value.null_count()}
    if dtype.is_numeric():
        if dtype.is_decimal():
            value = value.cast(pl.Float64)
        if not dtype.is_integer():
            found[f"{place}.nulls"] += value.is_nan().sum()
            value = pl.when(value.is_finite()).then(value)
            found[f"{place}.whole"] = (value.floor() == value).all()
        found[f"{place}.low"], found[f"{place}.high"] = value.min(), value.max()
        for quantile in _QUANTILES:
            found[f"{place}.{quantile}"] = value.quantile(quantile, interpolation="nearest")
        if is_time(column):
            # Hours and minutes in one number: 1745, never 1799.
            found[f"{place}.clock"] = (value % 100 < 60).all()
    elif _is_text(dtype):
        found[f"{place}.distinct"] = value.drop_nulls().n_unique()
    elif dtype in (pl.Date, pl.Datetime):
        found[f"{place}.low"], found[f"{place}.high"] = value.min(), value.max()
    return found


def _sample(place: str, distinct: int) -> pl.Expr:
    import polars as pl

    # Evenly over the sorted values: the same for the same data, and of all beginnings.
    values = pl.col(place).cast(pl.String).drop_nulls().unique().sort()
    return values.gather_every(math.ceil(distinct / _SAMPLE)).implode()


def _names_rows(column: ColumnChecks) -> bool:
    """Whether the column's type is one that keys are made of."""
    return any(isinstance(check, TypeOf) and check.name not in ("number", "boolean") for check in column.checks)


def _column(column: str, place: str, dtype: pl.DataType, rows: int, seen: Measures) -> ColumnChecks:
    import polars as pl

    missing = int(seen[f"{place}.nulls"])
    if missing == rows:
        return ColumnChecks(column, (Nulls(limit=1.0, inclusive=True),), "nothing seen but nulls")
    checks: list[Check] = []
    notes: list[str] = []
    if dtype.is_numeric():
        checks, notes = _number(column, place, dtype, rows - missing, seen)
    elif _is_text(dtype):
        checks, notes = _text(place, dtype, rows - missing, seen)
    elif dtype in (pl.Date, pl.Datetime):
        low, high = seen[f"{place}.low"], seen[f"{place}.high"]
        checks = [TypeOf(name="datetime"), date_bounds(low.isoformat(), high.isoformat())]
        notes = [f"seen {low} to {high}"]
    elif dtype == pl.Boolean:
        checks = [TypeOf(name="boolean")]
    nulls = null_bound(missing, rows)
    if missing:
        notes.append(f"{percent_words(missing / rows)} null")
    if nulls:
        checks.append(nulls)
    return ColumnChecks(column, tuple(checks or [Nulls(limit=1.0, inclusive=True)]), ", ".join(notes))


def _number(column: str, place: str, dtype: pl.DataType, present: int, seen: Measures) -> tuple[list[Check], list[str]]:
    low, high = seen[f"{place}.low"], seen[f"{place}.high"]
    # A few floats may be whole by accident.
    whole = dtype.is_integer() or (present >= 20 and bool(seen[f"{place}.whole"]))
    checks: list[Check] = [TypeOf(name="integer" if whole else "number")]
    if low is None:
        return checks, ["nothing seen but infinities"]
    spread = Spread(
        rows=present,
        low=float(low),
        high=float(high),
        first=float(seen[f"{place}.{_QUANTILES[0]}"]),
        median=float(seen[f"{place}.{_QUANTILES[1]}"]),
        last=float(seen[f"{place}.{_QUANTILES[2]}"]),
        whole=whole,
        clock=bool(seen.get(f"{place}.clock")),
    )
    checks.append(number_bounds(column, spread))
    return checks, [f"seen {value_words(low)} to {value_words(high)}"]


def _text(place: str, dtype: pl.DataType, present: int, seen: Measures) -> tuple[list[Check], list[str]]:
    import polars as pl

    values: Sequence[str] = seen[f"{place}.values"]
    distinct = int(seen[f"{place}.distinct"])
    checks: list[Check] = [TypeOf(name="string" if dtype == pl.String else "category")]
    notes = [f"seen {distinct:,} values"]
    if distinct <= _SET and present >= 20 * distinct:
        checks.append(OneOf(values=tuple(values), mostly=_MOSTLY))
    elif distinct >= 5 and (pattern := common_pattern(values)):
        checks.append(Matches(pattern=pattern, mostly=_MOSTLY))
    return checks, notes


def _accepted(table: CheckedTable, suite: Suite) -> Suite:
    """Leave out what the table itself does not pass, such as a pattern that too many rare values miss."""
    failed = {(each.column, each.check) for each in judge(table, suite) if each.status != "passed"}
    kept = []
    for each in suite.columns:
        checks = tuple(check for check in each.checks if (each.column, check.kind) not in failed)
        kept.append(ColumnChecks(each.column, checks, each.note))
    table_checks = tuple(check for check in suite.table if (None, check.kind) not in failed)
    return Suite(suite.name, tuple(kept), table_checks, suite.note)
