"""Personal data in a table: what is looked for, what is counted, and how a value is told without being shown.

Each kind has a form, a regular expression that the engine counts in one pass over all values, and a test that tells an
e-mail address from what only looks like one. How many of the values of a form pass the test is counted for the first
10,000 of them. Check digits let some numbers pass by chance: a kind is *found* when so many of the distinct values
pass that chance would give as many in less than one of 10,000 columns (binomial tail), and *possible* above one in 20.
So neither row numbers nor times in seconds are taken for persons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.checks.frames import is_text
from nbmlops.checks.policy import identifiers
from nbmlops.checks.policy.names import is_person, told_by_name

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["Finding", "Kind", "look_for_personal_data", "masked"]

_SAMPLE = 10_000
_HELD = 1_000_000
_FOUND, _POSSIBLE = 1e-4, 0.06
_ROWS = 5
_LONG_TEXT, _NAMES = 80, 0.4
_WORTH = r"@|(?:[0-9][^0-9]*){6}|[0-9]\.[0-9]+\.[0-9]+\.[0-9]|:[0-9A-Fa-f]*:"
"""What every kind but names has something of; other values are passed over."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data.

    Attributes
    ----------
    name : str
        What it is, in the singular.
    form : str
        A regular expression of Rust's crate and Python's `re` alike.
    test : callable
        Whether a text of that form is one.
    chance : float
        The share of other texts of that form that pass the test.
    share : float
        The share of a column's values that must be one: what has no check digit is not told from a code by one value.
    """

    name: str
    form: str
    test: Callable[[str], bool]
    chance: float
    share: float = 0.0


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


def _plain(text: str) -> str:
    return re.sub(r"[ \-]", "", text)


KINDS: tuple[Kind, ...] = (
    Kind("e-mail address", r"(?i)[a-z0-9._%+\-]+@(?:[a-z0-9\-]+\.)+[a-z]{2,}", lambda text: ".." not in text, 0.0),
    Kind(
        "IBAN",
        r"(?i)\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?\b",
        lambda text: identifiers.is_iban(_plain(text)),
        6e-5,  # 76 of 676 pairs of letters are countries, each with one of 18 lengths, and 1 of 97 has the rest
    ),
    Kind("payment card", r"\b\d(?:[ \-]?\d){12,18}\b", lambda text: identifiers.is_card(_plain(text)), 0.1),
    Kind(
        "payment card",
        r"\b\d{4}(?:[ \-]\d{4}){3}\b|\b\d{4}[ \-]\d{6}[ \-]\d{4,5}\b",
        lambda text: identifiers.is_card(_plain(text)),
        0.05,  # of numbers in such groups few are anything else
    ),
    Kind("IP address", r"(?i)\b(?:\d{1,3}\.){3}\d{1,3}\b", identifiers.is_ip, 0.3, 0.05),
    Kind("IP address", r"(?i)(?:[0-9a-f]{1,4}:){1,7}(?::?[0-9a-f]{1,4}){1,7}", identifiers.is_ip, 0.01),
    Kind("telephone number", r"\+[1-9][\d ().\-/]{6,17}\d\b", identifiers.is_phone, 0.05),
    Kind(
        "telephone number",
        r"\b00[1-9][\d ().\-/]{6,17}\d\b|\(\d{2,5}\) ?\d[\d \-/.]{4,12}\d\b|\b\d{3}[\-. ]\d{3}[\-. ]\d{4}\b",
        identifiers.is_phone,
        0.2,
        0.05,
    ),
    *(Kind(name, rf"\b(?:{form})\b", test, 0.1, 0.2) for name, (form, test) in identifiers.NATIONAL.items()),
)
"""What is looked for in texts; in columns of whole numbers, those that a number alone can be."""


def masked(text: str) -> str:
    """A value with all but its first and its last letter or digit hidden, and of a short one everything.

    Examples
    --------
    >>> masked("ann.lee@example.org"), masked("4111 1111 1111 1111"), masked("Bo")
    ('a••.•••@•••••••.••g', '4••• •••• •••• •••1', '••')
    """
    places = [place for place, each in enumerate(text) if each.isalnum()]
    kept = {places[0], places[-1]} if len(places) > 5 else set()
    return "".join("•" if each.isalnum() and place not in kept else each for place, each in enumerate(text))[:60]


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
    value = pl.col("c0")
    if dtype.is_integer():
        # The smallest number that is looked for has nine digits.
        values = _values(lazy.select(pl.when(value >= 10**8).then(value).cast(pl.String)))
        yield from _coded(values, column, tuple(kind for kind in KINDS if kind.chance >= 0.05), whole=True)
    elif is_text(dtype):
        values = _values(lazy.select(value.cast(pl.String)))
        yield from _coded(values, column, KINDS, whole=False)
        yield from _written(values, column)


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
    worth = values.filter(value.str.contains(_WORTH))
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
    chance = _tail(len(hits), some["c0"].n_unique(), kind.chance)
    values = round(sum(times for *_, times in rows) / int(some["times"].sum()) * candidates)
    few = kind.share and (values < kind.share * present or len(hits) < 3)
    if few or chance > _POSSIBLE:
        return None
    shown = sorted(rows)[:_ROWS]
    return Finding(
        column, kind.name, chance < _FOUND, values, present, tuple(row for row, *_ in shown), masked(shown[0][1])
    )


def _hit(form: re.Pattern[str], kind: Kind, text: str) -> str | None:
    return next((hit[0] for hit in form.finditer(text) if kind.test(hit[0])), None)


def _tail(good: int, tried: int, chance: float) -> float:
    """Probability that at least so many of those tried pass by chance: the upper tail of the binomial."""
    from scipy.stats import binom

    return float(binom.sf(good - 1, tried, chance))


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
