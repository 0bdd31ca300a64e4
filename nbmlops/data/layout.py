"""How a table lies in the store: standard Parquet, in row groups that the content cuts, so that versions share them.

A row group holds some ten thousand rows, and in the store a chunk ends wherever a column of it ends. So an edit of a
few rows costs the groups around them, an edit of one column that column, and a new column itself. (Pages cut by content
inside larger groups share less: what one group adds to a dictionary shifts the codes of all values after it.)
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from nbmlops.data import grouping
from nbmlops.data.identity import TableHasher

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["Written", "read", "write"]

_CATEGORIES = b"nbmlops.categories"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a table: its logical digest, its rows, the columns that chose the groups, and where parts end."""

    digest: str
    rows: int
    cut_by: tuple[str, ...]
    ends: tuple[int, ...]
    """Offsets in the file at which a column of a row group, or its dictionary, ends."""


def write(schema: pa.Schema, parts: Iterable[pa.Table], sink: pa.NativeFile, cut_by: Sequence[str] = ()) -> Written:
    """Write the parts of a table as one Parquet file and digest them on the way.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of all parts; dictionaries are the same in all of them.
    parts : iterable of pyarrow.Table
        The rows, in order; at least one part, which may be empty.
    sink : pyarrow.NativeFile
        Where the file goes. Never a Python file: an exception in one, such as Ctrl-C, could end the process.
    cut_by : sequence of str
        What chose the groups of the version before, so that this one is cut at the same rows.
    """
    import pyarrow.parquet as pq

    hasher = TableHasher(schema)
    rows = iter(parts)
    first = next(rows)
    kept = _with_categories(first)
    chosen = grouping.choose(schema, first, cut_by)
    collected: list[pq.FileMetaData] = []
    writer = pq.ParquetWriter(sink, kept, compression="zstd", metadata_collector=collected)
    try:
        for group in grouping.groups(itertools.chain([first], rows), chosen):
            hasher.update(group)
            writer.write_table(group.replace_schema_metadata(kept.metadata), row_group_size=grouping.LONGEST)
    except BaseException:
        with suppress(Exception):
            writer.close()  # cannot end the file on a full disk; what went wrong first is what is said
        raise
    writer.close()
    return Written(hasher.digest(), hasher.rows, tuple(chosen), _ends(collected[0]))


def _ends(file: pq.FileMetaData) -> tuple[int, ...]:
    ends: set[int] = set()
    for group in range(file.num_row_groups):
        rows = file.row_group(group)
        for index in range(rows.num_columns):
            column = rows.column(index)
            begin = column.data_page_offset
            if column.dictionary_page_offset is not None:
                ends.add(begin)
                begin = column.dictionary_page_offset
            ends.add(begin + column.total_compressed_size)
    return tuple(sorted(ends))


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
            column = table.column(field.name)
            values = column.chunk(0).dictionary if column.num_chunks else pa.array([], field.type.value_type)
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

    if not column.num_chunks:
        column = pa.chunked_array([pa.array([], values.type)])
    chunks = []
    for chunk in column.chunks:
        plain = chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk
        codes = pc.index_in(plain.cast(values.type), value_set=values)
        chunks.append(pa.DictionaryArray.from_arrays(codes, values, ordered=ordered))
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), values.type, ordered))
