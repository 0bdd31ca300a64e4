"""Runs one step of a pipeline, or takes over the result that it had before."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.errors import NotFoundError
from nbmlops.pipelines import keys, queries
from nbmlops.pipelines.cells import code_cells, code_digest
from nbmlops.pipelines.ledger import Committed, Ledger, Slot
from nbmlops.pipelines.notebook import as_notebook
from nbmlops.pipelines.parameters import Parameters, inject
from nbmlops.pipelines.records import StepProgress, StepResult
from nbmlops.store import lineage
from nbmlops.store.naming import adopt_outputs
from nbmlops.tracking.records import Cell

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.outcome import CellProgress, Execution
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.request import Cancellation
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.versions import Versions
    from nbmlops.tracking.service import Runs

__all__ = ["StepRunner"]

Inputs = list[tuple[str, str, str]]


class StepRunner:
    """Runs steps.

    Parameters
    ----------
    catalog : Catalog
        Where outputs are recorded.
    runs : Runs
        Records each step's run.
    ledger : Ledger
        Claims, commits, and remembers.
    versions : mapping
        Versions by kind, to resolve what a step reads.
    folder : Path
        Where executed notebooks are written, in a folder for each run.
    """

    def __init__(
        self, catalog: Catalog, runs: Runs, ledger: Ledger, versions: Mapping[str, Versions], folder: Path
    ) -> None:
        self._catalog = catalog
        self._runs = runs
        self._ledger = ledger
        self._versions = versions
        self._folder = folder

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
        with lineage.activate(lineage.Active(run_id=run_id, pipeline_run_id=run_id)):
            inputs = self._inputs([read.ref for read in step.reads], [read.kind for read in step.reads])
            key = self._key(plan, step, inputs)
            slot = Slot(plan.name, plan.logical_time or run_id, plan.parameters_digest, step.name)
            before = self._before(key) if cache else None
            if before is not None:
                result = self._skip(slot, key, run_id, before)
            else:
                progress(StepProgress(step.name, "running"))
                result = self._execute(plan, step, slot, key, run_id, cancelled, progress)
        progress(StepProgress(step.name, result.status, seconds=result.seconds or 0.0, why=result.why))
        return result

    def _inputs(self, refs: list[str], kinds: list[str]) -> Inputs:
        """What a step reads, as it resolves now for this pipeline run."""
        found = []
        for ref, kind in dict.fromkeys(zip(refs, kinds, strict=True)):
            try:
                found.append((kind, ref, self._versions[kind].resolve(ref).digest))
            except NotFoundError:
                # The step itself says so, in the cell that reads it.
                found.append((kind, ref, "missing"))
        return found

    def _key(self, plan: Plan, step: Step, inputs: Inputs) -> str:
        notebook = plan.notebooks[step.name]
        modules = keys.imported(cell.tree for cell in code_cells(notebook))
        return keys.step_key(code_digest(notebook), plan.parameters[step.name], inputs, keys.relevant(modules))

    def _before(self, key: str) -> Committed | None:
        """The newest committed result whose every read still means the same content."""
        for result in self._ledger.cached(key):
            now = self._inputs([name for _, name, _ in result.reads], [kind for kind, _, _ in result.reads])
            if {tuple(read) for read in now} == {tuple(read) for read in result.reads}:
                return result
        return None

    def _skip(self, slot: Slot, key: str, run_id: str, before: Committed) -> StepResult:
        self._catalog.transact(lambda c: adopt_outputs(c, run_id, before.outputs))
        self._ledger.take_over(slot, key, before)
        run = self._runs.show(before.run_id)
        why = f"same code, parameters and inputs as {run.name}"
        return StepResult(slot.step, "skipped", why, run=run.name, outputs=run.outputs, metrics=run.metrics)

    def _execute(
        self,
        plan: Plan,
        step: Step,
        slot: Slot,
        key: str,
        run_id: str,
        cancelled: Cancellation,
        progress: Callable[[StepProgress], None],
    ) -> StepResult:
        token = self._ledger.claim(slot, key)
        run = self._runs.start(
            step.name, params=plan.parameters[step.name], kind="step", parent_id=run_id, notebook=str(step.path)
        )
        output = self._folder / run_id / f"{step.name}.ipynb"
        output.parent.mkdir(parents=True, exist_ok=True)
        env = {"NBMLOPS_RUN": run.id, "NBMLOPS_PIPELINE_RUN": run_id, "NBMLOPS_NOTEBOOK": str(step.path)}
        started = time.monotonic()
        try:
            execution = self._perform(plan, step, output, env, cancelled, progress)
        except BaseException as error:
            self._runs.fail(run.id, error)
            self._ledger.release(slot, token)
            raise
        seconds = time.monotonic() - started
        if output.exists():
            run.artifact(output)
        if execution.status != "completed":
            return self._failed(step, slot, token, run.id, execution, seconds)
        record = self._runs.finish(run.id, "finished", cells=_cells(execution))
        self._ledger.commit(slot, token, self._result(step, run.id))
        return StepResult(
            step.name,
            "completed",
            "",
            seconds,
            record.name,
            record.outputs,
            record.metrics,
            self._surprises(step, run.id),
            str(output),
        )

    def _result(self, step: Step, run_id: str) -> Committed:
        """What the step really wrote, and what it read besides what its key knows from its lines."""
        written = self._catalog.read(lambda c: queries.written(c, run_id))
        read = self._catalog.read(lambda c: queries.written(c, run_id, "reads"))
        declared = {(access.kind, access.name) for access in step.reads}
        reads = {
            (row.kind, row.name, row.digest)
            for row in read.values()
            if row.id not in written and (row.kind, row.name) not in declared
        }
        return Committed(run_id, tuple(sorted(written)), tuple(sorted(reads)))

    def _surprises(self, step: Step, run_id: str) -> tuple[str, ...]:
        """Where what the step really did differs from what was read in its notebook."""
        notes = []
        for relation, verb, declared in (("writes", "wrote", step.writes), ("reads", "read", step.reads)):
            known = {(access.kind, access.name) for access in (*declared, *step.writes)}
            rows = self._linked(run_id, relation)
            notes += [
                f"{verb} {row.kind} {row.name}, which its lines do not show"
                for row in rows
                if (row.kind, row.name) not in known
            ]
        return tuple(notes)

    def _linked(self, run_id: str, relation: str) -> list[Any]:
        return list(self._catalog.read(lambda c: queries.written(c, run_id, relation)).values())

    def _failed(
        self, step: Step, slot: Slot, token: int, run_id: str, execution: Execution, seconds: float
    ) -> StepResult:
        status: Any = "killed" if execution.status in {"kernel_died", "cancelled"} else "failed"
        failure = execution.error
        name, value = (failure.ename, failure.evalue) if failure else (execution.status, "")
        self._runs.finish(run_id, status, error={"name": name, "value": value}, cells=_cells(execution))
        self._ledger.release(slot, token)
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
        values = {key: value for key, value in effective if key in plan.given or value != declared.defaults.get(key)}
        prepared = inject(notebook, declared, values)

        from nbmlops.pipelines.execution import execute

        def tell(cell: CellProgress) -> None:
            progress(StepProgress(step.name, "running", cell.done, cell.total, cell.seconds))

        return execute(prepared, output, cwd=plan.folders[step.name], env=env, progress=tell, cancellation=cancelled)


def _cells(execution: Execution) -> list[Cell]:
    """The executed code cells as the run keeps them."""
    found = []
    for position, result in enumerate(cell for cell in execution.cells if cell.seconds is not None):
        cell = execution.notebook.cells[result.number - 1]
        started = cell.metadata.get("papermill", {}).get("start_time")
        found.append(
            Cell(
                position=position,
                cell_id=result.cell_id,
                digest=digests.of_bytes(cell.source.encode("utf-8", "surrogatepass")),
                source=cell.source,
                count=cell.get("execution_count"),
                started_at=datetime.fromisoformat(started).astimezone(UTC),
                seconds=result.seconds or 0.0,
                status=result.status,
            )
        )
    return found
