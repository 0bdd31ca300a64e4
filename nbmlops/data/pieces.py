"""What rows are taken from: Parquet files in the store, read by columns and row groups, and plain counting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nbmlops.data import layout
from nbmlops.data.recipes import Piece
from nbmlops.data.where import Bound

if TYPE_CHECKING:
    import mmap

    import numpy as np
    import pyarrow as pa


__all__ = ["File", "Numbers", "Source", "View"]


class View(Protocol):
    """A file as memory, which holds what was asked for."""

    @property
    def size(self) -> int:
        """Bytes of the file."""

    @property
    def memory(self) -> mmap.mmap:
        """The bytes."""

    def need(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fill in what lies between some begins and ends."""

    def forget(self, before: int) -> None:
        """Give back the memory of what lies before a place."""


class Source(Protocol):
    """Rows to take from, in groups."""

    rows: int

    def needed(self, rows: np.ndarray) -> tuple[Sequence[int] | None, Any]:
        """The groups that hold some rows, None for all, and what to add to their numbers once they alone are read."""

    def read(self, names: Sequence[str], groups: Sequence[int] | None) -> pa.Table:
        """Columns of some groups."""

    def able(self, bounds: Sequence[Bound]) -> np.ndarray:
        """For each row, whether its group can hold what lies within some bounds."""

    def stored(self, names: Sequence[str]) -> int:
        """Bytes that columns take."""

    def forget(self) -> None:
        """Give back the memory of what was read."""

    def close(self) -> None:
        """Give the file back."""


class File:
    """A Parquet file."""

    def __init__(self, view: View) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._view = view
        view.need([(view.size - 8, view.size)])
        # The file ends with the length of its footer in four bytes, and PAR1.
        length = int.from_bytes(view.memory[view.size - 8 : view.size - 4], "little")
        self._footer = max(0, view.size - 8 - length)
        view.need([(self._footer, view.size)])
        self._file = pq.ParquetFile(pa.BufferReader(pa.py_buffer(view.memory)))
        self.schema = self._file.schema_arrow
        self.rows = self._file.metadata.num_rows
        self._leaves = layout.leaves(self.schema)
        lengths = [self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)]
        self._starts = np.cumsum([0, *lengths])

    def needed(self, rows: np.ndarray) -> tuple[Sequence[int] | None, Any]:
        """The row groups that hold some rows, and what to add to the rows' numbers once they alone are read."""
        import numpy as np

        count = len(self._starts) - 1
        if len(rows) > count and _spread(rows, self._starts):
            return None, 0
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        groups = np.flatnonzero(np.bincount(numbers, minlength=count))
        if len(groups) == count:
            return None, 0
        lengths = np.diff(self._starts)[groups]
        shift = np.zeros(count, np.int64)
        shift[groups] = np.cumsum([0, *lengths[:-1]]) - self._starts[groups]
        return groups.tolist(), shift[numbers]

    def read(self, names: Sequence[str], groups: Sequence[int] | None) -> pa.Table:
        """Columns of some row groups, or of all."""
        asked = range(self._file.num_row_groups) if groups is None else groups
        self._view.need(span for number in asked for span in self._own(number, names))
        if groups is None:
            return self._file.read(columns=list(names)).select(list(names))
        return self._file.read_row_groups(list(groups), columns=list(names)).select(list(names))

    def able(self, bounds: Sequence[Bound]) -> np.ndarray:
        """For each row, whether the figures of its row group leave room for what is asked."""
        import numpy as np

        metadata = self._file.metadata
        places = {metadata.schema.column(n).path: n for n in range(metadata.num_columns)}
        able = np.ones(metadata.num_row_groups, bool)
        for bound in bounds:
            if bound.column in places:
                for number in range(metadata.num_row_groups):
                    figures = metadata.row_group(number).column(places[bound.column]).statistics
                    able[number] &= figures is None or not figures.has_min_max or bound.fits(figures.min, figures.max)
        return np.repeat(able, np.diff(self._starts))

    def stored(self, names: Sequence[str]) -> int:
        """Bytes that columns take."""
        groups = range(self._file.num_row_groups)
        return sum(end - begin for number in groups for begin, end in self._own(number, names))

    def _own(self, group: int, names: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where the columns of a group lie in the file."""
        leaves = [place for place, name in enumerate(self._leaves) if name in names]
        for both in layout.spans(self._file.metadata, group, leaves):
            yield from both

    def forget(self) -> None:
        """Give back the memory of what was read."""
        self._view.forget(self._footer)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


class Numbers:
    """Numbers with equal steps, as one group."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self.rows = piece.rows

    def needed(self, rows: np.ndarray) -> tuple[Sequence[int] | None, Any]:  # noqa: ARG002 - as other sources have it
        """All, always."""
        return None, 0

    def read(self, names: Sequence[str], groups: Sequence[int] | None) -> pa.Table:  # noqa: ARG002 - there is one
        """The numbers, under each name."""
        import numpy as np
        import pyarrow as pa

        numbers = self._piece.start + self._piece.step * np.arange(self.rows)
        return pa.table([pa.array(numbers)] * len(names), names=list(names))

    def able(self, bounds: Sequence[Bound]) -> np.ndarray:  # noqa: ARG002 - nothing is known of them
        """Every row: nothing is known of them."""
        import numpy as np

        return np.ones(self.rows, bool)

    def stored(self, names: Sequence[str]) -> int:  # noqa: ARG002 - they are made, not stored
        """None: they are made when they are read."""
        return 0

    def forget(self) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Do nothing: there is no file."""


def _spread(rows: np.ndarray, starts: np.ndarray) -> bool:
    """Whether rows surely lie in every group, from a look at a few of them."""
    import numpy as np

    step = max(1, len(rows) // (20 * (len(starts) - 1)))
    seen = np.unique(np.searchsorted(starts, rows[::step], side="right"))
    return len(seen) == len(starts) - 1
