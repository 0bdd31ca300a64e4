"""What the steps of one run have in common, and what an executor is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.records import StepResult
from nbmlops.pipelines.request import Cancellation

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.plan import Plan

__all__ = ["Assignment", "Executor", "Submit"]

Submit = Callable[["Step"], Future[StepResult]]
"""Starts a step as soon as there is room for it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The steps of one run: their plan, the run's id, what stops them, and who hears of them.

    `cache` says whether a step may be skipped.
    """

    plan: Plan
    run_id: str
    cancelled: Cancellation
    cache: bool
    progress: Callable[[StepProgress], None]


class Executor(Protocol):
    """Runs steps somewhere."""

    def open(self, assignment: Assignment) -> AbstractContextManager[Submit]:
        """Make ready for the steps of a run; leaving the body waits for those that are under way.

        When the assignment is cancelled, steps under way end within five seconds, and no process of theirs is left.
        """
