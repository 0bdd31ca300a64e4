"""The search of the point-in-time join: for each row of a spine, where its newest row lies in a table.

A table lies in the order of its entities and times, so that rows of one entity follow each other: a run. The number of
the run and the time make one whole number, which ascends from row to row; one binary search for the numbers of the
spine's rows, which ascend too, finds all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["Runs", "newest", "runs_of"]

_RUN = "__run"
_MOST = 1 << 62


class Runs(NamedTuple):
    """The runs of a table: the run of each row, where each begins, and for each entity asked its run; -1 for none."""

    of_rows: np.ndarray
    starts: np.ndarray
    asked: np.ndarray


def runs_of(table: pl.DataFrame, asked: pl.DataFrame) -> Runs:
    """The runs of a table's entities, and which of them some entities have, which are each there once."""
    import numpy as np
    import polars as pl

    names = table.columns
    begins = table.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names))
    flags = begins.to_series().to_numpy().copy()
    flags[:1] = True
    starts = np.flatnonzero(flags)
    own = table[starts].with_row_index(_RUN)
    found = asked.join(own, on=names, how="left", maintain_order="left", validate="1:1")[_RUN]
    return Runs(np.cumsum(flags) - 1, starts, found.cast(pl.Int64).fill_null(-1).to_numpy())


def newest(runs: Runs, times: np.ndarray, own: np.ndarray, events: np.ndarray, lasting: int | None) -> np.ndarray:
    """For each event the number of its newest row that is not later, and not older than `lasting`; -1 for none.

    Parameters
    ----------
    runs : Runs
        The runs of the table.
    times, events : numpy.ndarray
        Times of the rows of the table, and of the events, in one unit, whole.
    own : numpy.ndarray
        The run of each event; -1 for none.
    lasting : int or None
        How long a row holds, in the same unit.
    """
    import numpy as np

    if not len(times):
        return np.full(len(events), -1)
    rows, steps, wide = _steps(times, events, len(runs.starts))
    rows += runs.of_rows * wide
    steps += own * wide
    found = np.searchsorted(rows, steps, side="right") - 1
    known = runs.of_rows[found] == own  # of what is before all rows, the last is asked, and is of another run
    known &= (found >= 0) & (own >= 0)
    if lasting is not None:
        # As numbers without a sign: what lies further apart than these have bits for is too old all the same.
        known &= (events - times[found]).view(np.uint64) <= np.uint64(min(lasting, (1 << 64) - 1))
    return np.where(known, found, -1)


def _steps(times: np.ndarray, events: np.ndarray, runs: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Both as steps from 0, those of events that are before all times, and how many steps there are."""
    import numpy as np

    first, last = int(times.min()), int(times.max())
    if runs * (last - first + 2) < _MOST:
        return (
            times - (first - 1),
            np.where(events < first, 0, np.minimum(events, last) - (first - 1)),
            last - first + 2,
        )
    ranks = np.unique(times)  # so many steps as there are times always fit
    return np.searchsorted(ranks, times) + 1, np.searchsorted(ranks, events, side="right"), len(ranks) + 1
