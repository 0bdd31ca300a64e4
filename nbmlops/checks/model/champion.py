"""Whether a model is no worse than the champion, by a paired bootstrap on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks import models
from nbmlops.checks.model.case import Case
from nbmlops.checks.model.shown import no_worse
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

__all__ = ["comparable", "judge"]


def judge(case: Case) -> Iterator[Outcome]:
    """Compare with the champion.

    Raises
    ------
    InvalidError
        When there is none, or when the two know other classes.
    """
    other = case.champion
    if other is None:
        raise InvalidError("there is no champion")
    if not comparable(case.model, other.model):
        raise InvalidError(f"{other.name} knows other classes than {case.opened.name}, so they cannot be compared")
    theirs = case.answers(other, case.table)
    found = models.compare(case.metric, case.known, case.given, theirs, risk=case.asked.risk)
    yield no_worse(case.metric, found, case.asked.tolerance, other.name, case.asked.risk)


def comparable(first: object, second: object) -> bool:
    """Whether two models tell apart the same classes, in the same order, or none at all."""
    import numpy as np

    mine: Any = getattr(first, "classes_", None)
    other: Any = getattr(second, "classes_", None)
    return (mine is None) == (other is None) and bool(mine is None or np.array_equal(mine, other))
