"""Kinds of check against another version: values that are among those of its column, rows that it has too.

What a name means is settled once for each judging, and the outcome names the version and its digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nbmlops.checks.kinds import Check, check_names
from nbmlops.checks.tokens import unescaped, write_name, write_string
from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref

__all__ = ["InReference", "Like", "References", "read_reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _AgainstColumn(Check):
    """A check against a column of another version; by default against the column of the same name."""

    ref: str
    column: str | None = None

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        Ref.parse(self.ref)

    def _words(self) -> str:
        return f"{self.kind}({_written(self.ref, self.column)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class InReference(_AgainstColumn):
    """Values are among those of the column."""

    kind: ClassVar[str] = "in"
    by_value: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Like(_AgainstColumn):
    """Values are distributed as those of the column.

    It does not hold when the column has drifted, by the calibrated verdict of `nbmlops.checks.drift.verdict` of this
    column alone, and the drift is large by the bounds there.
    """

    kind: ClassVar[str] = "like"


@dataclass(frozen=True, slots=True, kw_only=True)
class References(Check):
    """The columns of each row stand together in a row of another version, which has columns of the same names.

    A row in which one of them is null refers to nothing, as in SQL (MATCH SIMPLE).
    """

    kind: ClassVar[str] = "references"
    by_value: ClassVar[bool] = True
    columns: tuple[str, ...]
    ref: str

    def __post_init__(self) -> None:
        Check.__post_init__(self)
        Ref.parse(self.ref)
        check_names("references", self.columns)
        if not self.columns:
            raise InvalidError("references() names no column", hint="as in references(carrier, origin, @routes)")

    def _words(self) -> str:
        return f"references({', '.join([*map(write_name, self.columns), _written(self.ref, None)])})"


def _written(ref: str, column: str | None) -> str:
    if column is None:
        return f"@{ref}" if "." not in ref else f'@"{ref}"'
    plain = column.isidentifier() and "." not in column
    return f"@{ref}.{column if plain else write_string(column)}"


def read_reference(text: str) -> tuple[str, str | None]:
    """Take a reference of a suite apart: the version, and the column behind the last point.

    Examples
    --------
    >>> read_reference("@airlines@v3.carrier"), read_reference("@airlines")
    (('airlines@v3', 'carrier'), ('airlines', None))
    """
    whole = text.removeprefix("@")
    if whole.startswith('"'):
        return whole.strip('"'), None
    if whole.endswith('"'):
        ref, _, quoted = whole.partition('."')
        return ref, unescaped(text, f'"{quoted}', len(text) - len(quoted) - 1)
    ref, point, column = whole.rpartition(".")
    return (ref, column) if point else (whole, None)
