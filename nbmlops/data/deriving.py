"""Find a recipe for a table: which of its columns and rows lie in the store already, and what has to be added.

Each column that is taken from an earlier table is put together as a reader will, and must give the digest that it has
in the identity of the new table; a column of which only a few rows differ is taken with those rows amended. A recipe
is used only when it takes clearly fewer bytes than the table written anew would: a table that had rows appended, say,
shares nearly all of its row groups with the one before anyway.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbmlops.data import grouping, identity, layout, mapping, rows
from nbmlops.data.recipes import Group, Piece, Recipe

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.data.stored import StoredTable

__all__ = ["derive"]

_FEWEST_ROWS = 10_000
_MOST_ROWS = 50_000_000
_AMENDED = 0.05
_NEW = 0.3
_GAIN = 0.3
_SMALL = 16 * 1024
_AT_ONCE = 4
_THREADS = max(1, min(4, os.cpu_count() or 1))
_PIECES = 4
_GROUPS = 8
_ROWS_PER_ROW = 4
_AROUND = 2 * grouping.WINDOW + grouping.WINDOW // 2
"""Rows of a stretch that a table written anew shares with nothing: about one group, half at each end."""


def _none() -> np.ndarray:
    import numpy as np

    return np.empty(0, np.int64)


@dataclass(slots=True)
class _Plan:
    """Columns by what becomes of them, and the rows that are added."""

    taken: list[str] = field(default_factory=list)
    amended: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    counted: tuple[int, int] | None = None
    new: np.ndarray = field(default_factory=_none)
    differing: np.ndarray = field(default_factory=_none)


def derive(
    table: pa.Table, content: bytes, earlier: StoredTable, known: bytes, store: Callable[[pa.Table], str]
) -> Recipe | None:
    """Find a recipe for `table` from what `earlier` is made of.

    Parameters
    ----------
    table : pyarrow.Table
        The table to save.
    content, known : bytes
        The identities of `table` and `earlier`, as `TableHasher.content` gives them.
    earlier : StoredTable
        A table in the store.
    store : callable
        Writes a table of new rows or columns to the store and gives the digest of its file.

    Returns
    -------
    Recipe or None
        None when there is none, or none that is worth it. Nothing was written then.
    """
    if not (_FEWEST_ROWS <= table.num_rows <= _MOST_ROWS and _FEWEST_ROWS <= earlier.rows <= _MOST_ROWS):
        return None
    ours = {name: (kind, digest) for name, kind, digest in json.loads(content)["columns"]}
    theirs = {name: (kind, digest) for name, kind, digest in json.loads(known)["columns"]}
    common = [name for name in ours if name in theirs and ours[name][0] == theirs[name][0]]
    equal = [name for name in common if ours[name] == theirs[name]] if table.num_rows == earlier.rows else []
    read: dict[str, pa.ChunkedArray] = {}
    places = mapping.find(table, earlier, common, equal, read) if common else None
    if places is None:
        return None
    deriver = _Deriver(table, {name: digest for name, (_, digest) in ours.items()}, earlier, places, read)
    return deriver.recipe(common, equal, store)


class _Deriver:
    def __init__(
        self,
        table: pa.Table,
        digests: dict[str, str],
        earlier: StoredTable,
        places: np.ndarray,
        read: dict[str, pa.ChunkedArray],
    ) -> None:
        import numpy as np

        self.table = table
        self.digests = digests
        self.earlier = earlier
        self.places = places
        self.read = read
        self.known = np.flatnonzero(places >= 0)
        self.in_place = len(places) == earlier.rows and np.array_equal(places, np.arange(earlier.rows))

    def recipe(self, common: Sequence[str], equal: Sequence[str], store: Callable[[pa.Table], str]) -> Recipe | None:
        import numpy as np

        plan = _Plan(new=np.flatnonzero(self.places < 0))
        new = len(plan.new) / self.table.num_rows
        # Where most row groups are shared anyway, writing the new rows among them costs hardly more.
        if new > _NEW or (new and new > _GAIN * self._unshared()):
            return None
        asked = [name for name in common if not (self.in_place and name in equal)]
        judged = dict(zip(asked, self._judged(asked), strict=True))
        for name in self.table.column_names:
            if name in judged:
                _enter(plan, name, judged[name])
            elif name in common:
                plan.taken.append(name)
            elif name == mapping.INDEX and self._is_counted(name):
                plan.counted = mapping.counted_from(self.earlier.schema)
            else:
                plan.fresh.append(name)
        if not plan.taken or not self._is_worth_it(plan):
            return None
        groups = self._groups(plan, store)
        made = Recipe(layout.with_categories(self.table), self.table.num_rows, tuple(groups))
        return made if _is_bounded(made) else None

    def _judged(self, names: Sequence[str]) -> Iterator[np.ndarray | None]:
        """Compare columns, a few at a time: the rows in which each differs, None for too many."""
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(names), _AT_ONCE):
                some = names[start : start + _AT_ONCE]
                missing = [name for name in some if name not in self.read]
                if missing:
                    found = self.earlier.read(missing)
                    self.read |= {name: found.column(name) for name in missing}
                yield from pool.map(self._judge, some)

    def _judge(self, name: str) -> np.ndarray | None:
        """Compare a column with the earlier one, put together by the guessed rows."""
        import numpy as np

        ours, theirs = self.table.column(name), self.read.pop(name)
        if not self.in_place:
            theirs = layout.plain(_one(name, theirs)).column(name).take(self.places[self.known])
            if len(self.known) < len(self.places):
                ours = ours.take(self.known)
        whole = len(self.known) == len(self.places)
        if whole and identity.column_digest(name, _as(theirs, ours)) == self.digests[name]:
            return np.empty(0, np.int64)
        differs = _differing(ours, _as(theirs, ours))
        if differs is None or differs.sum() > _AMENDED * len(self.places):
            return None
        rows: np.ndarray = self.known[differs]
        return rows

    def _is_counted(self, name: str) -> bool:
        """Whether the column only says which rows of the earlier table these are."""
        counted = mapping.counted_from(self.earlier.schema)
        column = self.table.column(name)
        if counted is None or column.null_count or str(column.type) != "int64":
            return False
        values = column.to_numpy()[self.known]
        return bool((values == counted[0] + counted[1] * self.places[self.known]).all())

    def _is_worth_it(self, plan: _Plan) -> bool:
        """Whether the recipe takes clearly fewer bytes than what a table written anew would not share."""
        import numpy as np
        import zstandard

        count, share = self.table.num_rows, self.table.num_rows / self.earlier.rows
        taken, amended = self.earlier.stored(plan.taken) * share, self.earlier.stored(plan.amended) * share
        blocks = np.arange(0, count + _AROUND, _AROUND)
        touched = len(np.unique(np.searchsorted(blocks, plan.differing, side="right"))) / max(len(blocks) - 1, 1)
        anew = taken * self._unshared() + amended * min(1.0, touched)
        added = len(plan.new) * (taken + amended) / count + len(plan.differing) * amended / count
        if not self.in_place:
            _, content = rows.pack(self.places[self.known], self.earlier.rows)
            added += len(zstandard.ZstdCompressor(level=1).compress(content))
        return bool(added <= _GAIN * anew + _SMALL)

    def _unshared(self) -> float:
        """The part of the table that lies in row groups which the earlier one does not have."""
        import numpy as np

        if any(group.places(self.earlier.rows) is not None for group in self.earlier.recipe.groups):
            return 1.0
        breaks = np.flatnonzero((np.diff(self.places) != 1) | (self.places[1:] < 0))
        lengths = np.diff(np.concatenate([[0], breaks + 1, [len(self.places)]]))
        return 1 - float(np.maximum(lengths - _AROUND, 0).sum()) / len(self.places)

    def _groups(self, plan: _Plan, store: Callable[[pa.Table], str]) -> list[Group]:
        import numpy as np

        groups: list[Group] = []
        amended = np.union1d(plan.new, plan.differing)
        for names, added in ((plan.taken, plan.new), (plan.amended, amended)):
            for group in self.earlier.recipe.groups:
                own = [name for name in names if name in group.columns]
                if own:
                    pieces = [part.piece for part in group.parts]
                    groups.append(self._group(own, pieces, group.places(self.earlier.rows), added, store))
        if plan.counted:
            numbers = Piece("", self.earlier.rows, *plan.counted)
            groups.append(self._group([mapping.INDEX], [numbers], None, plan.new, store))
        if plan.fresh:
            piece = Piece(store(self.table.select(plan.fresh)), self.table.num_rows)
            groups.append(Group.of_places(plan.fresh, [piece], np.arange(self.table.num_rows)))
        return groups

    def _group(
        self,
        names: Sequence[str],
        pieces: Sequence[Piece],
        before: np.ndarray | None,
        added: np.ndarray,
        store: Callable[[pa.Table], str],
    ) -> Group:
        """Columns of one group of the earlier table, by way of its places, with some rows from a new piece."""
        import numpy as np

        safe = np.maximum(self.places, 0)
        places = safe.copy() if before is None else before[safe]
        if len(pieces) >= _PIECES:
            # All but the largest piece are gathered in the new one, so that there are never many.
            ends = np.cumsum([piece.rows for piece in pieces])
            largest = int(np.argmax([piece.rows for piece in pieces]))
            within = (places >= ends[largest] - pieces[largest].rows) & (places < ends[largest])
            added = np.union1d(added, np.flatnonzero(~within))
        if len(added):
            piece = Piece(store(self.table.select(names).take(added)), len(added))
            places[added] = sum(each.rows for each in pieces) + np.arange(len(added))
            pieces = [*pieces, piece]
        return Group.of_places(names, pieces, places)


def _enter(plan: _Plan, name: str, differing: np.ndarray | None) -> None:
    """Say what becomes of a column that differs from the earlier one in some rows, None for too many."""
    import numpy as np

    if differing is None:
        plan.fresh.append(name)
    elif not len(differing):
        plan.taken.append(name)
    else:
        plan.amended.append(name)
        plan.differing = np.union1d(plan.differing, differing)


def _is_bounded(recipe: Recipe) -> bool:
    """Whether reading it stays cheap: few groups, few files, and not many more rows in them than the table has."""
    if len(recipe.groups) > _GROUPS:
        return False
    for group in recipe.groups:
        held = sum(part.piece.rows for part in group.parts if part.piece.digest)
        if len(group.parts) > _PIECES or held > _ROWS_PER_ROW * recipe.rows:
            return False
    return True


def _one(name: str, column: pa.ChunkedArray) -> pa.Table:
    import pyarrow as pa

    return pa.table([column], names=[name])


def _as(column: pa.ChunkedArray, like: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with the type, and if they are categories with the codes, of another."""
    import pyarrow as pa

    if pa.types.is_dictionary(like.type):
        values: Any = like.unify_dictionaries().chunk(0).dictionary
        return layout.as_category(column, values, like.type.ordered)
    return column if column.type == like.type else column.cast(like.type)


def _differing(ours: pa.ChunkedArray, theirs: pa.ChunkedArray) -> np.ndarray | None:
    """For each row whether the values differ, bit by bit; None where that cannot be told cheaply."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if grouping.is_plain(ours.type):
        differs = grouping.numbers(ours) != grouping.numbers(theirs)
    else:
        try:
            differs = pc.fill_null(pc.not_equal(ours, theirs), False).to_numpy(zero_copy_only=False)
        except pa.ArrowNotImplementedError:
            return None
    if ours.null_count or theirs.null_count:
        differs = differs | (_nulls(ours) != _nulls(theirs))
    found: np.ndarray = np.asarray(differs, bool)
    return found


def _nulls(column: pa.ChunkedArray) -> np.ndarray:
    nulls: np.ndarray = column.is_null().to_numpy()
    return nulls
