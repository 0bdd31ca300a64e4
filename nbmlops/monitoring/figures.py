"""Figures of a monitor over time, out of its reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbmlops.checks.records import STATUSES
from nbmlops.monitoring.records import FigureLine, FigurePoint

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report

__all__ = ["figure_lines"]


def figure_lines(reports: Iterable[Report]) -> tuple[FigureLine, ...]:
    """A line for each figure that reports, oldest first, have; those of the newest report that failed stand first."""
    points: dict[str, list[FigurePoint]] = {}
    newest: dict[str, Outcome] = {}
    for report in reports:
        for outcome in report.outcomes:
            if outcome.number is None:
                continue
            point = FigurePoint(report.created_at, outcome.number, outcome.status, report.id)
            points.setdefault(outcome.label, []).append(point)
            newest[outcome.label] = outcome
    lines = [FigureLine(label, tuple(points[label]), *(one.band or (None, None))) for label, one in newest.items()]
    return tuple(sorted(lines, key=_badness))


def _badness(line: FigureLine) -> tuple[int, int, str]:
    """The worst last figure first, then whatever failed most often."""
    failed = sum(point.status == "failed" for point in line.points)
    return (-STATUSES.index(line.points[-1].status), -failed, line.label)
