"""What one table shows of its columns: the figures that a suite is learnt from, before anything is concluded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.checks.bounds import is_time
from nbmlops.checks.frames import is_text
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["ColumnSeen", "TableSeen", "look_at", "pooled"]

_QUANTILES = (0.01, 0.5, 0.99)
_SAMPLE = 2_000
_PART = 4_000
_ALIKE = {frozenset({"integer", "number"}): "number", frozenset({"string", "category"}): "string"}


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """What one table shows of one column.

    Parameters
    ----------
    name, type : str
        Its name, and its type: ``integer``, ``number``, ``string``, ``category``, ``boolean``, ``datetime``, or the
        engine's own word for another.
    rows, missing : int
        Rows of the table, and how many of them are null or NaN here.
    distinct : int
        Number of different values, without the missing ones; 0 for types without an order.
    low, high : float, date, datetime or None
        The smallest and largest finite value.
    quantiles : tuple of float
        The 1st, 50th and 99th percentile of a number.
    mean, deviation : float or None
        Of the finite values; the deviation is that of the sample.
    whole, clock : bool
        Whether all finite values are whole, and whether all of a ``…time`` read as hours and minutes.
    values : tuple of str
        Of a text: values evenly over the sorted different ones.
    """

    name: str
    type: str
    rows: int
    missing: int
    distinct: int = 0
    low: Any = None
    high: Any = None
    quantiles: tuple[float, ...] = ()
    mean: float | None = None
    deviation: float | None = None
    whole: bool = False
    clock: bool = False
    values: tuple[str, ...] = ()

    @property
    def present(self) -> int:
        """How many values there are."""
        return self.rows - self.missing


@dataclass(frozen=True, slots=True)
class TableSeen:
    """What one table shows: how many rows, and its columns in order."""

    rows: int
    columns: Mapping[str, ColumnSeen]


def look_at(table: CheckedTable) -> TableSeen:
    """Measure `table` in two passes: figures, then a sample of its texts.

    Raises
    ------
    InvalidError
        When the table has no rows, or a column holds Python objects.
    """
    rows = table.height()
    if not rows:
        raise InvalidError("the table has no rows, so there is nothing to learn from")
    lazy = table.frame(table.names)
    types = dict(lazy.collect_schema())
    measures: dict[str, pl.Expr] = {}
    for column, (place, dtype) in zip(table.names, types.items(), strict=True):
        measures.update(_measures(column, place, dtype))
    found = _collected(lazy, measures)
    texts = {
        f"{place}.values": _sampled(place, distinct)
        for place, dtype in types.items()
        if is_text(dtype) and (distinct := found[f"{place}.distinct"])
    }
    found |= _collected(lazy, texts)
    columns = {
        column: _column(column, place, dtype, rows, found)
        for column, (place, dtype) in zip(table.names, types.items(), strict=True)
    }
    return TableSeen(rows, columns)


def _collected(lazy: pl.LazyFrame, measures: Mapping[str, pl.Expr]) -> dict[str, Any]:
    # Not streaming, which would keep a quantile's column anyway; in parts, so that a wide file is read in parts.
    named = [expression.alias(name) for name, expression in measures.items()]
    found: dict[str, Any] = {}
    for part in range(0, len(named), _PART):
        found |= lazy.select(named[part : part + _PART]).collect(engine="in-memory").row(0, named=True)
    return found


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
        found[f"{place}.mean"], found[f"{place}.deviation"] = value.mean(), value.cast(pl.Float64).std()
        for quantile in _QUANTILES:
            found[f"{place}.{quantile}"] = value.quantile(quantile, interpolation="nearest")
        if is_time(column):
            # Hours and minutes in one number: 1745, never 1799.
            found[f"{place}.clock"] = (value % 100 < 60).all()
    if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime):
        found[f"{place}.low"], found[f"{place}.high"] = value.min(), value.max()
    if dtype.is_numeric() or is_text(dtype) or dtype in (pl.Date, pl.Datetime, pl.Boolean):
        found[f"{place}.distinct"] = value.drop_nulls().n_unique()
    return found


def _sampled(place: str, distinct: int) -> pl.Expr:
    import polars as pl

    # Evenly over the sorted values: the same for the same data, and of all beginnings.
    values = pl.col(place).cast(pl.String).drop_nulls().unique().sort()
    return values.gather_every(math.ceil(distinct / _SAMPLE)).implode()


def _type(dtype: pl.DataType) -> str:
    import polars as pl

    if dtype.is_numeric():
        return "integer" if dtype.is_integer() else "number"
    if dtype in (pl.Date, pl.Datetime):
        return "datetime"
    if is_text(dtype):
        return "string" if dtype == pl.String else "category"
    return "boolean" if dtype == pl.Boolean else str(dtype)


def _column(column: str, place: str, dtype: pl.DataType, rows: int, found: Mapping[str, Any]) -> ColumnSeen:
    def of(figure: str) -> Any:
        return found.get(f"{place}.{figure}")

    quantiles = [of(str(each)) for each in _QUANTILES]
    return ColumnSeen(
        name=column,
        type=_type(dtype),
        rows=rows,
        missing=int(of("nulls")),
        distinct=int(of("distinct") or 0),
        low=_end(of("low")),
        high=_end(of("high")),
        quantiles=tuple(map(float, quantiles)) if quantiles[0] is not None else (),
        mean=_float(of("mean")),
        deviation=_float(of("deviation")),
        whole=dtype.is_integer() or bool(of("whole")),
        clock=bool(of("clock")),
        values=tuple(of("values") or ()),
    )


def _end(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # times here are in UTC, without a zone
    return value if value is None or isinstance(value, date | int) else float(value)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def pooled(parts: Sequence[ColumnSeen]) -> ColumnSeen:
    """Put what several tables show of one column together; percentiles are those of the table that reaches furthest."""
    present = [part for part in parts if part.present]
    if not present:
        return parts[-1]
    rows, missing = sum(part.rows for part in parts), sum(part.missing for part in parts)
    kinds = frozenset(part.type for part in present)
    kind = present[0].type if len(kinds) == 1 else _ALIKE.get(kinds, "mixed")
    if kind == "mixed":
        return ColumnSeen(parts[-1].name, kind, rows, missing)
    ended = [part for part in present if part.low is not None]
    quantiled = [part.quantiles for part in present if part.quantiles]
    middles = sorted(each[1] for each in quantiled)
    values = {value for part in parts for value in part.values}
    return ColumnSeen(
        name=parts[-1].name,
        type=kind,
        rows=rows,
        missing=missing,
        distinct=max(len(values), *(part.distinct for part in parts)),
        low=min((part.low for part in ended), default=None),
        high=max((part.high for part in ended), default=None),
        quantiles=(
            (min(each[0] for each in quantiled), middles[len(middles) // 2], max(each[2] for each in quantiled))
            if quantiled
            else ()
        ),
        whole=all(part.whole for part in present),
        clock=all(part.clock for part in present),
        values=tuple(sorted(values)),
    )
