"""How a table lies in the store: standard Parquet, in pages cut by content, so that versions share them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from nbmlops.data.identity import TableHasher

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read", "write"]

ROWS_PER_GROUP = 250_000
_CATEGORIES = b"nbmlops.categories"


def write(schema: pa.Schema, parts: Iterable[pa.Table], sink: IO[bytes]) -> tuple[str, int]:
    """Write the parts of a table as one Parquet file and digest them on the way.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of all parts; dictionaries are the same in all of them.
    parts : iterable of pyarrow.Table
        The rows, in order; at least one part, which may be empty.
    sink : binary file
        Where the file goes.

    Returns
    -------
    tuple of str and int
        The logical digest and the number of rows.
    """
    import pyarrow.parquet as pq

    hasher = TableHasher(schema)
    rows = iter(parts)
    first = next(rows)
    kept = _with_categories(first)
    with pq.ParquetWriter(sink, kept, compression="zstd", use_content_defined_chunking=True) as writer:
        for part in itertools.chain([first], rows):
            hasher.update(part)
            writer.write_table(part.replace_schema_metadata(kept.metadata), row_group_size=ROWS_PER_GROUP)
    return hasher.digest(), hasher.rows


def read(source: IO[bytes], columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some columns of it, with categories as they were saved."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(source) as file:
        table = file.read(columns=_with_index(file.schema_arrow, columns))
        categories = _categories(file.schema_arrow)
    for name, (values, ordered) in categories.items():
        if name in table.column_names:
            index = table.column_names.index(name)
            table = table.set_column(index, name, _as_category(table.column(index), values, ordered))
    return table


def _with_index(schema: pa.Schema, columns: Sequence[str] | None) -> list[str] | None:
    """The asked-for columns and those of the pandas index."""
    if columns is None:
        return None
    described = (schema.metadata or {}).get(b"pandas")
    index = json.loads(described)["index_columns"] if described else []
    return [*columns, *(name for name in index if isinstance(name, str) and name not in columns)]


def _with_categories(table: pa.Table) -> pa.Schema:
    """The schema with the categories beside it: Parquet keeps neither unused ones, their order, nor numeric ones."""
    import pyarrow as pa

    kept: dict[str, Any] = {}
    for field in table.schema:
        if pa.types.is_dictionary(field.type):
            values = (
                table.column(field.name).chunk(0).dictionary if table.num_rows else pa.array([], field.type.value_type)
            )
            content = pa.record_batch([values], names=["values"])
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, content.schema) as stream:
                stream.write_batch(content)
            encoded = base64.b64encode(sink.getvalue().to_pybytes()).decode()
            kept[field.name] = {"values": encoded, "ordered": field.type.ordered}
    if not kept:
        return table.schema
    return table.schema.with_metadata({**(table.schema.metadata or {}), _CATEGORIES: json.dumps(kept).encode()})


def _categories(schema: pa.Schema) -> dict[str, tuple[pa.Array, bool]]:
    import pyarrow as pa

    found = {}
    for name, kept in json.loads((schema.metadata or {}).get(_CATEGORIES, b"{}")).items():
        with pa.ipc.open_stream(base64.b64decode(kept["values"])) as stream:
            found[name] = (stream.read_next_batch().column(0), kept["ordered"])
    return found


def _as_category(column: pa.ChunkedArray, values: pa.Array, ordered: bool) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    chunks = []
    for chunk in column.chunks:
        plain = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
        codes = pc.index_in(plain.cast(values.type), value_set=values)
        chunks.append(pa.DictionaryArray.from_arrays(codes, values, ordered=ordered))
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), values.type, ordered))
