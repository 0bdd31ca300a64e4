"""The types of the columns of a CSV file: decided by its first rows, and made wider where later ones need it.

The first 10,000 rows decide what a column is: whole numbers, numbers, truths, dates, times or text, as Arrow reads
them (https://arrow.apache.org/docs/cpp/csv.html#column-type-inference), but text too when it holds whole numbers that
begin with 0 or have more digits than 64 bits can keep: those are names of something. A column that is empty there is
decided by the first rows that have a value. Later rows make whole numbers into numbers, dates into times and times
into finer ones; nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DECIDING", "NULLS", "WORDS", "decided", "first_unlike", "is_exact", "options", "wider"]

DECIDING = 10_000
NULLS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "Null", "null", "None")
"""What stands for a missing value; in a column of text only the first."""
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
WORDS = {
    "int64": "whole numbers",
    "double": "numbers",
    "bool": "true and false",
    "date32[day]": "dates",
    "time32[s]": "times of day",
}
_NAMES = r"^\s*[+-]?0[0-9]"
_LONG = r"^\s*[+-]?[0-9]{16,}\s*$"


def options(types: Mapping[str, pa.DataType]) -> Any:
    """How Arrow is to convert columns to types."""
    from pyarrow import csv

    return csv.ConvertOptions(
        column_types=dict(types), null_values=list(NULLS), true_values=list(_TRUE), false_values=list(_FALSE)
    )


def decided(rows: pa.Table) -> dict[str, pa.DataType]:
    """The type of each column of some rows of text; null of one without a value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    read = _read(rows, {})
    types = {}
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        kind = read.schema.field(name).type
        values = pc.filter(column, pc.invert(pc.is_in(column, pa.array(NULLS))))
        if kind == pa.int64() and pc.any(pc.match_substring_regex(values, _NAMES)).as_py():
            kind = pa.string()
        if kind == pa.float64() and not is_exact(values):
            kind = pa.string()
        types[name] = kind
    return types


def wider(values: pa.ChunkedArray, kind: pa.DataType) -> pa.DataType | None:
    """The narrowest type, from `kind` on, that takes some texts; None when none does.

    Whole numbers may be rounded in a type of numbers; `is_exact` tells.
    """
    import pyarrow as pa

    if pa.types.is_null(kind):
        return decided(pa.table({"x": values}))["x"]
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    finer = [pa.timestamp(unit, zone) for unit in ("s", "ns")]
    chains = ([pa.int64(), pa.float64()], [pa.date32(), *finer], finer)
    chain = next((chain[chain.index(kind) :] for chain in chains if kind in chain), [kind])
    for each in chain:
        if _fits(values, each):
            return each
    return None


def first_unlike(values: pa.ChunkedArray, kind: pa.DataType) -> int:
    """Number of the first text for which `wider` gives what it gives for all of them; that is not `kind` itself."""
    found = wider(values, kind)
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        if wider(values.slice(low, middle - low), kind) == found:
            high = middle
        else:
            low = middle
    return low


def _fits(values: pa.ChunkedArray, kind: pa.DataType) -> bool:
    import pyarrow as pa

    try:
        _read(pa.table({"x": values}), {"x": kind})
    except pa.ArrowInvalid:
        return False
    return True


def _read(rows: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Rows of text as Arrow reads them from a file."""
    from pyarrow import csv

    sink = io.BytesIO()
    csv.write_csv(rows, sink)
    size = max(len(sink.getvalue()), 1)
    return csv.read_csv(
        io.BytesIO(sink.getvalue()),
        read_options=csv.ReadOptions(block_size=size),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=options(types),
    )


def is_exact(values: pa.ChunkedArray) -> bool:
    """Whether each whole number among some texts is one of 64-bit floating point."""
    import pyarrow.compute as pc

    long = pc.filter(values, pc.match_substring_regex(values, _LONG)).to_pylist()
    return all(int(float(text)) == int(text) for text in long)
