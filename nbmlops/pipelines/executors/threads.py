"""Steps on this machine: a thread waits for the kernel of each, as many at once as there is room for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbmlops.pipelines.executors.assignment import Assignment, Submit
from nbmlops.pipelines.memory import installed
from nbmlops.pipelines.records import StepResult

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.steps import StepRunner

__all__ = ["Memory", "Threads"]


class Memory:
    """The memory that the limits of what runs leave; who has no limit takes none of it.

    Parameters
    ----------
    total : int or None
        Bytes there are, None where that is not known and everybody has room.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int | None) -> Iterator[None]:
        """Take so many bytes for the body, as soon as they are left; alone, one may have more than there are."""
        total, share = self._total, size or 0
        with self._changed:
            self._changed.wait_for(lambda: total is None or self._taken == 0 or self._taken + share <= total)
            self._taken += share
        try:
            yield
        finally:
            with self._changed:
                self._taken -= share
                self._changed.notify_all()


class Threads:
    """Runs steps in kernels of this machine: one for each core, fewer where their limits exceed its memory.

    Parameters
    ----------
    steps : StepRunner
        Runs or skips one step.
    workers : int, optional
        How many steps run at once at most; the number of cores by default.
    """

    def __init__(self, steps: StepRunner, workers: int | None = None) -> None:
        self._steps = steps
        self._workers = workers or os.cpu_count() or 1
        self._memory = Memory(installed())

    @contextmanager
    def open(self, assignment: Assignment) -> Iterator[Submit]:
        """Make ready for the steps of a run."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="nbmlops-step") as pool:
            yield lambda step: pool.submit(self._run, assignment, step)

    def _run(self, assigned: Assignment, step: Step) -> StepResult:
        plan = assigned.plan
        with self._memory.taken(step.settings.within(plan.limits).memory):
            return self._steps.run(plan, step, assigned.run_id, assigned.cancelled, assigned.cache, assigned.progress)
