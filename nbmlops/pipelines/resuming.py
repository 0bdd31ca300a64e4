"""The verb ``resume``: a run that failed goes on after its last good steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.fan import FAN, read_fan
from nbmlops.pipelines.records import PipelineRun
from nbmlops.pipelines.selection import PARTIAL, Selection
from nbmlops.pipelines.taking_over import SKIPPED

if TYPE_CHECKING:
    from nbmlops.pipelines.executors.choice import Places
    from nbmlops.pipelines.ledger import Ledger
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.runner import Runner
    from nbmlops.pipelines.steps import StepRunner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.tracking.records import Run

__all__ = ["Resuming"]

_CHILDREN = 1_000


class Resuming:
    """The verb that goes on with a run."""

    _stores: Stores
    _planner: Planner
    _runner: Runner
    _places: Places
    _ledger: Ledger
    _steps: StepRunner

    def resume(self, run: str, *, progress: Callable[[StepProgress], None] | None = None) -> PipelineRun:
        """Go on with a run of a pipeline that failed or was killed, in a new run.

        What its good steps made stands, whatever has changed since; the others run, on the data that names meant to
        that run, with its parameters, as the code is now. A run of a frozen version goes on with that version.

        Parameters
        ----------
        run : str
            The run.
        progress : callable, optional
            Called with each sign of life of a step.

        Raises
        ------
        InvalidError
            When it is no run of a pipeline, or has finished.
        ConflictError
            When it is still running.
        NotFoundError
            When it ran a package, or there is no such run.
        StepFailedError
            When a step does not complete.
        """
        before = self._stores.runs.show(run)
        if before.kind != "pipeline":
            raise InvalidError(f"{before.name} is no run of a pipeline", hint="`ml run list` shows those there are")
        if before.status == "finished":
            raise InvalidError(
                f"{before.name} has finished: nothing of it is left to do",
                hint=f"`ml pipeline run {before.experiment}`",
            )
        if before.status == "running":
            raise ConflictError(f"{before.name} is still running", hint="wait for it to end, or stop it")
        self._steps.recover(before.id)
        version = before.tags.get("version")
        name = f"{before.experiment}@{version}" if version else before.experiment
        at = before.tags.get("logical_time")
        part = Selection(only=tuple(before.tags.get(PARTIAL, "").split()))
        if version and not self._planner.knows(before.experiment, version):
            raise NotFoundError(
                f"{before.name} ran a version that is not here, as a package does",
                hint="run the package again: the steps that have committed are skipped",
            )
        fan = read_fan(before.tags.get(FAN, ""))
        plan = self._planner.plan(name, before.params, logical_time=at, selection=part, fan=fan)
        taken = self._ledger.of_run(plan.name, at or before.id, self._steps_of(before))
        plan = replace(plan, taken={step: taken[step] for step in taken if step in plan.graph.names})
        return self._runner.run(plan, like=before.id, progress=progress, executor=self._places.choose())

    def _steps_of(self, run: Run) -> frozenset[str]:
        """Ids of the runs of its steps, and of those whose results it took over."""
        runs = self._stores.runs
        own = {child.id for child in runs.list(_CHILDREN, parent_id=run.id)}
        skipped = {runs.show(name).id for tag, name in run.tags.items() if tag.startswith(SKIPPED)}
        return frozenset(own | skipped)
