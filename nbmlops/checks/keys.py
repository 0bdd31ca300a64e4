"""Which columns together name each row once, and not by chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

__all__ = ["find_key"]

_WIDEST = 4
_TRIES = 400
_SAMPLE = 20_000
_CANDIDATES = 14
_CHANCE = 10.0
_FEWEST = 20


def find_key(table: CheckedTable, lazy: pl.LazyFrame, candidates: Sequence[str]) -> tuple[str, ...] | None:
    """Find the smallest set of `candidates` that is a key of `table`; None when there is none.

    A set whose values could by themselves tell the rows apart by accident is no evidence of a key:
    drawn at random from its ``n`` combinations, `rows` rows would share ``rows² / 2n`` of them (the
    birthday problem); fewer than ten expected, and the set is passed over.
    """
    import polars as pl

    rows = table.height()
    if rows < _FEWEST or not candidates:
        return None
    places = {name: f"c{table.names.index(name)}" for name in candidates}
    counted = lazy.select([pl.col(place).n_unique().alias(place) for place in places.values()]).collect(
        engine="in-memory"
    )
    distinct = {name: int(counted[place][0]) for name, place in places.items()}
    ordered = sorted((name for name in candidates if distinct[name] > 1), key=lambda name: -distinct[name])
    frames = [lazy.head(_SAMPLE).collect(engine="in-memory").lazy(), lazy]
    for size in range(1, _WIDEST + 1):
        for names in _likely(ordered[:_CANDIDATES], distinct, rows, size)[:_TRIES]:
            # Most sets are refused by the first rows already.
            if all(_is_key(frame, [places[name] for name in names]) for frame in frames):
                return tuple(sorted(names, key=table.names.index))
    return None


def _likely(ordered: Sequence[str], distinct: Mapping[str, int], rows: int, size: int) -> list[tuple[str, ...]]:
    found = []
    for names in itertools.combinations(ordered, size):
        combinations = math.prod(distinct[name] for name in names)
        if combinations >= rows and rows * rows / (2 * combinations) >= _CHANCE:
            found.append((combinations, names))
    # The fewest combinations first: the more shared ones chance would have made, the stronger the evidence.
    return [names for _, names in sorted(found, key=lambda each: each[0])]


def _is_key(lazy: pl.LazyFrame, places: Sequence[str]) -> bool:
    import polars as pl

    value = pl.col(places[0]) if len(places) == 1 else pl.struct(places)
    distinct, rows = (
        lazy.select(value.n_unique().alias("distinct"), pl.len().alias("rows")).collect(engine="in-memory").row(0)
    )
    return bool(distinct == rows)
