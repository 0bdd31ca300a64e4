"""Which checks of one column cannot stand beside each other, and why, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nbmlops.checks.kinds import Between, Check, Columns, Matches, Nulls, OneOf, Rows, TypeOf
from nbmlops.checks.sequence import Fresh, Length, Ordered
from nbmlops.data.conditions import instant

__all__ = ["conflict"]


def conflict(earlier: Iterable[Check], new: Check) -> str | None:
    """Say why `new` cannot follow the `earlier` checks of its column or table; None when it can."""
    for old in earlier:
        if (old.words, old.severity) == (new.words, new.severity):
            return f"{new.words} is there twice"
        complaint = _contradiction(old, new) or _contradiction(new, old)
        if complaint:
            return complaint
    return None


def _contradiction(one: Check, other: Check) -> str | None:
    judge = _JUDGES.get((type(one), type(other)))
    return judge(one, other) if judge else None


def _two_types(one: Check, other: Check) -> str:
    return f"a column cannot be both {one.words} and {other.words}"


def _twice(one: Check, other: Check) -> str | None:
    return f"{one.words} and {other.words} say two things" if one.severity == other.severity else None


def _ranges(one: Check, other: Check) -> str | None:
    assert isinstance(one, Between | Length | Rows)
    assert isinstance(other, Between | Length | Rows)
    if one.mostly + other.mostly < 2 or one.low is None or other.high is None:
        return None
    if isinstance(one.low, str) != isinstance(other.high, str):
        return f"{one.words} is of {_of(one.low)} and {other.words} of {_of(other.high)}"
    if _placed(one.low) > _placed(other.high):
        return f"no value can be in {one.words} and in {other.words}"
    return None


def _sets(one: Check, other: Check) -> str | None:
    assert isinstance(one, OneOf)
    assert isinstance(other, OneOf)
    if one.mostly + other.mostly < 2 or set(one.values) & set(other.values):
        return None
    return f"no value can be in {one.words} and in {other.words}"


def _set_in_range(one: Check, other: Check) -> str | None:
    assert isinstance(one, OneOf)
    assert isinstance(other, Between)
    if other.of_dates or any(isinstance(value, str | bool) for value in one.values):
        return None
    for value in one.values:
        above = other.low is None or value >= other.low  # type: ignore[operator]  # numbers by the test above
        if above and (other.high is None or value <= other.high):  # type: ignore[operator]
            return None
    return None if one.mostly + other.mostly < 2 else f"no value of {one.words} is in {other.words}"


def _range_of_type(one: Check, other: Check) -> str | None:
    assert isinstance(one, TypeOf)
    assert isinstance(other, Between)
    fine = one.name == "datetime" if other.of_dates else one.name in ("number", "integer")
    return None if fine else f"{other.words} cannot hold for a {one.name}"


def _set_of_type(one: Check, other: Check) -> str | None:
    assert isinstance(one, TypeOf)
    assert isinstance(other, OneOf)
    sample = other.values[0]
    if isinstance(sample, bool):
        fine = one.name == "boolean"
    elif isinstance(sample, str):
        fine = one.name in ("string", "category")
    else:
        fine = one.name in ("number", "integer")
    return None if fine else f"{other.words} cannot hold for a {one.name}"


def _pattern_of_type(one: Check, other: Check) -> str | None:
    assert isinstance(one, TypeOf)
    return None if one.name in ("string", "category") else f"{other.words} cannot hold for a {one.name}"


def _age_of_type(one: Check, other: Check) -> str | None:
    assert isinstance(one, TypeOf)
    return None if one.name == "datetime" else f"{other.words} cannot hold for a {one.name}"


def _placed(end: float | str) -> float:
    return instant(end).timestamp() if isinstance(end, str) else end


def _of(end: float | str) -> str:
    return "dates" if isinstance(end, str) else "numbers"


_JUDGES: dict[tuple[type[Check], type[Check]], Callable[[Check, Check], str | None]] = {
    (TypeOf, TypeOf): _two_types,
    (Nulls, Nulls): _twice,
    (Columns, Columns): _twice,
    (Between, Between): _ranges,
    (Rows, Rows): _ranges,
    (OneOf, OneOf): _sets,
    (OneOf, Between): _set_in_range,
    (TypeOf, Between): _range_of_type,
    (TypeOf, OneOf): _set_of_type,
    (TypeOf, Matches): _pattern_of_type,
    (TypeOf, Length): _pattern_of_type,
    (TypeOf, Fresh): _age_of_type,
    (Length, Length): _ranges,
    (Fresh, Fresh): _twice,
    (Ordered, Ordered): _twice,
}
