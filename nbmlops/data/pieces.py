"""What rows are taken from: Parquet files in the store, read by columns and row groups, and plain counting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from nbmlops.data import gathering, layout
from nbmlops.data.recipes import Piece
from nbmlops.data.where import Bound

if TYPE_CHECKING:
    import mmap

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq


__all__ = ["File", "Numbers", "Source", "View"]

_MANY = 50_000
_END = 128  # of a file, so large a part at its end holds the footer as a rule
_MOST_END = 1 << 20
_LOOKS = 8
_WORDS = 0.25
_NEARLY = 0.9
_BLOCKS = 4


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
        """Columns of some groups, or of all; text may come as codes of a dictionary."""

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """Columns of some rows, by their numbers, in that order, as `read` gives them."""

    def able(self, bounds: Sequence[Bound]) -> Sequence[tuple[int, int]]:
        """Stretches of rows, each from its first to before its last, that can hold what lies within some bounds."""

    def stored(self, names: Sequence[str]) -> int:
        """Bytes that columns take."""

    def forget(self) -> None:
        """Give back the memory of what was read."""

    def close(self) -> None:
        """Give the file back."""


class File:
    """A Parquet file.

    Parameters
    ----------
    view : View
        Its bytes.
    threads : bool
        Whether Arrow decodes it in its own threads, which may hold on to the bytes for an instant longer.
    """

    def __init__(self, view: View, *, threads: bool = True) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._view = view
        self._threads = threads
        view.need([(max(0, view.size - max(8, min(view.size // _END, _MOST_END))), view.size)])
        # The file ends with the length of its footer in four bytes, and PAR1.
        length = int.from_bytes(view.memory[view.size - 8 : view.size - 4], "little")
        self._footer = max(0, view.size - 8 - length)
        view.need([(self._footer, view.size)])
        self._whole = pa.py_buffer(view.memory)
        self._file = pq.ParquetFile(pa.BufferReader(self._whole))
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
        import pyarrow as pa

        asked = list(range(self._file.num_row_groups)) if groups is None else list(groups)
        file, wanted = self._coded(names, asked), list(names)
        if len(asked) < _BLOCKS * _BLOCKS:
            self._need(asked, names)
            return self._decoded(file, asked, wanted)
        # The bytes of one block are fetched and hashed while Arrow decodes the block before it.
        blocks = [asked[len(asked) * n // _BLOCKS : len(asked) * (n + 1) // _BLOCKS] for n in range(_BLOCKS)]
        with ThreadPoolExecutor(1, thread_name_prefix="nbmlops-bytes") as pool:
            coming = [pool.submit(self._need, block, names) for block in blocks]
            tables = []
            for block, fetched in zip(blocks, coming, strict=True):
                fetched.result()
                tables.append(self._decoded(file, block, wanted))
        return pa.concat_tables(tables)

    def _decoded(self, file: pq.ParquetFile, groups: list[int], names: list[str]) -> pa.Table:
        return file.read_row_groups(groups, columns=names, use_threads=self._threads).select(names)

    def _need(self, groups: Sequence[int], names: Sequence[str]) -> None:
        self._view.need(span for number in groups for span in self._own(number, names))

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """Columns of some rows; only the row groups that hold them are read."""
        groups, shift = self.needed(rows)
        return gathering.taken(self.read(names, groups), rows if groups is None else rows + shift)

    def _coded(self, names: Sequence[str], asked: Sequence[int]) -> pq.ParquetFile:
        """The file, read so that text which it holds as codes of small dictionaries comes as such: much faster."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if sum(self._starts[number + 1] - self._starts[number] for number in asked) < _MANY:
            return self._file
        few = asked[:: -(-len(asked) // _LOOKS)]
        small = [name for name in names if layout.is_text(self.schema.field(name).type) and self._repeats(name, few)]
        if not small:
            return self._file
        return pq.ParquetFile(pa.BufferReader(self._whole), metadata=self._file.metadata, read_dictionary=small)

    def _repeats(self, name: str, groups: Sequence[int]) -> bool:
        """Whether some groups hold a column as codes, and its values in far fewer bytes than those."""
        words = total = 0
        for group in groups:
            (((begin, pages), (_, end)),) = layout.spans(self._file.metadata, group, [self._leaves.index(name)])
            if begin == pages:
                return False
            words, total = words + pages - begin, total + end - begin
        return words < _WORDS * total

    def able(self, bounds: Sequence[Bound]) -> Sequence[tuple[int, int]]:
        """The row groups whose figures leave room for what is asked."""
        metadata = self._file.metadata
        places = {metadata.schema.column(n).path: n for n in range(metadata.num_columns)}
        left = list(range(metadata.num_row_groups))
        for name in dict.fromkeys(bound.column for bound in bounds if bound.column in places):
            own = [bound for bound in bounds if bound.column == name]
            left = [number for number in left if self._fits(number, places[name], own)]
        return [(int(self._starts[number]), int(self._starts[number + 1])) for number in left]

    def _fits(self, group: int, leaf: int, bounds: Sequence[Bound]) -> bool:
        figures = self._file.metadata.row_group(group).column(leaf).statistics
        if figures is None or not figures.has_min_max:
            return True
        low, high = figures.min, figures.max
        return all(bound.fits(low, high) for bound in bounds)

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

        return self.take(names, np.arange(self.rows))

    def take(self, names: Sequence[str], rows: np.ndarray) -> pa.Table:
        """The numbers in some rows, under each name."""
        import pyarrow as pa

        numbers = self._piece.start + self._piece.step * rows
        return pa.table([pa.array(numbers)] * len(names), names=list(names))

    def able(self, bounds: Sequence[Bound]) -> Sequence[tuple[int, int]]:  # noqa: ARG002 - nothing is known of them
        """Every row: nothing is known of them."""
        return [(0, self.rows)]

    def stored(self, names: Sequence[str]) -> int:  # noqa: ARG002 - they are made, not stored
        """None: they are made when they are read."""
        return 0

    def forget(self) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Do nothing: there is no file."""


def _spread(rows: np.ndarray, starts: np.ndarray) -> bool:
    """Whether rows lie in nearly every group, from a look at a few of them: then all may as well be read."""
    import numpy as np

    step = max(1, len(rows) // (20 * (len(starts) - 1)))
    seen = np.unique(np.searchsorted(starts, rows[::step], side="right")) - 1
    return bool(np.diff(starts)[seen].sum() >= _NEARLY * starts[-1])
