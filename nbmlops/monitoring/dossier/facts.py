"""Everything that a dossier rests on, gathered once, and how it is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.monitoring.dossier.records import Gap, Statement

if TYPE_CHECKING:
    from nbmlops.checks.policy.rules import Policy
    from nbmlops.checks.records import Report
    from nbmlops.core.settings import Settings
    from nbmlops.data.records import DataVersion
    from nbmlops.models.approvals import Rule
    from nbmlops.models.card import ModelCard
    from nbmlops.models.records import ModelVersion
    from nbmlops.models.seals import Seal
    from nbmlops.monitoring.alerts.records import Alert
    from nbmlops.monitoring.records import Monitor
    from nbmlops.monitoring.story.records import Story
    from nbmlops.pipelines.schedules.records import Schedule
    from nbmlops.serving.endpoint.records import Endpoint
    from nbmlops.serving.records import Deployment, Traffic
    from nbmlops.store.access.records import Standing
    from nbmlops.store.audit import Event
    from nbmlops.store.holds import Hold
    from nbmlops.store.retention_rules import RetentionRule
    from nbmlops.store.version_rows import Version

__all__ = ["MOST", "Answer", "Facts", "Governed", "Served", "Sources", "Watched", "by_event", "newest"]

Answer = Iterator[Statement | Gap]
"""What a question is answered with, in order."""
MOST = 15
"""So many of one kind are told, the newest; of the others how many there are, and how to see them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the version comes from.

    `inputs` is what it learnt from, `origins` that of this which came from nothing else here; `upstream` has the
    references of all between, and `personal` the newest report that looked for personal data, by reference.
    """

    inputs: tuple[DataVersion, ...]
    origins: tuple[DataVersion, ...]
    upstream: frozenset[str]
    personal: Mapping[str, Report]
    rows: tuple[Version, ...]

    @property
    def tables(self) -> tuple[DataVersion, ...]:
        """What it learnt from and where that comes from, each once, by reference."""
        return tuple(sorted({one.ref: one for one in (*self.inputs, *self.origins)}.values(), key=lambda one: one.ref))


@dataclass(frozen=True, slots=True)
class Served:
    """How the model is served: what is said of it, whether this version answers, and what it answered lately."""

    deployment: Deployment
    answers: bool
    traffic: tuple[Traffic, ...]
    endpoints: tuple[Endpoint, ...]
    changed: Event | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What watches it: monitors, what they found, schedules, and what happened to the model."""

    monitors: tuple[Monitor, ...]
    fairness: tuple[Report, ...]
    alerts: tuple[Alert, ...]
    silenced: tuple[Event, ...]
    schedules: tuple[Schedule, ...]
    story: Story


@dataclass(frozen=True, slots=True)
class Governed:
    """Who may do what with it, what was done, what stays and what had to go."""

    standing: Standing
    rules: Mapping[str, Rule]
    glass: tuple[Event, ...]
    holds: tuple[Hold, ...]
    retention: tuple[RetentionRule, ...]
    erasures: Sequence[Any]
    head: Event | None
    back: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a version.

    Attributes
    ----------
    card : ModelCard
        What its card is filled with: the version, its run, reports, moves and asks.
    seal : Seal
        What of bytes, signature and types holds.
    now : datetime
        The time.
    events : tuple of Event
        Events on the model and its versions, the newest first.
    settings, policy : Settings, Policy
        The project's settings as they are now, and what it asks of data.
    """

    card: ModelCard
    seal: Seal
    now: datetime
    events: tuple[Event, ...]
    settings: Settings
    policy: Policy
    sources: Sources
    served: Served
    watched: Watched
    governed: Governed

    @property
    def version(self) -> ModelVersion:
        """The version."""
        return self.card.version

    @property
    def name(self) -> str:
        """The model's name."""
        return self.card.version.name

    @property
    def ref(self) -> str:
        """The version's reference."""
        return self.card.version.ref

    @property
    def served_alias(self) -> str:
        """The alias that answers whom no share takes."""
        return self.served.deployment.alias


def by_event(event: Event | None, other: str, look: str) -> tuple[str, str]:
    """An Event as evidence, and how to see it; `other` and `look` where there is none."""
    if event is None:
        return other, look
    return f"event {event.sequence}", f"ml store audit --after {event.sequence + 1} --limit 1"


def newest(found: Iterable[Statement], look: str, most: int = MOST, *, of_all: bool = True) -> Iterator[Statement]:
    """The first of statements, of which the newest is the first; of the others how many there are.

    `of_all` is False where older ones were not even asked for.
    """
    told = list(found)
    yield from told[:most]
    if len(told) > most or not of_all:
        least = "" if of_all else "at least "
        yield Statement(told[0].what, f"and {least}{len(told) - most:,} more", told[0].evidence.partition(" ")[0], look)
