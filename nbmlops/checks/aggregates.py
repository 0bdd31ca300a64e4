"""Kinds of check that judge a column as a whole: its mean, its number of values, its newest value, what decides it.

No row by itself is wrong when one of these fails, except for `Depends`, whose evidence are the rows
that say something else than the first row of their group. Null and NaN are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from nbmlops.checks.kinds import Check, check_range, write_end
from nbmlops.checks.plans import CheckPlan, Frame, mismatch
from nbmlops.checks.tokens import write_name
from nbmlops.core.errors import InvalidError
from nbmlops.data.conditions import instant

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AGGREGATES", "Aggregate", "Depends", "Distinct", "Maximum", "Mean", "plan_aggregate", "plan_depends"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate(Check):
    """One figure of the column lies from `low` to `high`, both inclusive; None is an open end.

    Raises
    ------
    InvalidError
        When both ends are open, an end is not finite, or nothing lies between them.
    """

    low: int | float | str | None
    high: int | float | str | None

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        check_range(f"{self.kind} between", self.low, self.high)

    def _words(self) -> str:
        return f"{self.kind} between({write_end(self.low)}, {write_end(self.high)})"


@dataclass(frozen=True, slots=True)
class Mean(Aggregate):
    """The mean of the finite values."""

    kind: ClassVar[str] = "mean"

    def __post_init__(self) -> None:
        Aggregate.__post_init__(self)
        if isinstance(self.low, str) or isinstance(self.high, str):
            raise InvalidError("mean between takes numbers, not dates")


@dataclass(frozen=True, slots=True)
class Distinct(Aggregate):
    """The number of different values."""

    kind: ClassVar[str] = "distinct"

    def __post_init__(self) -> None:
        Aggregate.__post_init__(self)
        for end in (self.low, self.high):
            if end is not None and (not isinstance(end, int) or end < 0):
                raise InvalidError(f"distinct between takes whole numbers from 0, not {end!r}")


@dataclass(frozen=True, slots=True)
class Maximum(Aggregate):
    """The largest value; of dates, the newest."""

    kind: ClassVar[str] = "max"


AGGREGATES: dict[str, type[Aggregate]] = {"mean": Mean, "distinct": Distinct, "max": Maximum}


@dataclass(frozen=True, slots=True, kw_only=True)
class Depends(Check):
    """Rows that agree in `columns` agree in this column too; `mostly` is a share of the groups."""

    kind: ClassVar[str] = "depends"
    by_value: ClassVar[bool] = True
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if not self.columns:
            raise InvalidError("depends() names no column", hint="as in distance: depends(origin, dest)")
        if len(set(self.columns)) < len(self.columns):
            raise InvalidError("depends() names a column twice")

    def _words(self) -> str:
        return f"depends({', '.join(map(write_name, self.columns))})"


# -- how they are measured ----------------------------------------------------------------------------


def plan_aggregate(check: Aggregate, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile an aggregate to one measure.

    Raises
    ------
    InvalidError
        When the column's type has no such figure.
    """
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if dtype == pl.Null:
        return CheckPlan(tally=lambda _: (0, 0))
    if isinstance(check, Distinct):
        value = pl.col(place).fill_nan(None) if dtype.is_float() else pl.col(place)
        measure = value.drop_nulls().n_unique()
    else:
        measure = _figure(check, column, frame)
    low, high = (_comparable(end) for end in (check.low, check.high))

    def tally(values: Any) -> tuple[int, int]:
        found = values[key]
        if found is None:
            return 0, 0
        inside = (low is None or found >= low) and (high is None or found <= high)
        return int(not inside), 1

    return CheckPlan({key: measure}, tally, said=lambda values: _said(values[key]))


def _figure(check: Aggregate, column: str, frame: Frame) -> pl.Expr:
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    of_dates = isinstance(check.low, str) or isinstance(check.high, str)
    if of_dates != (dtype in (pl.Date, pl.Datetime)) or not (of_dates or dtype.is_numeric()):
        raise mismatch(check, column, dtype)
    value = pl.col(place)
    if of_dates:
        return value.cast(pl.Datetime("us")).max()
    if dtype.is_float():
        value = pl.when(value.is_finite()).then(value)
    return value.mean() if isinstance(check, Mean) else value.max()


def _comparable(end: float | str | None) -> Any:
    return instant(end).replace(tzinfo=None) if isinstance(end, str) else end


def _said(value: Any) -> str:
    if value is None:
        return "no values"
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _present(frame: Frame, column: str) -> pl.Expr:
    import polars as pl

    value = pl.col(frame.place(column))
    return value.is_not_null() & value.is_not_nan() if frame.types[column].is_float() else value.is_not_null()


def plan_depends(check: Depends, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile a dependency: as many groups with the value as without it, when each has one value."""
    import polars as pl

    place = frame.place(column)
    groups = [frame.place(name) for name in check.columns]
    whole = _present(frame, column)
    for name in check.columns:
        whole &= _present(frame, name)
    measures = {
        key: pl.struct([*groups, place]).filter(whole).n_unique(),
        f"{key}.groups": pl.struct(groups).filter(whole).n_unique(),
    }
    other = pl.col(place) != pl.col(place).filter(whole).first().over(groups)

    def tally(values: Any) -> tuple[int, int]:
        judged = int(values[f"{key}.groups"])
        return min(int(values[key]) - judged, judged), judged

    return CheckPlan(measures, tally, other & whole, place)
