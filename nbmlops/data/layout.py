"""How a table lies in the store: standard Parquet, in row groups that the content cuts, so that versions share them.

A row group holds some ten thousand rows, and in the store a chunk ends wherever a column of it ends. So an edit of a
few rows costs the groups around them, an edit of one column that column, and a new column itself. (Pages cut by content
inside larger groups share less: what one group adds to a dictionary shifts the codes of all values after it.)
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data import grouping
from nbmlops.data.identity import TableHasher

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "Written",
    "as_category",
    "categories",
    "is_text",
    "leaves",
    "own_metadata",
    "plain",
    "saved_schema",
    "spans",
    "with_categories",
    "with_index",
    "write",
]

_CATEGORIES, _TYPES = b"nbmlops.categories", b"nbmlops.types"
_ROWS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a table that was written."""

    content: bytes
    """Its identity, as `TableHasher.content` gives it."""
    rows: int
    size: int
    """Bytes that its values take in memory."""
    cut_by: tuple[str, ...]
    """The columns that chose its groups."""
    ends: tuple[int, ...]
    """Offsets in the file at which a column of a row group, or its dictionary, ends."""


def write(
    schema: pa.Schema,
    parts: Iterable[pa.Table],
    sink: pa.NativeFile,
    cut_by: Sequence[str] = (),
    content: bytes | None = None,
    rows_each: int | None = None,
) -> Written:
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
    content : bytes, optional
        The table's identity when it is known already; else it is made on the way.
    rows_each : int, optional
        How many rows a group has; by default the content chooses where each ends.
    """
    import pyarrow.parquet as pq

    hasher = TableHasher(schema)
    rows = iter(parts)
    first = next(rows)
    _refuse_nothing(schema)
    kept = _with_types(with_categories(first))
    chosen = [] if rows_each else grouping.choose(schema, first, cut_by)
    collected: list[pq.FileMetaData] = []
    count = size = 0
    writer = pq.ParquetWriter(sink, kept, compression="zstd", metadata_collector=collected)
    try:
        parts = _some_rows(itertools.chain([first], rows), rows_each or _ROWS_AT_ONCE)
        digested = _digested(parts, hasher) if content is None else parts
        for group in _ahead(digested if rows_each else grouping.groups(digested, chosen)):
            count += group.num_rows
            size += group.nbytes
            writer.write_table(
                group.replace_schema_metadata(kept.metadata), row_group_size=rows_each or grouping.LONGEST
            )
    except BaseException:
        with suppress(Exception):
            writer.close()  # cannot end the file on a full disk; what went wrong first is what is said
        raise
    writer.close()
    return Written(content or hasher.content(), count, size, tuple(chosen), _ends(collected[0]))


def _some_rows(parts: Iterable[pa.Table], most: int) -> Iterator[pa.Table]:
    """The same rows in parts small enough that one can be prepared while another is written."""
    for part in parts:
        for start in range(0, max(part.num_rows, 1), most):
            yield part.slice(start, most)


def _digested(parts: Iterator[pa.Table], hasher: TableHasher) -> Iterator[pa.Table]:
    """The same parts, digested before they are given."""
    for part in parts:
        hasher.update(part)
        yield part


def _ahead(groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same groups, each prepared in the background while the one before it is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="nbmlops-groups") as pool:
        coming = pool.submit(next, groups, None)
        while (group := coming.result()) is not None:
            coming = pool.submit(next, groups, None)
            yield group


def spans(
    file: pq.FileMetaData, group: int, leaves: Iterable[int] | None = None
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """For some leaves of a row group's columns, or all, where their dictionaries and their pages begin and end."""
    found = []
    rows = file.row_group(group)
    for index in range(rows.num_columns) if leaves is None else leaves:
        column = rows.column(index)
        pages = begin = column.data_page_offset
        if column.dictionary_page_offset is not None:
            begin = column.dictionary_page_offset
        found.append(((begin, pages), (pages, begin + column.total_compressed_size)))
    return found


