"""How checks against another version are measured: small sets are compared with, large ones joined."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbmlops.checks.frames import CheckedTable, is_text
from nbmlops.checks.plans import CheckPlan, Frame, Values, missing, present
from nbmlops.checks.references import InReference, Like, References
from nbmlops.checks.words import type_words
from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.data.records import DataVersion

__all__ = ["Finder", "Found", "Join", "plan_in_reference", "plan_like", "plan_references"]

Finder = Callable[[str], "tuple[CheckedTable, DataVersion]"]
"""Gives the table that a reference means, and its version."""
_FEW = 1_000
"""Up to so many values are compared with one by one, from a hash table that is made for each part of a stream."""


@dataclass(frozen=True, slots=True)
class Found:
    """Versions that the checks of one judging refer to, each looked up once."""

    find: Finder
    known: dict[str, tuple[CheckedTable, DataVersion]] = field(default_factory=dict)

    def __call__(self, ref: str) -> tuple[CheckedTable, DataVersion]:
        """The table of a reference and its version.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidError
            When it is no table.
        """
        if ref not in self.known:
            self.known[ref] = self.find(ref)
        return self.known[ref]


def plan_in_reference(check: InReference, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile a look-up of values in a column of another version.

    Raises
    ------
    InvalidError
        When the version has no such column, no value in it, or values of another type.
    NotFoundError
        When there is no such version.
    """
    import polars as pl

    place = frame.place(column)
    others, version = _distinct(frame, check.ref, (check.column or column,))
    (other,) = others.get_columns()
    value = _like(pl.col(place), frame.types[column], other.dtype, column, f"{check.column or column} of {version.ref}")
    if len(other) <= _FEW:
        good, joined = value.is_in(other.implode()), None
    else:
        joined = Join(key, (value,), others)
        good = pl.col(joined.name).is_not_null()
    bad = _there(frame, column) & ~good.fill_null(value=False)

    def tally(values: Values) -> tuple[int, int]:
        return int(values[key]), present(values, place)

    bound = _bound(check.column or column, version)
    return CheckPlan({**missing(frame, column), key: bad.sum()}, tally, bad, place, join=joined, bound=bound)


def plan_references(check: References, _column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile a look-up of rows in another version.

    Raises
    ------
    InvalidError
        When the version has no such columns, no row in which all are there, or values of another type.
    NotFoundError
        When there is no such version.
    """
    import polars as pl

    others, version = _distinct(frame, check.ref, check.columns)
    values = tuple(
        _like(pl.col(frame.place(name)), frame.types[name], other.dtype, name, f"{name} of {version.ref}")
        for name, other in zip(check.columns, others.get_columns(), strict=True)
    )
    joined = Join(key, values, others)
    there = functools.reduce(operator.and_, [_there(frame, name) for name in check.columns])
    bad = there & pl.col(joined.name).is_null()

    def tally(found: Values) -> tuple[int, int]:
        return int(found[key]), int(found[f"{key}.judged"])

    bound = _bound(", ".join(check.columns), version)
    return CheckPlan({key: bad.sum(), f"{key}.judged": there.sum()}, tally, bad, join=joined, bound=bound)


def plan_like(check: Like, column: str, frame: Frame, key: str) -> CheckPlan:  # noqa: ARG001 - nothing is measured
    """Compare a column with that of another version, before the pass over the table.

    Raises
    ------
    InvalidError
        When the version has no such column, or no value in it, or the column holds another sort of values.
    NotFoundError
        When there is no such version.
    """
    from nbmlops.checks.drift.comparing import compare_column

    other = check.column or column
    reference, version = _referred(frame, check.ref, (other,))
    assert frame.table is not None
    found = compare_column(reference, other, frame.table, column)
    bound = f"as {_bound(other, version)}"
    return CheckPlan(fixed=found.figure, holds=found.status != "failed", bound=bound, detail=found.detail)


@dataclass(frozen=True, slots=True)
class Join:
    """A column for the frame: true where `values` stand together in `others`, null elsewhere."""

    key: str
    values: tuple[pl.Expr, ...]
    others: pl.DataFrame

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.key}.found"

    def onto(self, lazy: pl.LazyFrame) -> pl.LazyFrame:
        """Join it onto the frame, whose rows stay as they are, in their order."""
        import polars as pl

        names = [f"{self.key}.{place}" for place in range(len(self.values))]
        others = self.others.rename(dict(zip(self.others.columns, names, strict=True)))
        marked = others.lazy().with_columns(pl.lit(value=True).alias(self.name))
        keyed = lazy.with_columns(value.alias(name) for name, value in zip(names, self.values, strict=True))
        return keyed.join(marked, on=names, how="left", maintain_order="left").drop(names)


def _distinct(frame: Frame, ref: str, columns: tuple[str, ...]) -> tuple[pl.DataFrame, DataVersion]:
    """The different values, or rows of values, of columns of a version; those with a null refer to nothing."""
    import polars as pl

    table, version = _referred(frame, ref, columns)
    lazy = table.frame(columns)
    floats = [name for name, dtype in lazy.collect_schema().items() if dtype.is_float()]
    texts = [name for name, dtype in lazy.collect_schema().items() if is_text(dtype)]
    lazy = lazy.with_columns(pl.col(floats).fill_nan(None), pl.col(texts).cast(pl.String))
    found = lazy.drop_nulls().unique().collect(engine="streaming" if table.streaming else "in-memory")
    if not len(found):
        what = "holds nothing but nulls" if table.height() else "has no rows"
        raise InvalidError(f"nothing can be looked up in {version.ref}: {', '.join(columns)} {what}")
    return found, version


def _referred(frame: Frame, ref: str, columns: tuple[str, ...]) -> tuple[CheckedTable, DataVersion]:
    if frame.reference is None:
        raise InvalidError(f"@{ref} is a version, and there is no workspace here to look for it")
    table, version = frame.reference(ref)
    for name in columns:
        if name not in table.names:
            raise InvalidError(f"{version.ref} has no column {name!r}", hint=nearest(name, table.names))
    return table, version


def _there(frame: Frame, column: str) -> pl.Expr:
    import polars as pl

    place = pl.col(frame.place(column))
    return place.is_not_null() & place.is_not_nan() if frame.types[column].is_float() else place.is_not_null()


def _like(value: pl.Expr, dtype: pl.DataType, other: pl.DataType, column: str, where: str) -> pl.Expr:
    """A column as values of the type that it is looked up in."""
    import polars as pl

    if is_text(dtype) and other == pl.String:
        return value.cast(pl.String)
    if dtype == other:
        return value.fill_nan(None) if dtype.is_float() else value
    if dtype.is_float() and other.is_integer():
        return _whole(value, other)
    if dtype == pl.Null or (dtype.is_numeric() and other.is_numeric()) or (dtype.is_temporal() and other.is_temporal()):
        # What does not fit into the other type is not there.
        return value.cast(other, strict=False)
    raise InvalidError(
        f"{column!r} is {type_words(dtype)}, and {where} is {type_words(other)}", hint="give both columns one type"
    )


def _whole(value: pl.Expr, other: pl.DataType) -> pl.Expr:
    import polars as pl

    whole = value.cast(other, strict=False)
    return pl.when(whole.cast(pl.Float64) == value).then(whole)


def _bound(columns: str, version: DataVersion) -> str:
    return f"{columns} of {version.ref} ({digests.short(version.digest)})"
