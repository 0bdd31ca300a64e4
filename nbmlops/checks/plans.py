"""What stands between a check and its outcome: the frame it is compiled against, and what must be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable
    from nbmlops.checks.kinds import Check
    from nbmlops.checks.looking_up import Finder, Join

__all__ = [
    "EVIDENCE",
    "ROWS",
    "CheckPlan",
    "Frame",
    "Proof",
    "Values",
    "by_text",
    "by_value",
    "mismatch",
    "missing",
    "present",
]

EVIDENCE = 5
"""How many offending rows an outcome names."""
ROWS = "rows"
"""Name of the measure that counts the rows of the table."""
Values = Mapping[str, Any]
_MOST = 1_000
"""So many different values of a column are looked at one by one."""
_NEVER = datetime(1, 1, 1)  # noqa: DTZ001 - dates of tables have no zone


@dataclass(frozen=True, slots=True)
class Frame:
    """What the checks are compiled against.

    Parameters
    ----------
    names : tuple of str
        All columns of the table.
    places : mapping of str to str
        A handed-over column's name in the lazy frame.
    types : mapping of str to polars.DataType
        Types of those columns, by the table's names.
    judged : tuple of str
        The columns that the suite has a line for.
    coded : frozenset of str
        Columns of text that are judged value by value alone, for which the different values are counted first.
    reference : callable
        Gives the table and the version that a reference means; None where there is no store.
    table : CheckedTable
        The table itself, for what looks at more than a pass measures.
    functions : mapping
        Functions of one's own by name, which the suite may call.
    now : datetime
        When the table is judged, in UTC and without a zone.
    """

    names: tuple[str, ...]
    places: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    judged: tuple[str, ...]
    coded: frozenset[str] = frozenset()
    reference: Finder | None = None
    table: CheckedTable | None = None
    functions: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = _NEVER

    def place(self, column: str) -> str:
        """Name of `column` in the lazy frame.

        Raises
        ------
        InvalidError
            When the table has no such column; the hint names the nearest.
        """
        if column not in self.places:
            raise InvalidError(f"the table has no column {column!r}", hint=nearest(column, self.names))
        return self.places[column]


@dataclass(frozen=True, slots=True)
class Proof:
    """Measures that cost less than counting, and the plan that they settle a check by; None when they do not."""

    measures: Mapping[str, pl.Expr]
    settle: Callable[[Values], CheckPlan | None]


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What one check needs measured.

    Parameters
    ----------
    measures : mapping of str to polars.Expr
        Aggregations to one number each; equal names are measured once.
    tally : callable
        From the measured values: how many are bad, and among how many.
    evidence : polars.Expr, optional
        True of the bad rows.
    shown : str, optional
        Column of the frame whose values are shown as evidence.
    fixed : str, optional
        The figure of a check that needs no tally, such as a type; `holds` is its verdict.
    said : callable, optional
        From the measured values: the figure in words, when it is no count of bad ones.
    at_once : bool
        Whether the bad rows are found in the pass that counts them, at hardly any cost: what tells them is counted.
    proof : Proof, optional
        What is measured first: if it settles the check, nothing else is.
    located : tuple of int
        The first bad rows, where the plan knows them.
    join : Join, optional
        A column that the frame needs for it.
    bound : str, optional
        What is asked for, where only the plan knows: which version a name means.
    detail : str
        What there is to say of it, where only the plan knows.
    """

    measures: Mapping[str, pl.Expr] = field(default_factory=dict)
    tally: Callable[[Values], tuple[int, int]] | None = None
    evidence: pl.Expr | None = None
    shown: str | None = None
    fixed: str | None = None
    holds: bool = True
    said: Callable[[Values], str] | None = None
    at_once: bool = False
    proof: Proof | None = None
    located: tuple[int, ...] = ()
    join: Join | None = None
    bound: str | None = None
    detail: str = ""


def mismatch(check: Check, column: str, dtype: pl.DataType) -> InvalidError:
    """The error that a check does not judge columns of a type."""
    return InvalidError(f"{check.words} cannot judge {column!r}: its type is {str(dtype).lower()}")


def missing(frame: Frame, column: str) -> dict[str, pl.Expr]:
    """Measure the nulls and the NaNs of `column`, by names that all of its checks share."""
    import polars as pl

    place = frame.place(column)
    measures = {f"{place}.nulls": pl.col(place).null_count()}
    if frame.types[column].is_float():
        measures[f"{place}.nans"] = pl.col(place).is_nan().sum()
    return measures


def present(values: Values, place: str) -> int:
    """Count the values that are not missing, from what `missing` has measured."""
    return int(values[ROWS] - values[f"{place}.nulls"] - values.get(f"{place}.nans", 0))


def by_value(frame: Frame, column: str, key: str, good: pl.Expr) -> CheckPlan:
    """Plan to judge value by value; `good` is null or false for a missing one."""
    import polars as pl

    place = frame.place(column)
    bad = ~good & pl.col(place).is_not_nan() if frame.types[column].is_float() else ~good

    def tally(values: Values) -> tuple[int, int]:
        return int(values[key]), present(values, place)

    return CheckPlan({**missing(frame, column), key: bad.sum()}, tally, bad, place, at_once=True)


def by_text(frame: Frame, column: str, key: str, good: pl.Expr) -> CheckPlan:
    """Plan to judge value by value, of a coded column each different value once."""
    import polars as pl

    plan = by_value(frame, column, key, good)
    if column not in frame.coded:
        return plan
    place = frame.place(column)
    name = f"{place}.counts"

    def settle(values: Values) -> CheckPlan | None:
        if len(values[name]) > _MOST:
            # Cut off, maybe in the middle: a null among those that were taken is one of them.
            return None
        counts = [(each[place], each["count"]) for each in values[name] if each[place] is not None]
        texts = pl.DataFrame({place: [text for text, _ in counts]}, schema={place: pl.String})
        wrong = texts.select(~good).to_series()
        bad = [count for count, is_wrong in zip(counts, wrong, strict=True) if is_wrong]
        total, judged = sum(count for _, count in bad), present(values, place)
        where = pl.col(place).is_in([text for text, _ in bad])
        return replace(plan, measures={}, tally=lambda _: (total, judged), evidence=where, at_once=False, proof=None)

    measures = {**missing(frame, column), name: pl.col(place).value_counts().head(_MOST + 1).implode()}
    return replace(plan, proof=Proof(measures, settle))
