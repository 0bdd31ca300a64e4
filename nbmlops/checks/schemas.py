"""Read pandera's schemas as suites, without importing pandera: what it is not loaded for is none of its schemas."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from nbmlops.checks.conflicts import conflict
from nbmlops.checks.kinds import (
    Between,
    Check,
    Columns,
    Expression,
    Key,
    Matches,
    Nulls,
    OneOf,
    TypeName,
    TypeOf,
    Unique,
)
from nbmlops.checks.lines import ColumnChecks
from nbmlops.checks.pandera import NAMED
from nbmlops.checks.patterns import compiled_pattern, escaped
from nbmlops.checks.suite import Suite
from nbmlops.checks.tokens import write_operand, write_scalar, write_string
from nbmlops.core.errors import InvalidError

__all__ = ["imported", "is_schema"]

_TYPES: tuple[tuple[str, TypeName], ...] = (
    ("is_bool", "boolean"),
    ("is_int", "integer"),
    ("is_uint", "integer"),
    ("is_float", "number"),
    ("is_numeric", "number"),
    ("is_datetime", "datetime"),
    ("is_category", "category"),
    ("is_string", "string"),
)
_NO_NULLS = Nulls(limit=0.0, inclusive=True)
_THERE = Nulls(limit=1.0, inclusive=True)
_ANY = r"(?s:.*)"


def is_schema(value: object) -> bool:
    """Whether `value` is a ``DataFrameSchema`` of pandera, or a class derived from its ``DataFrameModel``."""
    kind = value if isinstance(value, type) else type(value)
    named = {each.__name__ for each in kind.__mro__ if each.__module__.partition(".")[0] == "pandera"}
    return ("DataFrameModel" if isinstance(value, type) else "DataFrameSchema") in named


def imported(schema: Any, name: str = "") -> Suite:
    """Read a schema as a suite; what has no counterpart is in its `left_out`."""
    if isinstance(schema, type):
        schema = schema.to_schema()  # type: ignore[attr-defined]  # a DataFrameModel, by `is_schema`
    left_out: list[str] = []
    lines: dict[str, list[Check]] = {}
    notes: dict[str, str] = {}
    for column, each in schema.columns.items():
        if reason := _unreadable(column, each):
            left_out.append(reason)
            continue
        lines[column] = list(_column(column, each, left_out))
        notes[column] = each.description or ""
    of_table: list[Check] = []
    for each in schema.checks:
        _take(each, lines, of_table, left_out)
    if schema.unique:
        _key(list(schema.unique), lines, of_table, left_out)
    if schema.strict is True:
        of_table.append(Columns(mode="exact"))
    left_out += _of_schema(schema)
    columns = tuple(
        ColumnChecks(column, _agreeing(column, checks, left_out) or (_THERE,), notes.get(column, ""))
        for column, checks in lines.items()
    )
    note = schema.description or ""
    return Suite(name or schema.name or "", columns, _agreeing("table", of_table, left_out), note, tuple(left_out))


def _unreadable(column: Any, each: Any) -> str:
    if not isinstance(column, str):
        return f"the column {column!r}: its name is no text"
    if each.regex:
        return f"the column {column!r}: its name is a pattern"
    return "" if each.required else f"the column {column!r}: it may be absent"


def _of_schema(schema: Any) -> list[str]:
    said = {
        "index": "the checks of the index" if schema.index is not None else "",
        "coerce": "coerce: checks judge, they change nothing" if schema.coerce else "",
        "parsers": "the parsers: checks judge, they change nothing" if schema.parsers else "",
        "ordered": "ordered: the order of columns is not judged" if schema.ordered else "",
        "dtype": f"the dtype {schema.dtype} of all columns" if schema.dtype else "",
        "strict": "strict='filter': checks judge, they change nothing" if schema.strict == "filter" else "",
        "drop": "drop_invalid_rows: checks judge, they change nothing" if schema.drop_invalid_rows else "",
        "add": "add_missing_columns: checks judge, they change nothing" if schema.add_missing_columns else "",
    }
    return [words for words in said.values() if words]


def _column(column: str, each: Any, left_out: list[str]) -> Iterator[Check]:
    if each.dtype is not None:
        known = _type(each.dtype)
        if known:
            yield TypeOf(name=known)
        else:
            left_out.append(f"the type {each.dtype} of {column!r}")
    for attribute, why in (
        ("coerce", "coerce"),
        ("parsers", "the parsers"),
        ("drop_invalid_rows", "drop_invalid_rows"),
    ):
        if getattr(each, attribute, False):
            left_out.append(f"{why} of {column!r}: checks judge, they change nothing")
    for check in each.checks:
        read = _read(column, check)
        if isinstance(read, str):
            left_out.append(f"{read} of {column!r}")
        else:
            yield replace(read, severity="warn") if check.raise_warning else read
    if each.unique:
        yield Unique()
    if not each.nullable:
        yield _NO_NULLS


def _type(dtype: Any) -> TypeName | None:
    types = sys.modules["pandera.dtypes"]
    return next((name for test, name in _TYPES if getattr(types, test)(dtype)), None)


def _agreeing(place: str, checks: list[Check], left_out: list[str]) -> tuple[Check, ...]:
    """Leave out what repeats or contradicts an earlier check of its line."""
    kept: list[Check] = []
    for check in checks:
        complaint = conflict(kept, check)
        if complaint is None:
            kept.append(check)
        elif "is there twice" not in complaint:
            left_out.append(f"{check.words} of {place!r}: {complaint}")
    return tuple(kept)


def _take(check: Any, lines: dict[str, list[Check]], of_table: list[Check], left_out: list[str]) -> None:
    """A check of the frame: one that was exported from a suite is read from its name."""
    name = check.name or ""
    if not name.startswith(NAMED):
        left_out.append(f"the check {_called(check)} of the frame: a function of pandera's")
        return
    suite = Suite.parse(name.removeprefix(NAMED))
    of_table.extend(suite.table)
    for each in suite.columns:
        lines.setdefault(each.column, []).extend(each.checks)


def _key(unique: list[str], lines: dict[str, list[Check]], of_table: list[Check], left_out: list[str]) -> None:
    if all(_NO_NULLS in lines.get(column, ()) for column in unique):
        of_table.insert(0, Key(columns=tuple(unique)))
    else:
        left_out.append(f"unique={unique}: a key has no nulls, and these columns may")


# -- the checks of a column ---------------------------------------------------------------------------


def _called(check: Any) -> str:
    return repr(check.name or getattr(getattr(check, "_check_fn", None), "__name__", "without a name"))


def _read(column: str, check: Any) -> Check | str:
    """The check of a suite; in words what it is when there is none."""
    reader = _READERS.get(check.name)
    statistics = check.statistics or {}
    # A function of the user's own may have the name of a built-in check, but not its statistics.
    if reader is None or not statistics or check.groupby is not None or check.element_wise:
        return f"the check {_called(check)}"
    try:
        return reader(column, statistics)
    except (InvalidError, TypeError, KeyError, re.error) as error:
        said = getattr(error, "message", str(error)).partition("\n")[0]
        return f"the check {_called(check)} ({said})"


def _value(value: Any) -> Any:
    """A value as the grammar writes it: numpy's as Python's own, a date as its text."""
    value = value.item() if type(value).__module__ == "numpy" else value
    return value.isoformat() if isinstance(value, date | datetime) else value


def _written(value: Any) -> str:
    found = _value(value)
    if isinstance(value, date | datetime):
        return f"date({write_string(found)})"
    if not isinstance(found, bool | int | float | str):
        raise TypeError(f"{type(value).__name__} is no value of a suite")
    return write_scalar(found)


def _compare(column: str, operator: str, value: Any) -> Check:
    return _expression(f"{write_operand(column)} {operator} {_written(value)}")


def _expression(text: str) -> Check:
    from nbmlops.data.conditions import column_names

    column_names(text)
    return Expression(text=text)


def _in_range(column: str, given: dict[str, Any]) -> Check:
    low, high = given["min_value"], given["max_value"]
    if given["include_min"] and given["include_max"]:
        return Between(low=_value(low), high=_value(high))
    signs = (">=" if given["include_min"] else ">", "<=" if given["include_max"] else "<")
    name = write_operand(column)
    return _expression(f"{name} {signs[0]} {_written(low)} and {name} {signs[1]} {_written(high)}")


def _length(column: str, given: dict[str, Any]) -> Check:
    name = f"length({write_operand(column)})"
    if given.get("exact_value") is not None:
        return _expression(f"{name} == {given['exact_value']}")
    ends = [(">=", given.get("min_value")), ("<=", given.get("max_value"))]
    return _expression(" and ".join(f"{name} {sign} {end}" for sign, end in ends if end is not None))


def _pattern(pattern: Any, *, from_start: bool) -> Check:
    text = pattern.pattern if isinstance(pattern, re.Pattern) else str(pattern)
    if isinstance(pattern, re.Pattern) and pattern.flags & ~re.UNICODE:
        raise InvalidError("its pattern has flags")
    found = f"(?:{text}){_ANY}" if from_start else f"{_ANY}(?:{text}){_ANY}"
    compiled_pattern(found)
    return Matches(pattern=found)


def _excluded(column: str, values: Any) -> Check:
    return _expression(f"not ({write_operand(column)} in ({', '.join(map(_written, values))},))")


_READERS: dict[str, Callable[[str, dict[str, Any]], Check]] = {
    "in_range": _in_range,
    "greater_than_or_equal_to": lambda _, given: Between(low=_value(given["min_value"]), high=None),
    "less_than_or_equal_to": lambda _, given: Between(low=None, high=_value(given["max_value"])),
    "greater_than": lambda column, given: _compare(column, ">", given["min_value"]),
    "less_than": lambda column, given: _compare(column, "<", given["max_value"]),
    "equal_to": lambda column, given: _compare(column, "==", given["value"]),
    "not_equal_to": lambda column, given: _compare(column, "!=", given["value"]),
    "isin": lambda _, given: OneOf(values=tuple(_value(value) for value in given["allowed_values"])),
    "notin": lambda column, given: _excluded(column, given["forbidden_values"]),
    "str_matches": lambda _, given: _pattern(given["pattern"], from_start=True),
    "str_contains": lambda _, given: _pattern(given["pattern"], from_start=False),
    "str_startswith": lambda _, given: Matches(pattern=f"{escaped(given['string'])}{_ANY}"),
    "str_endswith": lambda _, given: Matches(pattern=f"{_ANY}{escaped(given['string'])}"),
    "str_length": _length,
}
