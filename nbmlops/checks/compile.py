"""From a check to what must be measured: aggregations for the common pass, and how to judge their values.

Each kind has one function. All of them count *bad* among *judged* values, so that ``mostly`` is
the same for all; null and NaN are missing, and judged by ``nulls`` alone. Two names are shared by
all checks of a column, and therefore measured once: its nulls and its NaNs.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.checks.aggregates import Depends, Distinct, Maximum, Mean, plan_aggregate, plan_depends
from nbmlops.checks.custom import Tested, plan_tested
from nbmlops.checks.frames import is_text
from nbmlops.checks.kinds import (
    Between,
    Check,
    Columns,
    Expression,
    Key,
    Matches,
    Nulls,
    OneOf,
    Rows,
    TypeOf,
    Unique,
)
from nbmlops.checks.looking_up import plan_in_reference, plan_like, plan_references
from nbmlops.checks.patterns import compiled_pattern
from nbmlops.checks.plans import ROWS, CheckPlan, Frame, Proof, Values, by_text, by_value, missing, present
from nbmlops.checks.references import InReference, Like, References
from nbmlops.checks.sequence import Fresh, Length, Ordered, plan_fresh, plan_length, plan_ordered
from nbmlops.checks.tokens import Scalar
from nbmlops.checks.words import type_words
from nbmlops.core.errors import InvalidError
from nbmlops.data.conditions import column_names, compiled_expression, instant

if TYPE_CHECKING:
    import polars as pl

__all__ = ["needed", "plan"]

_FEW = 8


def needed(check: Check) -> tuple[str, ...]:
    """Give the columns that `check` names in its own text."""
    if isinstance(check, Expression):
        return column_names(check.text)
    return check.columns if isinstance(check, Key | Depends | References) else ()


def plan(check: Check, column: str | None, frame: Frame, number: int) -> CheckPlan:
    """Compile `check` of `column` (None for the table); `number` makes its measures' names unique.

    Raises
    ------
    InvalidError
        When the check cannot run on this table: a missing column, or a type it does not judge.
    """
    import polars as pl

    if column is not None and frame.place(column) and frame.types[column] == pl.Null and check.by_value:
        return CheckPlan(tally=lambda _: (0, 0))
    return _PLANNERS[type(check)](check, column or "", frame, f"check{number}")


def _type(check: TypeOf, column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if check.name == "integer" and (dtype.is_float() or dtype.is_decimal()):
        value = pl.col(place)
        whole = value.floor() == value
        return by_value(frame, column, key, whole & value.is_finite() if dtype.is_float() else whole)
    holds = {
        "number": dtype.is_numeric(),
        "integer": dtype.is_integer(),
        "string": is_text(dtype),
        "category": is_text(dtype),
        "boolean": dtype == pl.Boolean,
        "datetime": dtype in (pl.Date, pl.Datetime),
    }[check.name]
    # Texts that were numbered on their way here are no categories; which they were is not looked at twice.
    words = check.name if column in frame.coded else type_words(dtype)
    # A column of nothing but nulls has no type that could be wrong.
    return CheckPlan(fixed=words, holds=holds or dtype == pl.Null)


def _between(check: Between, column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    low: Any = check.low
    high: Any = check.high
    value = pl.col(place)
    if check.of_dates:
        if not dtype.is_temporal() or dtype in (pl.Duration, pl.Time):
            raise _mismatch(check, column, dtype, "dates")
        low, high = (None if end is None else _moment(end) for end in (low, high))
        value = value.cast(pl.Datetime("us"))
    elif not dtype.is_numeric():
        raise _mismatch(check, column, dtype, "numbers")
    elif dtype.is_float() and high is None:
        # Polars orders NaN above infinity: a closed upper end leaves it out.
        high = float("inf")
    if low is None:
        good = value <= _literal(high)
    elif high is None:
        good = value >= _literal(low)
    else:
        good = value.is_between(_literal(low), _literal(high))
    return replace(by_value(frame, column, key, good), proof=_within(value, low, high, frame, column))


def _within(value: pl.Expr, low: Any, high: Any, frame: Frame, column: str) -> Proof:
    """That the smallest and the largest value lie between two ends: for all ranges of a column they are found once."""
    place = frame.place(column)
    least, most = f"{place}.min", f"{place}.max"

    def settle(values: Values) -> CheckPlan | None:
        ends = values[least], values[most]
        judged = present(values, place)
        if judged and (None in ends or (low is not None and ends[0] < low) or (high is not None and ends[1] > high)):
            return None
        return CheckPlan(tally=lambda _: (0, judged))

    return Proof({**missing(frame, column), least: value.min(), most: value.max()}, settle)


def _moment(end: str) -> datetime:
    return instant(end).replace(tzinfo=None)


def _literal(end: Any) -> Any:
    import polars as pl

    return pl.lit(float(end) if isinstance(end, int) and abs(end) >= 2**63 else end)


def _one_of(check: OneOf, column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    value = pl.col(place)
    sample = check.values[0]
    if isinstance(sample, bool):
        fine = dtype == pl.Boolean
    elif isinstance(sample, str):
        fine = is_text(dtype)
        value = value.cast(pl.String) if dtype != pl.String else value
    else:
        fine = dtype.is_numeric()
    if not fine:
        raise _mismatch(check, column, dtype, {bool: "booleans", str: "strings"}.get(type(sample), "numbers"))
    return by_text(frame, column, key, _among(value, check.values))


def _among(value: pl.Expr, values: tuple[Scalar, ...]) -> pl.Expr:
    if len(values) <= _FEW:
        # Measured on 5 M strings: five comparisons take half the time of a lookup in a set of five.
        equal: list[pl.Expr] = [value == _literal(each) for each in values]
        return functools.reduce(operator.or_, equal)
    if any(isinstance(each, float) or (isinstance(each, int) and abs(each) >= 2**63) for each in values):
        return value.is_in([float(each) for each in values])
    return value.is_in(list(values))


def _matches(check: Matches, column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    place, dtype = frame.place(column), frame.types[column]
    if not is_text(dtype):
        raise _mismatch(check, column, dtype, "strings")
    return by_text(
        frame, column, key, pl.col(place).cast(pl.String).str.contains(compiled_pattern(check.pattern), strict=True)
    )


def _nulls(_check: Nulls, column: str, frame: Frame, _key: str) -> CheckPlan:
    import polars as pl

    place = frame.place(column)
    absent = pl.col(place).is_null()
    if frame.types[column].is_float():
        absent |= pl.col(place).is_nan()

    def tally(values: Values) -> tuple[int, int]:
        return int(values[ROWS]) - present(values, place), int(values[ROWS])

    return CheckPlan(missing(frame, column), tally, absent)


def _unique(_check: Unique, column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    place = frame.place(column)
    value = pl.col(place).fill_nan(None) if frame.types[column].is_float() else pl.col(place)

    def tally(values: Values) -> tuple[int, int]:
        judged = present(values, place)
        return judged - int(values[key]), judged

    measures = {**missing(frame, column), key: value.drop_nulls().n_unique()}
    return CheckPlan(measures, tally, ~value.is_first_distinct() & value.is_not_null(), place)


def _expression(check: Expression, _column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    places = {name: frame.place(name) for name in column_names(check.text)}
    # pandas writes a missing number as NaN, which would otherwise compare as a number above all others.
    good = compiled_expression(
        check.text,
        {
            name: pl.col(place).fill_nan(None) if frame.types[name].is_float() else pl.col(place)
            for name, place in places.items()
        },
    )
    empty = pl.DataFrame(schema={place: frame.types[name] for name, place in places.items()})
    try:
        (dtype,) = empty.select(good.alias("good")).dtypes
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        types = ", ".join(f"{name} is {type_words(frame.types[name])}" for name in column_names(check.text))
        said = str(error).partition("\n")[0]
        raise InvalidError(f"the expression cannot be evaluated: {types} ({said})") from None
    if dtype != pl.Boolean:
        raise InvalidError(f"the expression gives {type_words(dtype)}, not true or false", hint="compare it, as in > 0")

    def tally(values: Values) -> tuple[int, int]:
        judged = int(values[f"{key}.judged"])
        return judged - int(values[key]), judged

    return CheckPlan({key: good.sum(), f"{key}.judged": good.count()}, tally, ~good)


def _key(check: Key, _column: str, frame: Frame, key: str) -> CheckPlan:
    import polars as pl

    places = [pl.col(frame.place(name)) for name in check.columns]
    nameless = functools.reduce(operator.or_, [place.is_null() for place in places])
    bad = ~pl.struct(places).is_first_distinct() | nameless
    return CheckPlan({key: bad.sum()}, lambda values: (int(values[key]), int(values[ROWS])), bad)


def _rows(check: Rows, _column: str, _frame: Frame, _key: str) -> CheckPlan:
    def tally(values: Values) -> tuple[int, int]:
        rows = int(values[ROWS])
        below = check.low is not None and rows < check.low
        return int(below or (check.high is not None and rows > check.high)), rows

    return CheckPlan(tally=tally)


def _columns(check: Columns, _column: str, frame: Frame, _key: str) -> CheckPlan:
    expected = check.names or frame.judged
    there, named = set(frame.names), set(expected)
    absent = [name for name in expected if name not in there]
    extra = [name for name in frame.names if name not in named] if check.mode == "exact" else []
    said = [f"{len(frame.names)} columns"]
    said += [f"without {', '.join(absent[:5])}"] if absent else []
    said += [f"with {', '.join(extra[:5])} beside"] if extra else []
    return CheckPlan(fixed=", ".join(said), holds=not absent and not extra)


def _mismatch(check: Check, column: str, dtype: pl.DataType, wanted: str) -> InvalidError:
    return InvalidError(f"{check.kind} of {wanted} cannot judge {column!r}: its type is {type_words(dtype)}")


_PLANNERS: dict[type[Check], Callable[[Any, str, Frame, str], CheckPlan]] = {
    TypeOf: _type,
    Between: _between,
    OneOf: _one_of,
    Matches: _matches,
    Nulls: _nulls,
    Unique: _unique,
    Expression: _expression,
    Key: _key,
    Rows: _rows,
    Columns: _columns,
    Mean: plan_aggregate,
    Distinct: plan_aggregate,
    Maximum: plan_aggregate,
    Depends: plan_depends,
    Ordered: plan_ordered,
    Length: plan_length,
    Fresh: plan_fresh,
    InReference: plan_in_reference,
    References: plan_references,
    Like: plan_like,
    Tested: plan_tested,
}
