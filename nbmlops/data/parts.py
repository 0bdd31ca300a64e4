"""A table in parts that fit in memory: whole when it is in memory already, by batches from a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data.frames import to_arrow
from nbmlops.data.layout import ROWS_PER_GROUP

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["parts_of"]


def parts_of(value: Any, *, allow_empty: bool) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """The schema of a table and its rows in parts that fit in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not isinstance(value, Path):
        table = to_arrow(value, allow_empty=allow_empty).unify_dictionaries()
        return table.schema, iter([table])
    try:
        file = pq.ParquetFile(value)
    except pa.ArrowInvalid as error:
        raise InvalidError(f"{value} is not a Parquet file: {error}", hint="rename it to save it as it is") from None
    if any(pa.types.is_dictionary(field.type) for field in file.schema_arrow):
        table = to_arrow(file.read(), allow_empty=allow_empty).unify_dictionaries()
        return table.schema, iter([table])
    if file.metadata.num_rows == 0:
        to_arrow(file.read(), allow_empty=allow_empty)
        return file.schema_arrow, iter([file.read()])
    batches = file.iter_batches(batch_size=_rows_per_batch(file))
    return file.schema_arrow, (pa.Table.from_batches([batch]) for batch in batches)


def _rows_per_batch(file: Any) -> int:
    """A multiple of the row group's size when rows are small, less when they are large."""
    size: int = sum(file.metadata.row_group(index).total_byte_size for index in range(file.metadata.num_row_groups))
    per_row = max(1, size // file.metadata.num_rows)
    rows: int = (128 << 20) // per_row
    return max(1_000, min(ROWS_PER_GROUP, rows))
