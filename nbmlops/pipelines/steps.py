"""Runs one step of a pipeline, or takes over the result that it had before."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import UnavailableError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.accesses import result_of, surprises
from nbmlops.pipelines.fan_in import join
from nbmlops.pipelines.ledger import Claimant, Ledger, Slot
from nbmlops.pipelines.local_modules import circumstances
from nbmlops.pipelines.notebook import as_notebook
from nbmlops.pipelines.outcome import executed, shown
from nbmlops.pipelines.parameters import Parameters, inject
from nbmlops.pipelines.records import StepResult
from nbmlops.pipelines.recovery import recover
from nbmlops.pipelines.request import Cancellation, Request
from nbmlops.pipelines.retrying import retried
from nbmlops.pipelines.secret_values import Secrets
from nbmlops.pipelines.taking_over import TakingOver
from nbmlops.pipelines.warm.ahead import Ahead
from nbmlops.pipelines.when import LEFT_OUT
from nbmlops.store import lineage
from nbmlops.tracking.artifacts import keep
from nbmlops.tracking.queries.values import add_tags, set_artifacts

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.outcome import CellProgress, Execution
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.catalog import Connection
    from nbmlops.store.objects import Stored
    from nbmlops.tracking.active import ActiveRun

__all__ = ["STEP", "StepRunner"]

STEP = "step"
"""The tag that says which step a run is of, where several run the same notebook."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A claim that is held, what the key of its step is made of, and what its run is to keep when it ends."""

    slot: Slot
    token: int
    parts: Mapping[str, Any]
    kept: dict[str, Stored] = field(default_factory=dict)


