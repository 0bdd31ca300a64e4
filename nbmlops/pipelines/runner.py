"""Runs the steps of a pipeline in their order, in parallel where the graph allows, each once.

A step whose key has committed before is skipped and its outputs are taken over. What the steps write
becomes visible to others all together, when the run commits. Results live in the ledger, never only
in a future.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from nbmlops.core.errors import StepFailedError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.executors.assignment import Assignment, Executor, Submit
from nbmlops.pipelines.executors.threads import Threads
from nbmlops.pipelines.fan import FAN, written_fan
from nbmlops.pipelines.graph import predecessors
from nbmlops.pipelines.ledger import WHOLE, Claimant, Committed, Slot
from nbmlops.pipelines.metrics import of_run
from nbmlops.pipelines.records import PipelineRun, StepResult
from nbmlops.pipelines.request import Cancellation
from nbmlops.pipelines.selection import PARTIAL
from nbmlops.pipelines.stopping import Hearing
from nbmlops.pipelines.when import left_out
from nbmlops.store.naming import name_outputs

if TYPE_CHECKING:
    from nbmlops.core.actions import Stop
    from nbmlops.pipelines.graph import Graph, Step
    from nbmlops.pipelines.ledger import Ledger
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.steps import StepRunner
    from nbmlops.store.catalog import Connection
    from nbmlops.tracking.active import ActiveRun
    from nbmlops.tracking.records import Kind, Run
    from nbmlops.tracking.service import Runs

__all__ = ["Runner", "stopping"]

Progress = Callable[[StepProgress], None]


@dataclass(slots=True)
class _State:
    """Where a run stands: results by step, and the steps that are under way."""

    order: TopologicalSorter[str]
    results: dict[str, StepResult] = field(default_factory=dict)
    under_way: dict[Future[StepResult], str] = field(default_factory=dict)
    failed: bool = False

    @classmethod
    def of(cls, graph: Graph) -> _State:
        names = graph.names
        before = predecessors(edge for edge in graph.edges if edge.before in names)
        order = TopologicalSorter({step.name: before.get(step.name, ()) for step in graph.steps})
        order.prepare()
        return cls(order)

    def take(self, result: StepResult) -> None:
        """Note what became of a step; what waited for it may be ready."""
        self.results[result.name] = result
        self.failed |= result.status not in {"completed", "skipped"}
        self.order.done(result.name)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The claim of a run on the time that it stands for; a run that stands for none claims nothing."""

    ledger: Ledger
    slot: Slot
    run_id: str
    token: int | None = None

    @classmethod
    def of(cls, ledger: Ledger, slot: Slot, run_id: str, plan: Plan) -> _Claim:
        if plan.logical_time is None:
            return cls(ledger, slot, run_id)
        return cls(ledger, slot, run_id, ledger.claim(slot, Claimant(run_id, "", plan.version)))

    def commit(self, connection: Connection) -> None:
        if self.token is not None:
            self.ledger.commit(connection, self.slot, self.token, Committed(self.run_id, (), ()))

    def release(self, connection: Connection) -> None:
        if self.token is not None:
            self.ledger.release(connection, self.slot, self.token)

    def renewing(self, lost: Callable[[], object]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.token is None else self.ledger.renewing(self.slot, self.token, lost)


class Runner:
    """Executes plans.

    Parameters
    ----------
    runs : Runs
        Records the pipeline's run.
    steps : StepRunner
        Runs or skips one step.
    ledger : Ledger
        Which times have a committed run.
    """

    def __init__(self, runs: Runs, steps: StepRunner, ledger: Ledger) -> None:
        self._runs = runs
        self._steps = steps
        self._ledger = ledger
        self._threads = Threads(steps)

    def run(
        self,
        plan: Plan,
        *,
        kind: Kind = "pipeline",
        cache: bool = True,
        like: str | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
        executor: Executor | None = None,
    ) -> PipelineRun:
        """Execute a plan and commit it; a proof is executed, and nothing that it wrote gets a name.

        With `like`, the id of a run, names mean what they meant to that run; `stop` stops it from elsewhere;
        `executor` runs its steps, threads of this process by default.

        Raises
        ------
        StepFailedError
            When a step did not complete; what it says and where its notebook lies is in the message.
        StoppedError
            When somebody asked for its end.
        """
        slot = Slot.of(plan, WHOLE)
        if plan.logical_time and (before := self._ledger.committed(slot)):
            return self._committed(plan, before)
        steps = " ".join(step.name for step in plan.graph.steps) if plan.part else None
        tags = {"version": plan.version, "logical_time": plan.logical_time, PARTIAL: steps, FAN: written_fan(plan.fan)}
        known = {key: value for key, value in tags.items() if value}
        plan = replace(plan, cold=plan.cold or kind == "proof", digest=plan.parameters_digest)
        run = self._runs.start(plan.name, params=plan.given, tags=known or None, kind=kind, like=like)
        cancelled, claim = Cancellation(stop), _Claim(self._ledger, slot, run.id)
        hearing = Hearing(self._runs.catalog, run.id, self._runs.name_of(run.id))
        try:
            claim = _Claim.of(self._ledger, slot, run.id, plan)
            with claim.renewing(cancelled.cancel), hearing.open(cancelled.cancel):
                with stopping(cancelled.cancel), self._steps.ahead.open():
                    assigned = Assignment(plan, run.id, cancelled, cache, progress or (lambda _: None))
                    results = self._execute(executor or self._threads, assigned, hearing)
                failed = next((step for step in results if step.status not in {"completed", "skipped"}), None)
                done = self._end(run, kind, results, failed, claim)
        except BaseException as error:
            self._runs.fail(run.id, error, also=claim.release)
            raise
        if failed is not None:
            raise StepFailedError(
                f"the step {failed.name} of {plan.name}: {failed.why}",
                hint=f"look at {failed.output_notebook}" if failed.output_notebook else None,
                notebook=failed.output_notebook,
            )
        return PipelineRun(done, tuple(self._with_outputs(results)), plan.notes)

    def _committed(self, plan: Plan, run_id: str) -> PipelineRun:
        """The run that has committed for a time already, told as one that had nothing to do."""
        run = self._runs.show(run_id)
        why = f"{plan.logical_time} has committed already, with {run.name}"
        return PipelineRun(run, tuple(StepResult(step.name, "skipped", why) for step in plan.graph.steps))

    def _end(
        self, run: ActiveRun, kind: Kind, results: list[StepResult], failed: StepResult | None, claim: _Claim
    ) -> Run:
        if failed is not None:
            error = {"name": failed.status, "value": failed.why}
            return self._runs.finish(run.id, "failed", error=error, also=claim.release)
        metrics = of_run({step.name: step.metrics or {} for step in results})
        if metrics:
            run.log(metrics)

        def commit(connection: Connection) -> None:
            # Names move and the run ends in one transaction: whoever sees the one sees the other.
            claim.commit(connection)
            name_outputs(connection, run_id=run.id)

        return self._runs.finish(run.id, "finished", also=commit if kind == "pipeline" else claim.commit)

    def _execute(self, executor: Executor, assigned: Assignment, hearing: Hearing) -> list[StepResult]:
        state, steps = _State.of(assigned.plan.graph), assigned.plan.graph.steps
        with executor.open(assigned) as submit:
            try:
                while self._submit(submit, assigned, state):
                    done, _ = wait(state.under_way, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in done:
                        del state.under_way[future]
                        state.take(future.result())
            except BaseException:
                assigned.cancelled.cancel()
                raise
        if assigned.cancelled.is_cancelled:
            hearing.raise_if_asked()
            raise KeyboardInterrupt
        if not state.failed:
            return [state.results[step.name] for step in steps]
        unrun = (StepResult(step.name, "not_run", "an earlier step failed") for step in steps)
        return [state.results.get(step.name, step) for step in unrun]

    def _submit(self, submit: Submit, assigned: Assignment, state: _State) -> bool:
        """Settle what has nothing to do, and start what else can start; whether anything is under way."""
        while not (state.failed or assigned.cancelled.is_cancelled) and (ready := set(state.order.get_ready())):
            steps = [step for step in assigned.plan.graph.steps if step.name in ready]
            for result in self._settled(steps, assigned, state.results):
                state.take(result)
                assigned.progress(StepProgress(result.name, result.status, seconds=0.0, why=result.why))
            for step in steps:
                if step.name not in state.results:
                    state.under_way[submit(step)] = step.name
        return bool(state.under_way)

    def _settled(
        self, steps: list[Step], assigned: Assignment, known: Mapping[str, StepResult]
    ) -> Iterator[StepResult]:
        """Results of those of some steps that are ready and have nothing to do."""
        plan, left = assigned.plan, dict[str, str]()
        for step in steps:
            if (why := left_out(plan.graph, step, plan.parameters.get(step.name, {}), known)) is not None:
                left[step.name] = why
        if left:
            self._steps.leave_out(left, assigned.run_id)
            yield from (StepResult(name, "skipped", why) for name, why in left.items())
        rest = [step for step in steps if step.name not in left]
        yield from self._steps.earlier.settle(plan, rest, assigned.run_id, assigned.cache).results.values()

    def _with_outputs(self, steps: list[StepResult]) -> Iterator[StepResult]:
        """Results of steps with the references that their outputs have now that the run has committed."""
        runs = self._runs.several(step.run for step in steps if step.run is not None)
        for step in steps:
            yield step if step.run is None else replace(step, outputs=runs[step.run].outputs)


@contextlib.contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Let SIGTERM call `stop` while the body runs, as Ctrl-C interrupts it by itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
