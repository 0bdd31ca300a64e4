"""Executes a run again in a cold kernel, and tells whether it gives the same.

The notebook is the one that ran, its parameters are those that it had, and what it read is pinned to what it read
then. The execution is a run of kind ``proof``: nothing that it writes gets a name, no alias moves and nothing is
deleted, and runs that the notebook starts are proofs as well. What is another is told and never passed over: there is
no ``identical`` where a parameter, a version, a line of code or a package that the notebook reaches is another.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import CorruptError, InvalidError, NbmlopsError, NotFoundError, UnsupportedError
from nbmlops.core.refs import Ref
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.changed_cells import changed_cells
from nbmlops.pipelines.circumstances import compare_environments, compare_modules
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.local_modules import imported_by
from nbmlops.pipelines.notebook import kernel_of, read_content
from nbmlops.pipelines.originals import Original, original_of
from nbmlops.pipelines.outcome import executed
from nbmlops.pipelines.parameters import as_json
from nbmlops.pipelines.pinned_reads import obstacles, pins, touched_by
from nbmlops.pipelines.plan import Home
from nbmlops.pipelines.proof import TOLERANCE
from nbmlops.pipelines.reproduction import VERDICTS, Reproduction, judged
from nbmlops.pipelines.same_again import compare_params, compare_runs, ended_alike, same_run
from nbmlops.pipelines.taking_over import SKIPPED
from nbmlops.render.dispatch import json as as_plain
from nbmlops.tracking.environment import identified
from nbmlops.tracking.queries.values import add_tags

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nbmlops.pipelines.outcome import CellProgress, Execution
    from nbmlops.pipelines.stores import Stores
    from nbmlops.tracking.records import Run

__all__ = ["Asked", "Reproducer"]

Progress = Callable[[StepProgress], None]
_NO_NOTEBOOK = (CorruptError, InvalidError, NotFoundError, UnsupportedError)


@dataclass(frozen=True, slots=True)
class Asked:
    """How to judge, and what is to be another than it was."""

    tolerance: float = TOLERANCE
    strict: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    notebook: Path | None = None
    data: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        """What is to be another, a phrase each."""
        params = tuple(f"{key}={value}" for key, value in self.params.items())
        return (*params, *((f"notebook {self.notebook.name}",) if self.notebook else ()), *self.data)


class Reproducer:
    """Executes runs again.

    Parameters
    ----------
    stores : Stores
        Where runs and what they read and wrote are.
    folder : Path
        Where executed notebooks are written, in a folder for each proof.
    root : Path
        The project's folder.
    """

    def __init__(self, stores: Stores, folder: Path, root: Path) -> None:
        self._stores = stores
        self._runs = stores.runs
        self._folder = folder
        self._root = root

    def reproduce(self, ref: str, asked: Asked, progress: Progress | None = None) -> Reproduction:
        """Execute a run again and keep the verdict with it; see `Pipelines.reproduce`."""
        run = self._runs.show(ref)
        _refuse(run, asked)
        if run.kind != "pipeline":
            return self._judged(run, asked, progress or (lambda _: None))
        names = [tag for name, tag in run.tags.items() if name.startswith(SKIPPED)]
        steps = [self._runs.show(one) for one in (*names, *(child.id for child in run.children))]
        begun = time.monotonic()
        parts = tuple(self._judged(step, asked, progress or (lambda _: None)) for step in steps if step.kind == "step")
        found = [part.verdict for part in parts]
        verdict = max(found, key=VERDICTS.index) if found else "cannot"
        none = () if parts else (Outcome("steps", None, "errored", "none", "", "no step of it was executed"),)
        seconds = time.monotonic() - begun
        done = Reproduction(run.name, verdict, none, (), self._now(), seconds, identified()[0], parts=parts)
        return self._kept(run, done)

    def _judged(self, run: Run, asked: Asked, progress: Progress) -> Reproduction:
        begun = time.monotonic()
        try:
            original = original_of(run, self._stores.objects, self._root)
        except _NO_NOTEBOOK as error:
            return self._kept(run, self._ended(run, asked, begun, [_errored("notebook", error)]))
        attempt = _Attempt.of(run, original, asked, self._stores, self._root)
        if any(outcome.status == "errored" for outcome in attempt.given):
            done = self._ended(run, asked, begun, attempt.given)
        else:
            done = self._proved(attempt, begun, progress)
        return self._kept(run, done)

    def _ended(
        self, run: Run, asked: Asked, begun: float, given: Iterable[Outcome], results: Iterable[Outcome] = ()
    ) -> Reproduction:
        given, results, seconds = tuple(given), tuple(results), time.monotonic() - begun
        about = self._now(), seconds, identified()[0]
        return Reproduction(run.name, judged(given, results), given, results, *about, changed=asked.changed)

    def _now(self) -> Any:
        return self._runs.clock.now()

    def _kept(self, run: Run, done: Reproduction) -> Reproduction:
        """Write a verdict on the run as it was into its tags; one on what was changed is no verdict on it."""
        if not done.changed:
            why = "\n".join(f"{reason}: {reason.detail}".rstrip(": ") for reason in done.reasons[:20])
            tags = {"reproduced": done.verdict, "reproduced.at": done.at.isoformat(timespec="seconds")}
            tags |= {"reproduced.by": done.proof or "", "reproduced.environment": done.environment}
            self._runs.catalog.transact(lambda c: add_tags(c, run.id, {**tags, "reproduced.why": why}))
        return done

    def _proved(self, attempt: _Attempt, begun: float, progress: Progress) -> Reproduction:
        run = attempt.run
        proof = self._runs.start(
            "proof",
            params={} if attempt.original.is_nested else attempt.parameters,
            tags={"reproduces": run.name},
            kind="proof",
            notebook=run.notebook,
            like=run.parent_id if run.kind == "step" and run.parent_id else run.id,
        )
        try:
            done = self._executed(attempt, proof.id, progress)
            given, results = self._compared(attempt, proof.id, done)
            ended = self._ended(run, attempt.asked, begun, given, results)
            ended = replace(ended, proof=self._runs.name_of(proof.id), output_notebook=str(done.output))
            if done.output is not None and done.output.exists():
                proof.artifact(done.output)
            proof.artifact(as_plain(ended), "reproduction.json")
            failure = {"name": done.error.ename, "value": done.error.evalue} if done.error else None
            status: Any = "finished" if done.status == "completed" else "failed"
            self._runs.finish(proof.id, status, error=failure, cells=executed(done))
        except BaseException as error:
            self._runs.fail(proof.id, error)
            raise
        return ended

    def _executed(self, attempt: _Attempt, proof_id: str, progress: Progress) -> Execution:
        run, original = attempt.run, attempt.original
        output = self._folder / proof_id / original.name
        output.parent.mkdir(parents=True, exist_ok=True)
        threads: Mapping[str, str] = (run.environment or {}).get("threads", {})
        env = {**threads, "NBMLOPS_RUN": proof_id, "NBMLOPS_PIPELINE_RUN": proof_id, "NBMLOPS_PROOF": "1"}
        env |= {"NBMLOPS_NOTEBOOK": run.notebook or "", "NBMLOPS_PINS": json.dumps(dict(attempt.pins))}
        env |= original.home.variables if original.home else {}

        def tell(cell: CellProgress) -> None:
            progress(StepProgress(run.experiment, "running", cell.done, cell.total, cell.seconds))

        progress(StepProgress(run.experiment, "running"))
        done = execute(attempt.notebook, output, cwd=original.folder, env=env, name=original.name, progress=tell)
        state: Any = done.status
        progress(StepProgress(run.experiment, state, len(done.cells), len(done.cells), done.seconds))
        return done

    def _compared(self, attempt: _Attempt, proof_id: str, done: Execution) -> tuple[list[Outcome], list[Outcome]]:
        run, original = attempt.run, attempt.original
        ending = ended_alike(run, done)
        if any(outcome.status == "errored" for outcome in ending):
            return attempt.given, ending
        again = same_run(self._runs, run, proof_id) if original.is_nested else self._runs.show(proof_id)
        if again is None:
            lacking = Outcome(f"run {run.experiment}", None, "errored", "not started", "started", "by no cell of it")
            return attempt.given, [*ending, lacking]
        given, results = compare_runs(
            self._stores, (run, again), (original.executed, done.notebook), attempt.asked.tolerance
        )
        return [*compare_params(run.params, again.params), *given, *attempt.given], [*ending, *results]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One run to be executed again: the notebook to execute, its parameters, its pins, and what is known before."""

    run: Run
    original: Original
    asked: Asked
    notebook: NotebookNode
    parameters: Mapping[str, Any]
    pins: Mapping[str, str]
    given: list[Outcome]

    @classmethod
    def of(cls, run: Run, original: Original, asked: Asked, stores: Stores, root: Path) -> _Attempt:
        """Put together what is to be executed, and look for what stands in the way."""
        source = original
        if asked.notebook is not None:
            source = replace(original, notebook=original.with_source(asked.notebook), name=asked.notebook.name)
        notebook, parameters = source.with_parameters(asked.params)
        reads = touched_by(stores, run.id).reads
        replaced = {("data", Ref.parse(ref).name) for ref in asked.data}
        pinned = pins(notebook, reads) | _instead(stores, asked.data, notebook)
        home = original.home or Home(root)
        own = imported_by(notebook, original.folder, home.root, home.path)
        given = [
            *(_kernel(notebook, source.name)),
            *obstacles(stores, [row for row in reads if (row["kind"], row["name"]) not in replaced]),
            *_code(original, asked.notebook),
            *compare_modules(original.modules, own.files),
            *compare_environments(run.environment, identified()[1], own.imports, strict=asked.strict),
            *original.notes,
        ]
        values = parameters if run.parent_id else as_json(parameters)
        return cls(run, original, asked, notebook, values, pinned, given)


