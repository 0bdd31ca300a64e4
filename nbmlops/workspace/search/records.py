"""What a search found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["AGES", "NOUNS", "QUALITIES", "UNJUDGED", "VERSIONED", "Filters", "Found", "Hit", "Outline"]

VERSIONED = ("model", "data", "feature", "pipeline")
"""Those of which the newest version of each name is told."""
NOUNS = (*VERSIONED, "run", "report")
"""What is searched, in the order in which it is told."""
UNJUDGED = "not judged"
QUALITIES = ("passed", "warned", "failed", "errored", "finished", "running", "killed", UNJUDGED)
"""What may be said of a thing: the status of a report or of a run, or that there is no report on it."""
AGES = ("1d", "7d", "30d")
"""Spans within which things were made are counted."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Of what is found only some; what is None or False leaves nothing out.

    Attributes
    ----------
    owner : str or None
        What its owner is called, or a part of that: who is said to look after it, else its tag ``owner``, else who
        saved it. Runs have the tag only, reports no owner.
    tag : str or None
        A tag that it has, as ``key`` or ``key=value``. Reports have none.
    older, newer : datetime or None
        Only what was made before, or since: of a name its newest version.
    failing : bool
        Only what the newest report on it says no to, runs that did not finish, and reports that say no.
    quality : str or None
        One of `QUALITIES`: what the newest report on it says, the status of a run or of a report.
    used : bool or None
        Only what some run has read any version of, or what none has. Runs and reports are read by none.
    """

    owner: str | None = None
    tag: str | None = None
    older: datetime | None = None
    failing: bool = False
    newer: datetime | None = None
    quality: str | None = None
    used: bool | None = None


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
    owner : str
        Whose it is; see `Filters`.
    quality : tuple of int and str, or None
        Number and status of the newest report that judged it; of a report its own, of a run None and its status.
    readers : int
        How many runs have read any version of it.
    read_at : datetime or None
        When anyone read any version of it last.
    """

    noun: str
    ref: str
    fields: tuple[str, ...]
    told: str
    score: float
    at: datetime
    owner: str = ""
    quality: tuple[int | None, str] | None = None
    readers: int = 0
    read_at: datetime | None = None


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
    facets : mapping of str to tuple
        How many things there are of each ``noun``, and of data, models, features and pipelines of each ``quality``,
        ``owner``, ``age`` (made within each of `AGES`, or before the last of them), ``use`` and ``tag``: pairs of a
        value and a number, the most frequent first.
    """

    text: str
    hits: tuple[Hit, ...]
    more: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict, hash=False)

    def of(self, noun: str) -> tuple[Hit, ...]:
        """The hits of one noun."""
        return tuple(hit for hit in self.hits if hit.noun == noun)


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the pages begin of everything that a search finds.

    Attributes
    ----------
    total : int
        How many things there are.
    anchors : tuple of str
        After which places the pages begin, but for the first.
    """

    total: int
    anchors: tuple[str, ...]
