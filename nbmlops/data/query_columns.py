"""Columns of Python's values as columns of Arrow, exactly; what cannot be one is refused by its name and its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.store.sql_source import Heading

__all__ = ["ValuesColumn"]

_KINDS: dict[type, str] = {
    bool: "truth value",
    int: "whole number",
    float: "number",
    Decimal: "decimal",
    str: "text",
    UUID: "text",
    bytes: "row of bytes",
    bytearray: "row of bytes",
    memoryview: "row of bytes",
    date: "date",
    time: "time of day",
    timedelta: "span of time",
}
_NUMBERS = {"whole number", "number"}
# What a database tells of types, as the kind that its values then are, and as Arrow calls it.
_TOLD = {
    "bool": ("truth value", "bool"),
    "bytes": ("row of bytes", "binary"),
    "date": ("date", "date32"),
    "float32": ("number", "float32"),
    "float64": ("number", "float64"),
    "instant": ("time with a zone", "instant"),
    "int16": ("whole number", "int16"),
    "int32": ("whole number", "int32"),
    "int64": ("whole number", "int64"),
    "text": ("text", "string"),
    "time": ("time of day", "time64[us]"),
    "timestamp": ("time", "timestamp[us]"),
}
_NEVER = {
    "interval": "is an interval, whose months have no length",
    "json": "is JSON, which a table does not keep as it is",
}
_WHOLE = 1 << 53
"""Whole numbers up to this one, and no others, all have a float of their own."""
_DIGITS = 38
_AS_TEXT = "turn it into text in the query, as in cast({} as text)"


class ValuesColumn:
    """A column that is taken batch by batch; what it is shows when all of it was taken.

    Parameters
    ----------
    heading : Heading
        Its name, and what the database tells of its type.
    """

    def __init__(self, heading: Heading) -> None:
        self.name = heading.name
        self._heading = heading
        self._kind = ""
        self._digits = self._scale = 0
        self._large: tuple[int, int] | None = None
        if heading.kind in _NEVER:
            raise InvalidError(f"the column {self.name!r} {_NEVER[heading.kind]}", hint=self._as_text())

    def take(self, values: Sequence[Any], start: int) -> pa.Array:
        """The next values, of which the first is in row `start`, counted from 0.

        Raises
        ------
        InvalidError
            When they are not of one kind, or of none that a table keeps; rows are told as counted from 1.
        """
        self._meet(values, start)
        try:
            return self._array(values, start)
        except (OverflowError, ValueError, TypeError) as error:  # Arrow's own errors are these, too
            said = str(error).splitlines()[0]
            raise InvalidError(f"the column {self.name!r} cannot be kept: {said}", hint=self._as_text()) from error

    def type(self) -> pa.DataType:
        """What the column is: what the database tells, where the values are such, else what the values are."""
        import pyarrow as pa

        heading = self._heading
        kind, told = _TOLD.get(heading.kind, ("", ""))
        if told and self._kind in {"", kind}:
            return pa.type_for_alias(told) if told != "instant" else _types()["time with a zone"]
        precision, scale = heading.precision or 0, heading.scale or 0
        if heading.kind == "decimal" and 0 < precision <= _DIGITS and scale >= 0:
            return pa.decimal128(precision, scale)
        if "decimal" in (heading.kind, self._kind):
            return pa.decimal128(max(1, self._digits + self._scale), self._scale)
        return _types()[self._kind]

    def _meet(self, values: Sequence[Any], start: int) -> None:
        """Let the column be of the kind that its values are."""
        kinds = _kinds(values) | ({self._kind} if self._kind else set())
        if kinds == _NUMBERS:
            self._kind = "number"
        elif len(kinds) > 1:
            raise self._mixed(values, start)
        elif kinds:
            (self._kind,) = kinds
        if self._kind and self._kind not in {*_types(), "decimal"}:
            row = next(place for place, value in enumerate(values) if value is not None)
            raise InvalidError(
                f"the column {self.name!r} holds in row {start + row + 1:,} a {self._kind}, which a table cannot keep",
                hint=self._as_text(),
            )

    def _mixed(self, values: Sequence[Any], start: int) -> InvalidError:
        told = [(place, kind) for place, value in enumerate(values) if (kind := _kind(value))]
        before = self._kind or told[0][1]
        fitting = _NUMBERS if before in _NUMBERS else {before}
        row, kind = next(each for each in told if each[1] not in fitting)
        return InvalidError(
            f"the column {self.name!r} holds a {before} in one row and a {kind} in another, row {start + row + 1:,}",
            hint=self._as_text(),
        )

    def _array(self, values: Sequence[Any], start: int) -> pa.Array:
        import pyarrow as pa

        kind = self._kind
        if kind == "decimal":
            return self._decimals(values, start)
        if kind in _NUMBERS:
            self._measure(values, start)
        if kind == "number":
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
        change = _CHANGED.get(kind)
        held = values if change is None else [None if value is None else change(value) for value in values]
        return pa.array(held, _types()[kind])

    def _measure(self, values: Sequence[Any], start: int) -> None:
        """Refuse whole numbers that no column holds as they are."""
        for place, value in enumerate(values):
            if type(value) is int and not -_WHOLE <= value <= _WHOLE:
                if not -(1 << 63) <= value < 1 << 63:
                    raise self._too_large(start + place, "more than 64 bits hold")
                self._large = self._large or (start + place, value)
        if self._large is not None and self._kind == "number":
            raise self._too_large(self._large[0], "no fraction beside it allows for exactly")

    def _too_large(self, row: int, why: str) -> InvalidError:
        return InvalidError(
            f"the column {self.name!r} holds in row {row + 1:,} a number that {why}", hint=self._as_text()
        )

    def _decimals(self, values: Sequence[Any], start: int) -> pa.Array:
        import pyarrow as pa

        digits = scale = 0
        for place, value in enumerate(values):
            if value is None:
                continue
            if not value.is_finite():
                raise InvalidError(
                    f"the column {self.name!r} holds {value} in row {start + place + 1:,}, which no decimal is",
                    hint="leave it out in the query, or cast the column to a float",
                )
            scale = max(scale, -value.as_tuple().exponent)
            digits = max(digits, value.adjusted() + 1)
        self._digits, self._scale = max(self._digits, digits), max(self._scale, scale)
        if self._digits + self._scale > _DIGITS:
            raise InvalidError(
                f"the column {self.name!r} has decimals of {self._digits + self._scale} digits, and a table keeps "
                f"{_DIGITS}",
                hint="round it in the query, or " + self._as_text(),
            )
        return pa.array(values, pa.decimal128(max(1, digits + scale), scale))

    def _as_text(self) -> str:
        return _AS_TEXT.format(self.name)


def _kinds(values: Sequence[Any]) -> set[str]:
    """What some values are, without the nulls."""
    found = set()
    for cls in set(map(type, values)):
        # Times are of two kinds, by their zone; of all others the type alone tells.
        some = (value for value in values if type(value) is cls)
        found |= set(map(_kind, some)) if issubclass(cls, datetime | time) else {_kind(next(some))}
    return found - {""}


def _kind(value: Any) -> str:
    """What a value is, in words; nothing for a null."""
    if value is None:
        return ""
    cls = type(value)
    if issubclass(cls, datetime):
        return "time" if value.tzinfo is None else "time with a zone"
    if cls is time and value.tzinfo is not None:
        return "time of day with a zone"
    return _KINDS.get(cls) or f"value of the type {cls.__name__}"


_CHANGED: dict[str, Callable[[Any], Any]] = {"text": str, "row of bytes": bytes}


def _types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "": pa.null(),
        "truth value": pa.bool_(),
        "whole number": pa.int64(),
        "number": pa.float64(),
        "text": pa.string(),
        "row of bytes": pa.binary(),
        "date": pa.date32(),
        "time of day": pa.time64("us"),
        "span of time": pa.duration("us"),
        "time": pa.timestamp("us"),
        "time with a zone": pa.timestamp("us", "UTC"),
    }
