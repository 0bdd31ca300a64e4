"""The calibrated verdict on one column: a p-value that holds at any size, and how large the drift is.

A column becomes *cells* with two counts: of numbers, the intervals between about 500 quantiles of both samples, each
frequent value a cell of its own; of categories, the levels. If nothing has drifted, which rows are the current ones is
arbitrary. So each p-value is that of the permutation distribution: given all rows together, the current rows are drawn
from them. It needs neither a shape of the values nor the same size of the samples, and ties make no difference.

Numbers. ``shift``: the mean of the current rows' normal scores (van der Waerden 1952; a cell's score is the normal
quantile of its middle rank), whose permutation mean and variance are known in closed form; for a normal column no test
finds a moved mean more often. ``shape``: Pearson's statistic over up to 12 groups of cells, so scaled that its
permutation mean is its degrees of freedom. The two are combined by the Cauchy combination (Liu & Xie 2020), three to
one. Categories: Pearson's statistic over the levels, those of which fewer than two rows of the smaller sample are
expected taken together; of two levels, Fisher's exact test with the mid-p-value (Lancaster 1961).

Effects. Of numbers the area between the distribution functions on the axis of normal scores, in standard deviations: a
normal column that moves by half of one has 0.5. Of categories the share of rows that would have to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.distances import total_variation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = [
    "ALPHA",
    "Compared",
    "adjusted",
    "compare_categories",
    "compare_cells",
    "compare_numbers",
    "found_in_nine_of_ten",
]

ALPHA = 0.01
"""Share of columns that have not drifted and are called drifted, each looked at alone."""
RATE = 0.04
"""Share of wrong ones among the columns of a table that are called drifted (Benjamini & Hochberg 1995)."""
_CELLS = 256
_GROUPS = 12
_SMALL = 5.0
_FEW = 2.0
_MANY = 30.0
_WEIGHTS = (0.75, 0.25)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two samples of one column, compared.

    Attributes
    ----------
    p : float
        Probability of a difference as large, or larger, if nothing had drifted.
    effect : float
        How large the difference is: of numbers in standard deviations, of categories as a share of rows.
    direction : float
        Of numbers, the difference of the mean normal scores: above 0 where the current values are larger.
    """

    p: float
    effect: float
    direction: float = 0.0


def compare_numbers(reference: Any, current: Any) -> Compared:
    """Compare numbers: arrays of shapes ``(m,)`` and ``(n,)``, sorted, without NaN, both with at least one value."""
    import numpy as np

    edges = np.unique(np.concatenate((_quantiles(reference), _quantiles(current))))
    before, after = (np.diff(np.searchsorted(each, edges, "right"), prepend=0) for each in (reference, current))
    return compare_cells(before, after)


def compare_cells(before: Any, after: Any) -> Compared:
    """Compare counts by cell, arrays of shape ``(k,)`` for the same cells in order, neither all 0."""
    import numpy as np
    from scipy.special import ndtri
    from scipy.stats import norm

    pooled = before + after
    there = pooled > 0
    before, after, pooled = before[there], after[there], pooled[there].astype(np.float64)
    if len(pooled) == 1:
        return Compared(1.0, 0.0)
    total, size = pooled.sum(), float(after.sum())
    ends = np.cumsum(pooled)
    scores = ndtri((ends - pooled / 2) / total)
    centre = pooled @ scores / total
    moved = float(after @ scores / size - before @ scores / (total - size))
    spread = (total - size) / (total - 1) / size * (pooled @ (scores - centre) ** 2 / total)
    shift = (after @ scores / size - centre) / np.sqrt(spread)
    groups = _groups(pooled, min(size, total - size))
    first = np.add.reduceat(before, groups).astype(np.float64)
    second = np.add.reduceat(after, groups).astype(np.float64)
    p = _homogeneous(first, second)
    if len(pooled) > 2:
        p = _combined((2 * float(norm.sf(abs(shift))), p))
    differ = np.abs(np.cumsum(before) / (total - size) - np.cumsum(after) / size)[:-1]
    return Compared(p, float(differ @ np.diff(scores)), moved)


def _quantiles(values: Array) -> Array:
    """Up to about 256 values at even ranks of a sorted sample, its last among them."""
    import numpy as np

    places = np.unique(np.linspace(0, len(values) - 1, min(len(values), _CELLS)).astype(np.intp))
    return values[places]


