"""The point-in-time join of what is larger than memory: by buckets of entities on disk.

Rows of one entity fall into one bucket, on both sides, by a hash of its key; so each bucket is joined on its own. What
was found is put aside by ranges of the spine's rows, and the ranges are put together in their order. Each table is read
once and written once, whatever its size; in memory is one bucket of one view, or one range of all. So the rows of any
one entity have to fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from nbmlops.features.joining import ROW, Keys, Wanted, keyed, looked_up

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RANGE", "Side", "joined_in_buckets"]

RANGE = 1 << 18
"""Rows of the spine that are put together at once."""
_BUCKET = "__bucket"
Parts = Callable[[], "Iterator[pl.DataFrame]"]


class Side(NamedTuple):
    """A view and the parts of its table, which can be read anew."""

    wanted: Wanted
    parts: Parts


def joined_in_buckets(
    spine: Parts, time: str, what: str, sides: Sequence[Side], folder: Path, count: int
) -> Iterator[pl.DataFrame]:
    """The rows of a spine with the features of some views, in parts, in their order.

    Parameters
    ----------
    spine : callable
        Gives the parts of the spine, each of `RANGE` rows but for the last; called twice.
    time, what : str
        Its event time, and what messages call it.
    sides : sequence of Side
        The views.
    folder : Path
        An empty folder for what is put aside.
    count : int
        How many buckets.

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
            _spread(_keys(spine, time, what, side.wanted.entities), own, side.wanted.entities, count)
    for number, side in enumerate(sides):
        own = folder / f"table-{number}"
        _spread(side.parts(), own, side.wanted.entities, count)
        _look_up(keys[side.wanted.entities], own, folder / f"found-{number}", side, (what, count))
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
        yield keyed(part, time, entities, what, first).frame
        first += part.height


def _look_up(keys: Path, table: Path, target: Path, side: Side, how: tuple[str, int]) -> None:
    """Join bucket by bucket, and put what was found aside by ranges of rows."""
    import polars as pl

    what, count = how
    empty: pl.DataFrame | None = next(
        (one for number in range(count) if (one := _read(table, number)) is not None), None
    )
    assert empty is not None  # a table has at least one part, which may be empty
    with _Files(target) as files:
        for number in range(count):
            left, right = _read(keys, number), _read(table, number)
            if left is None:
                continue
            found = looked_up(Keys.of(left), empty.clear() if right is None else right, side.wanted, what)
            files.add(found.with_columns(left[ROW].sort()).with_columns((pl.col(ROW) // RANGE).alias(_BUCKET)))


def _spread(parts: Iterator[pl.DataFrame], target: Path, entities: Sequence[str], count: int) -> None:
    """Write rows into buckets by their entities; a part without rows leaves its columns in the first."""
    with _Files(target) as files:
        for part in parts:
            alike = part.select(_alike(name, kind) for name, kind in part.select(entities).schema.items())
            files.add(part.with_columns((alike.hash_rows(0) % count).alias(_BUCKET)), always=True)


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
        parted: Mapping[Any, pl.DataFrame] = rows.partition_by(_BUCKET, as_dict=True, include_key=False)
        if not parted and always:
            parted = {(0,): rows.drop(_BUCKET)}
        for (number,), part in parted.items():
            self._write(int(number), part)

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
