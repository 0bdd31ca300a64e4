"""Whether a model is too old: its age in days, and what is lost against newer versions on the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nbmlops.checks.evidence import CurvesEvidence, TableEvidence
from nbmlops.checks.models import Metric, compare, figure
from nbmlops.checks.records import Outcome

__all__ = ["Aged", "judge"]


@dataclass(frozen=True, slots=True)
class Aged:
    """A version of a model: its name, its age in days, and its answers to the same rows as the metric takes them."""

    name: str
    days: float
    answers: Any


def judge(
    metric: Metric,
    known: Any,
    versions: Sequence[Aged],
    subject: str,
    *,
    days: float | None = None,
    lost: float | None = None,
) -> Iterator[Outcome]:
    """Judge the age of `subject`, and what it loses against the newest version.

    Parameters
    ----------
    metric : Metric
        Of the figures.
    known : array, shape (n,)
        The truth as the metric takes it.
    versions : sequence of Aged
        The subject and the other versions that can answer.
    subject : str
        The name of the version that is judged.
    days : float, optional
        The age that may not be exceeded.
    lost : float, optional
        What may be lost against the newest version, in the metric's unit. More fails only when the 95% interval of
        the loss lies above 0 (`nbmlops.checks.models.compare`).
    """
    mine = next(each for each in versions if each.name == subject)
    bound, over = ("", False) if days is None else (f"≤ {days:g} days", mine.days > days)
    status = "failed" if over else "passed"
    yield Outcome("age", None, status, f"{mine.days:.1f} days", bound, number=mine.days)  # type: ignore[arg-type]
    if len(versions) > 1:
        yield _lost(metric, known, versions, mine, lost)


def _lost(metric: Metric, known: Any, versions: Sequence[Aged], mine: Aged, lost: float | None) -> Outcome:
    newest = min(versions, key=lambda each: each.days)
    found = compare(metric, known, newest.answers, mine.answers)
    figures = [(each.name, each.days, figure(metric, known, each.answers)) for each in versions]
    figures.sort(key=lambda line: line[1])
    table = TableEvidence.of(["version", "days old", metric.name], figures)
    points = [(line[1], line[2]) for line in figures]
    curve = CurvesEvidence.of(f"{metric.name} by age in days", {metric.name: points})
    failed = lost is not None and found.gain > lost and found.low > 0
    said = f"{found.gain:+.4f} {metric.name} against {newest.name}, {mine.days - newest.days:.1f} days newer"
    detail = f"95% interval {found.low:+.4f} to {found.high:+.4f}; above 0 is lost"
    bound = "" if lost is None else f"≤ {lost:g}"
    status = "failed" if failed else "passed"
    return Outcome("lost by age", None, status, said, bound, detail, (), (table, curve), found.gain)  # type: ignore[arg-type]
