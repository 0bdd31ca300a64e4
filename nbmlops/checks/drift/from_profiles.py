"""The values of a column as a profile knows them: what drift is told from when the rows are not looked at, or are gone.

Numbers of which every value is counted are as good as the rows. Of others the histogram on the fixed edges of
`nbmlops.profiling.lattice` is taken, whose counts are exact: the verdict is calibrated as it is on rows, and what moves
within one interval, an eighth of a power of two wide, is not seen. The quantile sketch has no part in it: its ranks err
by more than a sample of a million rows does. Of texts that are not all counted, those that come often are compared, and
the rest together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.samples import Sample
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.profiling.records import ColumnProfile

__all__ = ["pair"]

_REST = "all others"


def pair(before: ColumnProfile, after: ColumnProfile) -> tuple[Sample, Sample]:
    """Both sides of a column, of the same cells or levels.

    Raises
    ------
    InvalidError
        When the column is of a kind that profiles tell nothing of, such as lists.
    """
    if "other" in {before.kind, after.kind}:
        raise InvalidError(f"the profile tells nothing of the values of {after.name!r}", hint="leave the column out")
    if before.valid == 0 or after.valid == 0 or _family(before) != _family(after):
        return _plain(before), _plain(after)
    if _family(after) == "categories":
        kept = _levels(before, after)
        return _of_levels(before, kept), _of_levels(after, kept)
    exact = before.counts is not None and after.counts is not None
    cells = [dict(each.counts or ()) if exact else dict(each.bins) for each in (before, after)]
    unit = "days" if after.kind == "time" else ""
    return tuple(  # type: ignore[return-value]  # two in, two out
        _of_cells(column, own, sorted({*cells[0], *cells[1]}), unit, exact=exact)
        for column, own in zip((before, after), cells, strict=True)
    )


def _family(column: ColumnProfile) -> str:
    return "categories" if column.kind in {"text", "boolean"} else "times" if column.kind == "time" else "numbers"


def _plain(column: ColumnProfile) -> Sample:
    """A side that is compared no further than in its kind and in what is missing."""
    missing = column.rows - column.valid
    kind: Any = "nothing" if column.valid == 0 else "categories" if _family(column) == "categories" else "numbers"
    values: Any = {} if kind == "categories" else None
    return Sample(kind, values, missing, column.rows, type=column.kind)


def _levels(before: ColumnProfile, after: ColumnProfile) -> set[Any] | None:
    """The levels that are compared one by one; None when all are."""
    if before.counts is not None and after.counts is not None:
        return None
    sides = [{level for level, _ in column.counts or column.common} for column in (before, after)]
    if before.counts is not None:
        return sides[1]
    return sides[0] if after.counts is not None else sides[0] & sides[1]


def _of_levels(column: ColumnProfile, kept: set[Any] | None) -> Sample:
    counts = {_word(level): count for level, count in column.counts or column.common if kept is None or level in kept}
    if rest := column.valid - sum(counts.values()):
        counts[_REST] = rest
    return Sample("categories", counts, column.rows - column.valid, column.rows, type=column.kind)


def _word(level: Any) -> str:
    return {0: "false", 1: "true"}.get(level, str(level)) if not isinstance(level, str) else level


def _of_cells(column: ColumnProfile, own: dict[Any, int], cells: list[Any], unit: str, *, exact: bool) -> Sample:
    import numpy as np

    from nbmlops.profiling.lattice import lower_edge, month_edge

    if exact:
        values = np.array(cells, np.float64)
    else:
        values = np.array([(month_edge if unit else lower_edge)(cell) for cell in cells], np.float64)
    if unit:
        values = values / 86_400e6
    weights = np.array([own.get(cell, 0) for cell in cells], np.float64)
    return Sample("numbers", values, column.rows - column.valid, column.rows, unit, column.kind, weights)
