"""Quantiles and ranks of a column, from its counts or from its sketch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.profiling.sketches import RANK_ERROR

if TYPE_CHECKING:
    import numpy as np

__all__ = ["heavy", "quantile", "rank"]


def quantile(counts: Sequence[tuple[Any, int]] | None, sketch: bytes | None, share: float | np.ndarray) -> Any:
    """Values below or at which shares of the numbers lie: the inverse of the distribution function, left-continuous."""
    import numpy as np

    shares = np.asarray(share, float)
    if counts:
        values, times = (np.array(each, float) for each in zip(*counts, strict=True))
        below = np.cumsum(times)
        place = np.searchsorted(below, shares * below[-1] * (1 - 1e-15), side="left")
        found = values[np.minimum(place, len(values) - 1)]
    elif sketch is not None and not (opened := _opened(sketch)).is_empty():
        found = np.array([opened.get_quantile(float(each), True) for each in shares.ravel()]).reshape(shares.shape)
    else:
        found = np.full(shares.shape, np.nan)
    return float(found) if np.ndim(share) == 0 else found


def rank(counts: Sequence[tuple[Any, int]] | None, sketch: bytes | None, values: np.ndarray) -> np.ndarray:
    """The share of the numbers that is at most each of some values."""
    import numpy as np

    asked = np.asarray(values, float)
    if counts:
        known, times = (np.array(each, float) for each in zip(*counts, strict=True))
        below = np.concatenate([[0.0], np.cumsum(times)])
        shares: np.ndarray = below[np.searchsorted(known, asked, side="right")] / below[-1]
        return shares
    if sketch is not None and not (opened := _opened(sketch)).is_empty():
        found = [opened.get_rank(float(each), True) for each in asked.ravel()]
        return np.array(found).reshape(asked.shape)
    return np.full(asked.shape, np.nan)


def heavy(sketch: bytes, count: int) -> tuple[tuple[float, int], ...]:
    """Numbers that come more often than a sketch may err, by its own estimate, the most frequent first."""
    opened, weights = _opened(sketch), {}
    if opened.is_empty():
        return ()
    shares = [place / 64 for place in range(65)]
    candidates = {opened.get_quantile(share, True) for share in shares}
    for value in candidates:
        weights[value] = opened.get_rank(value, True) - opened.get_rank(value, False)
    found = [(value, round(share * count)) for value, share in weights.items() if share > 2 * RANK_ERROR]
    return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))


def _opened(sketch: bytes) -> Any:
    import datasketches

    return datasketches.kll_doubles_sketch.deserialize(sketch)
