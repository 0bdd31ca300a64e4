"""Answers that are missing, NaN, infinite or saturated, and inputs that are infinite; from profiles alone.

A probability is saturated within 1e-6 of 0 or 1: a model that is that sure has mostly overflowed, or met a value far
beyond those that it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.watching import ANSWER

if TYPE_CHECKING:
    from nbmlops.monitoring.watching import Watched
    from nbmlops.profiling.records import ColumnProfile

__all__ = ["SATURATED", "judge"]

SATURATED = 0.01
"""Share of the answers that may be saturated."""
_NEAR = 1e-6
_PROBABILITY = f"{ANSWER}proba:"


def judge(watched: Watched) -> list[Outcome]:
    """An outcome for each answer, and one for each input that was infinite."""
    bound = SATURATED if watched.monitor.bound is None else watched.monitor.bound
    profile = watched.profile()
    answers = [one for one in profile.columns if one.name.startswith(ANSWER)]
    if not answers:
        raise InvalidError("no answers were captured", hint=f"`ml deployment show {watched.monitor.deployment}`")
    found = [outcome for one in answers for outcome in _of_answer(one, bound)]
    inputs = [one for one in profile.columns if not one.name.startswith(ANSWER) and one.above + one.below]
    return [*found, *(_infinite(one) for one in inputs)]


def _of_answer(column: ColumnProfile, bound: float) -> Iterator[Outcome]:
    # A refused request has a row without an answer: that is an error, which `performance` counts.
    wrong = column.nan + column.above + column.below
    figure = f"{column.nan:,} NaN, {column.above + column.below:,} infinite of {column.rows:,}"
    yield Outcome(
        "finite", column.name, "failed" if wrong else "passed", figure, "none", number=float(wrong), band=(None, 0.0)
    )
    if column.name.startswith(_PROBABILITY) and column.valid:
        share = _saturated(column)
        figure, asked = f"{share:.2%} of rows", f"at most {bound:.2%}"
        yield Outcome(
            "saturated",
            column.name,
            "failed" if share > bound else "passed",
            figure,
            asked,
            number=share,
            band=(None, bound),
        )


def _saturated(column: ColumnProfile) -> float:
    import numpy as np

    low, high = column.rank(np.array([_NEAR, np.nextafter(1 - _NEAR, 0)]))
    return float(low + (1 - high))


def _infinite(column: ColumnProfile) -> Outcome:
    count = column.above + column.below
    words = f"{count:,} infinite of {column.rows:,}"
    return Outcome("finite", column.name, "warned", words, "none", "an input", number=float(count))
