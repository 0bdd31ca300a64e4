"""The point-in-time join of what is larger than memory: by buckets of entities on disk.

Rows of one entity fall into one bucket, on both sides, by a hash of its key; so each bucket is joined on its own. What
was found is put aside by ranges of the spine's rows, and the ranges are put together in their order. Each table is read
once and written once, whatever its size; in memory is one bucket of one view, or one range of all. So the rows of any
one entity have to fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from nbmlops.features.joining import ROW, Keys, Wanted, events_of, looked_up

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Side", "Size", "joined_in_buckets"]

_BUCKET = "__bucket"
_FEWEST, _MOST = 1 << 12, 1 << 18
"""Rows that are put together at once."""
_SPREAD = 1 << 15
"""Rows that are told apart at once."""
_FILES = 256
"""Files that are open at once."""
_CELL, _COPIES = 16, 8
"""Bytes that a value takes, and how often it is there while rows are put together and written."""
Parts = Callable[[], "Iterator[pl.DataFrame]"]


class Size(NamedTuple):
    """How a join is cut: into how many buckets, and into ranges of how many rows of the spine."""

    buckets: int
    at_once: int

    @classmethod
    def of(cls, needed: int, most: int, rows: int, columns: int) -> Self:
        """For what takes so many bytes in memory and may take `most`: a spine of rows, and columns of what is made."""
        fitting = most // (_COPIES * _CELL * columns)
        at_once = max(min(fitting, _MOST), _FEWEST, -(-rows // _FILES))
        return cls(min(2 + 2 * needed // most, _FILES), at_once)


class Side(NamedTuple):
    """A view and the parts of its table, which can be read anew."""

    wanted: Wanted
    parts: Parts


def joined_in_buckets(
    spine: Parts, time: str, what: str, sides: Sequence[Side], folder: Path, size: Size
) -> Iterator[pl.DataFrame]:
    """The rows of a spine with the features of some views, in parts, in their order.

    Parameters
    ----------
    spine : callable
        Gives the parts of the spine, each of the size's rows but for the last; called twice.
    time, what : str
        Its event time, and what messages call it.
    sides : sequence of Side
        The views.
    folder : Path
        An empty folder for what is put aside.
    size : Size
        How it is cut.

    Raises
    ------
    InvalidError, RefusedError
        As `looked_up` does.
    """
    import polars as pl

    keys: dict[tuple[str, ...], Path] = {}
    for side in sides:
        if side.wanted.entities not in keys:
            own = keys[side.wanted.entities] = folder / f"keys-{len(keys)}"
            _spread(_keys(spine, time, what, side.wanted.entities), own, side.wanted.entities, size)
    for number, side in enumerate(sides):
        own = folder / f"table-{number}"
        _spread(side.parts(), own, side.wanted.entities, size)
        _look_up(keys[side.wanted.entities], own, folder / f"found-{number}", side, what, size)
    for number, part in enumerate(spine()):
        columns = [part]
        for place in range(len(sides)):
            found = _read(folder / f"found-{place}", number)
            assert found is not None
            columns.append(found.sort(ROW).drop(ROW))
        yield pl.concat(columns, how="horizontal")


def _keys(spine: Parts, time: str, what: str, entities: Sequence[str]) -> Iterator[pl.DataFrame]:
    first = 0
    for part in spine():
        yield events_of(part, time, entities, what, first)
        first += part.height


def _look_up(keys: Path, table: Path, target: Path, side: Side, what: str, size: Size) -> None:
    """Join bucket by bucket, and put what was found aside by ranges of rows."""
    import polars as pl

    empty: pl.DataFrame | None = next(
        (one for number in range(size.buckets) if (one := _read(table, number)) is not None), None
    )
    assert empty is not None  # a table has at least one part, which may be empty
    with _Files(target) as files:
        for number in range(size.buckets):
            left, right = _read(keys, number), _read(table, number)
            if left is None:
                continue
            found = looked_up(Keys.of(left), empty.clear() if right is None else right, side.wanted, what)
            files.add(found.with_columns(left[ROW].sort()).with_columns((pl.col(ROW) // size.at_once).alias(_BUCKET)))


def _spread(parts: Iterator[pl.DataFrame], target: Path, entities: Sequence[str], size: Size) -> None:
    """Write rows into buckets by their entities; a part without rows leaves its columns in the first."""
    with _Files(target) as files:
        for part in (some for whole in parts for some in (whole.iter_slices(_SPREAD) if whole.height else [whole])):
            alike = part.select(_alike(name, kind) for name, kind in part.select(entities).schema.items())
            files.add(part.with_columns((alike.hash_rows(0) % size.buckets).alias(_BUCKET)), always=True)


def _alike(name: str, kind: pl.DataType) -> pl.Expr:
    """A key as both sides write it, so that both hash it alike."""
    import polars as pl

    if kind.is_integer() and str(kind) != "UInt64":
        return pl.col(name).cast(pl.Int64)
    return pl.col(name).cast(pl.String) if isinstance(kind, pl.Categorical | pl.Enum) else pl.col(name)


class _Files:
    """Files of Arrow batches in a folder, one for each number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._open: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, rows: pl.DataFrame, *, always: bool = False) -> None:
        """Add rows to the files that their column `_BUCKET` names; with `always` also a part without rows."""
        import numpy as np

        ordered = rows.sort(_BUCKET, maintain_order=True)
        numbers, begins = np.unique(ordered[_BUCKET].to_numpy(), return_index=True)
        content = ordered.drop(_BUCKET)
        if not len(numbers):
            if always:
                self._write(0, content)
            return
        for number, begin, end in zip(numbers, begins, [*begins[1:], rows.height], strict=True):
            self._write(int(number), content.slice(begin, end - begin))

    def _write(self, number: int, part: pl.DataFrame) -> None:
        import pyarrow as pa

        table = part.to_arrow()
        if number not in self._open:
            sink = self._stack.enter_context(pa.OSFile(str(self._folder / str(number)), "wb"))
            self._open[number] = self._stack.enter_context(pa.ipc.new_stream(sink, table.schema))
        self._open[number].write_table(table)


def _read(folder: Path, number: int) -> pl.DataFrame | None:
    import polars as pl

    path = folder / str(number)
    return pl.read_ipc_stream(path) if path.exists() else None
