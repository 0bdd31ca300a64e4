"""What keeps rows beyond versions of data and lets an erasure reach them: captured requests, online stores.

Whoever keeps such rows lies above this package, so the workspace hands it in as an `Erasable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nbmlops.data.literals import Literals
    from nbmlops.data.secret import SecretCondition

__all__ = ["Erasable", "Reached", "Sought"]


@dataclass(frozen=True, slots=True)
class Sought:
    """What is to go: rows that meet the condition, and, where that cannot be told, those that hold its values."""

    condition: SecretCondition
    literals: Literals


@dataclass(frozen=True, slots=True)
class Reached:
    """What of one place goes.

    Attributes
    ----------
    what : str
        What was reached, in words that hold no value, such as ``captured requests of delay``.
    rows : int
        How many rows, or records, of it.
    left : tuple of str
        What was not reached, and what to do about it.
    """

    what: str
    rows: int
    left: tuple[str, ...] = ()


class Erasable(Protocol):
    """A place that keeps rows."""

    def find(self, sought: Sought) -> Sequence[Reached]:
        """Tell what would go; nothing changes.

        Raises
        ------
        RefusedError
            When a hold is on some of it.
        """

    def erase(self, sought: Sought) -> Sequence[Reached]:
        """Let it go. Cut off anywhere, doing it again completes it, and nothing else is lost."""

    def settle(self) -> None:
        """Take the bytes too that what went has left behind; comes once the rows have left, and may be repeated."""
