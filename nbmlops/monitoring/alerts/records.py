"""What is known of an alert, and the digest of what nobody was told of at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Self

__all__ = ["CAUSES", "Alert", "AlertState", "Digest", "DigestLine"]

AlertState = Literal["open", "silenced", "recovered"]

CAUSES: MappingProxyType[str, str] = MappingProxyType(
    {
        "surroundings": "what it stands on has changed",
        "inputs": "its inputs have changed",
        "answers": "its answers are not what they were",
        "service": "it answers slower, or fails",
        "training": "it is not renewed",
        "judging": "it cannot be judged",
    }
)
"""Causes, and what each says of a deployment."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One cause for which monitors of a deployment fail.

    Attributes
    ----------
    id : int
        Its number.
    deployment, cause : str
        Whose, and one of `CAUSES`. A change upstream, drift and worse answers are one incident: the first is the
        cause.
    monitors : tuple of str
        The monitors that fail for it, those nearest to the cause first.
    evidence : tuple of str
        What they found, a line each.
    command : str
        What to type next.
    weight : float
        How much it matters, from 0 to 1; see `nbmlops.monitoring.alerts.weighing`.
    why : str
        What that rests on, in words.
    state : {"open", "silenced", "recovered"}
        How it stands.
    opened_at, closed_at, told_at : datetime or None
        Since when, until when, and when people were told.
    """

    id: int
    deployment: str
    cause: str
    monitors: tuple[str, ...]
    evidence: tuple[str, ...]
    command: str
    weight: float
    why: str
    state: AlertState
    opened_at: datetime
    closed_at: datetime | None = None
    told_at: datetime | None = None

    @property
    def title(self) -> str:
        """One line that says it."""
        return f"{self.deployment}: {CAUSES[self.cause]}"

    @classmethod
    def of(cls, row: Any, silent: frozenset[str] = frozenset()) -> Self:
        """The record of a row of the catalog; `silent` are the monitors of which nobody is told now."""
        names = tuple(one["name"] for one in row.monitors)
        quiet = bool(names) and silent.issuperset(names)
        state: AlertState = "recovered" if row.closed_at else "silenced" if quiet else "open"
        fields = {key: getattr(row, key) for key in cls.__slots__ if hasattr(row, key)}
        return cls(**{**fields, "monitors": names, "evidence": tuple(row.evidence), "state": state})


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One line of a digest: of which deployment, how it stands, what it is, and what to type."""

    deployment: str
    state: str
    words: str
    command: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened in a span of time and was worth no message of its own.

    `sent` says whether it was handed to those who are told.
    """

    since: datetime
    until: datetime
    lines: tuple[DigestLine, ...]
    told: int
    sent: bool = False
