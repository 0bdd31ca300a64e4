"""What differs between two tables of the store: rows by key, by position or by content, and cells column by column.

Columns that have the same digest in both versions are known to be equal and are not read, unless a key of another
order pairs the rows. Tables beyond a bound are
dealt out to files by a hash of what tells their rows apart, and compared file by file, so memory stays bounded
(Kitsuregawa, Tanaka and Moto-oka, 1983, "Application of hash to data base machine and its architecture").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.diff_records import By, CellChange, ColumnChange, RowCounts, SchemaChange
from nbmlops.data.distribution import Batches, shapes

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from nbmlops.data.stored import StoredTable

__all__ = [
    "Columns",
    "Compared",
    "Side",
    "TableDiff",
    "column_changes",
    "common_type",
    "diff_tables",
    "frame",
    "hashed",
]

Columns = Callable[[str], Batches]
"""Gives, for a column, what gives its values part by part."""
ROW = "__row"
_SEED = 0
_CLOSE = 8


@dataclass(frozen=True, slots=True)
class Side:
    """One of two tables, or of two parts of them: its rows, and how columns of it are read."""

    rows: int
    read: Callable[[Sequence[str]], pl.DataFrame]


@dataclass(slots=True)
class Compared:
    """What a comparison of two sides found; `before` and `after` are row numbers, pair by pair of the same row."""

    counts: RowCounts
    cells: dict[str, int] = field(default_factory=dict)
    sample: list[CellChange] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    reordered: bool = False


@dataclass(frozen=True, slots=True)
class TableDiff:
    """What is to be compared: how rows are found again, and which columns can differ."""

    by: By
    key: tuple[str, ...]
    schema: tuple[SchemaChange, ...]
    common: tuple[str, ...]
    differing: tuple[str, ...]

    @classmethod
    def of(cls, before: StoredTable, after: StoredTable, known: tuple[bytes, bytes], key: Sequence[str]) -> TableDiff:
        """Decide it from the schemas and the identities of two tables.

        Raises
        ------
        InvalidError
            When a column of the key is not in both.
        """
        old, new = (
            {name: (kind, digest) for name, kind, digest in json.loads(content)["columns"]} for content in known
        )
        common = tuple(name for name in new if name in old)
        for name in key:
            if name not in common:
                where = "in neither" if name not in old and name not in new else "in one of them only"
                raise InvalidError(f"the key's column {name!r} is {where}", hint=nearest(name, common))
        same = {name for name in common if old[name] == new[name]}
        by: By = "key" if key else "content"
        if not key and before.rows == after.rows and (same or not _moved(before, after, common)):
            by = "position"
        # A column that is the same as a whole says nothing of its cells where a key pairs rows in another order.
        equal = same if same.issuperset(key) else set()
        return cls(by, tuple(key), _schema(old, new), common, tuple(name for name in common if name not in equal))


def _schema(old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]) -> tuple[SchemaChange, ...]:
    changes = [SchemaChange(name, "removed", kind, None) for name, (kind, _) in old.items() if name not in new]
    changes += [SchemaChange(name, "added", None, kind) for name, (kind, _) in new.items() if name not in old]
    both = [name for name in old if name in new]
    for name in both:
        if old[name][0] != new[name][0]:
            changes.append(SchemaChange(name, "retyped", old[name][0], new[name][0]))
    now = [name for name in new if name in old]
    for place, name in enumerate(now):
        if both != now and both.index(name) != place:
            changes.append(SchemaChange(name, "moved", str(both.index(name) + 1), str(place + 1)))
    return tuple(changes)


def _moved(before: StoredTable, after: StoredTable, common: Sequence[str]) -> bool:
    """Whether most of some rows differ in most columns, so that they hardly are the same rows with other values."""
    if not before.rows or not common:
        return True
    first, second = frame(before.read(list(common), sample=1_000)), frame(after.read(list(common), sample=1_000))
    alike = [1 - _differs(first[name], second[name]).mean() for name in common]
    return bool(sum(share > 0.5 for share in alike) * 2 < len(alike))


def frame(table: Any) -> pl.DataFrame:
    """An Arrow table for comparing, with categories as text."""
    import polars as pl

    from nbmlops.data import layout

    made = pl.from_arrow(layout.plain(table))
    assert isinstance(made, pl.DataFrame)
    return made


def diff_tables(what: TableDiff, before: Side, after: Side, sample: int) -> Compared:
    """Compare two sides in memory.

    Raises
    ------
    InvalidError
        When the key is null somewhere, or the same in two rows.
    """
    pairs = _pairs(what, before, after)
    found = Compared(RowCounts(before.rows, after.rows))
    found.reordered = bool((pairs.after[1:] < pairs.after[:-1]).any())
    changed: np.ndarray | None = None
    if what.by != "content":
        changed = _cells(what, before, after, pairs, found, sample)
    kept = len(pairs.before)
    count = 0 if changed is None else int(changed.sum())
    found.counts = RowCounts(
        *(before.rows, after.rows, after.rows - kept, before.rows - kept),
        changed=None if changed is None else count,
        unchanged=kept - count,
    )
    found.added = _rows(after, pairs.after, what.common, sample)
    found.removed = _rows(before, pairs.before, what.common, sample)
    return found


@dataclass(frozen=True, slots=True)
class _Pairs:
    before: np.ndarray
    after: np.ndarray


def _pairs(what: TableDiff, before: Side, after: Side) -> _Pairs:
    import numpy as np

    if what.by == "position":
        both = np.arange(before.rows)
        return _Pairs(both, both)
    if what.by == "key":
        old, new = (side.read(what.key).with_row_index(ROW) for side in (before, after))
        if len(what.key) == 1 and (pairs := _by_number(old[what.key[0]], new[what.key[0]])) is not None:
            return pairs
        for rows, which in ((old, "before"), (new, "after")):
            _refuse_key(rows, what.key, which)
        on: list[str] = list(what.key)
        old, new = _alike(old, new, on)
    else:
        names = list(what.common)
        old, new = _alike(before.read(names), after.read(names), names)
        old, new = (_occurrences(side) for side in (old, new))
        on = ["hash", "occurrence"]
    joined = old.join(new, on=on, how="inner", maintain_order="left", nulls_equal=True)
    return _Pairs(joined[ROW].to_numpy().astype(np.int64), joined[f"{ROW}_right"].to_numpy().astype(np.int64))


def _by_number(old: pl.Series, new: pl.Series) -> _Pairs | None:
    """Pairs by a key of whole numbers that lie close together; None for any other, and for one that does not serve."""
    import numpy as np
    import polars as pl

    whole = {pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32}
    if old.dtype not in whole or new.dtype not in whole or not len(old) or not len(new):
        return None
    (first, last), (low, high) = ((int(side.min()), int(side.max())) for side in (old, new))  # type: ignore[arg-type]
    low, high = min(low, first), max(high, last)
    if old.null_count() or new.null_count() or high - low >= _CLOSE * (len(old) + len(new)):
        return None
    ours, theirs = (side.cast(pl.Int64).to_numpy() - low for side in (old, new))
    rows, seen = np.full(high - low + 1, -1), np.zeros(high - low + 1, bool)
    rows[theirs], seen[ours] = np.arange(len(new)), True
    if np.count_nonzero(rows >= 0) < len(new) or np.count_nonzero(seen) < len(old):
        return None
    found = rows[ours]
    kept = np.flatnonzero(found >= 0)
    return _Pairs(kept, found[kept])


def _refuse_key(rows: pl.DataFrame, key: Sequence[str], which: str) -> None:
    import polars as pl

    words = ", ".join(key)
    nulls = rows.filter(pl.any_horizontal(pl.col(list(key)).is_null()))
    if nulls.height:
        raise InvalidError(
            f"the key {words} is null in {nulls.height:,} rows of the version {which}, first in row {nulls[ROW][0]:,}",
            hint="name a key that every row has, or leave it out to compare by content",
        )
    twice = rows.filter(pl.struct(list(key)).is_duplicated())
    if twice.height:
        shown = ", ".join(f"{name}={twice[name][0]}" for name in key)
        raise InvalidError(
            f"the key {words} is not unique: {twice.height:,} rows of the version {which} share it, such as {shown}",
            hint="add a column to the key, or leave it out to compare by content",
        )


def _alike(old: pl.DataFrame, new: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with columns that can be joined: of one type."""
    import polars as pl

    for name in names:
        if (kind := common_type(old[name].dtype, new[name].dtype)) is not None:
            old, new = (side.with_columns(pl.col(name).cast(kind, strict=False)) for side in (old, new))
    return old, new


