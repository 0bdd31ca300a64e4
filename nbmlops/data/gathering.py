"""Rows picked from columns in memory, each column in a way that its type allows.

Arrow's own ``take`` costs four times as much where there are nulls, and text costs more yet. So bits and values of a
column are picked apart, and text that a file holds as codes of a dictionary is picked by its codes, then written out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["by_column", "joined", "kept", "taken", "written_out"]

_THREADS = max(1, min(4, os.cpu_count() or 1))
_MANY = 200_000
_LARGEST = (1 << 31) - 1
_FEW_BYTES = 256 << 20


def by_column(work: Callable[..., Any], rows: int, *columns: Sequence[Any]) -> list[Any]:
    """What `work` gives for each column, in threads when there are many rows."""
    if rows < _MANY or len(columns[0]) < 2:
        return list(map(work, *columns))
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, *columns))


def taken(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """Rows of a table by their numbers, in that order; those that follow each other are not copied."""
    import numpy as np
    import pyarrow as pa

    count = len(rows)
    first = int(rows[0]) if count else 0
    if not count or (rows[-1] - first == count - 1 and np.array_equal(rows, np.arange(first, first + count))):
        return table.slice(first, count)
    chosen = pa.array(rows)
    columns = by_column(lambda column: _taken(column, chosen), max(count, table.num_rows), table.columns)
    return pa.table(columns, names=table.column_names)


def kept(table: pa.Table, mask: pa.BooleanArray) -> pa.Table:
    """The rows of a table that a mask tells."""
    import pyarrow as pa

    columns = by_column(lambda column: _kept(column, mask), table.num_rows, table.columns)
    return pa.table(columns, names=table.column_names)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of the same columns on end; text that one of them holds as codes is so in all of them."""
    import pyarrow as pa

    columns = []
    for parts in zip(*(table.columns for table in tables), strict=True):
        alike = _alike(parts) if len({part.type for part in parts}) > 1 else parts
        columns.append(pa.chunked_array([chunk for part in alike for chunk in part.chunks], alike[0].type))
    return pa.table(columns, names=tables[0].column_names)


def _alike(parts: Sequence[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
    """Parts of a column with the same type."""
    import pyarrow as pa

    coded = next((part.type for part in parts if pa.types.is_dictionary(part.type)), None)
    plain = [part for part in parts if not pa.types.is_dictionary(part.type)]
    if coded == pa.dictionary(pa.int32(), pa.string()) and sum(part.nbytes for part in plain) < _FEW_BYTES:
        done = [part if part.type == coded else part.cast(pa.string()).dictionary_encode() for part in parts]
        if all(part.type == coded for part in done):
            return done
    values = [part.cast(part.type.value_type) if pa.types.is_dictionary(part.type) else part for part in parts]
    return [part if part.type == values[0].type else part.cast(values[0].type) for part in values]


def written_out(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column of text that is held as codes of a dictionary, as text of the type asked for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    slices = []
    for codes in _joined_chunks(column):
        words = codes.dictionary.cast(kind)
        most = -(-len(codes) // _THREADS) if len(codes) >= _MANY else max(len(codes), 1)
        if pa.types.is_string(kind):  # it counts its bytes in 32 bits
            most = min(most, max(_LARGEST // (pc.max(pc.binary_length(words)).as_py() or 1), 1))
        slices += [(words, codes.indices.slice(start, most)) for start in range(0, len(codes), most)]
    chunks = by_column(lambda pair: pc.take(*pair, boundscheck=False), len(column), slices)
    return pa.chunked_array(chunks, kind)


def _joined_chunks(column: pa.ChunkedArray) -> list[pa.Array]:
    whole = _joined(column)
    return list(getattr(whole, "chunks", [whole]))


def _kept(column: pa.ChunkedArray, mask: pa.BooleanArray) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = _joined(column)
    if pa.types.is_dictionary(whole.type) and isinstance(whole, pa.Array):
        return pa.DictionaryArray.from_arrays(
            pc.filter(whole.indices, mask), whole.dictionary, ordered=whole.type.ordered, safe=False
        )
    return pc.filter(whole, mask)


def _taken(column: pa.ChunkedArray, rows: pa.Array) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = _joined(column)
    if isinstance(whole, pa.Array):
        if pa.types.is_dictionary(whole.type):
            return pa.DictionaryArray.from_arrays(
                _picked(whole.indices, rows), whole.dictionary, ordered=whole.type.ordered, safe=False
            )
        return _picked(whole, rows)
    return pc.take(whole, rows, boundscheck=False)


def _joined(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A column as one array where it has to be or may well be, with one dictionary for all of it."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    elif not _is_flat(column.type):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_flat(kind: pa.DataType) -> bool:
    """Whether values are of a whole number of bytes each, all equally many."""
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind)) and (
        kind.bit_width % 8 == 0 and kind != pa.month_day_nano_interval()
    )


def _picked(values: pa.Array, rows: pa.Array) -> pa.Array:
    """Values by their numbers; with nulls, the values and the bits that tell of nulls each by themselves."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not values.null_count or not _is_flat(values.type):
        return pc.take(values, rows, boundscheck=False)
    bits, content = values.buffers()
    whole = pa.Array.from_buffers(values.type, len(values), [None, content], 0, values.offset)
    there = pa.Array.from_buffers(pa.bool_(), len(values), [None, bits], 0, values.offset)
    found = pc.take(whole, rows, boundscheck=False)
    known = pc.take(there, rows, boundscheck=False)
    return pa.Array.from_buffers(values.type, len(found), [known.buffers()[1], found.buffers()[1]])
