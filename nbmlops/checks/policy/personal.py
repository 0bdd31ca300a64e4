"""Personal data in a table: what is looked for, what is counted, and how a value is told without being shown.

Each kind has a form, a regular expression that the engine counts in one pass over all values, and a test that tells an
e-mail address from what only looks like one. How many of the values of a form pass the test is counted for the first
10,000 of them. Check digits let some numbers pass by chance: a kind is *found* when so many of the distinct values
pass that chance would give as many in less than one of 10,000 columns (binomial tail), and *possible* above one in 20.
So neither row numbers nor times in seconds are taken for persons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.checks.frames import is_text
from nbmlops.profiling.personal.identifiers import is_phone
from nbmlops.profiling.personal.kinds import FOUND, KINDS, PHONE, WHOLE, WORTH, Kind, masked, padded_to, tail
from nbmlops.profiling.personal.names import is_person, told_by_name

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["Finding", "look_for_personal_data"]

_SAMPLE = 10_000
_HELD = 1_000_000
_POSSIBLE = 0.06
_ROWS = 5
_LONG_TEXT, _NAMES, _PHONES = 80, 0.4, 0.8
_EXACT = 1 << 53


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data in a column.

    Attributes
    ----------
    column, kind : str
        Where, and what.
    sure : bool
        Whether it is hardly chance.
    values : int
        How many values hold it, of so many that are `present`; an estimate beyond the first 10,000 of its form.
    present : int
        How many values the column has.
    rows : tuple of int
        Positions of the first, from 0.
    example : str
        The first of them, masked.
    """

    column: str
    kind: str
    sure: bool
    values: int = 0
    present: int = 0
    rows: tuple[int, ...] = ()
    example: str = ""


def look_for_personal_data(table: CheckedTable, columns: Sequence[str] | None = None) -> list[Finding]:
    """Look through the columns of a table, by their names and by all their values.

    Parameters
    ----------
    table : CheckedTable
        The table; one that is read from a file is read piece by piece, once for the counts and once for the first rows.
    columns : sequence of str, optional
        Which columns; all by default.

    Returns
    -------
    list of Finding
        By column in the order of the table, what is sure before what is possible.
    """
    found: list[Finding] = []
    for column in table.names if columns is None else columns:
        by_value = sorted(_by_value(table, column), key=lambda one: not one.sure)
        told = told_by_name(column)
        if told and not any(one.kind == told and one.sure for one in by_value):
            by_value.append(Finding(column, told, sure=False))
        found += by_value
    return found


def _by_value(table: CheckedTable, column: str) -> Iterator[Finding]:
    import polars as pl

    lazy = table.frame((column,))
    (dtype,) = lazy.collect_schema().dtypes()
    if dtype.is_integer() or dtype.is_float() or (isinstance(dtype, pl.Decimal) and not dtype.scale):
        values = _digits(lazy, is_float=dtype.is_float())
        yield from _coded(values, column, WHOLE, whole=True)
        if told_by_name(column) == PHONE:
            yield from _called_phone(values, column)
    elif is_text(dtype):
        values = _values(lazy.select(pl.col("c0").cast(pl.String)))
        yield from _coded(values, column, KINDS, whole=False)
        yield from _written(values, column)


def _digits(lazy: pl.LazyFrame, *, is_float: bool) -> pl.LazyFrame:
    """The digits of a column's large whole numbers as `_values` gives them; of floats, of those that are exact."""
    import polars as pl

    value = pl.col("c0")
    if is_float:
        lazy = lazy.select(pl.when((value == value.floor()) & (value.abs() < _EXACT)).then(value))
    numbers = lazy.select(value.cast(pl.Int64, strict=False))
    size, least = padded_to(numbers.select(value.max()).collect(engine="streaming").item() or 0)
    return _values(numbers.select(pl.when(value >= least).then(value).cast(pl.String).str.zfill(size)))


def _called_phone(values: pl.LazyFrame, column: str) -> Iterator[Finding]:
    """Numbers of a column that is called a telephone's: their digits alone would not tell them from others."""
    some = values.head(_SAMPLE).collect(engine="streaming")
    hits = [(row, text, times) for text, row, times in some.select("c0", "row", "times").iter_rows() if _is_long(text)]
    present = int(some["times"].sum())
    count = sum(times for *_, times in hits)
    if count and count >= _PHONES * present:
        shown = sorted(hits)[:_ROWS]
        yield Finding(column, PHONE, True, count, present, tuple(row for row, *_ in shown), masked(shown[0][1]))


