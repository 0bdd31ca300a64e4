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

__all__ = ["Room", "Threads"]


class Room:
    """The cores and the memory that are left beside the steps that run.

    Parameters
    ----------
    cores : int
        How many there are.
    memory : int or None
        Bytes there are, None where that is not known and limits are not counted.
    """

    def __init__(self, cores: int, memory: int | None) -> None:
        self._cores, self._memory = cores, memory
        self._taken_cores = self._taken_memory = 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, cores: int = 1, memory: int | None = None) -> Iterator[None]:
        """Take so many cores and bytes for the body, as soon as they are left; alone, one may have more than all."""
        share = memory or 0
        with self._changed:
            self._changed.wait_for(lambda: self._has(cores, share))
            self._taken_cores += cores
            self._taken_memory += share
        try:
            yield
        finally:
            with self._changed:
                self._taken_cores -= cores
                self._taken_memory -= share
                self._changed.notify_all()

    def _has(self, cores: int, memory: int) -> bool:
        if self._taken_cores == 0:
            return True
        fits = self._memory is None or self._taken_memory + memory <= self._memory
        return fits and self._taken_cores + cores <= self._cores


class Threads:
    """Runs steps in kernels of this machine: one for each core, fewer where they ask for more cores or memory.

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
        self._room = Room(self._workers, installed())

    @contextmanager
    def open(self, assignment: Assignment) -> Iterator[Submit]:
        """Make ready for the steps of a run."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="nbmlops-step") as pool:
            yield lambda step: pool.submit(self._run, assignment, step)

    def _run(self, assigned: Assignment, step: Step) -> StepResult:
        plan = assigned.plan
        with self._room.taken(step.settings.cores, step.settings.within(plan.limits).memory):
            return self._steps.run(plan, step, assigned.run_id, assigned.cancelled, assigned.cache, assigned.progress)
