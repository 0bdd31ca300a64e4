"""A table of the store, read by columns and by rows: from its own Parquet file, or by its recipe."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from nbmlops.data import layout, recipes
from nbmlops.data.pieces import File, Numbers, Source, View
from nbmlops.data.recipes import Group, Part, Piece, Recipe
from nbmlops.data.where import Condition

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.store.versions import Version

__all__ = ["StoredTable", "Views"]

_ROWS_AT_ONCE = 1 << 18
_FEWEST_AT_ONCE = 1_024
_BYTES_AT_ONCE = 64 << 20
_THREADS = max(1, min(4, os.cpu_count() or 1))


class Views(Protocol):
    """Where files lie by their digests."""

    def view(self, digest: str) -> View:
        """One as memory."""

    def read(self, digest: str) -> bytes:
        """One whole."""


class StoredTable:
    """One version of a table; a context manager that gives back its files.

    Every byte is re-hashed on its way. Only the columns and the row groups that are needed are touched.

    Parameters
    ----------
    objects : ObjectStore or other Views
        Where the files lie.
    version : Version
        A version whose format is ``table``, or what tells as much of another table.
    """

    def __init__(self, objects: Views, version: Version) -> None:
        self._objects = objects
        self._files: dict[Piece, Source] = {}
        self.rows: int = version.detail["rows"]
        self._size = version.size
        if version.detail.get("layout") == "recipe":
            self.recipe = recipes.parse(objects.read(version.root), objects.read)
            self.schema = self.recipe.schema
        else:
            piece = Piece(version.root, self.rows)
            self._files[piece] = file = File(objects.view(version.root))
            self.schema = layout.saved_schema(file.schema)
            self.recipe = Recipe(self.schema, self.rows, (Group(tuple(self.schema.names), (Part(piece, None, None),)),))
        self.categories = layout.categories(self.schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def read(
        self, columns: Sequence[str] | None = None, *, where: str | None = None, sample: int | None = None
    ) -> pa.Table:
        """Read columns and rows.

        Parameters
        ----------
        columns : sequence of str, optional
            Which columns; all by default. Those of the pandas index come along.
        where : str, optional
            A condition on any columns of the table; rows for which it holds are read.
        sample : int, optional
            How many rows to draw of those, without putting back; the same ones each time, in the table's order.
        """
        names = layout.with_index(self.schema, columns)
        rows = None if where is None else self._matching(where)
        if sample is not None:
            rows = _drawn(self.rows if rows is None else rows, sample)
        return self._dressed(self._gather(names, rows))

    def batches(self, columns: Sequence[str] | None = None, *, where: str | None = None) -> Iterator[pa.Table]:
        """The rows in order, in parts that fit in memory; at least one part, which may be empty."""
        import numpy as np

        names = layout.with_index(self.schema, columns)
        condition = None if where is None else Condition(where, self.schema)
        for start in range(0, max(self.rows, 1), _ROWS_AT_ONCE):
            rows = np.arange(start, min(start + _ROWS_AT_ONCE, self.rows))
            if condition is not None:
                rows = rows[condition.holds(self._dressed(self._gather(condition.columns, rows)))]
            yield self._dressed(self._gather(names, rows))
            self.forget()

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """Columns of some rows, by their numbers, in that order."""
        return self._dressed(self._gather(names, rows))

    def slices(self, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """The numbers of some rows, or of all, in parts of a size that fits in memory with all their columns."""
        import numpy as np

        count = self.rows if rows is None else len(rows)
        at_once = max(_FEWEST_AT_ONCE, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE * self.rows // max(self._size, 1)))
        for start in range(0, count, at_once):
            end = min(start + at_once, count)
            yield np.arange(start, end) if rows is None else rows[start:end]
            self.forget()

    def forget(self) -> None:
        """Give back the memory of what was read."""
        for file in self._files.values():
            file.forget()

    def _matching(self, where: str) -> np.ndarray:
        """Rows for which a condition holds."""
        import numpy as np

        condition = Condition(where, self.schema)
        rows = self.candidates(condition)
        table = self._dressed(self._gather(condition.columns, rows))
        found = np.flatnonzero(condition.holds(table))
        return found if rows is None else rows[found]

    def candidates(self, condition: Condition) -> np.ndarray | None:
        """Rows that can meet a condition as far as the files' own figures tell; None for all."""
        import numpy as np

        left: np.ndarray | None = None
        for group in self.recipe.groups:
            bounds = [bound for bound in condition.bounds if bound.column in group.columns]
            if not bounds:
                continue
            places = group.places(self.rows)
            able = np.concatenate([self._file(part.piece).able(bounds) for part in group.parts])
            if able.all():
                continue
            meant = np.flatnonzero(able if places is None else able[places])
            left = meant if left is None else np.intersect1d(left, meant, assume_unique=True)
        return left

    def _gather(self, names: Sequence[str], rows: np.ndarray | None) -> pa.Table:
        import pyarrow as pa

        found: dict[str, pa.ChunkedArray] = {}
        for group in self.recipe.groups:
            wanted = [name for name in names if name in group.columns]
            if wanted:
                table = self._of_group(group, wanted, rows)
                found |= dict(zip(wanted, table.columns, strict=True))
        fields = [pa.field(name, found[name].type) for name in names]
        return pa.table([found[name] for name in names], schema=pa.schema(fields))

    def _of_group(self, group: Group, names: list[str], rows: np.ndarray | None) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        if rows is None and len(group.parts) == 1:
            only = group.parts[0]
            mask = only.taken and only.taken.mask
            if mask is not None:
                return _kept(self._file(only.piece).read(names, None), mask)
        places = group.places(self.rows)
        if places is None:
            places = rows
        elif rows is not None:
            places = places[rows]
        files = [self._file(part.piece) for part in group.parts]
        if places is None:
            return files[0].read(names, None)
        local = np.empty(len(places), np.int64)
        tables, start, before = [], 0, 0
        for file in files:
            inside = slice(None) if len(files) == 1 else (places >= start) & (places < start + file.rows)
            asked = places[inside] - start
            groups, shift = file.needed(asked)
            table = file.read(names, groups)
            local[inside] = asked + shift + before
            tables.append(table)
            start, before = start + file.rows, before + table.num_rows
        if len(tables) > 1:
            tables = [layout.plain(table) for table in tables]
            tables = [pa.concat_tables([part.cast(tables[0].schema) for part in tables])]
        return _taken(tables[0], local)

    def _file(self, piece: Piece) -> Source:
        if piece not in self._files:
            self._files[piece] = File(self._objects.view(piece.digest)) if piece.digest else Numbers(piece)
        return self._files[piece]

    def _dressed(self, table: pa.Table) -> pa.Table:
        """The table with types, categories and metadata as they were saved."""
        import pyarrow as pa

        columns, fields = [], []
        for name, column in zip(table.column_names, table.columns, strict=True):
            field = self.schema.field(name)
            if name in self.categories:
                columns.append(layout.as_category(column, *self.categories[name]))
            else:
                columns.append(column if column.type == field.type else column.cast(field.type))
            fields.append(pa.field(name, columns[-1].type, field.nullable, field.metadata))
        return pa.table(columns, schema=pa.schema(fields, layout.own_metadata(self.schema)))

    def stored(self, names: Sequence[str]) -> int:
        """Bytes that columns take in the files they come from."""
        return sum(
            self._file(part.piece).stored([name for name in names if name in group.columns])
            for group in self.recipe.groups
            for part in group.parts
        )


def _drawn(rows: int | np.ndarray, count: int) -> np.ndarray:
    """Some rows, always the same ones of the same table."""
    import numpy as np

    among = rows if isinstance(rows, int) else len(rows)
    chosen = np.sort(np.random.default_rng(0).choice(among, min(count, among), replace=False))
    return chosen if isinstance(rows, int) else rows[chosen]


def _kept(table: pa.Table, mask: pa.BooleanArray) -> pa.Table:
    """The rows of a table that a mask tells."""
    import pyarrow as pa
    import pyarrow.compute as pc

    with ThreadPoolExecutor(_THREADS) as pool:
        columns = pool.map(lambda column: pc.filter(column, mask), layout.plain(table).columns)
        return pa.table(list(columns), names=table.column_names)


def _taken(table: pa.Table, places: np.ndarray) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(places) == table.num_rows and np.array_equal(places, np.arange(len(places))):
        return table
    chosen = pa.array(places)
    with ThreadPoolExecutor(_THREADS) as pool:
        columns = pool.map(lambda column: pc.take(column, chosen, boundscheck=False), layout.plain(table).columns)
        return pa.table(list(columns), names=table.column_names)