def _refuse(run: Run, asked: Asked) -> None:
    """Refuse a run that has not come to an end by itself, and a change of all steps at once."""
    if run.kind == "proof":
        raise InvalidError(
            f"{run.name} is a proof: it executed another run again", hint=f"reproduce that: `ml run show {run.name}`"
        )
    if run.status not in {"finished", "failed"}:
        raise InvalidError(
            f"{run.name} is {run.status}; only what came to its end can be compared", hint=f"`ml run show {run.name}`"
        )
    if run.kind == "pipeline" and asked.changed:
        raise InvalidError(
            f"{run.name} is the run of a pipeline: {asked.changed[0]} would be another in which of its steps?",
            hint="name the run of a step: `ml run show " + run.name + "`",
        )


def _instead(stores: Stores, refs: Iterable[str], notebook: NotebookNode) -> dict[str, str]:
    """Pins to other versions of data than those that were read."""
    found: dict[str, str] = {}
    for ref in refs:
        version = stores.versions["data"].resolve(ref)
        row = {"kind": "data", "name": version.name, "number": None, "digest": version.digest}
        found |= pins(notebook, [row])
    return found


def _kernel(notebook: NotebookNode, name: str) -> list[Outcome]:
    from jupyter_client.kernelspec import KernelSpecManager

    try:
        kernel = kernel_of(notebook, name)
    except NbmlopsError as error:
        return [_errored("kernel", error)]
    known = sorted(KernelSpecManager().find_kernel_specs())
    hint = f"installed: {', '.join(known) or 'none'}; python -m ipykernel install --user --name {kernel}"
    return [] if kernel in known else [Outcome("kernel", None, "errored", "not installed", f"= {kernel}", hint)]


def _code(original: Original, other: Path | None) -> list[Outcome]:
    found = [] if other is None else changed_cells(original.notebook, read_content(other))
    return found or [Outcome("code", None, "passed", "the same", "")]


def _errored(what: str, error: NbmlopsError) -> Outcome:
    return Outcome(what, None, "errored", error.message, "", error.hint or "")
