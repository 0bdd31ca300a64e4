"""What monitors would have said of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nbmlops.checks.records import Status
from nbmlops.monitoring.alerts.records import CAUSES

__all__ = ["SimulatedAlert", "SimulatedLook", "Simulation"]


@dataclass(frozen=True, slots=True)
class SimulatedLook:
    """What one monitor would have said of one window, and the first thing that failed."""

    monitor: str
    since: datetime
    until: datetime
    status: Status
    evidence: str


@dataclass(frozen=True, slots=True)
class SimulatedAlert:
    """An alert that would have been open from the end of one window to that of another, None while it lasts.

    `told_at` says when people would have been told; None for what the digest would have had.
    """

    cause: str
    monitors: tuple[str, ...]
    opened_at: datetime
    closed_at: datetime | None
    told_at: datetime | None
    why: str

    @property
    def title(self) -> str:
        """What it says of the deployment."""
        return CAUSES[self.cause]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What would have fired when; `left_out` are monitors that know only of now."""

    name: str
    deployment: str
    by: str
    looks: tuple[SimulatedLook, ...]
    alerts: tuple[SimulatedAlert, ...]
    left_out: tuple[str, ...] = ()
