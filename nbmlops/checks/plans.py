"""What stands between a check and its outcome: the frame it is compiled against, and what must be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ROWS", "CheckPlan", "Frame", "Values"]

ROWS = "rows"
"""Name of the measure that counts the rows of the table."""
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the checks are compiled against.

    Parameters
    ----------
    names : tuple of str
        All columns of the table.
    places : mapping of str to str
        A handed-over column's name in the lazy frame.
    types : mapping of str to polars.DataType
        Types of those columns, by the table's names.
    judged : tuple of str
        The columns that the suite has a line for.
    """

    names: tuple[str, ...]
    places: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    judged: tuple[str, ...]

    def place(self, column: str) -> str:
        """Name of `column` in the lazy frame.

        Raises
        ------
        InvalidError
            When the table has no such column; the hint names the nearest.
        """
        if column not in self.places:
            raise InvalidError(f"the table has no column {column!r}", hint=nearest(column, self.names))
        return self.places[column]


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What one check needs measured.

    Parameters
    ----------
    measures : mapping of str to polars.Expr
        Aggregations to one number each; equal names are measured once.
    tally : callable
        From the measured values: how many are bad, and among how many.
    evidence : polars.Expr, optional
        True of the bad rows.
    shown : str, optional
        Column of the frame whose values are shown as evidence.
    fixed : str, optional
        The figure of a check that needs no tally, such as a type; `holds` is its verdict.
    said : callable, optional
        From the measured values: the figure in words, when it is no count of bad ones.
    """

    measures: Mapping[str, pl.Expr] = field(default_factory=dict)
    tally: Callable[[Values], tuple[int, int]] | None = None
    evidence: pl.Expr | None = None
    shown: str | None = None
    fixed: str | None = None
    holds: bool = True
    said: Callable[[Values], str] | None = None
