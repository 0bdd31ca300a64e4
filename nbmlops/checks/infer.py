"""A suite for a table, learnt from one or more versions of it and meant to be edited.

It is no tautology: it must accept the next month. Ranges reach beyond what was seen, sets and
patterns bear one value in a hundred that is new, dates may move on, nulls get head-room; what the
data cannot show by chance (types, keys, no nulls) is asked for strictly. Several versions show more
than one: how far their means, row counts and numbers of values lie apart, and what holds in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from nbmlops.checks.aggregates import Distinct, Maximum, Mean
from nbmlops.checks.bounds import Spread, date_bounds, null_bound, number_bounds, row_bounds
from nbmlops.checks.dependencies import dependencies
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import CheckedTable
from nbmlops.checks.keys import find_key
from nbmlops.checks.kinds import Check, Columns, Key, Matches, Nulls, OneOf, Rows, TypeOf
from nbmlops.checks.lines import ColumnChecks
from nbmlops.checks.patterns import common_pattern
from nbmlops.checks.relations import relations
from nbmlops.checks.sampled import sampled
from nbmlops.checks.seen import ColumnSeen, TableSeen, look_at, pooled
from nbmlops.checks.suite import Suite
from nbmlops.checks.variation import FIGURES, ROWS, next_count, next_mean, rounded
from nbmlops.checks.words import percent_words, value_words
from nbmlops.core.errors import InvalidError

__all__ = ["infer"]

_SET = 50
_MOSTLY = 0.99
_TYPES = ("number", "integer", "string", "category", "boolean", "datetime")
_COUNTED = ("number", "integer", "string", "category")
_FEWEST_DISTINCT = 3
_ONE_ROW_EACH = 0.5
_WIDE = 200


def infer(tables: Sequence[CheckedTable], name: str = "") -> Suite:
    """Learn the suite `name` from `tables`, oldest first; each of them passes it, but for having been surpassed.

    Raises
    ------
    InvalidError
        When a table has no rows, a column holds Python objects, or no column is in all tables.
    """
    seen = [look_at(table) for table in tables]
    names = [name for name in tables[-1].names if all(name in each.columns for each in seen)]
    if not names:
        raise InvalidError("the tables have no column in common", hint="give versions of one table")
    parts = {name: [each.columns[name] for each in seen] for name in names}
    wholes = {name: pooled(each) for name, each in parts.items()}
    lines = {name: _column(wholes[name], parts[name]) for name in names}
    if len(names) <= _WIDE:
        lines = _related(tables, wholes, lines)
    whole = [each.name for each in wholes.values() if not each.missing and _names_rows(each)]
    newest = tables[-1]
    key = find_key(newest, newest.frame(newest.names), whole)
    checks: list[Check] = [_rows(seen)]
    if key:
        checks.append(Key(columns=key))
    alike = all(set(each.columns) == set(names) for each in seen)
    checks.append(Columns(mode="exact" if alike else "at_least", severity="warn"))
    counts = " + ".join(f"{each.rows:,}" for each in seen)
    suite = Suite(name, tuple(lines.values()), tuple(checks), f"seen {counts} rows")
    for table in tables:
        suite = _accepted(table, suite)
    return suite


def _names_rows(column: ColumnSeen) -> bool:
    """Whether the column's type is one that keys are made of."""
    return column.type in ("integer", "string", "category", "datetime") or (column.whole and column.present >= 20)


def _rows(seen: Sequence[TableSeen]) -> Rows:
    if len(seen) == 1:
        return row_bounds(seen[0].rows)
    low, high = next_count([each.rows for each in seen], ROWS)
    return Rows(low=max(1, int(rounded(low, 2, up=False))), high=int(rounded(high, 2, up=True)))


# -- one column ---------------------------------------------------------------------------------------


def _column(whole: ColumnSeen, parts: Sequence[ColumnSeen]) -> ColumnChecks:
    if not whole.present:
        return ColumnChecks(whole.name, (Nulls(limit=1.0, inclusive=True),), "nothing seen but nulls")
    checks: list[Check] = []
    notes: list[str] = []
    if whole.type in ("integer", "number"):
        checks, notes = _number(whole, parts)
    elif whole.type in ("string", "category"):
        checks, notes = _text(whole)
    elif whole.type == "datetime":
        checks = [TypeOf(name="datetime"), date_bounds(whole.low.isoformat(), whole.high.isoformat())]
        checks += _moved_on(parts)
        notes = [f"seen {_moment(whole.low)} to {_moment(whole.high)}"]
    elif whole.type in _TYPES:
        checks = [TypeOf(name="boolean")]
    else:
        notes = ["seen values of several types"] if whole.type == "mixed" else []
    checks += _distinct(whole, parts)
    if whole.missing:
        notes.append(f"{percent_words(whole.missing / whole.rows)} null")
    if nulls := _nulls(whole, parts):
        checks.append(nulls)
    return ColumnChecks(whole.name, tuple(checks or [Nulls(limit=1.0, inclusive=True)]), ", ".join(notes))


def _moment(value: object) -> str:
    return str(value).removesuffix(" 00:00:00")


