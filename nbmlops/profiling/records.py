"""What is known of a table and of each column of it, and how what is known of parts becomes that of the whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.profiling import hashing, quantiles, sketches
from nbmlops.profiling.moments import Comoments, Moments
from nbmlops.profiling.personal.signs import NO_SIGNS, Signs, merge_signs

if TYPE_CHECKING:
    import numpy as np

__all__ = ["EXACT", "FREQUENT", "PATTERNS", "ColumnProfile", "Kind", "Pairs", "Profile"]

Kind = Literal["number", "time", "boolean", "text", "other", "nothing"]
EXACT = 1_024
"""Distinct values of a column that are counted one by one; of more there are summaries."""
FREQUENT = 128
"""Texts that are followed when there are more than that."""
PATTERNS = 32
"""Patterns of text that are followed."""

Pairs = tuple[tuple[Any, int], ...]
_NO_MOMENTS = Moments()


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column holds.

    Attributes
    ----------
    name : str
        Its name.
    kind : {"number", "time", "boolean", "text", "other", "nothing"}
        What is told of it. Times are in microseconds since 1970, UTC; a boolean is 0 or 1; of ``other`` columns, such
        as lists, nulls are counted; ``nothing`` has only nulls, and goes with any kind.
    type : str
        Its type in Arrow's words; several, parted by ``|``, where parts had several.
    rows, nulls, nan, above, below : int
        All rows; those that are null, NaN, plus and minus infinity.
    moments : Moments
        Of its finite numbers or instants; of text, of its lengths in characters.
    counts : tuple of (value, int), optional
        How often each value comes, by value; None when more than `EXACT` values came.
    sketch : bytes, optional
        When there is no `counts`: the KLL sketch of the numbers.
    hashes : bytes, optional
        When there is no `counts`: the smallest hashes of the values.
    bins : tuple of (int, int)
        The histogram of the numbers on the fixed edges of `lattice`: bin and count.
    common : tuple of (str, int)
        When there is no `counts`: texts that come often.
    missed : int
        By how much at most a count in `common` is too low.
    patterns : tuple of (str, int)
        Shapes of the text, such as ``A9`` for ``N14228``: runs of capitals, small letters and digits are one sign each.
    patterns_missed : int
        By how much at most a count in `patterns` is too low.
    signs : Signs
        Of which kinds of personal data some of its values are: `personal.signs`.
    personal : str
        The kind of personal data that it holds, when its values were masked or left out: `personal.masking`.
    told : float, optional
        How many distinct values it has, when those that are kept do not tell; NaN when nothing does.
    """

    name: str
    kind: Kind
    type: str
    rows: int
    nulls: int = 0
    nan: int = 0
    above: int = 0
    below: int = 0
    moments: Moments = _NO_MOMENTS
    counts: Pairs | None = None
    sketch: bytes | None = None
    hashes: bytes | None = None
    bins: tuple[tuple[int, int], ...] = ()
    common: Pairs = ()
    missed: int = 0
    patterns: Pairs = ()
    patterns_missed: int = 0
    signs: Signs = NO_SIGNS
    personal: str = ""
    told: float | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether it has numbers, or instants as numbers."""
        return self.kind in {"number", "time", "boolean"}

    @property
    def valid(self) -> int:
        """Values that are neither null, NaN nor infinite."""
        return self.rows - self.nulls - self.nan - self.above - self.below

    @property
    def distinct(self) -> float:
        """How many distinct values: exact when they are counted, else within 6.3 % (one standard error)."""
        if self.told is not None:
            return self.told
        if self.counts is not None:
            return float(len(self.counts))
        return sketches.count_distinct(self.hashes) if self.hashes else math.nan

    @property
    def frequent(self) -> Pairs:
        """Values that come often, the most frequent first; of numbers that are not counted, those of the sketch.

        A count of the sketch is within `2 * RANK_ERROR` of all rows; only what is above that is told.
        """
        if self.counts is not None:
            return tuple(sorted(self.counts, key=lambda pair: (-pair[1], pair[0])))
        if self.sketch is None:
            return self.common
        return quantiles.heavy(self.sketch, self.valid)

    def quantile(self, share: float | np.ndarray) -> Any:
        """Values below or at which a share of the numbers lies: exact when they are counted.

        Else the share that really lies there is within `sketches.RANK_ERROR` of the one asked for. NaN without numbers.
        """
        return quantiles.quantile(self.counts, self.sketch, share)

    def rank(self, values: np.ndarray) -> np.ndarray:
        """The share of the numbers that is at most each value, between 0 and 1; NaN without numbers."""
        return quantiles.rank(self.counts, self.sketch, values)

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Of the rows of both.

        Raises
        ------
        InvalidError
            When they are of unlike names or kinds.
        """
        first, second = self, other
        if first.name != second.name or first.kind != second.kind:
            if first.name != second.name or "nothing" not in {first.kind, second.kind}:
                raise InvalidError(
                    f"the column {first.name!r} of {first.kind} does not go with {second.name!r} of {second.kind}",
                    hint="merge profiles of tables with the same columns, each of the same type",
                )
            full, empty = (first, second) if second.kind == "nothing" else (second, first)
            return replace(full, rows=full.rows + empty.rows, nulls=full.nulls + empty.nulls)
        if personal := first.personal or second.personal:
            from nbmlops.profiling.personal.masking import mask_column

            first, second = mask_column(first, personal), mask_column(second, personal)
        types = sorted({*first.type.split("|"), *second.type.split("|")})
        sums = {key: getattr(first, key) + getattr(second, key) for key in ("rows", "nulls", "nan", "above", "below")}
        merged = replace(first, **sums, type="|".join(types), moments=first.moments.merge(second.moments))
        return _with_values(merged, first, second)


