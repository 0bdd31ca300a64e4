"""Whether a model's figure reaches its bound."""

from __future__ import annotations

from collections.abc import Iterator

from nbmlops.checks import models
from nbmlops.checks.model.case import Case
from nbmlops.checks.records import Outcome

__all__ = ["judge"]


def judge(case: Case) -> Iterator[Outcome]:
    """Compare the figure with its floor or ceiling; without one the figure is only told."""
    found = models.figure(case.metric, case.known, case.given)
    bound = case.asked.bound(case.metric)
    if bound is not None:
        yield models.reaches(case.metric, found, bound, len(case.table))
    else:
        detail = f"on {len(case.table):,} held-out rows; no bound is asked for"
        yield Outcome(case.metric.name, None, "passed", f"{found:.4f}", "", detail)
