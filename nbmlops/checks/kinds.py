"""The kinds of check, as records that print themselves in the grammar of suites.

A kind says what is expected; `nbmlops.checks.compile` knows how to measure it. Every kind carries
`severity` (``error`` stops a strict run, ``warn`` does not); kinds that judge value by value also
carry `mostly`, the share of non-null values that must hold. `owner` and `reason` say who looks after a
check and why it is there; reports repeat them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, get_args

from nbmlops.checks.tokens import Scalar, write_name, write_scalar, write_string
from nbmlops.core.errors import InvalidError
from nbmlops.data.conditions import instant

__all__ = [
    "TYPES",
    "Between",
    "Check",
    "Columns",
    "Expression",
    "Key",
    "Matches",
    "Nulls",
    "OneOf",
    "Rows",
    "Severity",
    "TypeName",
    "TypeOf",
    "Unique",
    "check_names",
    "check_range",
    "is_number",
    "write_end",
]

Severity = Literal["error", "warn"]
TypeName = Literal["number", "integer", "string", "boolean", "datetime", "category"]
TYPES: tuple[TypeName, ...] = get_args(TypeName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(ABC):
    """One expectation; the base of all kinds.

    Raises
    ------
    InvalidError
        When a kind is made with arguments that can never hold, or `mostly` is not a share.
    """

    kind: ClassVar[str] = ""
    by_value: ClassVar[bool] = False
    mostly: float = 1.0
    severity: Severity = "error"
    owner: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.mostly <= 1:
            raise InvalidError(f"mostly takes a share above 0 and up to 1, not {self.mostly!r}", hint="mostly(0.99)")
        if self.mostly < 1 and not self.by_value:
            raise InvalidError(
                f"mostly cannot follow {self.words}",
                hint="it follows checks of single values, such as between, in and expr",
            )

    @property
    def words(self) -> str:
        """The expectation alone, as the grammar writes it, without mostly and warn."""
        return self._words()

    @abstractmethod
    def _words(self) -> str: ...

    def __str__(self) -> str:
        parts = [self.words]
        if self.mostly < 1:
            parts.append(f"mostly({self.mostly!r})")
        if self.severity == "warn":
            parts.append("warn")
        said = {"owner": self.owner, "reason": self.reason}
        parts += [f"{word}({write_string(text)})" for word, text in said.items() if text]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class TypeOf(Check):
    """The column is of a type; a float column of whole numbers is an ``integer`` (pandas writes nulls that way)."""

    kind: ClassVar[str] = "type"
    name: TypeName

    def _words(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Between(Check):
    """Values lie from `low` to `high`, both inclusive; None is an open end; dates are ISO 8601 text."""

    kind: ClassVar[str] = "between"
    by_value: ClassVar[bool] = True
    low: int | float | str | None
    high: int | float | str | None

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        check_range("between", self.low, self.high)

    def _words(self) -> str:
        return f"between({write_end(self.low)}, {write_end(self.high)})"

    @property
    def of_dates(self) -> bool:
        """Whether the ends are dates."""
        return isinstance(self.low, str) or isinstance(self.high, str)


@dataclass(frozen=True, slots=True)
class OneOf(Check):
    """Values are among `values`."""

    kind: ClassVar[str] = "in"
    by_value: ClassVar[bool] = True
    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if not self.values:
            raise InvalidError("in() names no value", hint='list them, as in in("UA", "AA")')
        groups = {_group(value) for value in self.values}
        if len(groups) > 1:
            raise InvalidError(f"in() mixes {' and '.join(sorted(groups))}", hint="a column holds one type of value")
        seen: set[Scalar] = set()
        for value in self.values:
            if value in seen:
                raise InvalidError(f"in() names {write_scalar(value)} twice")
            seen.add(value)

    def _words(self) -> str:
        return f"in({', '.join(map(write_scalar, self.values))})"


@dataclass(frozen=True, slots=True)
class Matches(Check):
    """Whole values match `pattern`, a regular expression of Rust's regex crate (linear time, no look-around)."""

    kind: ClassVar[str] = "matches"
    by_value: ClassVar[bool] = True
    pattern: str

    def _words(self) -> str:
        return f"matches({write_string(self.pattern)})"


