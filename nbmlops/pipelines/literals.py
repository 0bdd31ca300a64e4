"""Values in Python's own exact types, and the text that stands for them.

A value reaches a notebook only as source text, so it is first rebuilt from exact types; a subclass with a
``__repr__`` of its own never has a say.
"""

from __future__ import annotations

import ast
import json
import math
import reprlib
from datetime import date, datetime
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref

__all__ = ["MismatchError", "describe", "exact", "fields_of", "structure", "unboxed"]

# Python refuses to write integers of more than 4,300 digits.
_BITS = 4096


class MismatchError(Exception):
    """A value that a kind does not accept; the text, which may be empty, says why beyond the type."""


def unboxed(value: Any) -> Any:
    """Give a scalar of numpy as Python's own, and anything else as it is."""
    return value.item() if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise MismatchError
    return value


def _int(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MismatchError
    exact = int.__pos__(value)
    if exact.bit_length() > _BITS:
        raise MismatchError("an integer of that size cannot be written")
    return exact


def _float(value: Any) -> float:
    if isinstance(value, int):
        try:
            return float(_int(value))
        except OverflowError as error:
            raise MismatchError("it is beyond the range of float") from error
    if not isinstance(value, float):
        raise MismatchError
    exact = float.__pos__(value)
    if not math.isfinite(exact):
        raise MismatchError("only finite numbers have a literal")
    return exact


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise MismatchError
    return str.__str__(value)


def _none(value: Any) -> None:
    if value is not None:
        raise MismatchError


def _date(value: Any) -> date:
    try:
        if isinstance(value, str):
            return date.fromisoformat(str.__str__(value))
        if isinstance(value, date) and not isinstance(value, datetime):
            return date(value.year, value.month, value.day)
    except ValueError as error:
        raise MismatchError("write it as 2013-05-31") from error
    raise MismatchError


def _datetime(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str.__str__(value)) if isinstance(value, str) else value
        if isinstance(moment, datetime):
            if moment.tzinfo is not None:
                raise MismatchError("give it without an offset, in the time that the notebook means")
            return datetime(*_all_fields(moment))  # noqa: DTZ001 (naive on purpose, as the notebook means it)
    except (TypeError, ValueError) as error:  # TypeError: pandas' NaT
        raise MismatchError("write it as 2013-05-31T06:00") from error
    raise MismatchError


def _ref(value: Any) -> str:
    try:
        return str(Ref.parse(_str(value)))
    except InvalidError as error:
        raise MismatchError(error.message) from error


_EXACT = {
    "DataRef": _ref,
    "ModelRef": _ref,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "float": _float,
    "int": _int,
    "none": _none,
    "str": _str,
}


def exact(name: str, value: Any) -> Any:
    """Give `value` in the exact scalar type `name`.

    Raises
    ------
    MismatchError
        When it is of another type, or has no literal.
    """
    return _EXACT[name](value)


def _all_fields(moment: datetime) -> tuple[int, int, int, int, int, int, int]:
    return moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond


def fields_of(value: date) -> list[int]:
    """Give the integers that build a date or a datetime, without zeros at the end."""
    if not isinstance(value, datetime):
        return [value.year, value.month, value.day]
    fields = list(_all_fields(value))
    while len(fields) > 3 and fields[-1] == 0:
        fields.pop()
    return fields


def structure(text: str) -> Any:
    """Read text as JSON, or else as a Python literal.

    Raises
    ------
    MismatchError
        When it is neither.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise MismatchError from error


def describe(value: Any) -> str:
    """Give a short form of a value that was refused, with its type."""
    try:
        shown = reprlib.repr(value)
    except (RecursionError, ValueError):
        shown = "a value too large to show"
    return f"{shown} ({type(value).__name__})"
