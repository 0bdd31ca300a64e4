"""What came of scoring a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nbmlops.serving.endpoint.refusals import Fault

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion

__all__ = ["Bad", "Scores"]

Bad = Literal["refuse", "null"]


@dataclass(frozen=True, slots=True)
class Scores:
    """The answers of a model to the rows of a table, saved.

    Attributes
    ----------
    version : DataVersion
        What was saved: a row for each row of the table, in its order.
    model, data : str
        Which version was asked, and on which rows.
    rows : int
        How many there are.
    bad : int
        How many of them the model's signature refuses; they have nulls for answers.
    faults : mapping of str to int
        Of how many rows each column is at fault.
    first : tuple of Fault
        The first faults, each with its row, counted from 0.
    jobs : int
        How many computed at a time; 0 on a cluster, which decides that itself.
    seconds : float
        How long it took.
    """

    version: DataVersion
    model: str
    data: str
    rows: int
    bad: int
    faults: Mapping[str, int] = field(hash=False)
    first: tuple[Fault, ...]
    jobs: int
    seconds: float

    @property
    def ref(self) -> str:
        """The reference of what was saved."""
        return self.version.ref