def common_type(old: Any, new: Any) -> Any:
    """The type in which values of two types are compared; None when they are the same."""
    import polars as pl

    if old == new:
        return None
    return pl.Float64 if old.is_numeric() and new.is_numeric() else pl.String


def _occurrences(rows: pl.DataFrame) -> pl.DataFrame:
    """A hash of each row and its number among equal ones; 64 bits will do for a picture, never for an identity."""
    import polars as pl

    found = pl.DataFrame({"hash": hashed(rows, rows.columns)}).with_row_index(ROW)
    if not found["hash"].is_duplicated().any():
        return found.with_columns(occurrence=pl.lit(1, pl.UInt32))
    return found.with_columns(occurrence=pl.col("hash").cum_count().over("hash"))


def hashed(rows: pl.DataFrame, names: Sequence[str], kinds: Mapping[str, Any] = MappingProxyType({})) -> pl.Series:
    """A hash of some columns of each row; those with an entry in `kinds` as values of that type."""
    import polars as pl

    columns = []
    for name in names:
        column = rows[name]
        if column.dtype.is_nested():
            column = pl.Series(name, [str(value) for value in column.to_list()], pl.String)
        elif name in kinds:
            column = column.cast(kinds[name], strict=False)
        columns.append(column)
    return pl.DataFrame(columns).hash_rows(seed=_SEED)


