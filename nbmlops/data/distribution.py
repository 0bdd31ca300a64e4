"""How the values of a column are distributed in two tables, over intervals that both share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbmlops.data.diff_records import Shape

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Batches", "shapes"]

Batches = Callable[[], Iterator["pl.Series"]]
_BARS = 16
_TOP = 5
_SAMPLED = 50_000
_DISTINCT = 100_000
"""Different values that are counted one by one; of more, only their number in a batch is known."""


def shapes(before: Batches, after: Batches) -> tuple[Shape, Shape]:
    """Give the shapes of a column in two tables.

    Parameters
    ----------
    before, after : callable
        Each gives the column's values part by part; called twice, so that memory stays that of a part.
    """
    first, second = _Summary(), _Summary()
    for summary, batches in ((first, before), (second, after)):
        for batch in batches():
            summary.add(batch)
    edges = _edges(first, second)
    if edges is not None:
        for summary, batches in ((first, before), (second, after)):
            for batch in batches():
                summary.count(batch, edges)
    return first.shape(), second.shape()


@dataclass(slots=True)
class _Summary:
    rows: int = 0
    nulls: int = 0
    total: float = 0.0
    low: Any = None
    high: Any = None
    numeric: bool = True
    is_time: bool = False
    sample: list[np.ndarray] = field(default_factory=list)
    bars: np.ndarray | None = None
    values: dict[str, int] | None = field(default_factory=dict)

    def add(self, batch: pl.Series) -> None:
        import polars as pl

        self.rows += len(batch)
        self.nulls += batch.null_count()
        self.is_time = batch.dtype.is_temporal() and not isinstance(batch.dtype, pl.Duration | pl.Time)
        numbers = _numbers(batch)
        if numbers is None:
            self.numeric = False
            self._count_values(batch)
            return
        self.nulls += int(numbers.is_nan().sum())
        present = numbers.drop_nans()
        if len(present):
            self.total += float(present.sum())
            low, high = float(present.min()), float(present.max())  # type: ignore[arg-type]  # there are some
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
            self.sample.append(present.gather_every(max(1, len(present) // _SAMPLED)).to_numpy())

    def _count_values(self, batch: pl.Series) -> None:
        import polars as pl

        if self.values is None or batch.dtype.is_nested():
            self.values = None
            return
        if batch.dtype == pl.Categorical:  # its categories are counted, then written out
            counted = batch.drop_nulls().value_counts().with_columns(pl.first().cast(pl.String))
        else:
            counted = batch.drop_nulls().cast(pl.String, strict=False).value_counts()
        for value, count in counted.iter_rows():
            self.values[value] = self.values.get(value, 0) + count
        if len(self.values) > _DISTINCT:
            self.values = None

    def count(self, batch: pl.Series, edges: np.ndarray) -> None:
        import numpy as np

        numbers = _numbers(batch)
        if numbers is not None:
            present = np.clip(numbers.drop_nans().to_numpy(), edges[0], edges[-1])
            counted = np.histogram(present, edges)[0]
            self.bars = counted if self.bars is None else self.bars + counted

    def shape(self) -> Shape:
        present = self.rows - self.nulls
        if self.numeric:
            bars = () if self.bars is None else tuple(int(count) for count in self.bars)
            mean = self.total / present if present else None
            return Shape(self.rows, self.nulls, None, mean, self.low, self.high, bars, is_time=self.is_time)
        if self.values is None:
            return Shape(self.rows, self.nulls)
        top = sorted(self.values.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP]
        return Shape(self.rows, self.nulls, len(self.values), top=tuple(top))


def _numbers(batch: pl.Series) -> pl.Series | None:
    """Numbers, and times as seconds since 1970, as floats without nulls; None for what is neither."""
    import polars as pl

    kind = batch.dtype
    if kind in (pl.Datetime, pl.Date):
        # The unit of a time is finer than a float can tell over centuries; seconds are enough for a picture.
        batch = batch.cast(pl.Datetime("us")).dt.epoch("us") / 1e6
    elif kind == pl.Duration:
        batch = batch.dt.total_microseconds() / 1e6
    elif not kind.is_numeric():
        return None
    return batch.drop_nulls().cast(pl.Float64)


def _edges(first: _Summary, second: _Summary) -> np.ndarray | None:
    """Intervals over nearly all values of both: the few far out are counted in the last ones."""
    import numpy as np

    drawn = [*first.sample, *second.sample]
    if not drawn or not (first.numeric and second.numeric):
        return None
    sample = np.concatenate(drawn)
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return None
    low, high = np.quantile(sample, [0.005, 0.995])
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges: np.ndarray = np.linspace(low, high, _BARS + 1)
    return edges
