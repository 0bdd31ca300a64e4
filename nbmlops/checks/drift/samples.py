"""The values of a column as drift is told from: sorted numbers, or counts of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.checks.frames import is_text
from nbmlops.checks.words import type_words
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["Sample", "sample", "together"]

_DRAWN = 5_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One column of one table.

    Attributes
    ----------
    kind : {"numbers", "categories", "nothing"}
        What it holds; ``nothing`` where all is missing.
    values : array of float64 or mapping of str to int
        Sorted numbers without NaN and infinities, or how many rows each level has.
    missing : int
        Rows without a value: null, NaN or an infinity.
    rows : int
        All rows.
    unit : str
        What a number stands for; ``days`` for dates and times.
    type : str
        The type as it is named to users.
    weights : array of float64, optional
        How many rows each number stands for, where a profile tells; then both sides have the same numbers.
    """

    kind: Literal["numbers", "categories", "nothing"]
    values: Any
    missing: int
    rows: int
    unit: str = ""
    type: str = ""
    weights: Any = None

    def sorted(self) -> Any:
        """The numbers, sorted; from a profile, some thousands as they are distributed."""
        import numpy as np

        if self.weights is None:
            return self.values
        times = np.round(self.weights * (_DRAWN / max(self.weights.sum(), 1))).astype(int)
        return np.repeat(self.values, np.maximum(times, self.weights > 0))


def sample(table: CheckedTable, column: str) -> Sample:
    """Read one column; other columns are not looked at.

    Raises
    ------
    InvalidError
        When it holds what is neither numbers, times, truth values nor texts.
    """
    lazy = table.frame((column,))
    (dtype,) = lazy.collect_schema().dtypes()
    series = lazy.collect(engine="streaming" if table.streaming else "in-memory").to_series()
    rows, words = len(series), type_words(dtype)
    if series.null_count() == rows:
        return Sample("nothing", None, rows, rows, type=words)
    if dtype.is_numeric():
        return _numbers(series, rows, words)
    if dtype.is_temporal():
        return _times(series, rows, words)
    import polars as pl

    if not (is_text(dtype) or dtype == pl.Boolean):
        raise InvalidError(f"the column {column!r} is of {words}, whose drift cannot be told", hint="leave it out")
    counted = series.cast(pl.String).drop_nulls().value_counts()
    levels = dict(zip(counted.to_series(0).to_list(), counted.to_series(1).to_list(), strict=True))
    return Sample("categories", levels, series.null_count(), rows, type=words)


def _numbers(series: pl.Series, rows: int, words: str) -> Sample:
    import numpy as np

    values = series.drop_nulls().to_numpy().astype(np.float64, copy=False)
    values = values[np.isfinite(values)]
    if not len(values):
        return Sample("nothing", None, rows, rows, type=words)
    return Sample("numbers", np.sort(values), rows - len(values), rows, type=words)


def _times(series: pl.Series, rows: int, words: str) -> Sample:
    import numpy as np
    import polars as pl

    present = series.drop_nulls()
    if series.dtype == pl.Date:
        days = present.to_physical().to_numpy().astype(np.float64)
    else:
        days = present.to_physical().to_numpy().astype(np.float64) / _per_day(series.dtype)
    return Sample("numbers", np.sort(days), rows - len(present), rows, unit="days", type=words)


def _per_day(dtype: Any) -> float:
    return 86_400 * {"ms": 1e3, "us": 1e6, "ns": 1e9}[getattr(dtype, "time_unit", "ns")]


def together(before: Sample, after: Sample) -> tuple[Any, Any, list[str]]:
    """Counts of both by level, arrays of shape ``(k,)``, and the levels, the most frequent of the reference first."""
    import numpy as np

    levels = sorted({*before.values, *after.values}, key=lambda level: (-before.values.get(level, 0), level))
    first, second = ([one.values.get(level, 0) for level in levels] for one in (before, after))
    return np.array(first, np.float64), np.array(second, np.float64), levels