def _cells(what: TableDiff, before: Side, after: Side, pairs: _Pairs, found: Compared, sample: int) -> np.ndarray:
    """Compare the columns that can differ; which of the pairs differ in any."""
    import numpy as np

    changed = np.zeros(len(pairs.before), bool)
    names = [name for name in what.differing if name not in what.key]
    for name in names:
        old, new = (
            side.read([name])[name].gather(rows) for side, rows in ((before, pairs.before), (after, pairs.after))
        )
        differs = _differs(old, new)
        found.cells[name] = int(differs.sum())
        changed |= differs
        wanted = sample - len(found.sample) if len(names) == 1 else max(1, sample // len(names))
        shown = np.flatnonzero(differs)[: max(0, min(wanted, sample - len(found.sample)))]
        if len(shown):
            keys = _keys(what, before, pairs.before[shown])
            values = zip(keys, old.gather(shown).to_list(), new.gather(shown).to_list(), strict=True)
            found.sample += [CellChange(row, name, was, now) for row, was, now in values]
    return changed


def _keys(what: TableDiff, side: Side, rows: np.ndarray) -> list[tuple[Any, ...]]:
    if what.by == "key":
        return list(side.read(what.key)[rows].rows())
    return [(int(row),) for row in rows]


def _differs(old: pl.Series, new: pl.Series) -> np.ndarray:
    """For each pair whether the values differ; null equals null, and not a number itself."""
    import numpy as np
    import polars as pl

    if old.dtype != new.dtype:
        frames = _alike(old.to_frame("c"), new.to_frame("c"), ["c"])
        old, new = (one["c"] for one in frames)
    if old.dtype.is_nested():
        pairs = zip(old.to_list(), new.to_list(), strict=True)
        return np.fromiter((was != now for was, now in pairs), bool, len(old))
    if old.dtype == pl.Null:
        return np.zeros(len(old), bool)
    differs: np.ndarray = old.ne_missing(new).to_numpy()
    return differs


def _rows(side: Side, paired: np.ndarray, names: Sequence[str], sample: int) -> list[dict[str, Any]]:
    """Some rows of a side that are in no pair."""
    import numpy as np

    if len(paired) == side.rows or not sample:
        return []
    alone = np.ones(side.rows, bool)
    alone[paired] = False
    rows = np.flatnonzero(alone)[:sample]
    return list(side.read(names)[rows].to_dicts())


def column_changes(what: TableDiff, before: Columns, after: Columns, cells: dict[str, int]) -> Iterator[ColumnChange]:
    """How the columns that differ are distributed in both versions."""
    for name in what.differing:
        yield ColumnChange(name, cells.get(name), *shapes(before(name), after(name)))
