"""Which failing monitors have one cause.

Packages, columns upstream, inputs, answers: each follows from the one before, so what fails of these is one
incident, and the first of them its cause. Latency, the renewal of the model, and monitors that cannot judge are
incidents of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from nbmlops.monitoring.watching import ANSWER, NO_DATA

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report
    from nbmlops.monitoring.records import Monitor

__all__ = ["BAD", "Failing", "Incident", "incidents"]

BAD = frozenset({"failed", "errored"})
_CHAPTERS = ("surroundings", "inputs", "answers")
_BEHAVIOUR = "behaviour"
_OF_KIND = MappingProxyType(
    {
        "calibration": "answers",
        "dependencies": "surroundings",
        "drift": "inputs",
        "fairness": "answers",
        "invariants": "inputs",
        "metric": "answers",
        "performance": "service",
        "pipeline": "training",
        "quality": "answers",
        "skew": "inputs",
        "stability": "answers",
        "staleness": "training",
    }
)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Failing:
    """A monitor and its newest report, which failed."""

    monitor: Monitor
    report: Report

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """What failed, without what could not be judged."""
        return tuple(one for one in self.report.failures if one.status == "failed")

    @property
    def cause(self) -> str:
        """What its failures point to."""
        if not self.failed:
            return "judging"
        columns = [one.column or "" for one in self.failed]
        if self.monitor.kind == "drift" and all(name.startswith(ANSWER) for name in columns):
            return "answers"
        return _OF_KIND[self.monitor.kind]

    @property
    def lacks_data(self) -> bool:
        """Whether there was nothing to judge, as in a night without callers."""
        return all(one.figure == NO_DATA for one in self.report.failures)

    def evidence(self) -> Iterable[str]:
        """What it found, a line each."""
        yield f"{self.monitor.name} ({self.monitor.kind}, ask {self.monitor.owner})"
        failures = self.report.failures
        yield from (f"  {outcome}" for outcome in failures[:_SHOWN])
        if (more := len(failures) - _SHOWN) > 0:
            yield f"  and {more} more"
        yield f"  look: ml check show {self.report.id}; quiet: ml monitor silence {self.monitor.name} 2h"


@dataclass(frozen=True, slots=True)
class Incident:
    """Monitors of one deployment that fail for one cause, those nearest to it first; `line` tells incidents apart."""

    deployment: str
    line: str
    cause: str
    failing: tuple[Failing, ...]

    @property
    def evidence(self) -> list[str]:
        """What they found."""
        return [line for one in self.failing for line in one.evidence()]

    @property
    def command(self) -> str:
        """What to type next."""
        first = self.failing[0].monitor
        match self.cause:
            case "inputs" | "answers":
                return f"ml monitor show {first.name}"
            case "service":
                return f"ml deployment show {self.deployment}"
            case "training":
                return f"ml model show {self.deployment}"
            case _:
                return f"ml check show {self.failing[0].report.id}"


def incidents(deployment: str, failing: Sequence[Failing]) -> list[Incident]:
    """The incidents that failing monitors show."""
    lines: dict[str, list[Failing]] = {}
    for one in failing:
        lines.setdefault(_BEHAVIOUR if one.cause in _CHAPTERS else one.cause, []).append(one)
    found = []
    for line, some in lines.items():
        ordered = sorted(some, key=lambda one: (_place(one.cause), one.monitor.name))
        found.append(Incident(deployment, line, ordered[0].cause, tuple(ordered)))
    return found


def _place(cause: str) -> int:
    return _CHAPTERS.index(cause) if cause in _CHAPTERS else 0
