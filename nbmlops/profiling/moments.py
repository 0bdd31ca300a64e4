"""Count, mean and spread of numbers, and the co-moments of pairs of columns: exact but for rounding, and mergeable."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Comoments", "Moments"]


@dataclass(frozen=True, slots=True)
class Moments:
    """The first two moments of finite numbers, and their ends.

    Attributes
    ----------
    count : int
        How many numbers.
    mean : float
        Their mean; 0 of none.
    m2 : float
        The sum of the squared differences from the mean.
    min, max : float
        The ends; infinities the wrong way round of none.
    """

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0
    min: float = math.inf
    max: float = -math.inf

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray | None = None) -> Moments:
        """Of numbers, each as often as `counts` says, once by default; squares beyond the doubles are infinite."""
        import numpy as np

        if len(values) == 0:
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            return cls._of(values, counts)

    @classmethod
    def _of(cls, values: np.ndarray, counts: np.ndarray | None) -> Moments:
        low, high = float(values.min()), float(values.max())
        if counts is None:
            count, mean = len(values), float(values.mean())
            apart = values - mean
            squares = float(apart @ apart)
        else:
            count = int(counts.sum())
            mean = float((values @ counts) / count)
            squares = float(((values - mean) ** 2) @ counts)
        return cls(count, min(max(mean, low), high), squares, low, high)

    def merge(self, other: Moments) -> Moments:
        """Of the numbers of both (Chan, Golub, LeVeque 1979, equations 2.1)."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.count / count)
        m2 = self.m2 + other.m2 + apart * apart * (self.count * other.count / count)
        low, high = min(self.min, other.min), max(self.max, other.max)
        return Moments(count, min(max(mean, low), high), m2, low, high)

    @property
    def std(self) -> float:
        """The standard deviation of a sample, with one degree of freedom less; NaN of fewer than two numbers."""
        return math.sqrt(self.m2 / (self.count - 1)) if self.count > 1 else math.nan


@dataclass(frozen=True, slots=True)
class Comoments:
    """How number columns vary together, each pair over the rows in which both have a finite number.

    Each matrix has a row and a column for each name, in their order; an entry is of the pair of both.

    Attributes
    ----------
    names : tuple of str
        The columns.
    counts : tuple of tuple of float
        Rows in which both have a number.
    means : tuple of tuple of float
        Mean of the row's column over those rows.
    squares : tuple of tuple of float
        Sum of the squared differences of the row's column from that mean.
    products : tuple of tuple of float
        Sum of the products of both differences.
    left_out : tuple of str
        Number columns beyond the `MOST` that are compared.
    """

    MOST: ClassVar[int] = 100

    names: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]
    means: tuple[tuple[float, ...], ...]
    squares: tuple[tuple[float, ...], ...]
    products: tuple[tuple[float, ...], ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: tuple[str, ...], columns: list[np.ndarray], left_out: tuple[str, ...] = ()) -> Comoments:
        """Of columns of one length, NaN or infinite where a row has no number."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            return cls._of(names, columns, left_out)

    @classmethod
    def _of(cls, names: tuple[str, ...], columns: list[np.ndarray], left_out: tuple[str, ...]) -> Comoments:
        import numpy as np

        values = np.column_stack(columns) if columns else np.empty((0, 0))
        there = np.isfinite(values)
        # Differences from one value of each column: sums of squares of large numbers would lose what tells them apart.
        near = np.array(
            [column[found][0] if found.any() else 0.0 for column, found in zip(values.T, there.T, strict=True)]
        )
        values = np.where(there, values - near, 0.0)
        if there.all():
            count = np.full((len(names), len(names)), float(len(values)))
            sums = np.repeat(values.sum(axis=0)[:, None], len(names), axis=1)
            both = values.T @ values
            own = np.repeat(both.diagonal()[:, None], len(names), axis=1)
        else:
            mask = there.astype(float)
            count, sums, both = mask.T @ mask, values.T @ mask, values.T @ values
            own = (values * values).T @ mask
        safe = np.maximum(count, 1)
        means = sums / safe
        squares = np.maximum(own - sums * means, 0.0)
        products = both - sums * means.T
        return cls(names, _told(count), _told(means + near[:, None]), _told(squares), _told(products), left_out)

    def merge(self, other: Comoments) -> Comoments:
        """Of the rows of both (Chan, Golub, LeVeque 1979, for pairs)."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            return self._merge(other)

    def _merge(self, other: Comoments) -> Comoments:
        import numpy as np

        n, m = np.array(self.counts), np.array(other.counts)
        total = np.maximum(n + m, 1)
        first, second = np.array(self.means), np.array(other.means)
        # A pair that has no row on one side has the mean of the other side.
        first, second = np.where(n == 0, second, first), np.where(m == 0, first, second)
        apart = second - first
        shared = n * m / total
        squares = np.array(self.squares) + np.array(other.squares) + apart * apart * shared
        products = np.array(self.products) + np.array(other.products) + apart * apart.T * shared
        means = first + apart * (m / total)
        return Comoments(self.names, _told(n + m), _told(means), _told(squares), _told(products), self.left_out)

    def without(self, names: Collection[str]) -> Comoments:
        """The same without some columns."""
        kept = [place for place, name in enumerate(self.names) if name not in names]
        if len(kept) == len(self.names):
            return self

        def left(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
            return tuple(tuple(matrix[row][place] for place in kept) for row in kept)

        counts, means, squares, products = map(left, (self.counts, self.means, self.squares, self.products))
        return Comoments(tuple(self.names[place] for place in kept), counts, means, squares, products, self.left_out)

    def correlations(self) -> np.ndarray:
        """Pearson's correlation of each pair; NaN where fewer than two rows, or a constant, tell nothing."""
        import numpy as np

        squares = np.array(self.squares)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found = np.array(self.products) / np.sqrt(squares * squares.T)
        found[np.array(self.counts) < 2] = np.nan
        clipped: np.ndarray = np.clip(found, -1.0, 1.0)
        return clipped


def _told(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())
