"""A table of the store, read by columns and by rows: from its own Parquet file, or by its recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

from nbmlops.data import gathering, layout, recipes
from nbmlops.data.pieces import File, Numbers, Source, View
from nbmlops.data.recipes import Group, Part, Piece, Recipe
from nbmlops.data.where import Bound, Condition

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.store.versions import Version

__all__ = ["StoredTable", "Views"]

_ROWS_AT_ONCE = 1 << 18
_FEWEST_AT_ONCE = 1_024
_BYTES_AT_ONCE = 64 << 20
_NEARLY = 0.8


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
    threads : bool
        Whether files are decoded by several threads.
    """

    def __init__(self, objects: Views, version: Version, *, threads: bool = True) -> None:
        self._objects = objects
        self._threads = threads
        self._files: dict[Piece, Source] = {}
        self.rows: int = version.detail["rows"]
        self._size = version.size
        if version.detail.get("layout") == "recipe":
            self.recipe = recipes.parse(objects.read(version.root), objects.read)
            self.schema = self.recipe.schema
        else:
            piece = Piece(version.root, self.rows)
            self._files[piece] = file = File(objects.view(version.root), threads=threads)
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
        if where is not None:
            return self._matching(Condition(where, self.schema), names, sample)
        rows = None if sample is None else _drawn(self.rows, sample)
        return self._dressed(self._gather(names, rows))

    def coded(self, names: Sequence[str]) -> pa.Table:
        """Some columns as `read` gives them, but text that is stored as codes of a dictionary as such."""
        import pyarrow as pa

        table = self._gather(names, None)
        columns = [
            column if layout.is_text(self.schema.field(name).type) else self._as_saved(name, column)
            for name, column in zip(names, table.columns, strict=True)
        ]
        return pa.table(columns, names=list(names))

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

    def _matching(self, condition: Condition, names: list[str], sample: int | None) -> pa.Table:
        """Columns of the rows for which a condition holds, or of a sample of those."""
        import numpy as np

        rows = self.candidates(condition)
        at_once = rows is not None and len(rows) <= _ROWS_AT_ONCE
        # Where few rows are left, all columns are read in one go; else those of the condition, to see which are meant.
        table = self._gather(list(dict.fromkeys([*condition.columns, *(names if at_once else [])])), rows)
        found = np.flatnonzero(condition.holds(self._dressed(table.select(condition.columns))))
        if sample is not None:
            found = _drawn(found, sample)
        if at_once:
            return self._dressed(gathering.taken(table.select(names), found))
        return self._dressed(self._gather(names, found if rows is None else rows[found]))

    def candidates(self, condition: Condition) -> np.ndarray | None:
        """Rows that can meet a condition as far as the files' own figures tell; None for all."""
        import numpy as np

        left: np.ndarray | None = None
        for group in self.recipe.groups:
            bounds = [bound for bound in condition.bounds if bound.column in group.columns]
            if not bounds:
                continue
            meant = self._able(group, bounds)
            if meant is not None:
                left = meant if left is None else np.intersect1d(left, meant, assume_unique=True)
        return left

    def _able(self, group: Group, bounds: Sequence[Bound]) -> np.ndarray | None:
        """Rows that can lie within bounds on columns of a group, rising; None for all."""
        import numpy as np

        spans, start = [], 0
        for part in group.parts:
            spans += [(begin + start, end + start) for begin, end in self._file(part.piece).able(bounds)]
            start += part.piece.rows
        if sum(end - begin for begin, end in spans) == start:
            return None
        if len(group.parts) == 1 and group.parts[0].taken is None:
            return np.concatenate([np.empty(0, np.int64), *(np.arange(begin, end) for begin, end in spans)])
        able = np.zeros(start, bool)
        for begin, end in spans:
            able[begin:end] = True
        return np.flatnonzero(able[group.places(self.rows)])

    def _gather(self, names: Sequence[str], rows: np.ndarray | None) -> pa.Table:
        import pyarrow as pa

        asked = [(group, own) for group in self.recipe.groups if (own := [n for n in names if n in group.columns])]
        found: dict[str, pa.ChunkedArray] = {}
        with ThreadPoolExecutor(1, thread_name_prefix="nbmlops-rows") as pool:
            # Row numbers are made while files are read.
            places = [pool.submit(group.places, self.rows) if _is_numbered(group) else None for group, _ in asked]
            for (group, own), ahead in zip(asked, places, strict=True):
                table = self._of_group(group, own, rows, ahead)
                found |= dict(zip(own, table.columns, strict=True))
        fields = [pa.field(name, found[name].type) for name in names]
        return pa.table([found[name] for name in names], schema=pa.schema(fields))

    def _of_group(
        self, group: Group, names: list[str], rows: np.ndarray | None, ahead: Future[np.ndarray | None] | None
    ) -> pa.Table:
        only = group.parts[0]
        file = self._file(only.piece)
        if ahead is None:
            if only.taken is None:
                return file.read(names, None) if rows is None else file.take(names, rows)
            if rows is None and (mask := only.taken.mask) is not None:
                return gathering.kept(file.read(names, None), mask)
            return file.take(names, only.taken.numbers if rows is None else only.taken.numbers[rows])
        if rows is None and all(_is_nearly_whole(part) for part in group.parts):
            tables = [self._file(part.piece).read(names, None) for part in group.parts]
            return gathering.taken(gathering.joined(tables), _made(ahead))
        places = _made(ahead) if rows is None else _made(ahead)[rows]
        return file.take(names, places) if len(group.parts) == 1 else self._of_parts(group, names, places)

    def _of_parts(self, group: Group, names: list[str], places: np.ndarray) -> pa.Table:
        import numpy as np

        local = np.empty(len(places), np.int64)
        tables, start, before = [], 0, 0
        for part in group.parts:
            file = self._file(part.piece)
            inside = (places >= start) & (places < start + file.rows)
            asked = places[inside] - start
            groups, shift = file.needed(asked)
            tables.append(file.read(names, groups))
            local[inside] = asked + shift + before
            start, before = start + file.rows, before + tables[-1].num_rows
        return gathering.taken(gathering.joined(tables), local)

    def _file(self, piece: Piece) -> Source:
        if piece not in self._files:
            if piece.digest:
                self._files[piece] = File(self._objects.view(piece.digest), threads=self._threads)
            else:
                self._files[piece] = Numbers(piece)
        return self._files[piece]

    def _dressed(self, table: pa.Table) -> pa.Table:
        """The table with types, categories and metadata as they were saved."""
        import pyarrow as pa

        columns = gathering.by_column(self._as_saved, table.num_rows, table.column_names, table.columns)
        saved = [self.schema.field(name) for name in table.column_names]
        fields = [
            pa.field(field.name, column.type, field.nullable, field.metadata)
            for field, column in zip(saved, columns, strict=True)
        ]
        return pa.table(columns, schema=pa.schema(fields, layout.own_metadata(self.schema)))

    def _as_saved(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """A column with the type and the categories that it was saved with."""
        import pyarrow as pa

        kind = self.schema.field(name).type
        if name in self.categories:
            return layout.as_category(column, *self.categories[name])
        if pa.types.is_dictionary(column.type) and not pa.types.is_dictionary(kind):
            return gathering.written_out(column, kind)
        return column if column.type == kind else column.cast(kind)

    def stored(self, names: Sequence[str]) -> int:
        """Bytes that columns take in the files they come from."""
        return sum(
            self._file(part.piece).stored([name for name in names if name in group.columns])
            for group in self.recipe.groups
            for part in group.parts
        )


def _is_numbered(group: Group) -> bool:
    """Whether the rows of a group are told by numbers that take a while to make."""
    return len(group.parts) > 1 or (group.parts[0].taken is not None and group.parts[0].taken.code != "mask")


def _is_nearly_whole(part: Part) -> bool:
    """Whether a part takes so many rows of its file that all of it may as well be read."""
    return part.piece.digest != "" and (part.taken is None or part.taken.count >= _NEARLY * part.piece.rows)


def _made(ahead: Future[np.ndarray | None]) -> np.ndarray:
    places = ahead.result()
    assert places is not None  # the group is numbered
    return places


def _drawn(rows: int | np.ndarray, count: int) -> np.ndarray:
    """Some rows, always the same ones of the same table."""
    import numpy as np

    among = rows if isinstance(rows, int) else len(rows)
    chosen = np.sort(np.random.default_rng(0).choice(among, min(count, among), replace=False))
    return chosen if isinstance(rows, int) else rows[chosen]