def leaves(schema: pa.Schema) -> list[str]:
    """For each leaf of a Parquet file the name of the column that it belongs to."""
    import pyarrow as pa

    def count(kind: pa.DataType) -> int:
        nested = not pa.types.is_dictionary(kind) and kind.num_fields
        return sum(count(kind.field(number).type) for number in range(kind.num_fields)) if nested else 1

    return [field.name for field in schema for _ in range(count(field.type))]


def _ends(file: pq.FileMetaData) -> tuple[int, ...]:
    ends = {end for group in range(file.num_row_groups) for both in spans(file, group) for _, end in both}
    return tuple(sorted(ends))


def with_index(schema: pa.Schema, columns: Sequence[str] | None) -> list[str]:
    """The asked-for columns and those of the pandas index."""
    if columns is None:
        return list(schema.names)
    described = (schema.metadata or {}).get(b"pandas")
    index = json.loads(described)["index_columns"] if described else []
    return [*columns, *(name for name in index if isinstance(name, str) and name not in columns)]


def own_metadata(schema: pa.Schema) -> dict[bytes, bytes] | None:
    """What a saved schema says of the table, without what `write` added to it."""
    own = {_CATEGORIES, _TYPES}
    return {key: value for key, value in (schema.metadata or {}).items() if key not in own} or None


def saved_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as it was saved, from that of a Parquet file, which knows no seconds and no dates of 64 bits."""
    import pyarrow as pa

    if kept := (schema.metadata or {}).get(_TYPES):
        for field in pa.ipc.read_schema(pa.py_buffer(base64.b64decode(kept))):
            schema = schema.set(schema.get_field_index(field.name), field)
    return schema


def _with_types(schema: pa.Schema) -> pa.Schema:
    """The schema with the types beside it that Parquet would give back as others."""
    import pyarrow as pa

    others = [field for field in schema if not pa.types.is_dictionary(field.type) and _is_unknown(field.type)]
    if not others:
        return schema
    kept = base64.b64encode(pa.schema(others).serialize().to_pybytes())
    return schema.with_metadata({**(schema.metadata or {}), _TYPES: kept})


def _is_unknown(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_timestamp(kind) or pa.types.is_time32(kind):
        return bool(kind.unit == "s")
    inner = [kind.field(number).type for number in range(kind.num_fields)]
    return bool(pa.types.is_date64(kind)) or any(map(_is_unknown, inner))


def _refuse_nothing(schema: pa.Schema) -> None:
    """Refuse objects without fields, of which Parquet keeps nothing.

    Raises
    ------
    InvalidError
        When a column is or holds such.
    """
    import pyarrow as pa

    def is_nothing(kind: pa.DataType) -> bool:
        inner = [kind.field(number).type for number in range(kind.num_fields)]
        return any(map(is_nothing, inner)) if inner else bool(pa.types.is_struct(kind))

    for field in schema:
        if is_nothing(field.type):
            raise InvalidError(f"the column {field.name!r} holds objects without fields", hint="drop it, then save")


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is that of text, with offsets of 32 bits or of 64."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def plain(table: pa.Table) -> pa.Table:
    """The table with values in the place of categories' codes, which differ from file to file."""
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type.value_type))
    return table


def with_categories(table: pa.Table) -> pa.Schema:
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


def categories(schema: pa.Schema) -> dict[str, tuple[pa.Array, bool]]:
    """The categories of each column that has some, and whether they are in order."""
    import pyarrow as pa

    found = {}
    for name, kept in json.loads((schema.metadata or {}).get(_CATEGORIES, b"{}")).items():
        with pa.ipc.open_stream(base64.b64decode(kept["values"])) as stream:
            found[name] = (stream.read_next_batch().column(0), kept["ordered"])
    return found


def as_category(column: pa.ChunkedArray, values: pa.Array, ordered: bool) -> pa.ChunkedArray:
    """A column as categories, with the codes that it was saved with."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not column.num_chunks:
        column = pa.chunked_array([pa.array([], values.type)])
    chunks = []
    for chunk in column.chunks:
        coded = pa.types.is_dictionary(chunk.type)
        codes = pc.index_in((chunk.dictionary if coded else chunk).cast(values.type), value_set=values)
        if coded:
            codes = codes.take(chunk.indices)
        chunks.append(pa.DictionaryArray.from_arrays(codes, values, ordered=ordered))
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), values.type, ordered))
