"""What training rows and test rows share: whole rows, groups, and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.frames import CheckedTable
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["by_group", "by_rows", "by_time", "moments"]

_RISK = 0.001
_NAMED = 5


def by_rows(train: CheckedTable, test: CheckedTable, target: str) -> Outcome:
    """Whether test rows are among the training rows, compared by a hash of all shared columns but the label.

    Where rows repeat by themselves, as with few discrete columns, some are in both without any leak. The share of
    training rows that have a twin among the training rows is what is expected of the test rows; more than that fails
    when a binomial of that share gives as many with a chance below 0.001.
    """
    import numpy as np
    from scipy.stats import binom

    shared = [name for name in train.names if name in test.names and name != target]
    if not shared:
        raise InvalidError("the two tables share no column but the label")
    ours, theirs = _hashes(train, test, shared)
    if not len(ours) or not len(theirs):
        raise InvalidError("one of the two tables has no rows")
    both = np.isin(theirs, ours)
    found, counts = int(both.sum()), np.unique(ours, return_counts=True)[1]
    twins = int(counts[counts > 1].sum())
    chance = float(binom.sf(found - 1, len(theirs), (twins + 1) / (len(ours) + 1))) if found else 1.0
    status = "passed" if not found else "failed" if chance < _RISK else "warned" if not twins else "passed"
    rows = ", ".join(f"{row:,}" for row in np.flatnonzero(both)[:_NAMED])
    told = f"{twins / len(ours):.2%} of the training rows have a twin among themselves"
    return Outcome(
        check="test rows in training",
        column=None,
        status=status,  # type: ignore[arg-type]
        figure=f"{found:,} of {len(theirs):,} rows",
        bound="no more than repeat by themselves",
        detail=f"{told}; first of the test table: {rows}" if found else told,
        number=found / len(theirs),
    )


def _hashes(train: CheckedTable, test: CheckedTable, names: list[str]) -> tuple[Any, Any]:
    """64 bits for each row of either table; equal rows have equal ones, whatever their types are."""
    import polars as pl

    frames = [table.frame(names).collect() for table in (train, test)]
    for place, name in enumerate(frames[0].columns):
        kinds = [frame[name].dtype for frame in frames]
        if kinds[0] == kinds[1] and not isinstance(kinds[0], pl.Categorical | pl.Enum):
            continue
        wanted = pl.Float64 if all(kind.is_numeric() for kind in kinds) else pl.String
        frames = [frame.with_columns(frame[name].cast(wanted).alias(f"c{place}")) for frame in frames]
    ours, theirs = (frame.hash_rows(seed=0).to_numpy() for frame in frames)
    return ours, theirs


def by_group(train: CheckedTable, test: CheckedTable, group: str) -> Outcome:
    """Whether a group, such as a customer, has rows in both tables; nulls are no group."""
    import numpy as np
    import polars as pl

    ours, theirs = (table.frame([group]).collect()["c0"].cast(pl.String).drop_nulls() for table in (train, test))
    shared = theirs.unique().is_in(ours.unique().implode())
    rows = theirs.is_in(ours.unique().implode())
    found, groups = int(shared.sum()), len(shared)
    positions = ", ".join(f"{row:,}" for row in np.flatnonzero(rows.to_numpy())[:_NAMED])
    return Outcome(
        check="groups in both",
        column=group,
        status="failed" if found else "passed",
        figure=f"{found:,} of {groups:,} groups",
        bound="none",
        detail=f"{int(rows.sum()):,} of {len(theirs):,} test rows are of them; the first: {positions}" if found else "",
        number=found / groups if groups else 0.0,
    )


def by_time(train: CheckedTable, test: CheckedTable, time: str) -> Outcome:
    """Whether all training rows are older than all test rows."""
    ours, theirs = (table.frame([time]).collect()["c0"].drop_nulls() for table in (train, test))
    if not len(ours) or not len(theirs):
        raise InvalidError(f"{time} has no value in one of the two tables")
    if ours.dtype.is_temporal() != theirs.dtype.is_temporal():
        raise InvalidError(f"{time} is a time in one table, and {theirs.dtype} beside {ours.dtype}")
    last: Any = moments(ours).max()
    first: Any = moments(theirs).min()
    late = int((moments(theirs) <= last).sum())
    return Outcome(
        check="training before test",
        column=time,
        status="failed" if late else "passed",
        figure=f"{late:,} of {len(theirs):,} test rows",
        bound="none at or before the last training row",
        detail=f"training ends {last}, the test begins {first}",
        number=late / len(theirs),
    )


def moments(column: pl.Series) -> pl.Series:
    """Dates and times as times in microseconds; anything else as it is."""
    import polars as pl

    return column.cast(pl.Datetime("us")) if column.dtype in (pl.Date, pl.Datetime) else column
