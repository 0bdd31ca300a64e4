"""The table in a file, in parts that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from nbmlops.core.errors import InvalidError
from nbmlops.data.csv_reading import CsvReading
from nbmlops.data.frames import refuse_names
from nbmlops.data.json_reading import JsonReading
from nbmlops.data.table_files import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Reading", "reading_of"]

_ROWS_AT_ONCE = 1 << 18
_BYTES_AT_ONCE = 32 << 20
_BUFFER = 1 << 20
"""Bytes that are read ahead of each column; by itself, Arrow reads all of the file ahead."""


class Reading(Protocol):
    """A table that is read part by part."""

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order; may raise `Widened`, when the schema has changed and they are to be read anew."""


def reading_of(file: TableFile) -> Reading:
    """Begin to read a file, as its ending says.

    Raises
    ------
    InvalidError
        When it holds no table that can be kept.
    """
    if file.kind == "csv":
        return CsvReading(file)
    return JsonReading(file) if file.kind == "json" else _ParquetReading(file)


class _ParquetReading:
    def __init__(self, file: TableFile) -> None:
        import pyarrow.parquet as pq

        self._name = file.name
        with self._readable():
            self._file = pq.ParquetFile(file.path, buffer_size=_BUFFER, pre_buffer=False)
        self.schema = self._file.schema_arrow
        refuse_names(self.schema.names)

    def parts(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        with self._readable():
            if any(pa.types.is_dictionary(field.type) for field in self.schema) or not self._file.metadata.num_rows:
                # Codes mean the same in all parts only when the dictionaries are made one.
                table = self._file.read()
                yield table.unify_dictionaries() if table.num_rows else table
            else:
                for batch in self._file.iter_batches(batch_size=self._rows_at_once()):
                    yield pa.Table.from_batches([batch])

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Say in one sentence what is wrong with a damaged file."""
        import pyarrow as pa

        try:
            yield
        except pa.ArrowMemoryError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise InvalidError(
                f"{self._name} cannot be read as Parquet: {str(error).splitlines()[0]}",
                hint="save it as it is: `ml data save PATH --as file`",
            ) from None

    def _rows_at_once(self) -> int:
        """Rows that take some 32 MB at most."""
        metadata: Any = self._file.metadata
        size: int = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
        rows: int = _BYTES_AT_ONCE // max(1, size // metadata.num_rows)
        return max(1_000, min(_ROWS_AT_ONCE, rows))
