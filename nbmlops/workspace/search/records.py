"""What a search found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["NOUNS", "Found", "Hit"]

NOUNS = ("model", "data", "feature", "pipeline", "run", "report")
"""What is searched, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found.

    Attributes
    ----------
    noun : str
        What it is.
    ref : str
        How it is referred to: its newest version, the run's name, the report's number.
    fields : tuple of str
        Where the words stand: ``name``, ``column``, ``tag``, ``owner``, …, the best first.
    told : str
        What stands there.
    score : float
        How well it fits; only the order means something.
    at : datetime
        When it was made.
    """

    noun: str
    ref: str
    fields: tuple[str, ...]
    told: str
    score: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes
    ----------
    text : str
        What was looked for.
    hits : tuple of Hit
        What was found, by noun and the best first.
    more : tuple of str
        Nouns of which there is more than was asked for.
    near : tuple of str
        Where nothing was found, the names nearest to the text.
    """

    text: str
    hits: tuple[Hit, ...]
    more: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    def of(self, noun: str) -> tuple[Hit, ...]:
        """The hits of one noun."""
        return tuple(hit for hit in self.hits if hit.noun == noun)
