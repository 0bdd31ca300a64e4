"""The rows of a query, brought into the store as a table.

They are fetched some at a time into a file without a name in the workspace's own folder for temporary files, and the
database is let go when the last one is there. Only then it is known of each column what it holds: a database such as
SQLite tells no types, and a decimal of PostgreSQL no places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data import files
from nbmlops.data.frames import refuse_names
from nbmlops.data.query_columns import ValuesColumn
from nbmlops.store.addresses import recordable
from nbmlops.store.sql_source import Answer, asked

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.data.intake import How, Taken
    from nbmlops.data.query import Query
    from nbmlops.data.saving import Tables

__all__ = ["take_query"]

_CALLED = "the result of the query"
_FIRST_ROWS, _MOST_ROWS = 200, 100_000
_BATCH = 8 << 20
_WHOLE = 64 << 20
"""Up to so many bytes a result is one table in memory, which may share what it has with versions before it."""


def take_query(tables: Tables, scratch: Path, query: Query, name: str, how: How) -> Taken:
    """Bring the rows of a query into the store, as `Intake.take` does.

    Raises
    ------
    InvalidError
        When the query is refused, or a column cannot be kept.
    NotFoundError
        When the database is a file that does not exist.
    UnavailableError
        When the database cannot be reached, or goes away.
    DependencyError
        When its driver is not installed.
    """
    if how.as_ == "file":
        raise InvalidError("the rows of a query cannot be saved as a file", hint="leave out --as")
    if not isinstance(query.url, str):
        raise InvalidError(
            "the database of a query is named by a URL", hint='Query("select …", "postgresql://host/db")'
        )
    with files.scratch(scratch) as file:
        place = f"/dev/fd/{file.fileno()}"
        with asked(query.url, query.text) as answer:
            fetched = _Fetched(answer, place, how.progress)
        kept = {"source": fetched.where, "query": recordable(query.text.strip())}
        if fetched.size <= _WHOLE:
            import pyarrow as pa

            whole = pa.concat_tables(fetched.parts())
            saved, detail = tables.save(whole, name, how.allow_empty, None)
        else:
            saved, detail = tables.save_reading(fetched, _CALLED, name, how.allow_empty, None)
        return saved, {**detail, **kept}


class _Fetched:
    """Rows in a file: as they came, batch by batch, each an Arrow stream of its own.

    Parameters
    ----------
    answer : Answer
        Gives them.
    place : str
        Path of an empty file.
    progress : callable, optional
        Told the bytes of each batch.
    """

    def __init__(self, answer: Answer, place: str, progress: Callable[[int], None] | None) -> None:
        import pyarrow as pa

        refuse_names([heading.name for heading in answer.headings], _CALLED)
        self.where = answer.where
        self.size = 0
        self._place = place
        columns = [ValuesColumn(heading) for heading in answer.headings]
        rows, count = 0, _FIRST_ROWS
        with pa.OSFile(place, "wb") as sink:
            while batch := answer.rows(count):
                part = _batch(columns, batch, rows)
                with pa.ipc.new_stream(sink, part.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
                    stream.write_batch(part)
                rows += len(batch)
                self.size += part.nbytes
                if progress is not None:
                    progress(part.nbytes)
                count = max(1, min(_MOST_ROWS, 4 * count, _BATCH * rows // max(1, self.size)))
        self.schema = pa.schema([(column.name, column.type()) for column in columns])

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order; at least one part, which may be empty."""
        import pyarrow as pa

        yield self.schema.empty_table()
        with pa.OSFile(self._place, "rb") as source:
            while source.tell() < source.size():
                with pa.ipc.open_stream(source) as stream:
                    yield stream.read_all().cast(self.schema)


def _batch(columns: Sequence[ValuesColumn], rows: Sequence[tuple[Any, ...]], start: int) -> pa.RecordBatch:
    import pyarrow as pa

    values = [[row[place] for row in rows] for place in range(len(columns))]
    arrays = [column.take(held, start) for column, held in zip(columns, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])
