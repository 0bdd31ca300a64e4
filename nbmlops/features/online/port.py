"""What an online store is: slots of versions of views, each with one row for each key.

A row is kept with its event time and the number of the table that it is from, and only a newer one takes its place; so
materializers may meet, repeat themselves or come late, and do no harm. A batch and the state of its slot are written
together or not at all, and whoever comes with an older table than the slot has seen is refused. So is whoever had the
slot before keys were erased from it: what they hold may be what was erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from nbmlops.core.errors import ConflictError, UnavailableError
from nbmlops.features.online.records import Slot

__all__ = ["Found", "OnlineStore", "Row", "erased_meanwhile", "overtaken", "unavailable"]


Found = tuple[int, str] | None
"""What is kept of a key: its event time and text; None when it is not there."""


class Row(NamedTuple):
    """The newest values of one key: their event time in microseconds since 1970, their table, and their text."""

    key: str
    at: int
    table: int
    text: str


class OnlineStore(Protocol):
    """Where values are read by their key.

    Attributes
    ----------
    remains : str
        What an erasure tells of copies that the store does not write over; empty when there are none.
    """

    remains: str

    def slots(self) -> list[Slot]:
        """All slots, by id."""

    def make(self, slot: Slot) -> Slot:
        """Add a slot; gives it with its id."""

    def write(self, slot: Slot, rows: Sequence[Row], gone: Sequence[str] = ()) -> None:
        """Remove some keys, put rows where they are newer, and bring the state of a slot to this, in one.

        Raises
        ------
        ConflictError
            When the slot is gone, has met a newer table, or keys were erased from it since it was read.
        UnavailableError
            When the store cannot be reached.
        """

    def read(self, asked: Sequence[tuple[int, Sequence[str]]]) -> list[list[Found]]:
        """For each slot, and each key that is asked of it, the event time and text; all at once."""

    def holds(self, slot: int) -> bool:
        """Whether a slot is there: one that was replaced by another has no rows any more."""

    def count(self, slot: int) -> int:
        """How many keys a slot has."""

    def keys(self, slot: int) -> list[str]:
        """All its keys."""

    def scan(self, slot: int) -> Iterator[list[Row]]:
        """All rows, some at a time; one may come twice while others write."""

    def erase(self, slot: int, keys: Sequence[str]) -> int:
        """Remove keys, whatever their tables, and refuse from now on whoever has read the slot before.

        How many keys there were; none of a slot that is gone.
        """

    def scrub(self) -> None:
        """Write over what removed rows have left behind, as far as the store can.

        Raises
        ------
        UnavailableError
            When the store cannot be reached, or others keep it from that.
        """

    def drop(self, slot: int) -> None:
        """Remove a slot with all its rows."""

    def close(self) -> None:
        """Give back connections."""


def overtaken(slot: Slot) -> ConflictError:
    """Somebody else materializes a newer table, or has replaced the slot."""
    return ConflictError(
        f"{slot.name} was materialized from a newer table meanwhile; what that wrote stands",
        hint="`ml feature freshness`",
    )


def erased_meanwhile(slot: Slot) -> ConflictError:
    """Keys were erased from the slot since it was read, and what is about to be written may be of them."""
    return ConflictError(
        f"keys of {slot.name} were erased meanwhile; nothing more was written",
        hint=f"`ml feature materialize {slot.name}` writes it anew",
    )


def unavailable(what: str, error: Exception) -> UnavailableError:
    """The store cannot be reached."""
    first = next(iter(str(error).splitlines()), "") or type(error).__name__
    return UnavailableError(f"the online store {what} cannot be reached: {first}", hint="`ml doctor`")