def _with_values(merged: ColumnProfile, first: ColumnProfile, second: ColumnProfile) -> ColumnProfile:
    patterns, lost = sketches.merge_items(first.patterns, second.patterns, PATTERNS)
    bins = tuple(sorted(sketches.added(first.bins, second.bins)))
    merged = replace(
        merged,
        bins=bins,
        patterns=patterns,
        patterns_missed=first.patterns_missed + second.patterns_missed + lost,
        signs=merge_signs([first.signs, second.signs]),
        told=None if first.told is None and second.told is None else math.nan,
    )
    if first.kind in {"other", "nothing"}:
        return merged
    if first.counts is not None and second.counts is not None:
        counts = tuple(sorted(sketches.added(first.counts, second.counts)))
        if len(counts) <= EXACT:
            return replace(merged, counts=counts)
    first, second = _summarised(first), _summarised(second)
    sketch = hashes = None
    if first.sketch is not None and second.sketch is not None:
        sketch = sketches.merge_quantiles(first.sketch, second.sketch)
    common, lost = sketches.merge_items(first.common, second.common, FREQUENT)
    if first.hashes is not None and second.hashes is not None:
        hashes = sketches.merge_hashes(first.hashes, second.hashes)
    missed = first.missed + second.missed + lost
    return replace(merged, counts=None, sketch=sketch, hashes=hashes, common=common, missed=missed)


def _summarised(column: ColumnProfile) -> ColumnProfile:
    """The column with summaries in the place of its counts, if it has counts."""
    if column.counts is None:
        return column
    import numpy as np

    if column.is_numeric:
        values = np.array([value for value, _ in column.counts], np.float64)
        times = np.array([count for _, count in column.counts], np.int64)
        hashes = sketches.smallest(hashing.hash_numbers(hashing.number_bits(values)))
        return replace(column, counts=None, sketch=sketches.quantile_sketch(values, times), hashes=hashes)
    common, missed = sketches.items(column.counts, FREQUENT)
    if column.personal:  # a hash of few signs tells them
        return replace(column, counts=None, common=common, missed=missed)
    hashes = sketches.smallest(hashing.hash_texts([value for value, _ in column.counts]))
    return replace(column, counts=None, hashes=hashes, common=common, missed=missed)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a table holds, column by column.

    Attributes
    ----------
    rows : int
        Its rows.
    columns : tuple of ColumnProfile
        Its columns, in its order.
    comoments : Comoments
        How its first number columns vary together; the others are in its `left_out`.
    of : str
        What it is of, as ``flights@v3``; empty for a table in memory.
    digest : str
        The digest of the version that it is of; empty for any other table.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    comoments: Comoments
    of: str = ""
    digest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ColumnProfile:
        """One column.

        Raises
        ------
        NotFoundError
            When there is none of that name.
        """
        for column in self.columns:
            if column.name == name:
                return column
        known = [column.name for column in self.columns]
        raise NotFoundError(f"the profile has no column {name!r}", hint=nearest(name, known) or None)

    def merge(self, other: Profile) -> Profile:
        """Of the rows of both; neither order nor grouping of merges matters but for rounding and within the sketches.

        Raises
        ------
        InvalidError
            When they have unlike columns.
        """
        own, others = ([column.name for column in one.columns] for one in (self, other))
        if own != others:
            unlike = sorted({*own} ^ {*others})
            what = f"{', '.join(map(repr, unlike[:5]))} on one side only" if unlike else "the same in another order"
            raise InvalidError(
                f"profiles of unlike columns cannot be merged: {what}",
                hint="profile the same columns of each part, in the same order",
            )
        columns = tuple(mine.merge(its) for mine, its in zip(self.columns, other.columns, strict=True))
        if self.comoments.names == other.comoments.names:
            both = self.comoments.merge(other.comoments)
        else:
            # One side has a column that is all null there: pairs with it are known of the other side alone.
            names = [column.name for column in columns if column.kind == "number"]
            both = _widened(self.comoments, names).merge(_widened(other.comoments, names))
        return Profile(self.rows + other.rows, columns, both)

    @classmethod
    def merged(cls, profiles: Iterable[Profile]) -> Profile:
        """Of the rows of all.

        Raises
        ------
        InvalidError
            When there is none, or they have unlike columns.
        """
        parts = list(profiles)
        if not parts:
            raise InvalidError("no profile to merge", hint="give one at least")
        return reduce(Profile.merge, parts)


def _widened(known: Comoments, names: list[str]) -> Comoments:
    """Co-moments with a place for each of the names that may be compared; zero where nothing is known."""
    kept = [name for name in names if name not in known.left_out][: Comoments.MOST]
    place = {name: number for number, name in enumerate(known.names)}

    def grown(matrix: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(matrix[place[row]][place[name]] if row in place and name in place else 0.0 for name in kept)
            for row in kept
        )

    counts, means, squares, products = map(grown, (known.counts, known.means, known.squares, known.products))
    left_out = tuple(name for name in names if name not in kept)
    return Comoments(tuple(kept), counts, means, squares, products, left_out)