class StepRunner:
    """Runs steps.

    Parameters
    ----------
    stores : Stores
        What steps read, and where they are recorded.
    ledger : Ledger
        Claims, commits, and remembers.
    folder : Path
        Where executed notebooks are written, in a folder for each run.
    root : Path
        The project's folder, whose modules count as a step's code.
    warm : int
        How many kernels may wait for steps at once.
    """

    def __init__(self, stores: Stores, ledger: Ledger, folder: Path, root: Path, warm: int = 0) -> None:
        self.ahead = Ahead(warm, root)
        self.earlier = TakingOver(stores, ledger, root)
        self._stores = stores
        self._catalog = stores.runs.catalog
        self._runs = stores.runs
        self._ledger = ledger
        self._folder = folder
        self._root = root

    def run(
        self,
        plan: Plan,
        step: Step,
        run_id: str,
        cancelled: Cancellation,
        cache: bool,
        progress: Callable[[StepProgress], None],
    ) -> StepResult:
        """Run `step` as a part of the pipeline run `run_id`, or skip it."""
        with lineage.activate(lineage.Active(run_id, run_id, pins=plan.pins)):
            settled = self.earlier.settle(plan, [step], run_id, cache)
            if (done := settled.results.get(step.name)) is not None:
                result = done
            else:
                progress(StepProgress(step.name, "running"))
                slot, claimant = Slot.of(plan, step.name, run_id), settled.claimants[step.name]
                attempt = partial(self._execute, plan, step, slot, claimant, cancelled, progress)
                result = retried(step, attempt, cancelled, progress)
        progress(StepProgress(step.name, result.status, seconds=result.seconds or 0.0, why=result.why))
        return result

    def recover(self, run_id: str) -> None:
        """Make the notebooks of a pipeline's run that was killed say so, with all that they printed."""
        for path in sorted((self._folder / run_id).glob("*.ipynb")):
            recover(path)

    def output_of(self, run_id: str, step: str) -> Path:
        """Where the executed notebook of a step of a pipeline's run is written on this machine."""
        return self._folder / run_id / f"{step}.ipynb"

    def leave_out(self, left: Mapping[str, str], run_id: str) -> None:
        """Note which steps do not run, and why; those that wait for them read what they made before."""
        tags = {f"{LEFT_OUT}{step}": why for step, why in left.items()}
        self._catalog.transact(lambda c: add_tags(c, run_id, tags))

    def _execute(
        self,
        plan: Plan,
        step: Step,
        slot: Slot,
        claimant: Claimant,
        cancelled: Cancellation,
        progress: Callable[[StepProgress], None],
    ) -> StepResult:
        # The claim on the whole run keeps others away from its steps, and says that it has not committed.
        again = plan.logical_time is not None
        tokens: list[int] = []  # the transaction may be tried again: the last one holds
        run = self._runs.start(
            step.stem,
            params=plan.parameters.get(step.name),
            tags={STEP: step.name} if step.branch else None,
            kind="step",
            parent_id=claimant.run_id,
            notebook=None if step.parts else str(step.path),
            also=lambda c: tokens.append(self._ledger.claim_within(c, slot, claimant, again=again)),
        )
        own, held = Cancellation(cancelled), _Held(slot, tokens[-1], claimant.parts)
        try:
            # Who has lost the claim may not commit any more: the rest of the work is for nothing.
            with self._ledger.renewing(slot, held.token, own.cancel):
                if step.parts:
                    return self._join(step, held, run)
                return self._record(plan, step, held, run, own, progress)
        except BaseException as error:
            self._runs.fail(run.id, error, also=partial(self._release, held=held, run_id=run.id))
            raise

    def _join(self, step: Step, held: _Held, run: ActiveRun) -> StepResult:
        """Put together what the branches of a step have made, and end the run of that."""
        started = time.monotonic()
        with lineage.activate(replace(lineage.current(), run_id=run.id)):
            notes = join(self._stores.data, step)
        record = self._runs.finish(run.id, "finished", also=partial(self._commit, step=step, held=held, run_id=run.id))
        seconds = time.monotonic() - started
        return StepResult(step.name, "completed", "", seconds, record.name, record.outputs, notes=notes)

    def _commit(self, connection: Connection, step: Step, held: _Held, run_id: str) -> None:
        set_artifacts(connection, run_id, held.kept)
        self._ledger.commit(connection, held.slot, held.token, result_of(connection, step, run_id, held.parts))

    def _release(self, connection: Connection, held: _Held, run_id: str) -> None:
        set_artifacts(connection, run_id, held.kept)
        self._ledger.release(connection, held.slot, held.token)

    def _record(
        self,
        plan: Plan,
        step: Step,
        held: _Held,
        run: ActiveRun,
        cancelled: Cancellation,
        progress: Callable[[StepProgress], None],
    ) -> StepResult:
        """Execute the notebook and end its run: with the ledger's row, in one transaction."""
        pipeline_run = lineage.current().pipeline_run_id or ""
        output = self.output_of(pipeline_run, step.name)
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"cannot make the folder {output.parent} for executed notebooks: {error.strerror}",
                hint="check permissions and free space",
            ) from error
        env = {"NBMLOPS_RUN": run.id, "NBMLOPS_PIPELINE_RUN": pipeline_run, "NBMLOPS_NOTEBOOK": str(step.path)}
        env |= {"NBMLOPS_PINS": json.dumps(dict(plan.pins)), **(plan.home.variables if plan.home else {})}
        env["NBMLOPS_NAMES"] = json.dumps(dict(plan.names.get(step.name, {})))
        started = time.monotonic()
        execution = self._perform(plan, step, output, env, cancelled, progress)
        seconds = time.monotonic() - started
        if output.exists():
            held.kept.update(keep(self._runs, output))
        if execution.status != "completed":
            return self._failed(step, held, run.id, execution, seconds)

        notes = self._catalog.read(lambda c: surprises(c, step, run.id))
        commit = partial(self._commit, step=step, held=held, run_id=run.id)
        record = self._runs.finish(run.id, "finished", cells=executed(execution), also=commit)
        return StepResult(
            step.name,
            "completed",
            "",
            seconds,
            record.name,
            record.outputs,
            record.metrics,
            notes,
            str(output),
        )

    def _failed(self, step: Step, held: _Held, run_id: str, execution: Execution, seconds: float) -> StepResult:
        status: Any = "killed" if execution.status in {"kernel_died", "cancelled"} else "failed"
        failure = execution.error
        name, value = (failure.ename, failure.evalue) if failure else (execution.status, "")
        self._runs.finish(
            run_id,
            status,
            error={"name": name, "value": value},
            cells=executed(execution),
            also=partial(self._release, held=held, run_id=run_id),
        )
        why = f"{execution.status.replace('_', ' ')} {failure.where if failure else ''}: {name}: {value}"
        return StepResult(
            step.name, execution.status, why, seconds, self._runs.name_of(run_id), output_notebook=str(execution.output)
        )

    def _perform(
        self,
        plan: Plan,
        step: Step,
        output: Path,
        env: Mapping[str, str],
        cancelled: Cancellation,
        progress: Callable[[StepProgress], None],
    ) -> Execution:
        notebook = as_notebook(copy.deepcopy(plan.notebooks[step.name]), step.path)
        declared = Parameters.of(notebook, step.path.name)
        effective = plan.parameters[step.name].items()
        asked = plan.given.keys() | plan.fan.keys()
        values = {key: value for key, value in effective if key in asked or value != declared.defaults.get(key)}
        prepared = inject(notebook, declared, values)
        prepared.metadata["nbmlops"] = circumstances(prepared, plan.folders[step.name], self._root, plan.home)

        from nbmlops.pipelines.execution import perform
        from nbmlops.pipelines.notebook import kernel_of

        began = time.monotonic()
        told = StepProgress(step.name, "running", expected=self._expected(step.stem))

        def tell(cell: CellProgress) -> None:
            nonlocal told
            told = replace(told, done=cell.done, cells=cell.total, seconds=time.monotonic() - began)
            progress(told)

        def show(found: NotebookNode) -> None:
            progress(replace(told, printed=shown(found), seconds=time.monotonic() - began))

        secrets, limits = Secrets.of(plan.parameters[step.name]), step.settings.within(plan.limits)
        kernel, cwd = kernel_of(prepared, output.name), plan.folders[step.name]
        about = (output.name, prepared, output, kernel, cwd, env, limits)
        with self.ahead.step(plan, step.name) as warm:
            return perform(Request(*about, tell, show, cancelled, secrets, warm))

    def _expected(self, step: str) -> float | None:
        """Seconds that the step took when it last completed."""
        last = self._runs.list(1, experiment=step, where="kind = 'step' and status = 'finished'")
        return last[0].seconds if last else None
