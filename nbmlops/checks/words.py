"""What checks ask for, find and show, in words for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.checks.aggregates import Depends, Distinct, Maximum, Mean
from nbmlops.checks.custom import Tested
from nbmlops.checks.kinds import Between, Check, Columns, Expression, Key, Matches, Nulls, OneOf, Rows, TypeOf, Unique
from nbmlops.checks.references import InReference, Like, References
from nbmlops.checks.sequence import Fresh, Length, Ordered

if TYPE_CHECKING:
    import polars as pl

__all__ = ["bound_words", "figure_words", "percent_words", "type_words", "value_words"]


_COMPLAINTS = {
    "depends": "with several values",
    "expr": "untrue",
    "key": "repeated or null",
    "matches": "do not match",
    "nulls": "missing",
    "order": "out of order",
    "references": "not there",
    "type": "not whole",
    "test": "not so",
    "unique": "repeated",
}


def figure_words(check: Check, bad: int, judged: int) -> str:
    """Say how many of the `judged` values or rows are `bad`; of a check of rows, how many there are."""
    if isinstance(check, Rows):
        return f"{judged:,} rows"
    of_rows = isinstance(check, Key | Expression | References)
    noun = "groups" if isinstance(check, Depends) else "rows" if of_rows else "values"
    if not judged:
        return f"no {noun}"
    complaint = "not there" if isinstance(check, InReference) else _COMPLAINTS.get(check.kind, "outside")
    share = f" ({percent_words(bad / judged)})" if bad else ""
    return f"{bad:,} of {judged:,} {noun} {complaint}{share}"


def percent_words(share: float) -> str:
    """Write a share for people, never rounded to 0% or to 100% unless it is.

    Examples
    --------
    >>> percent_words(1 / 3), percent_words(0.0005), percent_words(0.99999), percent_words(1)
    ('33.3%', '0.05%', '99.999%', '100%')
    """
    if 0 < share < 1e-6:
        return "<0.0001%"
    if share < 0.1:
        return f"{share * 100:.2g}%"
    written = f"{share * 100:.1f}"
    if share < 1 and float(written) >= 100:
        written = f"{share * 100:.6f}".rstrip("0")
    return f"{written.removesuffix('.0')}%"


def bound_words(check: Check) -> str:
    """Write what `check` asks for, for people."""
    words = _BOUNDS[type(check)](check)
    return words if check.mostly == 1 else f"{words} in {percent_words(check.mostly)} of the values"


def _between_words(low: float | str | None, high: float | str | None) -> str:
    def written(end: float | str | None) -> str:
        return f"{end:,}" if isinstance(end, int | float) else str(end)

    if low is None:
        return f"at most {written(high)}"
    return f"at least {written(low)}" if high is None else f"{written(low)} to {written(high)}"


def value_words(value: Any) -> str:
    """Write one value of a table, shortened."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def type_words(dtype: pl.DataType) -> str:
    """Say what a column's type is, in the words of the grammar where it has one."""
    import polars as pl

    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    words = {pl.String: "string", pl.Boolean: "boolean", pl.Date: "datetime", pl.Null: "nothing but nulls"}
    if dtype in (pl.Categorical, pl.Enum):
        return "category"
    return "datetime" if dtype == pl.Datetime else words.get(dtype.base_type(), str(dtype).lower())


def _set_words(check: OneOf) -> str:
    shown = ", ".join(map(str, check.values[:6]))
    return shown if len(check.values) <= 6 else f"{shown}, … ({len(check.values)} values)"


_BOUNDS: dict[type[Check], Callable[[Any], str]] = {
    Between: lambda check: _between_words(check.low, check.high),
    Rows: lambda check: _between_words(check.low, check.high),
    OneOf: _set_words,
    Matches: lambda check: str(check.pattern),
    TypeOf: lambda check: str(check.name),
    Nulls: lambda check: check.words.removeprefix("nulls ") if check.limit else "none",
    Unique: lambda _: "no value twice",
    Expression: lambda check: str(check.text),
    Key: lambda check: f"each {', '.join(check.columns)} once",
    Mean: lambda check: _between_words(check.low, check.high),
    Distinct: lambda check: _between_words(check.low, check.high),
    Maximum: lambda check: _between_words(check.low, check.high),
    Depends: lambda check: f"one for each {', '.join(check.columns)}",
    Ordered: lambda check: str(check.words),
    Length: lambda check: f"{_between_words(check.low, check.high)} characters",
    InReference: lambda check: str(check.words.removeprefix("in(").removesuffix(")")),
    Like: lambda check: f"as in {check.words.removeprefix('like(').removesuffix(')')}",
    Tested: lambda check: str(check.name),
    References: lambda check: f"{', '.join(check.columns)} of @{check.ref}",
    Fresh: lambda check: f"at most {check.age:,} {check.unit} old",
    Columns: lambda check: f"{check.mode.replace('_', ' ')} {', '.join(check.names) or 'those of the suite'}",
}
