"""What is known of a monitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, Self

from nbmlops.checks.records import Status

__all__ = ["BEFORE", "DIGEST", "KINDS", "FigureLine", "FigurePoint", "Kind", "Monitor", "Severity", "suite_name"]

Kind = Literal[
    "calibration",
    "dependencies",
    "drift",
    "fairness",
    "invariants",
    "metric",
    "performance",
    "pipeline",
    "quality",
    "skew",
    "stability",
    "staleness",
]
Severity = Literal["fail", "warn"]

KINDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "calibration": "whether probabilities come true as often as they say, by labels",
        "dependencies": "packages of its workers, upstream columns and their source against those of the version",
        "drift": "inputs and answers against the reference, by profiles",
        "fairness": "answers by groups of an input, and errors where there are labels",
        "invariants": "what is expected of the training data, of live inputs",
        "metric": "a figure that a function of your own gives",
        "performance": "latency, throughput, memory and errors: a step, and a slow leak",
        "pipeline": "runs of the pipeline that trains the model: failures, age of the last success, duration",
        "quality": "a metric by labels; estimated while there are none",
        "skew": "logged inputs against the same made again by the code of training",
        "stability": "answers that are missing, NaN, infinite or saturated",
        "staleness": "the age of the model that is served, and of its data",
    }
)
"""Kinds of monitors, and what each looks at."""
DIGEST = "digest"
"""As a target of the action: the digest of a day."""
BEFORE = "before"
"""As a reference: the window before the one that is looked at."""


@dataclass(frozen=True, slots=True)
class FigurePoint:
    """A figure of one report: when, how much, how it was judged, and the report's number."""

    at: datetime
    value: float
    status: Status
    report: int | None


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure of a monitor over time, oldest first, and the band in which it may be now; None is an open end."""

    label: str
    points: tuple[FigurePoint, ...]
    low: float | None = None
    high: float | None = None


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
        What it is judged against: a version of data, ``before``, of ``invariants`` the file of a suite, of ``skew``
        the data that features are made of, of ``pipeline`` its name. None chooses: the data that the served version
        was trained on, where that is known, else ``before``; the pipeline that trained it.
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
    rules : mapping
        What its kind alone is told: ``code``, ``key``, ``column``, ``better``; see `nbmlops.monitoring.asked.Asked`.
    lines : tuple of FigureLine
        Its figures over time, those that failed last first; only `show` looks them up.
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
    rules: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[FigureLine, ...] = ()

    @classmethod
    def of(cls, row: Any) -> Self:
        """The record of a row of the catalog."""
        fields = {key: getattr(row, key) for key in cls.__slots__ if hasattr(row, key)}
        return cls(**{**fields, "window": timedelta(seconds=row.window), "rules": row.rules or {}})


def suite_name(monitor: str) -> str:
    """What the reports of a monitor are called: `report:` events and lists of reports know them by it."""
    return f"monitor:{monitor}"
