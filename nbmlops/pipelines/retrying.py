"""A step that did not complete is tried again, as its settings say."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.core.signs import StepProgress
from nbmlops.render.units import duration

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.records import StepResult
    from nbmlops.pipelines.request import Cancellation

__all__ = ["retried"]

_GLANCE = 0.1
"""Seconds after which a pause looks whether it is to end."""
_WORTH = frozenset({"failed", "timed_out", "kernel_died"})


def retried(
    step: Step,
    attempt: Callable[[], StepResult],
    cancelled: Cancellation,
    progress: Callable[[StepProgress], None],
) -> StepResult:
    """Make attempts until one completes, or no more are allowed; the last one's result.

    Parameters
    ----------
    step : Step
        The step, whose settings say how often and after what pauses.
    attempt : callable
        Executes it once; each attempt is a run of its own.
    cancelled : Cancellation
        Ends a pause, and makes no further attempt.
    progress : callable
        Called when an attempt has failed and another follows.
    """
    retries = step.settings.retries
    for number in itertools.count(1):
        result = attempt()
        told = f"attempt {number} of {retries.times + 1}"
        if result.status == "completed":
            return replace(result, notes=(*result.notes, f"completed in {told}")) if number > 1 else result
        if result.status not in _WORTH or number > retries.times:
            return replace(result, why=f"{result.why} ({told})") if retries.times else result
        pause = retries.pause(number)
        again = f"{told}: {result.why}; again in {duration(pause)}"
        progress(StepProgress(step.name, "waiting", why=again))
        if not _waited(pause, cancelled):
            return result
        progress(StepProgress(step.name, "running"))
    raise AssertionError("unreachable")


def _waited(seconds: float, cancelled: Cancellation) -> bool:
    """Wait; whether nobody stopped it."""
    end = time.monotonic() + seconds
    while not cancelled.is_cancelled:
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(left, _GLANCE))
    return False
