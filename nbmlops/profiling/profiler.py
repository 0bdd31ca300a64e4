"""Profiles tables: in memory, or part by part, each part by whichever thread is free."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.profiling.columns import column_profile, numbers
from nbmlops.profiling.moments import Comoments
from nbmlops.profiling.records import Profile

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["profile", "profile_in_turn", "profile_parts"]

_ROWS = 1 << 17
Progress = Callable[[int], None]
Pause = Callable[[], None]


def profile(table: Any) -> Profile:
    """Profile a table in memory.

    Parameters
    ----------
    table : pyarrow.Table, pyarrow.RecordBatch, pandas.DataFrame or polars.DataFrame
        The table; the index of a frame is left out. A part of one is profiled in the same way, in any process, and the
        profiles are merged: `Profile.merged`.

    Raises
    ------
    InvalidError
        When it is none of these, has no columns or two of one name, or holds Python objects of several types.

    Examples
    --------
    >>> import pyarrow as pa
    >>> found = profile(pa.table({"delay": [3.0, None, -1.0, 3.0]}))
    >>> found.rows, found.column("delay").nulls, found.column("delay").counts
    (4, 1, ((-1.0, 1), (3.0, 2)))
    """
    whole = _arrow(table)
    if whole.num_rows <= _ROWS:
        return _profiled(whole)
    parts = (whole.slice(start, _ROWS) for start in range(0, whole.num_rows, _ROWS))
    return profile_parts(parts)


def profile_parts(parts: Iterable[Any], progress: Progress | None = None) -> Profile:
    """Profile a table that comes in parts, with as many parts in memory as there are cores, and one more.

    Parameters
    ----------
    parts : iterable of pyarrow.Table
        The parts, at least one, each with the same columns.
    progress : callable, optional
        Called with the bytes of each part that is done.

    Raises
    ------
    InvalidError
        When there is none, or they have unlike columns.
    """
    threads = min(8, os.cpu_count() or 1)
    found: list[Profile] = []
    room = threading.BoundedSemaphore(threads + 1)
    with ThreadPoolExecutor(threads) as pool:
        going: list[Future[Profile]] = []
        for part in _filled(parts):
            room.acquire()
            done = pool.submit(_profiled, part)
            done.add_done_callback(lambda _: room.release())
            going.append(done)
            if progress is not None:
                progress(part.nbytes)
            while going and going[0].done():
                found[:] = [Profile.merged([*found, going.pop(0).result()])]
        found += [one.result() for one in going]
    return Profile.merged(found)


def profile_in_turn(parts: Iterable[Any], pause: Pause) -> Profile:
    """Profile a table that comes in parts, in this thread alone, one part in memory at a time.

    Parameters
    ----------
    parts : iterable of pyarrow.Table
        The parts, at least one, each with the same columns.
    pause : callable
        Called before each part and each column of it; may wait, and ends all by raising something.

    Raises
    ------
    InvalidError
        When there is none, or they have unlike columns.
    """
    found: list[Profile] = []
    for part in parts:
        pause()
        found[:] = [Profile.merged([*found, _profiled(part, pause)])]
    return Profile.merged(found)


def _filled(parts: Iterable[Any]) -> Iterator[pa.Table]:
    """Small parts together, large ones cut, so that each is worth a turn."""
    import pyarrow as pa

    held: list[pa.Table] = []
    rows = 0
    for part in parts:
        if held and not part.schema.equals(held[0].schema):  # merging says what is unlike
            yield pa.concat_tables(held)
            held, rows = [], 0
        held.append(part)
        rows += part.num_rows
        if rows >= _ROWS:
            whole = pa.concat_tables(held)
            yield from (whole.slice(start, _ROWS) for start in range(0, rows, _ROWS))
            held, rows = [], 0
    if held:
        yield pa.concat_tables(held)


def _profiled(table: pa.Table, pause: Pause | None = None) -> Profile:
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if pause is not None:
            pause()
        columns.append(column_profile(field.name, column))
    names = [column.name for column in columns if column.kind == "number"]
    kept = names[: Comoments.MOST]
    reals = [_reals(table.column(name)) for name in kept]
    return Profile(table.num_rows, tuple(columns), Comoments.of(tuple(kept), reals, tuple(names[Comoments.MOST :])))


def _reals(column: pa.ChunkedArray) -> np.ndarray:
    """A number column as doubles, NaN where it is null."""
    import numpy as np
    import pyarrow as pa

    if not column.null_count:
        return numbers(column).astype(np.float64, copy=False)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: np.ndarray = column.cast(pa.float64(), safe=False).to_numpy()
    return values


def _refuse_names(names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidError(f"the table has several columns named {twice[0]!r}", hint="give each a name of its own")


def _arrow(table: Any) -> pa.Table:
    """The Arrow table of any table in memory."""
    import pyarrow as pa

    package = type(table).__module__.partition(".")[0]
    _refuse_names([str(name) for name in getattr(table, "columns", ())] if package != "pyarrow" else table.schema.names)
    try:
        if isinstance(table, pa.Table):
            whole = table
        elif isinstance(table, pa.RecordBatch):
            whole = pa.Table.from_batches([table])
        elif package == "polars" and hasattr(table, "to_arrow"):
            whole = table.to_arrow()
        elif hasattr(table, "columns") and hasattr(table, "iloc"):
            whole = pa.Table.from_pandas(table, preserve_index=False)
        else:
            raise InvalidError(
                f"{type(table).__name__} is not a table that can be profiled",
                hint="give a pandas, polars or pyarrow table",
            )
    except (TypeError, ValueError, pa.ArrowException) as error:
        said = " ".join(str(each) for each in error.args)
        raise InvalidError(f"the table cannot be profiled: {said}", hint="give each column one type") from error
    if not whole.num_columns:
        raise InvalidError("the table has no columns", hint="give one that has")
    return whole
