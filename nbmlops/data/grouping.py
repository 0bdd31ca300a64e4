"""Where the row groups of a table end: at rows that the content chooses, so that an edit moves only the cuts around it.

Each row gets a priority, a hash of its values in a few columns. A group begins at each row whose priority is the
lowest of all within `WINDOW` rows before and after it (the first of equals). Whether a row is one depends on nothing
further away, so behind an inserted, removed or changed row the cuts are soon the same again: with groups of a fixed
number of rows every group after an insert is another. Groups hold `WINDOW` rows at least, about twice as many on
average, and at most `LONGEST`: where priorities repeat, as in a table of equal rows, the content chooses nothing.

The priorities are part of no format: a reader does not depend on where groups end. Changing them costs sharing with
what is stored already, never correctness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["LONGEST", "WINDOW", "choose", "groups", "is_able", "is_plain", "numbers", "priorities"]

WINDOW = 16_384
LONGEST = 8 * WINDOW
_SAMPLE = 10_000
_MIX = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio, as in Knuth's multiplicative hashing


def choose(schema: pa.Schema, first: pa.Table, before: Sequence[str] = (), count: int = 4) -> list[str]:
    """Choose the columns that give the priorities.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of the table.
    first : pyarrow.Table
        Its first rows.
    before : sequence of str
        What was chosen for the version before. It is kept while these columns are there: a new column, or one that is
        edited, must not move the cuts of all others.
    count : int
        How many at most.

    Returns
    -------
    list of str
        The columns, those with the most different values; none when no column can be hashed.
    """
    import pyarrow.compute as pc

    able = [field.name for field in schema if _kind(field.type)]
    if before and set(before) <= set(able):
        return list(before)
    sample = first.slice(0, _SAMPLE)
    plain = [name for name in able if _kind(schema.field(name).type) == "plain"] or able
    different = {name: pc.count_distinct(sample.column(name), mode="all").as_py() for name in plain}
    return sorted(plain, key=lambda name: -different[name])[:count]


def groups(parts: Iterable[pa.Table], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Regroup the parts of a table; at least one group comes out, empty when the table is.

    Parameters
    ----------
    parts : iterable of pyarrow.Table
        The rows, in order; at least one part.
    columns : sequence of str
        What `choose` gave; with none of them, groups are cut by number.
    """
    import pyarrow as pa

    rows = _Rows(columns)
    for part in parts:
        rows.add(part)
        yield from rows.ready(last=False)
    given = False
    for group in rows.ready(last=True):
        given = True
        yield group
    if not given and rows.start == 0:
        yield pa.concat_tables(rows.pending)


class _Rows:
    """Rows from the last cut on, and the priorities from `WINDOW` rows before the first that is not judged yet."""

    def __init__(self, columns: Sequence[str]) -> None:
        import numpy as np

        self.columns = columns
        self.pending: list[pa.Table] = []
        self.start = 0  # of the pending rows, counted from the start of the table
        self.judged = 0
        self.end = 0
        self.priorities = np.empty(0, np.uint64)

    def add(self, part: pa.Table) -> None:
        import numpy as np

        self.pending.append(part)
        self.end += part.num_rows
        if self.columns:
            self.priorities = np.concatenate([self.priorities, priorities(part, self.columns)])

    def ready(self, *, last: bool) -> Iterator[pa.Table]:
        import pyarrow as pa

        limit = self.end if last else self.end - WINDOW
        if not last and limit - self.judged < 4 * WINDOW:
            return  # judging a little at a time would look at each window again and again
        cuts = [*self._lowest(limit), *([self.end] if last else [])]
        table = pa.concat_tables(self.pending)
        first = self.start
        for cut in cuts:
            while cut - self.start > LONGEST:
                yield table.slice(self.start - first, LONGEST)
                self.start += LONGEST
            if cut > self.start:
                yield table.slice(self.start - first, cut - self.start)
                self.start = cut
        while limit - self.start > LONGEST:
            yield table.slice(self.start - first, LONGEST)
            self.start += LONGEST
        self.pending = [table.slice(self.start - first)]
        self.judged = limit

    def _lowest(self, limit: int) -> list[int]:
        """Rows from the judged ones up to `limit` whose priority is the lowest around them."""
        import numpy as np

        if not self.columns:
            return []
        known = self.end - len(self.priorities)
        begin = max(self.judged, WINDOW)  # a row needs a whole window before it, so no group is shorter
        found: list[int] = []
        if limit > begin:
            own = self.priorities
            padded = np.concatenate([own, np.full(WINDOW, np.iinfo(np.uint64).max)])
            lowest = _window_minima(padded)
            places = np.arange(begin, limit) - known
            before, after = lowest[places - WINDOW], lowest[places + 1]
            found = (places[(own[places] < before) & (own[places] <= after)] + known).tolist()
        keep = max(limit - WINDOW - known, 0)
        self.priorities = self.priorities[keep:]
        return found


def _window_minima(values: np.ndarray) -> np.ndarray:
    """Minimum of each `WINDOW` values in a row, by their first place (van Herk, 1992; Gil and Werman, 1993)."""
    import numpy as np

    count = len(values) - WINDOW + 1
    filled = np.concatenate([values, np.full(-len(values) % WINDOW, np.iinfo(np.uint64).max)]).reshape(-1, WINDOW)
    forwards = np.minimum.accumulate(filled, axis=1).ravel()
    backwards = np.minimum.accumulate(filled[:, ::-1], axis=1)[:, ::-1].ravel()
    minima: np.ndarray = np.minimum(backwards[:count], forwards[WINDOW - 1 : WINDOW - 1 + count])
    return minima


def _kind(kind: pa.DataType) -> str:
    """``plain`` for values of a fixed number of bytes, ``text`` for text, nothing for what is not hashed."""
    import pyarrow as pa

    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_temporal(kind):
        # Half floats and intervals have no plain counterpart in all of Arrow's functions.
        return "" if types.is_float16(kind) or kind == pa.month_day_nano_interval() else "plain"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    return ""


def priorities(part: pa.Table, columns: Sequence[str]) -> np.ndarray:
    """A number for each row that depends on its values in `columns` alone, not on the rows around it."""
    import numpy as np

    total = np.zeros(part.num_rows, np.uint64)
    for name in columns:
        total = (total ^ numbers(part.column(name))) * np.uint64(_MIX)
        total ^= total >> np.uint64(29)
    # The last product decides the order, so it has to be mixed once more.
    return total * np.uint64(_MIX)


def is_able(kind: pa.DataType) -> bool:
    """Whether `numbers` takes columns of a type."""
    return bool(_kind(kind))


def is_plain(kind: pa.DataType) -> bool:
    """Whether `numbers` are the values themselves, bit by bit, nulls apart."""
    return _kind(kind) == "plain"


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A uint64 for each value; null as 0."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if _kind(kind) == "text":
        import pandas as pd

        encoded = column.combine_chunks().dictionary_encode()
        words: Any = encoded.dictionary.to_numpy(zero_copy_only=False)
        hashed = np.append(pd.util.hash_array(words, categorize=False), np.uint64(1))  # the last stands for null
        places = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
        return np.asarray(hashed[places], np.uint64)
    if pa.types.is_temporal(kind):
        whole = pa.int64() if kind.bit_width == 64 else pa.int32()
        column = pa.chunked_array([chunk.view(whole) for chunk in column.chunks], whole)
    filled = pc.fill_null(column, 0).to_numpy()
    if filled.dtype.kind == "f":
        return np.asarray(filled, np.float64).view(np.uint64)
    return np.asarray(filled).astype(np.uint64, copy=False)
