"""What is known of a schedule, of each time that it came due, and of what the daemon sees besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

__all__ = [
    "Backfill",
    "BackfillTime",
    "Catchup",
    "Fire",
    "FireState",
    "Overlap",
    "Remark",
    "Schedule",
    "Upcoming",
    "Vigil",
]

Catchup = Literal["all", "latest", "none"]
Overlap = Literal["forbid", "queue", "replace"]
FireState = Literal["waiting", "running", "stopping", "completed", "failed", "replaced", "skipped"]


@dataclass(frozen=True, slots=True)
class Fire:
    """One time that a schedule came due.

    Attributes
    ----------
    schedule : str
        Its schedule.
    logical_time : str
        What it stands for: a time in UTC as the ledger has it, or an event such as ``flights@v5``.
    due_at : datetime
        When it came due.
    state : str
        ``waiting``, ``running``, ``stopping``, ``completed``, ``failed``, ``replaced`` by a later one, or ``skipped``.
    started_at, ended_at : datetime or None
        When it started, for the last time, and when it ended.
    run : str or None
        The run that it committed.
    note : str or None
        What there is to say: why it failed, was skipped, or what it left out.
    """

    schedule: str
    logical_time: str
    due_at: datetime
    state: FireState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    run: str | None = None
    note: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Schedule:
    """What starts when.

    Attributes
    ----------
    name : str
        Its name.
    action, target : str
        What it starts: the kind of thing and which.
    trigger : str
        When, as a person reads it.
    zone : str
        The zone in which its times are shown.
    parameters : mapping
        What is given to what it starts.
    catchup, overlap : str
        What becomes of times that were missed, and of one that comes due while another runs.
    next_at : datetime or None
        When it is due next; None for events, and while it is paused.
    late : float or None
        For how many seconds something has been due that has not started.
    last : Fire or None
        The last one that ended.
    running : int
        How many run now.
    """

    name: str
    action: str
    target: str
    trigger: str
    zone: str
    parameters: Mapping[str, Any]
    catchup: Catchup
    overlap: Overlap
    patience: float
    author: str
    created_at: datetime
    paused_at: datetime | None
    deleted_at: datetime | None
    next_at: datetime | None
    late: float | None
    last: Fire | None
    running: int


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A time that is to come: in UTC, and on the clocks of the schedule's zone."""

    schedule: str
    due_at: datetime
    local: str
    zone: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that a daemon has to say, which is no fire: the store is away, an alert could not be sent."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Vigil:
    """What a daemon did from its start to its end: fires by how they ended."""

    ended: Mapping[str, int]
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether nothing failed."""
        return not self.ended.get("failed")


@dataclass(frozen=True, slots=True)
class BackfillTime:
    """One time of a backfill: what is, or became, of it."""

    logical_time: str
    state: Literal["to run", "left", "completed", "failed"]
    run: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A pipeline over times of the past; `is_dry` when nothing was run."""

    pipeline: str
    trigger: str
    times: tuple[BackfillTime, ...]
    is_dry: bool

    @property
    def is_good(self) -> bool:
        """Whether no time failed."""
        return all(time.state != "failed" for time in self.times)