@dataclass(frozen=True, slots=True)
class Nulls(Check):
    """The share of missing values (null or NaN) is below `limit`, or at most `limit` when `inclusive`."""

    kind: ClassVar[str] = "nulls"
    limit: float
    inclusive: bool = False

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        if not 0 <= self.limit <= 1 or (self.limit == 0 and not self.inclusive):
            raise InvalidError(
                f"nulls takes a share above 0% and up to 100%, not {_percent(self.limit)}",
                hint="write no nulls, nulls < 5% or nulls <= 0.05",
            )

    def _words(self) -> str:
        return "no nulls" if self.limit == 0 else f"nulls {'<=' if self.inclusive else '<'} {_percent(self.limit)}"


@dataclass(frozen=True, slots=True)
class Unique(Check):
    """No value occurs twice; nulls are left out."""

    kind: ClassVar[str] = "unique"
    by_value: ClassVar[bool] = True

    def _words(self) -> str:
        return "unique"


@dataclass(frozen=True, slots=True)
class Expression(Check):
    """`text` is true of each row; a row where it is null counts as neither, as in SQL's CHECK."""

    kind: ClassVar[str] = "expr"
    by_value: ClassVar[bool] = True
    text: str

    def _words(self) -> str:
        return f"expr({write_string(self.text)})"


@dataclass(frozen=True, slots=True)
class Rows(Check):
    """The table has from `low` to `high` rows; None is an open end."""

    kind: ClassVar[str] = "rows"
    low: int | None
    high: int | None

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        for end in (self.low, self.high):
            if end is not None and (type(end) is not int or end < 0):
                raise InvalidError(f"rows between takes whole numbers from 0, not {end!r}")
        check_range("rows between", self.low, self.high)

    def _words(self) -> str:
        return f"rows between({write_end(self.low)}, {write_end(self.high)})"


@dataclass(frozen=True, slots=True)
class Key(Check):
    """The columns together name each row once, and none of them is null."""

    kind: ClassVar[str] = "key"
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        check_names("key", self.columns)
        if not self.columns:
            raise InvalidError("key() names no column", hint="as in key(year, month, flight)")

    def _words(self) -> str:
        return f"key({', '.join(map(write_name, self.columns))})"


@dataclass(frozen=True, slots=True)
class Columns(Check):
    """The table has exactly, or at least, the columns `names`; without names: those that the suite judges."""

    kind: ClassVar[str] = "columns"
    mode: Literal["exact", "at_least"]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        check_names("columns", self.names)

    def _words(self) -> str:
        return f"columns({', '.join([self.mode, *map(write_name, self.names)])})"


def is_number(value: object) -> bool:
    """Whether `value` is an int or a float, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_range(what: str, low: float | str | None, high: float | str | None) -> None:
    """Raise `InvalidError` when `low` and `high` are no two ends of a range; `what` begins its message."""
    ends = [end for end in (low, high) if end is not None]
    if not ends:
        raise InvalidError(f"{what} has no end at all", hint=f"{what}(0, ) has a lower end")
    for end in ends:
        if not isinstance(end, str) and not (is_number(end) and math.isfinite(end)):
            hint = "an end may be left open, as in between(0, )"
            raise InvalidError(f"{what} takes finite numbers or dates, not {end!r}", hint=hint)
    if len({isinstance(end, str) for end in ends}) > 1:
        raise InvalidError(f"{what} mixes a number and a date")
    placed = [instant(end) if isinstance(end, str) else end for end in ends]
    if len(placed) == 2 and placed[0] > placed[1]:  # type: ignore[operator]  # same type by the test above
        raise InvalidError(
            f"nothing lies between {write_end(low)} and {write_end(high)}",
            hint=f"{what}({write_end(high)}, {write_end(low)})",
        )


def check_names(what: str, names: tuple[str, ...]) -> None:
    """Raise `InvalidError` when a column is there twice; `what` begins its message."""
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InvalidError(f"{what} names {write_name(name)} twice")


def _group(value: Scalar) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidError(f"in() takes finite numbers, not {value!r}")
    return "strings" if isinstance(value, str) else "booleans" if isinstance(value, bool) else "numbers"


def write_end(value: float | str | None) -> str:
    """Write an end of a range; an open one is empty."""
    return "" if value is None else write_scalar(value)


def _percent(share: float) -> str:
    # Decimal moves the point without rounding, so that the text reads back as the same float.
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"
