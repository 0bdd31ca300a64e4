"""Summaries of many values in little space: quantiles, distinct values, frequent items. All of them merge.

Quantiles are the KLL sketch of Apache DataSketches (Karnin, Lang, Liberty 2016). Its Python package counts distinct
values one by one only, at a hundred nanoseconds each; so those are counted here by the smallest hashes (Bar-Yossef and
others 2002), which numpy finds many at a time, and whose merge is exact. Frequent items are the mergeable summary of
Misra and Gries (Agarwal and others 2012).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "HASHES",
    "RANK_ERROR",
    "added",
    "count_distinct",
    "items",
    "merge_hashes",
    "merge_items",
    "merge_quantiles",
    "quantile_sketch",
    "smallest",
]

_K = 200
RANK_ERROR = 0.0133
"""How far the rank of a quantile may be off, as a share of the rows, in 99 of 100 cases: KLL with k = 200."""
HASHES = 256
"""Hashes that are kept; the standard error of the number of distinct values is 1 / sqrt(HASHES - 2), or 6.3 %."""


def quantile_sketch(values: np.ndarray, counts: np.ndarray | None = None) -> bytes:
    """Summarise numbers, each as often as `counts` says.

    Values that come several times enter by powers of two: a sketch that is merged with itself holds each twice.
    """
    import datasketches
    import numpy as np

    if counts is None:
        sketch = datasketches.kll_doubles_sketch(_K)
        sketch.update(np.ascontiguousarray(values, np.float64))
        return bytes(sketch.serialize())
    sketch = datasketches.kll_doubles_sketch(_K)
    for bit in reversed(range(int(counts.max(initial=0)).bit_length())):
        if not sketch.is_empty():
            sketch.merge(datasketches.kll_doubles_sketch.deserialize(sketch.serialize()))
        sketch.update(np.ascontiguousarray(values[(counts >> bit) & 1 == 1], np.float64))
    return bytes(sketch.serialize())


def merge_quantiles(first: bytes, second: bytes) -> bytes:
    """The summary of the numbers of both."""
    import datasketches

    sketch = datasketches.kll_doubles_sketch.deserialize(first)
    sketch.merge(datasketches.kll_doubles_sketch.deserialize(second))
    return bytes(sketch.serialize())


def smallest(hashes: np.ndarray) -> bytes:
    """The smallest distinct hashes, in order, as little-endian words of 64 bits."""
    import numpy as np

    if len(hashes) > 64 * HASHES:
        # Most are far too large: of so many hashes the smallest ones lie below this unless most are equal.
        bound = np.uint64((1 << 64) // len(hashes) * 8 * HASHES)
        few = np.unique(hashes[hashes < bound])
        if len(few) >= HASHES:
            return few[:HASHES].astype("<u8").tobytes()
    return np.unique(hashes)[:HASHES].astype("<u8").tobytes()


def merge_hashes(first: bytes, second: bytes) -> bytes:
    """The smallest distinct hashes of both; exactly those of the whole."""
    import numpy as np

    return smallest(np.concatenate([np.frombuffer(each, "<u8") for each in (first, second)]))


def count_distinct(hashes: bytes) -> float:
    """About how many distinct values gave the smallest hashes (Beyer and others 2007, the unbiased estimator)."""
    import numpy as np

    kept = np.frombuffer(hashes, "<u8")
    return float(len(kept)) if len(kept) < HASHES else (HASHES - 1) / (float(kept[-1]) / 2.0**64)


def items(pairs: Iterable[tuple[Any, int]], most: int) -> tuple[tuple[tuple[Any, int], ...], int]:
    """The most frequent of some values, and by how much at most each count may be too low.

    Counts beyond `most` are taken off all: what comes more often than that is kept.
    """
    ordered = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    less = ordered[most][1] if len(ordered) > most else 0
    return tuple((value, count - less) for value, count in ordered[:most] if count > less), less


def merge_items(
    first: Iterable[tuple[Any, int]], second: Iterable[tuple[Any, int]], most: int
) -> tuple[tuple[tuple[Any, int], ...], int]:
    """The most frequent values of both; the bounds of both and the one given here add up."""
    return items(added(first, second), most)


def added(first: Iterable[tuple[Any, int]], second: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Counts of both by value."""
    total = dict(first)
    for value, count in second:
        total[value] = total.get(value, 0) + count
    return list(total.items())
