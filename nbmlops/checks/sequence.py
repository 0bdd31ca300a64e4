"""Kinds of check on what stands where: values in order, lengths of texts, and how old the newest value is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from nbmlops.checks.frames import is_text
from nbmlops.checks.kinds import Check, check_range, is_number, write_end
from nbmlops.checks.plans import CheckPlan, Frame, by_text, mismatch, missing, present
from nbmlops.checks.tokens import write_scalar
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["UNITS", "Fresh", "Length", "Ordered", "plan_fresh", "plan_length", "plan_ordered"]

Way = Literal["increasing", "decreasing"]
WAYS: tuple[Way, ...] = get_args(Way)
UNITS = {"minutes": 60, "hours": 3_600, "days": 86_400, "weeks": 604_800}
"""What the age of a value is counted in: its name in the plural, and how many seconds it has."""
_LONGEST = timedelta(days=365 * 1_000).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Check):
    """No value is below the one before it (above, when `way` is ``decreasing``); nor equal to it when `strict`.

    Nulls and NaN are passed over: the value after them is compared with the last one before them.
    """

    kind: ClassVar[str] = "order"
    by_value: ClassVar[bool] = True
    way: Way
    strict: bool = False

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if self.way not in WAYS:
            raise InvalidError(f"values are {' or '.join(WAYS)}, not {self.way!r}")

    def _words(self) -> str:
        return f"{self.way}(strict)" if self.strict else self.way


@dataclass(frozen=True, slots=True, kw_only=True)
class Length(Check):
    """Texts have from `low` to `high` characters, both inclusive; None is an open end."""

    kind: ClassVar[str] = "length"
    by_value: ClassVar[bool] = True
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        for end in (self.low, self.high):
            if end is not None and (type(end) is not int or not 0 <= end < 2**63):
                raise InvalidError(f"length between takes whole numbers from 0, not {end!r}")
        check_range("length between", self.low, self.high)

    def _words(self) -> str:
        return f"length between({write_end(self.low)}, {write_end(self.high)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh(Check):
    """The newest value is at most `age` `unit` old when the check runs."""

    kind: ClassVar[str] = "fresh"
    age: int | float
    unit: str = "days"

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if self.unit not in UNITS:
            raise InvalidError(f"an age is counted in {', '.join(UNITS)}, not in {self.unit}", hint="fresh(7 days)")
        if not is_number(self.age) or not math.isfinite(self.age) or not 0 < self.seconds <= _LONGEST:
            raise InvalidError(f"fresh takes an age above 0 and up to 1,000 years, not {self.age!r} {self.unit}")

    @property
    def seconds(self) -> float:
        """The age in seconds."""
        return self.age * UNITS[self.unit]

    def _words(self) -> str:
        return f"fresh({write_scalar(self.age)} {self.unit})"


# -- how they are measured ----------------------------------------------------------------------------


def plan_ordered(check: Ordered, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile an order to the number of values that stand on the wrong side of the value before them.

    Raises
    ------
    InvalidError
        When the column's type has no order.
    """
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if not (dtype.is_numeric() or dtype.is_temporal() or dtype == pl.String):
        raise mismatch(check, column, dtype)
    value = pl.col(place).fill_nan(None) if dtype.is_float() else pl.col(place)
    there = value.drop_nulls()

    def tally(values: Any) -> tuple[int, int]:
        return int(values[key]), present(values, place)

    measures = {**missing(frame, column), key: _wrong(check, there, there.shift(1)).sum()}
    return CheckPlan(measures, tally, _wrong(check, value, value.forward_fill().shift(1)), place)


def _wrong(check: Ordered, value: pl.Expr, before: pl.Expr) -> pl.Expr:
    if check.way == "increasing":
        return value <= before if check.strict else value < before
    return value >= before if check.strict else value > before


def plan_length(check: Length, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile the lengths of a column's texts, in characters.

    Raises
    ------
    InvalidError
        When the column holds no texts.
    """
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if not is_text(dtype):
        raise mismatch(check, column, dtype)
    length = pl.col(place).cast(pl.String).str.len_chars().cast(pl.Int64)
    low, high = check.low or 0, 2**63 - 1 if check.high is None else check.high
    return by_text(frame, column, key, length.is_between(pl.lit(low, pl.Int64), pl.lit(high, pl.Int64)))


def plan_fresh(check: Fresh, column: str, frame: Frame, key: str) -> CheckPlan:
    """Compile the age of the newest value; times without a zone are in UTC, a date begins at midnight.

    Raises
    ------
    InvalidError
        When the column holds no dates.
    """
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if dtype == pl.Null:
        return CheckPlan(tally=lambda _: (0, 0))
    if dtype not in (pl.Date, pl.Datetime):
        raise mismatch(check, column, dtype)
    now = frame.now

    def tally(values: Any) -> tuple[int, int]:
        newest = values[key]
        return (0, 0) if newest is None else (int((now - newest).total_seconds() > check.seconds), 1)

    def said(values: Any) -> str:
        newest = values[key]
        return "no values" if newest is None else f"newest {newest.isoformat()}"

    return CheckPlan({key: pl.col(place).cast(pl.Datetime("us")).max()}, tally, said=said)
