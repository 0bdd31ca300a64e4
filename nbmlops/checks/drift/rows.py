"""Rows of both tables as numbers, for what looks at several columns at once: the same columns, levels by one code.

Of large tables some rows are looked at, drawn with a seed. Levels are numbered by how often they come in both tables
together, so that no code tells which table a row is of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.frames import is_text
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from nbmlops.checks.frames import CheckedTable

    Array = npt.NDArray[np.float64]

__all__ = ["ROWS", "TIMES", "Rows", "drawn", "rows_of"]

ROWS = 20_000
"""How many rows of each table are looked at, at most."""
TIMES = 10
"""How many times as many rows as the smaller table has are looked at of the larger one; more tell next to nothing."""
_SEED = 20_261_127


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of both tables.

    Attributes
    ----------
    names : tuple of str
        The columns.
    levels : tuple
        For each column its levels by code, the most frequent first; None for numbers.
    before, after : array of float64, shape (m, columns) and (n, columns)
        Numbers and codes; NaN where a value is missing or infinite.
    all_before, all_after : int
        How many rows the tables have.
    left_out : mapping of str to str
        Columns that are not among them -> why.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]
    before: Array
    after: Array
    all_before: int
    all_after: int
    left_out: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """What was not looked at, in phrases."""
        told = []
        if len(self.before) < self.all_before or len(self.after) < self.all_after:
            shown = [
                f"{len(own):,} of {rows:,}"
                for own, rows in ((self.before, self.all_before), (self.after, self.all_after))
            ]
            told.append(f"on {shown[0]} rows and {shown[1]}, drawn with a seed")
        reasons: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            reasons.setdefault(why, []).append(name)
        for why, names in reasons.items():
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            told.append(f"without {', '.join(names[:5])}{more}, {why}")
        return told


def drawn(size: int, rows: int, which: int) -> Any:
    """Positions of `size` of `rows` rows, in order, always the same; `which` tells apart who draws."""
    import numpy as np

    if rows <= size:
        return np.arange(rows)
    return np.sort(np.random.default_rng([_SEED, which, rows]).choice(rows, size, replace=False, shuffle=False))


def rows_of(reference: CheckedTable, current: CheckedTable, columns: Sequence[str]) -> Rows:
    """Read the columns that can be compared jointly, and say of the others why not.

    Left out are dates and times, which move on by themselves, what has no value in one of both tables, one value in
    both, another type or no type that can be told.

    Raises
    ------
    InvalidError
        When a table has no rows.
    """
    import numpy as np

    counts = reference.height(), current.height()
    for rows, words in zip(counts, ("reference", "current table"), strict=True):
        if not rows:
            raise InvalidError(f"the {words} has no rows")
    most = min(ROWS, TIMES * min(counts))
    places = [drawn(most, rows, which) for which, rows in enumerate(counts)]
    names, levels, sides, left_out = list[str](), list[Any](), list[Any](), dict[str, str]()
    for name in columns:
        try:
            pair = [_taken(table, name, place) for table, place in zip((reference, current), places, strict=True)]
            own, both = _as_numbers(*pair)
        except InvalidError as error:
            left_out[name] = error.message
            continue
        names.append(name)
        levels.append(own)
        sides.append(both)
    before, after = (
        np.column_stack([both[side] for both in sides]) if sides else np.empty((len(places[side]), 0))
        for side in (0, 1)
    )
    return Rows(tuple(names), tuple(levels), before, after, *counts, left_out)


def _taken(table: CheckedTable, name: str, places: Any) -> pl.Series:
    import polars as pl

    lazy = table.frame((name,))
    (dtype,) = lazy.collect_schema().dtypes()
    if dtype.is_temporal():
        raise InvalidError("times move on")
    if not (dtype.is_numeric() or is_text(dtype) or dtype in (pl.Boolean, pl.Null)):
        raise InvalidError("which hold no numbers, texts or truth values")
    series = lazy.collect(engine="streaming" if table.streaming else "in-memory").to_series()
    return series.gather(places)


def _as_numbers(before: pl.Series, after: pl.Series) -> tuple[tuple[str, ...] | None, tuple[Array, Array]]:
    """The levels, if it is no column of numbers, and the values of both sides.

    Raises
    ------
    InvalidError
        Says in words that follow the column's name why it cannot be compared.
    """
    import numpy as np

    numeric = [one.dtype.is_numeric() for one in (before, after)]
    levels: tuple[str, ...] | None = None
    if any(one.null_count() == len(one) for one in (before, after)):
        raise InvalidError("which have no value in one of both")
    if numeric[0] != numeric[1]:
        raise InvalidError("which are of another type now")
    if numeric[0]:
        both = tuple(_finite(one) for one in (before, after))
    else:
        levels, both = _coded(before, after)
    if any(np.isnan(one).all() for one in both):
        raise InvalidError("which have no value in one of both")
    pooled = np.concatenate(both)
    if not np.isnan(pooled).any() and (pooled == pooled[0]).all():
        raise InvalidError("which have one value in both")
    return levels, (both[0], both[1])


def _finite(series: pl.Series) -> Array:
    import numpy as np
    import polars as pl

    values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _coded(before: pl.Series, after: pl.Series) -> tuple[tuple[str, ...], tuple[Array, Array]]:
    import polars as pl

    texts = [one.cast(pl.String) for one in (before, after)]
    counted = pl.concat(texts).drop_nulls().alias("level").value_counts()
    levels = counted.sort(["count", "level"], descending=[True, False])["level"]
    codes = pl.Series(range(len(levels)), dtype=pl.Float64)
    both = [one.replace_strict(levels, codes, default=None, return_dtype=pl.Float64) for one in texts]
    first, second = (one.fill_null(float("nan")).to_numpy() for one in both)
    return tuple(levels.to_list()), (first, second)
