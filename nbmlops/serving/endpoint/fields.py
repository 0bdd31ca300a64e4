"""One column of a request: its values become an array of the type that the model was fitted on, or faults.

The types are those of the model's signature, written as Arrow writes them. Good columns take one look over their
values; only where that fails is each value looked at, so that every fault of a request is told at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nbmlops.serving.endpoint.refusals import MOST_FAULTS, Fault

if TYPE_CHECKING:
    from nbmlops.models.records import SignatureField

__all__ = ["Column", "Unseen", "said"]

Unseen = Literal["refuse", "null", "pass"]
_FLOATS = frozenset({float, int})
_INTEGERS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}
_REALS = {"halffloat": "float16", "float16": "float16", "float": "float32", "double": "float64"}
_TEXTS = frozenset({"string", "large_string", "string_view"})
_SCALARS = (str, int, float, bool)


class Column:
    """What a signature says of one input, ready to be held against values.

    Parameters
    ----------
    field : SignatureField
        The input.
    unseen : {"refuse", "null", "pass"}
        What becomes of a category that the model has not seen.
    """

    most: float = 2 * MOST_FAULTS
    """How many faults are looked for."""

    def __init__(self, field: SignatureField, unseen: Unseen = "refuse") -> None:
        self.name = field.name
        self.nullable = field.nullable
        self.unseen = unseen
        self.categories = field.categories
        self._known = frozenset(field.categories or ())
        self.type = field.type
        self.dtype: np.dtype[Any] = np.dtype(object)
        self._one: Callable[[Any], Any] = _scalar
        if field.type in _REALS:
            self.dtype, self._one = np.dtype(_REALS[field.type]), _real
        elif field.type in _INTEGERS:
            self.dtype, self._one = np.dtype(field.type), _integer_of(field.type)
        elif field.type == "bool":
            self.dtype, self._one = np.dtype(bool), _truth
        elif field.type in _TEXTS:
            self._one = _text
        elif field.type.startswith(("timestamp", "date")):
            self.dtype, self._one = np.dtype("datetime64[us]"), _instant

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.dtype.kind in "fiu"

    @property
    def is_text(self) -> bool:
        """Whether its values are texts, of which any will do."""
        return self._one is _text and not self._known

    def take(self, values: Sequence[Any], faults: list[Fault]) -> np.ndarray[Any, Any]:
        """Give the values as an array; what is wrong with them is added to `faults`.

        Integers with nulls among them become floats, as pandas reads them.
        """
        if self._known:
            return self._categories(values, faults)
        kind = self.dtype.kind
        try:
            if kind == "f" and _FLOATS.issuperset(map(type, values)):
                array = np.array(values, self.dtype)
                if not np.isinf(array).any():
                    return array
            elif kind in "iu" and set(map(type, values)) == {int}:
                return np.array(values, self.dtype)
        except (OverflowError, ValueError):
            pass  # one of them is too large, and is found below
        return self._one_by_one(values, faults)

    def _one_by_one(self, values: Sequence[Any], faults: list[Fault]) -> np.ndarray[Any, Any]:
        taken: list[Any] = []
        nulls = False
        for row, value in enumerate(values):
            if value is None or (type(value) is float and math.isnan(value)):
                nulls = True
                taken.append(None)
                if not self.nullable:
                    faults.append(Fault("is null, and the model has seen none there", self.name, row))
            else:
                try:
                    taken.append(self._one(value))
                except ValueError as error:
                    faults.append(Fault(str(error), self.name, row))
            if len(faults) > self.most:
                break
        if faults:
            return np.empty(0, self.dtype)
        if nulls and self.dtype.kind in "iu":
            return np.array([math.nan if value is None else value for value in taken])
        if nulls and self.dtype.kind == "b":
            return np.array(taken, object)
        if self.dtype.kind == "M":
            # numpy has no zones: those of a request are counted back to UTC.
            return np.array([None if each is None else each.replace(tzinfo=None) for each in taken], self.dtype)
        return np.array(taken, self.dtype)

    def _categories(self, values: Sequence[Any], faults: list[Fault]) -> np.ndarray[Any, Any]:
        taken: list[Any] = []
        for row, value in enumerate(values):
            plain = isinstance(value, _SCALARS)
            if value is None or value != value:  # noqa: PLR0124 - only NaN is not itself
                taken.append(None)
                if not self.nullable:
                    faults.append(Fault("is null, and the model has seen none there", self.name, row))
            elif plain and value in self._known:
                taken.append(value)
            elif plain and self.unseen == "null" and self.nullable:
                taken.append(None)
            elif plain and self.unseen == "pass":
                taken.append(value)
            else:
                faults.append(Fault(f"{said(value)} is none of the {len(self._known)} categories", self.name, row))
            if len(faults) > self.most:
                break
        found = np.empty(len(taken), object)
        found[:] = taken
        return found

    def of_text(self, text: str) -> Any:
        """A value as CSV writes it; what does not parse stays text, and is refused as such."""
        if text == "":
            return None
        if self.dtype.kind == "b":
            return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)
        whole = self.dtype.kind in "iu" or (self._known and all(type(each) is int for each in self._known))
        real = self.dtype.kind == "f" or (self._known and all(type(each) is float for each in self._known))
        if whole or real or self.type == "unknown":
            for parse in (int, float) if not real else (float,):
                try:
                    return parse(text)
                except ValueError:
                    continue
        return text

    def sample(self) -> Any:
        """A value that fits: made up from the type, or a category that the signature names; none that anybody sent."""
        if self.categories is not None:
            return next((each for each in self.categories if each is not None), None)
        known = {"f": 1.5, "i": 1, "u": 1, "b": True, "M": "2026-01-31T12:00:00"}
        return known.get(self.dtype.kind, 1.5 if self._one is _scalar else "text")

    def schema(self) -> Mapping[str, Any]:
        """What JSON Schema says of one value."""
        kinds = {"f": "number", "i": "integer", "u": "integer", "b": "boolean"}
        if self.categories is not None:
            known: dict[str, Any] = {} if self.unseen != "refuse" else {"enum": list(self.categories)}
        elif self.dtype.kind == "M":
            known = {"type": "string", "format": "date-time"}
        elif self._one is _scalar:
            known = {"type": ["string", "number", "boolean"]}
        else:
            known = {"type": kinds.get(self.dtype.kind, "string")}
        if not self.nullable:
            return known
        if "enum" in known:
            return {"enum": [*known["enum"], None]}
        kind = known.get("type")
        if kind is None:
            return known
        return {**known, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}


def said(value: Any) -> str:
    """A value of a request as an error says it: short, and on one line."""
    shown = repr(value) if isinstance(value, _SCALARS) else f"a {_JSON.get(type(value), type(value).__name__)}"
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


_JSON = {dict: "object", list: "list", type(None): "null"}


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{said(value)} is no number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if math.isinf(found):
        raise ValueError(f"{said(value)} is not finite")
    return found


def _integer_of(kind: str) -> Callable[[Any], int]:
    bits, signed = _INTEGERS[kind], not kind.startswith("u")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)

    def integer(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise ValueError(f"{said(value)} is no whole number")
        if isinstance(value, float) and abs(value) > 2**53:  # above it a float stands for several whole numbers
            raise ValueError(f"{said(value)} is no exact whole number, or does not fit into {kind}")
        if not low <= value <= high:
            raise ValueError(f"{said(value)} does not fit into {kind}")
        return int(value)

    def checked(value: Any) -> int:
        try:
            return integer(value)
        except OverflowError:
            raise ValueError(f"{said(value)} is not finite") from None

    return checked


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{said(value)} is neither true nor false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{said(value)} is no text")
    return value


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo is None else (found - found.utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{said(value)} is no time of ISO 8601") from None


def _scalar(value: Any) -> Any:
    if not isinstance(value, _SCALARS):
        raise ValueError(f"{said(value)} is no plain value")
    return value
