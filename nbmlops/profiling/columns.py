"""The profile of one column of one batch: numbers, instants and booleans; text is in `texts`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.profiling import lattice, sketches
from nbmlops.profiling.hashing import hash_numbers, number_bits
from nbmlops.profiling.moments import Moments
from nbmlops.profiling.personal.signs import of_numbers
from nbmlops.profiling.records import EXACT, ColumnProfile, Kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["column_profile", "kind_of_type", "numbers"]

_NARROW = 1 << 17
_HEAD = 4 * EXACT
_EXACT_WHOLE = 1 << 53
"""Whole numbers beyond are not all doubles: counted as such, different ones would be one."""
_STEPS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
"""Microseconds of a day, an hour, a minute, a second: instants are mostly whole ones."""


def kind_of_type(type_: pa.DataType) -> Kind:
    """What is told of a column of an Arrow type."""
    import pyarrow as pa

    is_ = pa.types
    if is_.is_dictionary(type_):
        return kind_of_type(type_.value_type)
    if is_.is_boolean(type_):
        return "boolean"
    if is_.is_integer(type_) or is_.is_floating(type_) or is_.is_decimal(type_):
        return "number"
    if is_.is_timestamp(type_) or is_.is_date(type_):
        return "time"
    if is_.is_string(type_) or is_.is_large_string(type_) or is_.is_string_view(type_):
        return "text"
    return "nothing" if is_.is_null(type_) else "other"


def column_profile(name: str, column: pa.ChunkedArray) -> ColumnProfile:
    """Profile a column."""
    kind = kind_of_type(column.type)
    made = ColumnProfile(name, kind, str(_plain(column.type)), len(column), column.null_count)
    if kind in {"other", "nothing"}:
        return made
    if kind == "text":
        from nbmlops.profiling.texts import text_profile

        return text_profile(made, column)
    if made.nulls:
        column = column.drop_null()
    return _numeric(made, numbers(column))


def _plain(type_: pa.DataType) -> Any:
    import pyarrow as pa

    return type_.value_type if pa.types.is_dictionary(type_) else type_


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column without nulls as numbers: whole ones and microseconds as 64-bit integers, others as doubles."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    is_ = pa.types
    if is_.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_.is_timestamp(column.type) or is_.is_date(column.type):
        if is_.is_timestamp(column.type) and column.type.unit == "ns":
            column = pc.floor_temporal(column.cast(pa.timestamp("ns")), unit="microsecond")
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    elif is_.is_boolean(column.type):
        column = column.cast(pa.uint8())
    elif is_.is_decimal(column.type):
        column = column.cast(pa.float64())
    values: np.ndarray = column.to_numpy()
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    if values.dtype == np.uint64 and len(values) and values.max() > np.uint64(1 << 63):
        return values.astype(np.float64)
    return values.astype(np.int64, copy=False)


def _numeric(made: ColumnProfile, values: np.ndarray) -> ColumnProfile:
    import numpy as np

    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            nan, above = int(np.isnan(values).sum()), int(np.isposinf(values).sum())
            below = len(values) - int(finite.sum()) - nan - above
            made = replace(made, nan=nan, above=above, below=below)
            values = values[finite]
        values = values + 0.0  # minus zero is zero
    if len(values) == 0:
        return replace(made, counts=())
    if made.kind == "number":
        made = replace(made, signs=of_numbers(values))
    grid = _grid(values, made.kind)
    if grid is not None:
        return _counted(made, *grid)
    if _is_varied(values):
        return _summarised(made, values)
    return _counted(made, *np.unique(values, return_counts=True))


def _grid(values: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray] | None:
    """The distinct values and how often each comes, where all are whole multiples of a step and few steps apart."""
    import numpy as np

    if values.dtype.kind == "f":
        if values[0] % 1 or not (abs(values.min()) < _EXACT_WHOLE and abs(values.max()) < _EXACT_WHOLE):
            return None
        whole = values.astype(np.int64)
        if not np.array_equal(whole, values):
            return None
    else:
        whole = values
    step = 1
    if kind == "time":
        head = whole[:256]
        step = next((each for each in _STEPS if not (head % each).any() and not (whole % each).any()), 1)
    low, high = int(whole.min()), int(whole.max())
    if (high - low) // step >= min(_NARROW, 4 * len(whole) + EXACT):
        return None
    places = whole - low
    if step > 1:
        places //= step
    times = np.bincount(places)
    there = np.flatnonzero(times)
    return there * step + low, times[there]


def _is_varied(values: np.ndarray) -> bool:
    """Whether there are more distinct values than are counted, as far as the first ones tell; or too large ones."""
    import numpy as np

    if values.dtype.kind == "i" and max(abs(int(values.min())), abs(int(values.max()))) > _EXACT_WHOLE:
        return True
    return len(np.unique(values[:_HEAD])) > EXACT


def _counted(made: ColumnProfile, values: np.ndarray, times: np.ndarray) -> ColumnProfile:
    """Of distinct values, in order, and their counts."""
    import numpy as np

    reals = values.astype(np.float64)
    moments, bins = Moments.of(reals, times), lattice.counted(_bins(values, made.kind), times)
    made = replace(made, moments=moments, bins=bins)
    large = bool(values.dtype.kind == "i" and np.abs(values[[0, -1]]).max() > _EXACT_WHOLE)
    if len(values) <= EXACT and not large:
        return replace(made, counts=tuple(zip(reals.tolist(), times.tolist(), strict=True)))
    hashes = sketches.smallest(hash_numbers(number_bits(values)))
    return replace(made, sketch=sketches.quantile_sketch(reals, times), hashes=hashes)


def _summarised(made: ColumnProfile, values: np.ndarray) -> ColumnProfile:
    """Of many different values."""
    import numpy as np

    reals = values.astype(np.float64, copy=False)
    return replace(
        made,
        moments=Moments.of(reals),
        bins=lattice.counted(_bins(values, made.kind)),
        sketch=sketches.quantile_sketch(reals),
        hashes=sketches.smallest(hash_numbers(number_bits(values))),
    )


def _bins(values: np.ndarray, kind: Kind) -> np.ndarray:
    return lattice.months(values) if kind == "time" else lattice.number_bins(values)
