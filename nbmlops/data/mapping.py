"""Which row of an earlier table each row of a table is: by the pandas index where rows kept theirs, else by values.

What is found here is a guess; whoever uses it compares the values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from nbmlops.data import grouping

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.data.stored import StoredTable

__all__ = ["INDEX", "counted_from", "find"]

INDEX = "__index_level_0__"
"""What Arrow calls the column of a pandas index without a name."""

_COLUMNS = 8
_SAMPLE = 1_000
_ENOUGH = 0.5


def counted_from(schema: pa.Schema) -> tuple[int, int] | None:
    """Start and step of a pandas index that only counts rows; None for any other index."""
    described = (schema.metadata or {}).get(b"pandas")
    index = json.loads(described)["index_columns"] if described else []
    if len(index) == 1 and isinstance(index[0], dict):
        return index[0]["start"], index[0]["step"]
    return None


def find(
    table: pa.Table,
    earlier: StoredTable,
    common: Sequence[str],
    equal: Sequence[str],
    read: dict[str, pa.ChunkedArray],
) -> np.ndarray | None:
    """Guess for each row of `table` its row in `earlier`.

    Parameters
    ----------
    table : pyarrow.Table
        A table.
    earlier : StoredTable
        One that it may have been made from.
    common : sequence of str
        Columns that both have, with the same type.
    equal : sequence of str
        Those of them that are the same from the first row to the last.
    read : dict
        Takes up the columns of `earlier` that were read.

    Returns
    -------
    numpy.ndarray or None
        int64, -1 for a row that is not there; None when too few are.
    """
    import numpy as np

    if table.num_rows == earlier.rows and any(_tells_rows_apart(table, [name]) for name in equal):
        return np.arange(earlier.rows)
    hashed = grouping.choose(table.select(common).schema, table, count=_COLUMNS)
    if not hashed:
        return None
    theirs = earlier.read(hashed).select(hashed)
    read |= dict(zip(hashed, theirs.columns, strict=True))
    guess = _by_index(table, earlier)
    if guess is not None and _agree(table, theirs, guess, hashed):
        return guess
    # Rows that stayed where they were, and perhaps others after them.
    guess = np.arange(table.num_rows)
    guess[earlier.rows :] = -1
    if _agree(table, theirs, guess, hashed):
        return guess
    return _by_values(table, earlier, hashed, common, read)


def _tells_rows_apart(table: pa.Table, names: Sequence[str]) -> bool:
    """Whether values differ from one row to the next, so that shifted columns would not be taken for equal ones."""
    able = [name for name in names if grouping.is_able(table.schema.field(name).type)]
    first = grouping.priorities(table.select(able).slice(0, 10 * _SAMPLE), able)
    return bool((first[1:] != first[:-1]).mean() > _ENOUGH) if len(first) > 1 else False


def _by_index(table: pa.Table, earlier: StoredTable) -> np.ndarray | None:
    """Rows by the index, when it numbers those of the earlier table, by counting or as a rising column."""
    import numpy as np
    import pyarrow as pa

    if INDEX not in table.column_names or table.column(INDEX).type != pa.int64() or table.column(INDEX).null_count:
        return None
    index, counted = table.column(INDEX).to_numpy(), counted_from(earlier.schema)
    if counted is not None:
        start, step = counted
        rows, rest = np.divmod(index - start, step)
        there = (rest == 0) & (rows >= 0) & (rows < earlier.rows)
    elif INDEX in earlier.schema.names and earlier.schema.field(INDEX).type == pa.int64():
        theirs = earlier.read([INDEX]).column(INDEX)
        known = theirs.to_numpy()
        if theirs.null_count or not (known[1:] > known[:-1]).all():
            return None
        rows = np.minimum(np.searchsorted(known, index), len(known) - 1)
        there = known[rows] == index
    else:
        return None
    return np.where(there, rows, -1) if there.mean() > _ENOUGH else None


def _agree(table: pa.Table, theirs: pa.Table, guess: np.ndarray, hashed: Sequence[str]) -> bool:
    """Whether most of some rows are what is guessed, by most of their columns: one of them may have been amended."""
    import numpy as np

    known = np.flatnonzero(guess >= 0)
    chosen = np.sort(np.random.default_rng(0).choice(known, min(_SAMPLE, len(known)), replace=False))
    ours, others = table.select(list(hashed)).take(chosen), theirs.select(list(hashed)).take(guess[chosen])
    alike = []
    for name in hashed:
        same = (grouping.numbers(ours.column(name)) == grouping.numbers(others.column(name))).mean()
        if same > _ENOUGH:
            alike.append(name)
    return bool(alike) and _tells_rows_apart(table, alike)


def _by_values(
    table: pa.Table,
    earlier: StoredTable,
    hashed: Sequence[str],
    common: Sequence[str],
    read: dict[str, pa.ChunkedArray],
) -> np.ndarray | None:
    import numpy as np
    import pyarrow as pa

    chosen = np.sort(np.random.default_rng(0).choice(table.num_rows, min(_SAMPLE, table.num_rows), replace=False))
    sample = table.take(chosen)
    theirs = pa.table({name: read[name] for name in hashed})
    # All of the columns, or all but one: that one may have been amended in every row.
    for count in range(len(hashed), max(len(hashed) - 2, 0), -1):
        for names in combinations(hashed, count):
            there, wanted = grouping.priorities(theirs, names), grouping.priorities(sample, names)
            several = np.unique(wanted)
            at = np.flatnonzero(several[np.minimum(np.searchsorted(several, there), len(several) - 1)] == there)
            if len(np.unique(there[at])) > _ENOUGH * len(several):
                kept = _kept(sample, wanted, (earlier, at, there[at]), common, read)
                theirs = pa.table({name: read[name] for name in kept})
                rows = _matched(grouping.priorities(table, kept), grouping.priorities(theirs, kept))
                return rows if (rows >= 0).mean() > _ENOUGH else None
    return None


def _kept(
    sample: pa.Table,
    wanted: np.ndarray,
    found: tuple[StoredTable, np.ndarray, np.ndarray],
    common: Sequence[str],
    read: dict[str, pa.ChunkedArray],
) -> list[str]:
    """Columns whose values in most of the sampled rows are those of the row that was found: what tells rows apart."""
    import numpy as np

    earlier, at, there = found
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there[order], wanted), len(order) - 1)
    rows, hit = at[order[place]], there[order[place]] == wanted
    kept = []
    for name in common:
        if grouping.is_plain(sample.schema.field(name).type):
            if name not in read:
                read[name] = earlier.read([name]).column(name)
            same = grouping.numbers(sample.column(name)) == grouping.numbers(read[name].take(rows))
            if same[hit].mean() > _ENOUGH:
                kept.append(name)
    return kept


def _matched(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """For each of our hashes the place of the same one of theirs: of equal ones the first for the first, and so on."""
    import numpy as np
    import polars as pl

    here = pl.DataFrame({"key": _numbered(ours)})
    there = pl.DataFrame({"key": _numbered(theirs), "row": np.arange(len(theirs))})
    joined = here.join(there.unique("key", keep="first"), on="key", how="left", maintain_order="left")["row"]
    found: np.ndarray = joined.fill_null(-1).to_numpy().copy()
    missing = np.flatnonzero(found < 0)
    if len(missing):
        # Rows that are there more often than before are the same row again.
        any_of = pl.DataFrame({"key": theirs, "row": np.arange(len(theirs))}).unique("key", keep="first")
        again = pl.DataFrame({"key": ours[missing]}).join(any_of, on="key", how="left", maintain_order="left")["row"]
        found[missing] = again.fill_null(-1).to_numpy()
    return found


def _numbered(hashes: np.ndarray) -> np.ndarray:
    """Hashes in which those that are there several times are told apart by their order."""
    import numpy as np
    import polars as pl

    series = pl.Series("key", hashes)
    several = np.flatnonzero(series.is_duplicated().to_numpy())
    if not len(several):
        return hashes
    subset = pl.DataFrame({"key": hashes[several]})
    order = subset.select(pl.col("key").cum_count().over("key"))["key"].to_numpy().astype(np.uint64)
    told = hashes.copy()
    told[several] += (order - np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return told
