"""The logical digest of a table: its schema and values, whatever file or machine they lie on.

``docs/formats/table.md`` specifies it to the byte. In short: every column is digested by itself,
from its values in row order with nulls zeroed and from the positions of its nulls, so neither
batches nor row groups nor the width of offsets and dictionary codes matter; the table's digest is
that of the canonical JSON of its names, types, column digests, row count and pandas index.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError
from nbmlops.data.frames import pandas_index, pandas_labels, pandas_types

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PROTOCOL", "TableHasher", "column_digest", "column_type", "of_table"]

PROTOCOL = 1
_MANY = 100_000
_THREADS = max(1, min(4, os.cpu_count() or 1))


def of_table(table: pa.Table) -> str:
    """Logical digest of a whole Arrow table, 64 hex digits."""
    hasher = TableHasher(table.schema)
    hasher.update(table.unify_dictionaries())
    return hasher.digest()


def column_digest(name: str, column: pa.ChunkedArray) -> str:
    """Digest of one column, as it stands in the identity of its table."""
    hasher = _ColumnHasher(name, column.type)
    for chunk in column.unify_dictionaries().chunks:
        hasher.update(chunk)
    return hasher.digest()


def column_type(kind: pa.DataType) -> str:
    """Name of an Arrow type without what does not change the values (offset width, code width)."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return f"category<{column_type(kind.value_type)}, ordered={int(kind.ordered)}>"
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return "binary"
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return f"list<{column_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{field.name}: {column_type(field.type)}' for field in kind)}>"
    return str(kind)


class TableHasher:
    """Digests a table part by part.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema that all parts have; dictionaries must be the same in all parts.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [_ColumnHasher(field.name, field.type) for field in schema]
        self.rows = 0

    def update(self, part: pa.Table | pa.RecordBatch) -> None:
        """Take in the next rows."""
        pairs = list(zip(self._columns, part.columns, strict=True))
        if part.num_rows < _MANY:
            for pair in pairs:
                _feed(*pair)
        else:
            with ThreadPoolExecutor(_THREADS) as pool:
                list(pool.map(_feed, *zip(*pairs, strict=True)))
        self.rows += part.num_rows

    def content(self) -> bytes:
        """The JSON that the digest is taken of: names, types and digests of the columns, rows, and the pandas index."""
        content = {
            "protocol": PROTOCOL,
            "rows": self.rows,
            "columns": [[column.name, column_type(column.type), column.digest()] for column in self._columns],
            "index": pandas_index(self._schema),
            "pandas": pandas_types(self._schema),
        }
        labels = pandas_labels(self._schema)
        return digests.canonical_json(content | {"labels": labels} if labels else content)

    def digest(self) -> str:
        """The table's digest."""
        return digests.of_bytes(self.content())


def _feed(hasher: _ColumnHasher, column: pa.ChunkedArray | pa.Array) -> None:
    for chunk in getattr(column, "chunks", [column]):
        hasher.update(chunk)


class _ColumnHasher:
    """Digests one column: streams of values, and the positions of the nulls."""

    def __init__(self, name: str, kind: pa.DataType) -> None:
        self.name = name
        self.type = kind
        self._streams: dict[str, Any] = {}
        self._row = 0

    def update(self, array: pa.Array) -> None:
        import numpy as np
        import pyarrow as pa

        if array.null_count:
            nulls = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).astype("<u8") + np.uint64(self._row)
            self._feed("nulls", nulls)
        self._row += len(array)
        if pa.types.is_dictionary(array.type):
            if "categories" not in self._streams:
                categories = _ColumnHasher(self.name, array.type.value_type)
                categories.update(array.dictionary)
                self._feed("categories", bytes.fromhex(categories.digest()))
            self._feed("codes", array.indices.cast(pa.int64()).fill_null(-1).to_numpy())
            return
        for stream, content in _parts(self.name, array):
            self._feed(stream, content)

    def _feed(self, stream: str, content: Any) -> None:
        import numpy as np

        hasher = self._streams.setdefault(stream, blake3())
        hasher.update(np.ascontiguousarray(content).view("u1").data if isinstance(content, np.ndarray) else content)

    def digest(self) -> str:
        streams = {stream: hasher.hexdigest() for stream, hasher in self._streams.items()}
        return digests.of_json([self._row, streams])


def _parts(name: str, array: pa.Array, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The streams of one array without nulls of its own: pairs of stream name and content."""
    import numpy as np
    import pyarrow as pa

    kind = array.type
    if pa.types.is_null(kind):
        return
    if pa.types.is_struct(kind):
        for index, field in enumerate(kind):
            yield from _nested(name, array.flatten()[index], f"{prefix}{field.name}.")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield f"{prefix}lengths", _lengths(array.value_lengths())
        yield from _nested(name, array.flatten(), f"{prefix}items.")
    elif pa.types.is_boolean(kind):
        yield f"{prefix}values", array.fill_null(False).to_numpy(zero_copy_only=False).view("u1")
    elif pa.types.is_floating(kind):
        values = array.fill_null(0).to_numpy(zero_copy_only=False)
        missing = np.isnan(values)
        if missing.any():
            values = values.copy()
            values[missing] = np.nan  # one NaN for all, whatever its payload
        yield f"{prefix}values", values
    elif pa.types.is_primitive(kind) and not pa.types.is_interval(kind):
        whole = array.view({8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
        yield f"{prefix}values", whole.fill_null(0).to_numpy(zero_copy_only=False)
    elif column_type(kind) in {"string", "binary"}:
        yield from _bytes(array, prefix)
    elif pa.types.is_decimal128(kind) or pa.types.is_fixed_size_binary(kind):
        yield from _bytes(array.cast(pa.string() if pa.types.is_decimal(kind) else pa.binary()), prefix)
    else:
        raise InvalidError(f"the column {name!r} has the type {kind}, which cannot be saved yet", hint="cast it first")


def _nested(name: str, array: pa.Array, prefix: str) -> Iterable[tuple[str, Any]]:
    import numpy as np
    import pyarrow as pa

    yield f"{prefix}null", np.asarray(array.is_null().to_numpy(zero_copy_only=False)).view("u1")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    yield from _parts(name, array, prefix)


def _lengths(lengths: pa.Array) -> Any:
    import pyarrow as pa

    return lengths.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)


def _bytes(array: pa.Array, prefix: str) -> Iterable[tuple[str, Any]]:
    """Lengths and content of texts, packed without what lies below nulls or outside the slice."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wide = array.cast(pa.large_string() if "string" in column_type(array.type) else pa.large_binary())
    if wide.null_count:
        wide = wide.fill_null("" if pa.types.is_large_string(wide.type) else b"")
    yield f"{prefix}lengths", _lengths(pc.binary_length(wide))
    _, offsets, content = wide.buffers()
    if content is not None and len(wide):
        import numpy as np

        ends = np.frombuffer(offsets, "<i8")
        start, end = ends[wide.offset], ends[wide.offset + len(wide)]
        yield f"{prefix}content", memoryview(content)[start:end]