def _number(whole: ColumnSeen, parts: Sequence[ColumnSeen]) -> tuple[list[Check], list[str]]:
    # A few floats may be whole by accident.
    integer = whole.type == "integer" or (whole.whole and whole.present >= 20)
    checks: list[Check] = [TypeOf(name="integer" if integer else "number")]
    if whole.low is None:
        return checks, ["nothing seen but infinities"]
    ends = [part for part in parts if part.low is not None]
    spread = Spread(
        rows=whole.present,
        low=float(whole.low),
        high=float(whole.high),
        first=whole.quantiles[0],
        median=whole.quantiles[1],
        last=whole.quantiles[2],
        whole=integer,
        clock=whole.clock,
        low_moved=float(max(part.low for part in ends)) - float(whole.low),
        high_moved=float(whole.high) - float(min(part.high for part in ends)),
    )
    checks.append(number_bounds(whole.name, spread))
    notes = [f"seen {value_words(whole.low)} to {value_words(whole.high)}"]
    means = [part.mean for part in parts if part.mean is not None]
    deviations = [part.deviation for part in parts if part.deviation is not None]
    if len(means) > 1 and len(deviations) == len(means) and whole.distinct >= _FEWEST_DISTINCT:
        interval = next_mean(means, sum(deviations) / len(deviations))
        # An interval as wide as the values themselves says nothing.
        if interval and (interval[0] > whole.low or interval[1] < whole.high):
            low, high = rounded(interval[0], 3, up=False), rounded(interval[1], 3, up=True)
            checks.append(Mean(low=low, high=high))
            notes.append(f"means {', '.join(f'{mean:.4g}' for mean in means)}")
    return checks, notes


def _text(whole: ColumnSeen) -> tuple[list[Check], list[str]]:
    checks: list[Check] = [TypeOf(name="string" if whole.type == "string" else "category")]
    if whole.distinct <= _SET and whole.present >= 20 * whole.distinct:
        checks.append(OneOf(values=whole.values, mostly=_MOSTLY))
    elif whole.distinct >= 5 and (pattern := common_pattern(whole.values)):
        checks.append(Matches(pattern=pattern, mostly=_MOSTLY))
    return checks, [f"seen {whole.distinct:,} values"]


def _distinct(whole: ColumnSeen, parts: Sequence[ColumnSeen]) -> list[Check]:
    """Bound the number of values: one in each table when it names the table, else as in `next_count`."""
    counts = [part.distinct for part in parts]
    if len(counts) < 2 or whole.type not in _COUNTED or not all(counts):
        return []
    if max(counts) == 1:
        ends = {value for part in parts for value in (part.values or (part.low,))}
        return [Distinct(low=1, high=1)] if len(ends) == len(parts) else []
    # Where nearly every row has a value of its own, the number of rows says it all.
    if min(counts) < _FEWEST_DISTINCT or any(part.distinct > _ONE_ROW_EACH * part.present for part in parts):
        return []
    low, high = next_count(counts, FIGURES)
    return [Distinct(low=int(rounded(low, 2, up=False)), high=int(rounded(high, 2, up=True)))]


def _moved_on(parts: Sequence[ColumnSeen]) -> list[Check]:
    """Where each table begins after the one before it has ended, the next must go on: a stale copy does not."""
    if len(parts) < 2 or not all(part.present for part in parts):
        return []
    if any(after.low <= before.high for before, after in pairwise(parts)):
        return []
    return [Maximum(low=(parts[-1].high + timedelta(seconds=1)).replace(microsecond=0).isoformat(), high=None)]


def _nulls(whole: ColumnSeen, parts: Sequence[ColumnSeen]) -> Nulls | None:
    """Bound the missing values by the table that misses most, and by how far the tables lie apart."""
    bound = null_bound(whole.missing, whole.rows)
    if len(parts) == 1 or not whole.missing:
        return bound
    worst = max(parts, key=lambda part: part.missing / part.rows)
    bound = null_bound(worst.missing, worst.rows)
    shares = [part.missing / part.rows for part in parts]
    least = rounded(max(shares) + 2 * (max(shares) - min(shares)), 2, up=True)
    if bound is None or least <= bound.limit:
        return bound
    return Nulls(limit=least) if least < 1 else None


# -- between columns ----------------------------------------------------------------------------------


def _related(
    tables: Sequence[CheckedTable], wholes: Mapping[str, ColumnSeen], lines: Mapping[str, ColumnChecks]
) -> dict[str, ColumnChecks]:
    names = [name for name, whole in wholes.items() if whole.type != "mixed"]
    if not names:
        return dict(lines)
    sample = sampled(tables, names)
    found: list[tuple[str, Check]] = [(each.column, each.check) for each in relations(sample, wholes)]
    exact = {column for column, check in found if "==" in str(check) and "null" not in str(check)}
    found += dependencies(sample, wholes, exact)
    related = dict(lines)
    for column, check in found:
        line = related[column]
        related[column] = replace(line, checks=(*line.checks, check))
    return related


def _accepted(table: CheckedTable, suite: Suite) -> Suite:
    """Leave out what the table itself does not pass, such as a pattern that too many rare values miss."""
    fine = [each.status == "passed" for each in judge(table, suite)]
    of_table = tuple(check for check, good in zip(suite.table, fine, strict=False) if good)
    place = len(suite.table)
    kept = []
    for each in suite.columns:
        good = fine[place : place + len(each.checks)]
        place += len(each.checks)
        # That a newer table has surpassed this one is what Maximum is about.
        checks = tuple(c for c, passed in zip(each.checks, good, strict=True) if passed or isinstance(c, Maximum))
        kept.append(replace(each, checks=checks or (Nulls(limit=1.0, inclusive=True),)))
    return replace(suite, columns=tuple(kept), table=of_table)