def _is_long(digits: str) -> bool:
    return is_phone(f"+{digits.lstrip('0')}")


def _values(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """The texts ``c0`` that are there, with the ``row`` where each stands first and how many ``times`` it does.

    Where there are too many to be held, each row is one.
    """
    import polars as pl

    value = pl.col("c0")
    rows = lazy.with_row_index("row").filter(value.is_not_null())
    if lazy.select(value.approx_n_unique()).collect(engine="streaming").item() > _HELD:
        return rows.with_columns(times=pl.lit(1, pl.UInt32))
    grouped = rows.group_by("c0").agg(pl.col("row").min(), pl.len().alias("times"))
    return grouped.sort("row").collect(engine="streaming").lazy()


def _coded(values: pl.LazyFrame, column: str, kinds: Sequence[Kind], *, whole: bool) -> Iterator[Finding]:
    """What has a form and a test."""
    import polars as pl

    value, times = pl.col("c0"), pl.col("times")
    worth = values.filter(value.str.contains(WORTH))
    forms = {
        str(place): times.filter(value.str.contains(_pattern(kind, whole))).sum() for place, kind in enumerate(kinds)
    }
    counts = worth.select(**forms).collect(engine="streaming").row(0, named=True)
    present = int(values.select(times.sum()).collect(engine="streaming").item())
    best: dict[str, Finding] = {}
    for place, kind in enumerate(kinds):
        if not counts[str(place)]:
            continue
        some = worth.filter(value.str.contains(_pattern(kind, whole))).head(_SAMPLE).collect(engine="streaming")
        one = _tested(some, column, kind, counts[str(place)], present)
        known = best.get(kind.name)
        if one and (known is None or (one.sure, one.values) > (known.sure, known.values)):
            best[kind.name] = one
    yield from best.values()


def _pattern(kind: Kind, whole: bool) -> str:
    """The form for the engine: digits and ends of words of ASCII, which are several times as fast to look for."""
    form = kind.form.replace(r"\b", r"(?-u:\b)").replace(r"\d", "[0-9]")
    return f"^(?:{form})$" if whole else form


def _tested(some: pl.DataFrame, column: str, kind: Kind, candidates: int, present: int) -> Finding | None:
    """What the test says of some values of a form, of which there are so many `candidates`."""
    form = re.compile(kind.form, re.ASCII)
    hits = {text: hit for text in set(some["c0"]) if (hit := _hit(form, kind, text)) is not None}
    if not hits:
        return None
    rows = [
        (row, hits[text], times) for text, row, times in some.select("c0", "row", "times").iter_rows() if text in hits
    ]
    chance = tail(len(hits), some["c0"].n_unique(), kind.chance)
    values = round(sum(times for *_, times in rows) / int(some["times"].sum()) * candidates)
    few = kind.share and (values < kind.share * present or len(hits) < 3)
    if few or chance > _POSSIBLE:
        return None
    shown = sorted(rows)[:_ROWS]
    return Finding(
        column, kind.name, chance < FOUND, values, present, tuple(row for row, *_ in shown), masked(shown[0][1])
    )


def _hit(form: re.Pattern[str], kind: Kind, text: str) -> str | None:
    return next((hit[0] for hit in form.finditer(text) if kind.test(hit[0])), None)


def _written(values: pl.LazyFrame, column: str) -> Iterator[Finding]:
    """Names of people, and texts in which anything may stand."""
    import polars as pl

    value, times = pl.col("c0"), pl.col("times")
    length = (value.str.len_chars() * times).sum() / times.sum()
    present, long = values.select(times.sum(), length).collect(engine="streaming").row(0)
    if not present:
        return
    if long > _LONG_TEXT:
        yield Finding(column, "free text", sure=False, values=present, present=present)
        return
    some = values.head(_SAMPLE).select("c0", "row", "times").collect(engine="streaming")
    people = [(row, text, count) for text, row, count in some.iter_rows() if is_person(text)]
    distinct = {text for _, text, _ in people}
    if len(distinct) < max(3, _NAMES * some["c0"].n_unique()):
        return
    share = sum(count for *_, count in people) / int(some["times"].sum())
    shown = sorted(people)[:_ROWS]
    rows = tuple(row for row, *_ in shown)
    yield Finding(column, "name of a person", True, round(share * present), present, rows, masked(shown[0][1]))
