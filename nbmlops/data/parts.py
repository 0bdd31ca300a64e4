"""A table in parts that fit in memory: whole when it is in memory already, by batches from a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data.frames import refuse_names, to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["parts_of"]

_ROWS_AT_ONCE = 1 << 18


def parts_of(value: Any, *, allow_empty: bool) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """The schema of a table and its rows in parts that fit in memory."""
    import pyarrow.parquet as pq

    if not isinstance(value, Path):
        table = to_arrow(value, allow_empty=allow_empty)
        # Without rows there is nothing to make one, and Arrow would drop the categories.
        return table.schema, iter([table.unify_dictionaries() if table.num_rows else table])
    with _readable(value):
        file = pq.ParquetFile(value)
    refuse_names(file.schema_arrow.names)
    return file.schema_arrow, _read(value, file, allow_empty=allow_empty)


def _read(path: Path, file: Any, *, allow_empty: bool) -> Iterator[pa.Table]:
    import pyarrow as pa

    with _readable(path):
        if file.metadata.num_rows == 0:
            yield to_arrow(file.read(), allow_empty=allow_empty)
        elif any(pa.types.is_dictionary(field.type) for field in file.schema_arrow):
            # Codes mean the same in all parts only when the dictionaries are made one.
            yield file.read().unify_dictionaries()
        else:
            for batch in file.iter_batches(batch_size=_rows_per_batch(file)):
                yield pa.Table.from_batches([batch])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in one sentence what is wrong with a damaged file."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InvalidError(
            f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}", hint="rename it to save it as it is"
        ) from None


def _rows_per_batch(file: Any) -> int:
    """Rows that take some 128 MB at most."""
    size: int = sum(file.metadata.row_group(index).total_byte_size for index in range(file.metadata.num_row_groups))
    per_row = max(1, size // file.metadata.num_rows)
    rows: int = (128 << 20) // per_row
    return max(1_000, min(_ROWS_AT_ONCE, rows))
