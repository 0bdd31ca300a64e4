"""Rows of several tables side by side, few enough to try thousands of guesses on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.frames import is_text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

    Floats = npt.NDArray[np.float64]

__all__ = ["Sample", "sampled"]

_ROWS = 16_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of several tables, one after the other.

    Parameters
    ----------
    part : numpy.ndarray of int, shape (rows,)
        The table that each row is of.
    numbers : mapping of str to numpy.ndarray of float64, shape (rows,)
        Numeric columns; missing and infinite values are NaN.
    codes : mapping of str to numpy.ndarray of int64, shape (rows,)
        Every column, each different value as a number; -1 where it is missing.
    dates : mapping of str to mapping of str to numpy.ndarray
        Columns of dates: ``year``, ``month``, ``day``, ``hour``, and ``at`` (microseconds), NaN where it is missing.
    """

    part: Any
    numbers: Mapping[str, Floats]
    codes: Mapping[str, Any]
    dates: Mapping[str, Mapping[str, Floats]]


def sampled(tables: Sequence[CheckedTable], names: Sequence[str]) -> Sample:
    """Take rows of `tables` evenly, the columns `names`, at most 16,000 rows in all."""
    import numpy as np
    import polars as pl

    each = max(1, _ROWS // len(tables))
    frames = []
    for table in tables:
        step = max(1, -(-table.height() // each))
        frames.append(table.frame(names).gather_every(step).collect(engine="in-memory"))
    part = np.repeat(np.arange(len(frames)), [frame.height for frame in frames])
    numbers: dict[str, Floats] = {}
    dates: dict[str, dict[str, Floats]] = {}
    codes: dict[str, Any] = {}
    for name, place in zip(names, frames[0].columns, strict=True):
        joined = _joined([frame.get_column(place) for frame in frames])
        if joined is None:
            continue
        codes[name] = _codes(joined)
        if joined.dtype == pl.Float64:
            numbers[name] = joined.to_numpy().astype(np.float64)
        elif joined.dtype == pl.Datetime:
            dates[name] = _parts(joined)
    return Sample(part, numbers, codes, dates)


def _joined(parts: Sequence[pl.Series]) -> pl.Series | None:
    """The column of all tables as one of floats, times or texts; None when it is none of them, or not the same."""
    import polars as pl

    wanted = {_common(part.dtype) for part in parts if part.dtype != pl.Null}
    dtype = wanted.pop() if len(wanted) == 1 else None
    if dtype is None:
        return None
    joined = pl.concat([part.cast(dtype) for part in parts])
    return joined.set(~joined.is_finite(), None) if dtype == pl.Float64 else joined


def _common(dtype: pl.DataType) -> Any:
    import polars as pl

    if dtype.is_numeric():
        return pl.Float64
    if dtype in (pl.Date, pl.Datetime):
        return pl.Datetime("us")
    return pl.String if is_text(dtype) or dtype == pl.Boolean else None


def _codes(column: pl.Series) -> Any:
    import numpy as np

    return column.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1


def _parts(column: pl.Series) -> dict[str, Floats]:
    import numpy as np
    import polars as pl

    parts = {part: getattr(column.dt, part)() for part in ("year", "month", "day", "hour")}
    parts["at"] = column.dt.epoch("us")
    return {part: values.cast(pl.Float64).to_numpy().astype(np.float64) for part, values in parts.items()}
