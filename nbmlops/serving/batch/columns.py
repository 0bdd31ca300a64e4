"""A column of a table held against the signature, by the rules of a request's and as fast as Arrow goes.

What is plainly right is taken as a whole. Whatever else there is goes through `Column.take` value by value, so the
rules, and the words for what is wrong, are those of the endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nbmlops.serving.endpoint.refusals import Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.serving.endpoint.fields import Column

__all__ = ["taken"]

_MOST_VALUES = 10_000
"""How many different values a column of categories may have to be looked at value by value of those alone."""


def taken(column: Column, values: pa.ChunkedArray, faults: list[Fault]) -> np.ndarray[Any, Any]:
    """What `Column.take` gives for the values, and adds to the faults."""
    array = _at_once(column, values)
    return column.take(values.to_pylist(), faults) if array is None else array


def _at_once(column: Column, values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    """All values, when there is nothing to say against any; None when that has to be seen one by one."""
    import pyarrow as pa

    if column.categories:
        return _categories(column, values)
    if values.null_count and not column.nullable:
        return None
    if column.dtype.kind == "f":
        return _reals(column, values)
    if column.dtype.kind in "iu":
        return _integers(column, values)
    if column.dtype.kind == "b":
        plain = pa.types.is_boolean(values.type) and not values.null_count
        return _array(values) if plain else None
    if column.dtype.kind == "M":
        return _instants(values)
    return _texts(values) if column.is_text else None


def _reals(column: Column, values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    import pyarrow as pa

    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        return None
    if not column.nullable:
        return None  # whether it holds what is no number is seen one by one
    # A value too large for the type becomes infinite, and is then refused in its own words.
    with np.errstate(over="ignore"):
        array = _array(values).astype(column.dtype, copy=False)
    return None if np.isinf(array).any() else array


def _integers(column: Column, values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(values.type):
        return None
    ends, able = pc.min_max(values).as_py(), np.iinfo(column.dtype)
    if ends["min"] is not None and not able.min <= ends["min"] <= ends["max"] <= able.max:
        return None
    return _array(values).astype(np.float64 if values.null_count else column.dtype, copy=False)


def _instants(values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    import pyarrow as pa

    if pa.types.is_timestamp(values.type) and values.type.tz is None:
        return _array(values.cast(pa.timestamp("us"), safe=False))
    return _array(values.cast(pa.timestamp("us"))) if pa.types.is_date(values.type) else None


def _texts(values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    import pyarrow as pa

    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    return _array(values.cast(kind))


def _categories(column: Column, values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    """Each different value is looked at once; a column that is at fault anywhere is seen one by one."""
    import pyarrow as pa

    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    whole = coded.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # without rows there is nothing to combine
        return None
    codes = whole.indices.fill_null(len(whole.dictionary)).to_numpy(zero_copy_only=False)
    used = np.unique(codes)
    if len(used) > _MOST_VALUES:
        return None
    known = [*whole.dictionary.to_pylist(), None]
    faults: list[Fault] = []
    meant = column.take([known[code] for code in used], faults)
    if faults:
        return None
    found = np.empty(len(known), object)
    found[used] = meant
    each: np.ndarray[Any, Any] = found[codes]
    return each


def _array(values: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = values.to_numpy()
    return array
