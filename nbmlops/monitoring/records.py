"""What is known of a monitor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, Self

from nbmlops.checks.records import Status

__all__ = ["BEFORE", "KINDS", "Kind", "Monitor", "Severity", "suite_name"]

Kind = Literal["drift", "invariants", "performance", "quality", "stability", "staleness"]
Severity = Literal["fail", "warn"]

KINDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "drift": "inputs and answers against the reference, by profiles",
        "invariants": "what is expected of the training data, of live inputs",
        "performance": "latency and errors: a step, and a slow leak",
        "quality": "a metric by labels; estimated while there are none",
        "stability": "answers that are missing, NaN, infinite or saturated",
        "staleness": "the age of the model that is served, and of its data",
    }
)
"""Kinds of monitors, and what each looks at."""
BEFORE = "before"
"""As a reference: the window before the one that is looked at."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A window of what a deployment answered, judged against a reference.

    Attributes
    ----------
    name, deployment : str
        Its name, and the model that it watches.
    kind : str
        What it looks at: one of `KINDS`.
    reference : str or None
        What it is judged against: a version of data, ``before``, or of ``invariants`` the file of a suite. None
        chooses: the data that the served version was trained on, where that is known, else ``before``.
    window : timedelta
        How far back it looks.
    bound : float or None
        From where on it fails; what that means depends on the kind, and None is its own.
    metric : str or None
        Of ``quality``: which.
    severity : {"fail", "warn"}
        What becomes of a bound that is not kept.
    owner : str
        Who is asked.
    status : str or None
        That of its newest report, since `status_since`; None before the first.
    report : int or None
        The number of its newest report.
    silent_until : datetime or None
        Until when nobody is told.
    """

    name: str
    deployment: str
    kind: Kind
    reference: str | None
    window: timedelta
    bound: float | None
    metric: str | None
    severity: Severity
    owner: str
    author: str
    created_at: datetime
    status: Status | None = None
    status_since: datetime | None = None
    report: int | None = None
    silent_until: datetime | None = None
    paused_at: datetime | None = None
    deleted_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """The record of a row of the catalog."""
        fields = {key: getattr(row, key) for key in cls.__slots__}
        return cls(**{**fields, "window": timedelta(seconds=row.window)})


def suite_name(monitor: str) -> str:
    """What the reports of a monitor are called: `report:` events and lists of reports know them by it."""
    return f"monitor:{monitor}"
