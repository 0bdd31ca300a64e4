"""Edges that no batch moves, so that histograms of parts add up to that of the whole.

Numbers: each power of two is cut into eight intervals of one width, to both sides of zero, from 2**-64 to 2**64; what
is nearer to zero is zero, what is farther is in the last interval. A bin is the upper bits of the double itself.
Instants: months of UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["counted", "lower_edge", "month_edge", "months", "number_bins"]

_PER_OCTAVE = 8
_OCTAVES = 64
_ZERO = 1023 * _PER_OCTAVE
_BOUND = _OCTAVES * _PER_OCTAVE


def number_bins(values: np.ndarray) -> np.ndarray:
    """The bin of each finite number: 0 for zero, else with the sign of the number, larger for larger ones."""
    import numpy as np

    bits = np.ascontiguousarray(values, np.float64).view(np.int64)
    size = ((bits >> 49) & 0x3FFF).astype(np.int32) - (_ZERO - _BOUND) + 1
    np.clip(size, 0, 2 * _BOUND, out=size)
    return np.where(bits < 0, -size, size)


def lower_edge(number: int) -> float:
    """The end of a bin that is nearer to zero, belonging to it; `lower_edge(n + 1)` is the other end for n > 0.

    Examples
    --------
    >>> [lower_edge(int(each)) for each in number_bins(__import__("numpy").array([0.0, 1.0, 1.2, -5.0]))]
    [0.0, 1.0, 1.125, -5.0]
    """
    if number == 0:
        return 0.0
    octave, step = divmod(abs(number) - 1 - _BOUND, _PER_OCTAVE)
    edge = 2.0**octave * (1 + step / _PER_OCTAVE)
    return edge if number > 0 else -edge


def months(micros: np.ndarray) -> np.ndarray:
    """The month of each instant, given in microseconds since 1970: 0 is January 1970."""
    import numpy as np

    return micros.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64).astype(np.int32)


def month_edge(number: int) -> float:
    """When a month begins, in microseconds since 1970."""
    import numpy as np

    return float(np.datetime64(number, "M").astype("datetime64[us]").astype(np.int64))


def counted(bins: np.ndarray, counts: np.ndarray | None = None) -> tuple[tuple[int, int], ...]:
    """How often each bin comes, in the order of the bins."""
    import numpy as np

    if len(bins) == 0:
        return ()
    low = int(bins.min())
    found = np.bincount(bins - low, None if counts is None else counts.astype(float))
    there = np.flatnonzero(found)
    return tuple(zip((there + low).tolist(), found[there].astype(np.int64).tolist(), strict=True))
