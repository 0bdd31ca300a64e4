"""How well one column alone tells the label: the figure of a model that sees nothing else.

The model of a column is the mean of the label in each of its levels, or in each of at most 200 intervals between
quantiles; nulls are a level of their own. It is learnt on four fifths of the rows and asked about the last fifth, five
times. Beside it stands the column itself as a score. The figure is the better of the two: the ROC AUC of classes (the
mean over them, each against the rest, where there are more than two), or R² of numbers.

Sources. Standard error of the AUC: Hanley & McNeil (1982), Radiology 143, eq. 1-2; its spread where a column tells
nothing: Mann & Whitney (1947), ``√((n₁ + n₀ + 1) / 12 n₁ n₀)``. Interval and null of R²: Fisher's z, and Student's t of
the correlation between the label and what the model says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.models import METRICS, figure
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Label", "Strength", "label_of", "strength"]

CLASSES = 20
"""More values of a whole number are no classes."""
_FOLDS, _BINS, _PER_BIN, _SEED = 5, 200, 20, 20_240_229


@dataclass(frozen=True, slots=True)
class Label:
    """The label of the rows that have one.

    Attributes
    ----------
    known : ndarray of bool
        Which rows of the table have one.
    values : ndarray
        Codes of classes from 0, or numbers.
    classes : int
        How many classes; 0 for numbers.
    """

    known: Any
    values: Any
    classes: int

    @property
    def measure(self) -> str:
        """Name of the figure."""
        return "AUC" if self.classes else "R²"


@dataclass(frozen=True, slots=True)
class Strength:
    """A figure of one column, the lower end of its 95% interval, and how often chance alone would give as much."""

    figure: float
    low: float
    chance: float


def label_of(column: pl.Series, name: str) -> Label:
    """Read a label.

    Raises
    ------
    InvalidError
        When it is always the same, has too many classes, or is of a type that is no label.
    """
    import numpy as np
    import polars as pl

    known = column.is_not_null()
    if column.dtype.is_float():
        known &= column.is_finite().fill_null(False)
    values = column.filter(known)
    distinct = values.n_unique()
    if distinct < 2:
        raise InvalidError(f"the target {name} has no two different values", hint="name the column with the label")
    number = column.dtype.is_numeric()
    few = distinct <= (2 if column.dtype.is_float() else CLASSES)
    if number and not few:
        return Label(known.to_numpy(), values.cast(pl.Float64).to_numpy(), 0)
    if not number and not (column.dtype.is_nested() or column.dtype.is_temporal()) and distinct <= CLASSES:
        values = values.cast(pl.String)
    elif not number:
        raise InvalidError(
            f"the target {name} is no label: {distinct:,} different values of type {column.dtype}",
            hint=f"a label is a number, or one of at most {CLASSES} values",
        )
    codes = np.unique(values.to_numpy(), return_inverse=True)[1]
    return Label(known.to_numpy(), codes, distinct)


def strength(column: pl.Series, label: Label) -> Strength:
    """How well a column tells the label, on the rows that have one."""
    import numpy as np

    column = column.filter(label.known)
    levels = _levels(column)
    scores = _as_score(column)
    if not label.classes:
        said = [_held_out(levels, label.values), *([] if scores is None else [scores])]
        return max((_of_numbers(each, label.values) for each in said), key=lambda one: one.figure)
    found = []
    for each in range(1 if label.classes == 2 else 0, label.classes):
        truth = label.values == each
        areas = [_auc(truth, _held_out(levels, truth.astype(np.float64)))]
        if scores is not None:
            raw = _auc(truth, scores)
            areas.append(max(raw, 1 - raw))
        found.append((max(areas), int(truth.sum())))
    area = float(np.mean([each for each, _ in found]))
    return _of_classes(area, min(count for _, count in found), len(label.values))


def _levels(column: pl.Series) -> Any:
    """Codes of a column's levels, or of its intervals; nulls and NaN have one of their own."""
    import numpy as np
    import polars as pl

    bins = min(_BINS, max(2, len(column) // _PER_BIN))
    if column.dtype.is_temporal():
        column = column.to_physical()
    if not column.dtype.is_numeric() or column.n_unique() <= bins:
        return column.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    numbers = column.cast(pl.Float64).to_numpy()
    there = np.isfinite(numbers)
    if not there.any():
        return np.zeros(len(numbers), dtype=np.int64)
    edges = np.unique(np.quantile(numbers[there], np.arange(1, bins) / bins))
    return np.where(np.isnan(numbers), 0, 1 + np.searchsorted(edges, numbers, side="right"))


def _as_score(column: pl.Series) -> Any:
    """The column as numbers, gaps in its middle; None when it holds no numbers."""
    import numpy as np
    import polars as pl

    if column.dtype.is_temporal():
        column = column.to_physical()
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return None
    numbers = column.cast(pl.Float64).to_numpy().copy()
    there = np.isfinite(numbers)
    if not there.any():
        return None
    numbers[~there] = np.median(numbers[there])
    return numbers


def _held_out(levels: Any, values: Any) -> Any:
    """The mean of the label in each row's level, learnt on the other folds; one mean of all rows stands in each."""
    import numpy as np

    folds = np.random.default_rng(_SEED).permutation(len(values)) % _FOLDS
    said, size = np.empty(len(values)), int(levels.max()) + 1
    for fold in range(_FOLDS):
        inside, outside = folds == fold, folds != fold
        if not outside.any():
            said[inside] = values.mean()
            continue
        count = np.bincount(levels[outside], minlength=size)
        total = np.bincount(levels[outside], values[outside], minlength=size)
        said[inside] = ((total + values[outside].mean()) / (count + 1))[levels[inside]]
    return said


def _auc(truth: Any, scores: Any) -> float:
    return figure(METRICS["roc_auc"], truth, scores)


def _of_classes(area: float, positive: int, rows: int) -> Strength:
    from scipy.stats import norm

    negative = rows - positive
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positive - 1) * (first - area**2) + (negative - 1) * (second - area**2)
    error = max(spread / (positive * negative), 0.0) ** 0.5
    null = ((rows + 1) / (12 * positive * negative)) ** 0.5
    return Strength(area, area - 1.96 * error, float(2 * norm.sf((area - 0.5) / null)))


def _of_numbers(said: Any, values: Any) -> Strength:
    import numpy as np
    from scipy.stats import t

    rows = len(values)
    if rows < 4 or np.ptp(said) == 0:
        return Strength(0.0, 0.0, 1.0)
    related = float(np.clip(np.corrcoef(said, values)[0, 1], -1 + 1e-15, 1 - 1e-15))
    low = np.tanh(np.arctanh(abs(related)) - 1.96 / (rows - 3) ** 0.5) if rows > 4 else 0.0
    chance = 2 * t.sf(abs(related) * ((rows - 2) / (1 - related**2)) ** 0.5, rows - 2)
    return Strength(related**2, float(max(low, 0.0)) ** 2, float(chance))
