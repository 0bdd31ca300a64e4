"""What a story is made of: moments, and what held for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

__all__ = ["KINDS", "Kind", "Moment", "Mood", "Span", "Story"]

Kind = Literal["version", "start", "verdict", "approval", "alias", "deployment", "monitor"]
Mood = Literal["plain", "good", "warn", "bad"]

KINDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "version": "versions",
        "start": "trainings started",
        "verdict": "verdicts",
        "approval": "approvals",
        "alias": "promotions",
        "deployment": "deployment",
        "monitor": "monitors",
    }
)
"""Kinds of moments, each with what its row of the drawing is called."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened.

    Attributes
    ----------
    at : datetime
        When, in UTC.
    kind : str
        One of `KINDS`.
    what : str
        What happened, in one phrase.
    who : str
        The person, schedule or monitor that did it.
    told : tuple of str
        From what, why, and the figures.
    look : str
        What to type to see it, as a hint has it: ``ml check show 3``.
    mood : {"plain", "good", "warn", "bad"}
        How it stands for the model.
    version : int or None
        The number of the version that it is about.
    report : int or None
        The number of the report that holds its figures.
    event : int or None
        The number of the Event of the audit trail that says so.
    """

    at: datetime
    kind: Kind
    what: str
    who: str = ""
    told: tuple[str, ...] = ()
    look: str = ""
    mood: Mood = "plain"
    version: int | None = None
    report: int | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Something that held from one time to another, or holds still: where an alias was, how callers were shared out.

    `row` is the row of the drawing: an alias, ``traffic``, or a monitor.
    """

    row: str
    label: str
    begin: datetime
    end: datetime | None = None
    mood: Mood = "plain"


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to a model.

    Attributes
    ----------
    name : str
        The model.
    at : datetime
        When it was told.
    since : datetime or None
        From when on it was asked for.
    moments : tuple of Moment
        In the order of time.
    spans : tuple of Span
        What held meanwhile.
    aliases : mapping of str to str
        Where the aliases are now.
    failing : tuple of str
        Monitors that fail now.
    is_cut : bool
        Whether earlier moments are left out.
    """

    name: str
    at: datetime
    since: datetime | None
    moments: tuple[Moment, ...]
    spans: tuple[Span, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    failing: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def begin(self) -> datetime:
        """When what is told begins."""
        first = [self.moments[0].at] if self.moments else [self.at]
        return min([*first, *([self.since] if self.since else [])])
