"""One line of a suite: a column, or the table, and what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass

from nbmlops.checks.conflicts import conflict
from nbmlops.checks.kinds import Check, Columns, Key, OneOf, Rows
from nbmlops.checks.references import References
from nbmlops.checks.tokens import write_name, write_scalar
from nbmlops.core.errors import InvalidError

__all__ = ["ColumnChecks", "TableKind", "refuse_conflicts", "written"]

TableKind = Rows | Key | Columns | References
_RESERVED = frozenset({"table"})
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class ColumnChecks:
    """What is expected of one column, and a note that explains it (the comment at the end of its line).

    Raises
    ------
    InvalidError
        When two of the checks are the same or contradict each other, or one belongs to a table.
    """

    column: str
    checks: tuple[Check, ...]
    note: str = ""

    def __post_init__(self) -> None:
        for check in self.checks:
            if isinstance(check, TableKind):
                raise InvalidError(f"{check.words} belongs to the table, not to the column {self.column!r}")
        refuse_conflicts(self.checks, f"column {self.column!r}")

    def __str__(self) -> str:
        return written(write_name(self.column, reserved=_RESERVED), self.checks, self.note)


def refuse_conflicts(checks: tuple[Check, ...], where: str) -> None:
    """Raise `InvalidError` when one of `checks` repeats or contradicts another; `where` begins its message."""
    for position, check in enumerate(checks):
        if complaint := conflict(checks[:position], check):
            raise InvalidError(f"{where}: {complaint}")


def written(place: str, checks: tuple[Check, ...], note: str) -> str:
    """Write a line of a suite: whose checks, the checks, and the note that explains them."""
    line = f"{place}: {', '.join(map(str, checks))}"
    if len(line) > _WIDTH:
        line = f"{place}: {', '.join(map(_broken, checks))}"
    note = " ".join(note.split())
    return f"{line}  # {note}" if note else line


def _broken(check: Check) -> str:
    # Only the values of in() make a line long, and only between parentheses may a line break.
    if not isinstance(check, OneOf) or len(check.words) < _WIDTH // 2:
        return str(check)
    lines = [""]
    for value in map(write_scalar, check.values):
        if lines[-1] and len(lines[-1]) + len(value) > _WIDTH - 8:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{value}"
    return "in(\n    " + ",\n    ".join(lines) + ")" + str(check).removeprefix(check.words)
