"""What checks say no to now: suites whose newest report on a subject failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Failing", "failing"]


@dataclass(frozen=True, slots=True)
class Failing:
    """A suite whose newest report on a subject failed: the report's number, what it judged, by what, and when."""

    report: int
    subject: str
    suite: str
    at: datetime


def failing(reports: Iterable[Any]) -> tuple[Failing, ...]:
    """Those of some reports, the newest first, that failed, and that no newer one of their suite and name followed."""
    newest: dict[tuple[str, str], Any] = {}
    for report in reports:
        newest.setdefault((report.suite, report.subject.partition("@")[0]), report)
    failed = (report for report in newest.values() if report.status in {"failed", "errored"})
    return tuple(Failing(one.id, one.subject, one.suite, one.created_at) for one in failed)