def _groups(pooled: Array, least: float) -> Any:
    """Where groups of cells begin that hold about as many rows each, of which some five are of the smaller sample."""
    import numpy as np

    wanted = int(min(_GROUPS, max(2, least // _SMALL)))
    ends = np.cumsum(pooled)
    starts = np.searchsorted(ends, ends[-1] * np.arange(1, wanted) / wanted, "left") + 1
    starts = np.unique(np.concatenate(([0], starts)))
    return starts[starts < len(pooled)]


def _homogeneous(before: Array, after: Array) -> float:
    """P-value of Pearson's statistic of two lists of counts, by its permutation distribution."""
    from scipy.stats import chi2

    pooled = before + after
    total, size = pooled.sum(), after.sum()
    if len(pooled) < 2:
        return 1.0
    expected = pooled * (size / total)
    if len(pooled) == 2:
        return _mid_p(before, after)
    statistic = float(((after - expected) ** 2 / expected).sum() * (total - 1) / (total - size))
    return float(chi2.sf(statistic, len(pooled) - 1))


def _mid_p(before: Array, after: Array) -> float:
    """Fisher's exact test of two levels, two-sided by probability, with half the weight of what is as likely."""
    import numpy as np
    from scipy.stats import hypergeom, norm

    pooled = before + after
    total, size, first = int(pooled.sum()), int(after.sum()), int(pooled[0])
    if min(size, total - size) / total * pooled.min() > _MANY:
        share = pooled[0] / total
        spread = np.sqrt(share * (1 - share) * size * (total - size) / (total - 1))
        return float(2 * norm.sf(abs(after[0] - size * share) / spread))
    possible = np.arange(max(0, size + first - total), min(size, first) + 1)
    likely = hypergeom.pmf(possible, total, first, size)
    own = hypergeom.pmf(int(after[0]), total, first, size)
    same = np.isclose(likely, own, rtol=1e-9)
    return float(min(1.0, likely[(likely < own) & ~same].sum() + likely[same].sum() / 2))


def _combined(parts: Sequence[float]) -> float:
    """One p-value of two that may hang together."""
    import numpy as np

    least = np.clip(parts, 1e-300, 1 - 1e-12)
    tangents = np.where(least < 1e-15, 1 / (least * np.pi), np.tan((0.5 - least) * np.pi))
    statistic = float(np.dot(_WEIGHTS, tangents))
    return float(1 / (statistic * np.pi)) if statistic > 1e15 else float(0.5 - np.arctan(statistic) / np.pi)


def compare_categories(reference: Any, current: Any) -> Compared:
    """Compare counts by level, arrays of shape ``(k,)`` for the same levels, neither all 0."""
    import numpy as np

    before, after = (np.asarray(each, np.float64) for each in (reference, current))
    there = before + after > 0
    before, after = before[there], after[there]
    if len(before) == 1:
        return Compared(1.0, 0.0)
    effect = total_variation(before, after)
    pooled = before + after
    order = np.argsort(pooled)
    expected = pooled[order] * (min(before.sum(), after.sum()) / pooled.sum())
    few = int((expected < _FEW).sum())
    few += bool(few and expected[:few].sum() < _FEW)
    if 1 < few < len(pooled):
        rare, rest = order[:few], order[few:]
        before = np.append(before[rest], before[rare].sum())
        after = np.append(after[rest], after[rare].sum())
    return Compared(_homogeneous(before, after), effect)


def adjusted(values: Sequence[float]) -> list[float]:
    """P-values after Benjamini & Hochberg: the rate of wrong ones if all that are no larger were called drifted.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    import numpy as np

    if not len(values):
        return []
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(values), 0, -1)
    found = np.empty(len(values))
    found[order] = np.minimum.accumulate(np.asarray(values)[order] * len(values) / ranks)
    return [float(min(1.0, each)) for each in found]


def found_in_nine_of_ten(before: int, after: int) -> float:
    """How far a normal column has to move, in standard deviations, to be called drifted in nine of ten cases.

    ``(z(1 - 0.01/2) + z(0.9)) √(1/m + 1/n)``, of the best test there is.
    """
    from scipy.stats import norm

    if not before or not after:
        return inf
    return float((norm.isf(ALPHA / 2) + norm.isf(0.1)) * (1 / before + 1 / after) ** 0.5)
