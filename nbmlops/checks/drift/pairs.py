"""Correlation shift: which pairs of columns hang together otherwise than before.

Numbers stand for themselves, a level for whether a row has it: so two categories are compared level by level. Cramér's
V would not do: it is above 0 by chance, the more so the fewer rows, and stays the same when levels change partners.

The rows of each table are dealt into blocks of one size, about the root of the rows of the smaller table, and in each
block Spearman's rank correlation of each pair is taken, of the rows that have both values. Ranks are those within the
block, so a column that moves by itself changes nothing. Where nothing has drifted, which blocks are the current ones is
arbitrary. So for 999 draws of as many blocks the difference of the mean correlations is taken, of each pair in its
standard deviation over all blocks, and the largest of all pairs is kept (the single-step maxT of Westfall & Young
1993). The p-value of a pair is the share of draws, with its own, whose largest is no smaller (Phipson &
Smyth 2010): it holds for all pairs together, however they hang together among themselves, and exactly at any size.

Pairs whose correlations lie in so few blocks that any of them alone could be the largest are not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.rows import TIMES, Rows
from nbmlops.checks.drift.verdict import ALPHA

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["COLUMNS", "Pair", "Shifted", "Side", "correlation", "scores_of", "shifted"]

COLUMNS = 300
"""How many columns are compared in pairs, at most: their number grows with the square."""
_SCORES, _LEVELS, _SHARE = 400, 12, 0.05
_DRAWS, _BLOCKS, _LEAST = 999, 100, 5
_TOGETHER = 8_192
_UNEVEN = 2.0
_SEED = 11


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: a column of numbers, or a level of a column; `code` is its place among the levels."""

    place: int
    code: int | None = None

    def of(self, rows: Array) -> Array:
        """Its numbers, NaN where there is none."""
        import numpy as np

        own = rows[:, self.place]
        return own if self.code is None else np.where(np.isnan(own), np.nan, own == self.code)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides, and the probability of a difference as large in any pair if nothing had drifted."""

    one: Side
    other: Side
    p: float
    standard: float


@dataclass(frozen=True, slots=True)
class Shifted:
    """What all pairs show.

    Attributes
    ----------
    pairs : tuple of Pair
        Those that hang together otherwise, what is farthest from chance first; at least one where any was judged.
    judged, rare : int
        How many pairs were compared, and how many have too few rows that count.
    found : float
        Which change of a correlation would be found in nine of ten cases.
    """

    pairs: tuple[Pair, ...]
    judged: int
    rare: int
    found: float


def scores_of(rows: Rows) -> list[Side]:
    """What is compared: numbers, and the most frequent levels that at least 5% of rows have and not all but 5%."""
    import numpy as np

    places = range(min(len(rows.names), COLUMNS))
    texts = [place for place in places if rows.levels[place] is not None]
    most = min(_LEVELS, max(1, (_SCORES - len(places) + len(texts)) // max(1, len(texts))))
    found = []
    for place in places:
        levels = rows.levels[place]
        if levels is None:
            found.append(Side(place))
            continue
        pooled = np.concatenate((rows.before[:, place], rows.after[:, place]))
        # Of two levels, one tells all.
        codes = range(1 if len(levels) == 2 else 0, min(most, len(levels)))
        found += [Side(place, code) for code in codes if _SHARE <= (pooled == code).mean() <= 1 - _SHARE]
    return found


def shifted(rows: Rows, sides: list[Side]) -> Shifted | None:
    """Compare all pairs of sides that are not of one column; None where there is no pair."""
    import numpy as np

    first, second = np.triu_indices(len(sides), 1)
    columns = np.array([side.place for side in sides])
    apart = columns[first] != columns[second]
    first, second = first[apart], second[apart]
    if not len(first):
        return None
    size, counts = _sizes(len(rows.before), len(rows.after))
    blocks = [
        _correlations(own, sides, size, count, (first, second))
        for own, count in zip((rows.before, rows.after), counts, strict=True)
    ]
    pooled = np.concatenate(blocks)
    pooled -= pooled.mean(axis=0)
    spread = np.sqrt((pooled**2).mean(axis=0))
    there = spread > 1e-6
    pooled[:, there] /= spread[there]
    # The fourth moment says how few blocks hold it all; it does not know which of them are the current ones.
    fourth = (pooled**4).mean(axis=0)
    judged = there & ((fourth - 3) / min(counts) <= _UNEVEN)
    rare = int((~judged).sum())
    if not judged.any():
        return Shifted((), 0, rare, 1.0)
    observed, most = _largest(pooled[:, judged], counts)
    ordered = np.sort(most)
    least = np.abs(observed) * (1 - 1e-5)
    p = (1 + len(most) - np.searchsorted(ordered, least, "left")) / (1 + len(most))
    names = np.flatnonzero(judged)
    order = np.argsort(-np.abs(observed), kind="stable")
    kept = [each for place, each in enumerate(order) if p[each] <= ALPHA or place == 0]
    pairs = [
        Pair(sides[first[names[each]]], sides[second[names[each]]], float(p[each]), float(observed[each]))
        for each in kept
    ]
    unit = float(np.median(spread[judged])) * (1 / counts[0] + 1 / counts[1]) ** 0.5
    found = (float(ordered[int(len(ordered) * (1 - ALPHA))]) + 1.2816) * unit
    return Shifted(tuple(pairs), int(judged.sum()), rare, found)


def _sizes(before: int, after: int) -> tuple[int, tuple[int, int]]:
    """How many rows a block has, and how many blocks each table."""
    least = min(before, after)
    size = max(_LEAST, round(least**0.5), least // _BLOCKS)
    most = TIMES * (least // size)
    return size, (min(before // size, most), min(after // size, most))


def _correlations(rows: Array, sides: list[Side], size: int, count: int, pairs: tuple[Any, Any]) -> Any:
    """Rank correlation of each pair in each block, float32 of shape ``(count, pairs)``; 0 where there is none."""
    import numpy as np
    from scipy.stats import rankdata

    dealt = np.random.default_rng([_SEED, len(rows)]).permutation(len(rows))[: size * count]
    values = np.column_stack([side.of(rows[dealt]) for side in sides]).reshape(count, size, len(sides))
    missing = np.isnan(values)
    # Missing values rank last, so the ranks of the others are their own.
    ranks = rankdata(np.where(missing, np.inf, values), axis=1)
    ranks[missing] = 0.0
    there = (~missing).astype(np.float64)
    middle = ranks.sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=1, keepdims=True), 1.0)
    centred = np.where(missing, 0.0, ranks - middle)
    found = np.zeros((count, len(pairs[0])), np.float32)
    for own, block, known in zip(found, centred, there, strict=True):
        common = (block**2).T @ known
        spread = np.sqrt(common * common.T)[pairs]
        np.divide((block.T @ block)[pairs], spread, out=own, where=spread > 0, casting="same_kind")
    return found


def _largest(pooled: Any, counts: tuple[int, int]) -> tuple[Any, Any]:
    """The difference of each pair, and of each draw the largest of all pairs; in standard deviations."""
    import numpy as np

    current = np.repeat(np.array([0, 1], np.float32), counts)
    drawn = np.random.default_rng([_SEED, *counts]).permuted(np.tile(current, (_DRAWS, 1)), axis=1)
    chosen = np.vstack((current, drawn))
    scale = (1 / counts[0] + 1 / counts[1]) ** 0.5
    observed, most = np.empty(pooled.shape[1]), np.zeros(_DRAWS)
    for start in range(0, pooled.shape[1], _TOGETHER):
        part = slice(start, start + _TOGETHER)
        differences = chosen @ pooled[:, part] * scale
        observed[part] = differences[0]
        np.maximum(most, np.abs(differences[1:]).max(axis=1), out=most)
    return observed, most


def correlation(one: Array, other: Array) -> float | None:
    """Spearman's correlation of the rows that have both values; None where there is none."""
    import numpy as np
    from scipy.stats import spearmanr

    both = ~(np.isnan(one) | np.isnan(other))
    one, other = one[both], other[both]
    if len(one) < 2 or (one == one[0]).all() or (other == other[0]).all():
        return None
    return float(spearmanr(one, other).statistic)
