"""The spine of a training set: rows with entities and the time of an event, in memory, in a file or in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.data.frames import is_table, kind_of, to_arrow

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from nbmlops.data.service import Data
    from nbmlops.store.versions import Version

__all__ = ["Spine", "spine_of", "table_parts"]


class Spine:
    """A spine that was opened.

    Attributes
    ----------
    what : str
        What messages call it.
    schema : pyarrow.Schema
        Its columns.
    rows, size : int
        How many rows it has, and the bytes that its values take in memory, about.
    """

    def __init__(
        self, what: str, schema: pa.Schema, rows: int, size: int, held: pl.DataFrame | Path | str, data: Data
    ) -> None:
        self.what = what
        self.schema = schema
        self.rows = rows
        self.size = size
        self._held = held
        self._data = data

    def frame(self) -> pl.DataFrame:
        """All of it in memory."""
        import polars as pl

        if isinstance(self._held, Path):
            return pl.read_parquet(self._held)
        if isinstance(self._held, str):
            found: pl.DataFrame = self._data.load(self._held, as_="polars")
            return found
        return self._held

    def parts(self, at_once: int) -> Iterator[pl.DataFrame]:
        """The rows in parts of so many rows but for the last."""
        import pyarrow.parquet as pq

        if isinstance(self._held, Path):
            with pq.ParquetFile(self._held, pre_buffer=False) as file:
                yield from _in_ranges(file.iter_batches(batch_size=at_once), at_once)
        elif isinstance(self._held, str):
            with self._data.opened(self._data.table_version(self._held)) as stored:
                yield from _in_ranges((batch for part in stored.batches() for batch in part.to_batches()), at_once)
        else:
            yield from self._held.iter_slices(at_once)

    @property
    def versions(self) -> list[Version]:
        """The version of data that it is, if it is one."""
        return [self._data.table_version(self._held)] if isinstance(self._held, str) else []

    def time(self, asked: str | None) -> str:
        """The column of the event time.

        Raises
        ------
        InvalidError
            When it is not there, or none is named and not exactly one column holds times.
        """
        import pyarrow as pa

        if asked is not None:
            if asked not in self.schema.names:
                raise InvalidError(
                    f"{self.what} has no column {asked!r}",
                    hint=nearest(asked, self.schema.names) or f"it has {', '.join(self.schema.names[:12])}",
                )
            return asked
        times = [field.name for field in self.schema if pa.types.is_temporal(field.type)]
        if len(times) != 1:
            said = f"{len(times)} columns of times: {', '.join(times)}" if times else "no column of times"
            raise InvalidError(f"{self.what} has {said}", hint="say which is the time of the event: --time COLUMN")
        return str(times[0])


def spine_of(value: Any, data: Data) -> Spine:
    """Open a spine: a table, a Parquet file, or a reference of data.

    Raises
    ------
    InvalidError
        When it is no table.
    NotFoundError
        When there is no such version or file.
    """
    import polars as pl
    import pyarrow.parquet as pq

    if isinstance(value, str):
        version = data.show(value)
        if version.rows is None:
            raise InvalidError(f"{version.ref} is no table", hint="name a table with entities and a time")
        empty = data.load(version.ref, as_="arrow", sample=1)
        return Spine(version.ref, empty.schema, version.rows, version.size, version.ref, data)
    if isinstance(value, Path):
        if not value.exists():
            raise NotFoundError(f"there is no file {value}", hint="name a Parquet file, or save it as data first")
        if value.suffix not in {".parquet", ".pq"}:
            hint = f"`ml data save {value} --as table`"
            raise InvalidError(f"{value} is no Parquet file, so its types are not known", hint=hint)
        metadata: Any = pq.read_metadata(value)
        size = int(sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)))
        return Spine(str(value), metadata.schema.to_arrow_schema(), metadata.num_rows, size, value, data)
    if not is_table(value):
        raise InvalidError(f"{kind_of(value)} is no table", hint="give a DataFrame with the entities and a time")
    if type(value).__module__.startswith("pandas"):
        value = value.reset_index(drop=not any(value.index.names))
    table = to_arrow(value)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return Spine("the spine", table.schema, frame.height, int(frame.estimated_size()), frame, data)


def table_parts(data: Data, ref: str, columns: list[str]) -> Iterator[pl.DataFrame]:
    """Columns of a version of data in parts that fit in memory; at least one part."""
    import pyarrow as pa

    with data.opened(data.table_version(ref), columns) as stored:
        for part in stored.batches(columns):
            # What reading took and gave back is the machine's again, before anything is made of the part.
            pa.default_memory_pool().release_unused()
            yield _frame(part)


def _in_ranges(batches: Iterable[pa.RecordBatch], at_once: int) -> Iterator[pl.DataFrame]:
    """The rows of batches in parts of so many rows but for the last."""
    import pyarrow as pa

    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        kept.append(batch)
        rows += batch.num_rows
        while rows >= at_once:
            table = pa.Table.from_batches(kept)
            yield _frame(table.slice(0, at_once))
            rest = table.slice(at_once)
            kept, rows = rest.to_batches(), rest.num_rows
    if rows:
        yield _frame(pa.Table.from_batches(kept))


def _frame(table: pa.Table) -> pl.DataFrame:
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
