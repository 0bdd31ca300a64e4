"""Promotes a pipeline: lint, prove, gate, freeze, move. The verdict is computed outside any transaction.

The transaction that moves the alias only re-checks that the alias is where it was when the promotion
began, then writes the move, its report and its Event together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import ConflictError, InvalidError, RefusedError
from nbmlops.models.records import Promotion
from nbmlops.pipelines import freezing, queries
from nbmlops.pipelines.cells import code_digest
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.parameters import as_json
from nbmlops.pipelines.proof import compare

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.finding import Finding
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.records import PipelineRun, StepProgress
    from nbmlops.pipelines.runner import Runner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.aliases import Aliases
    from nbmlops.store.versions import Version
    from nbmlops.tracking.records import Run

__all__ = ["Promoter"]

_CHILDREN = 1_000


class Promoter:
    """Carries out promotions of pipelines.

    Parameters
    ----------
    stores : Stores
        Where runs, reports and versions are.
    runner : Runner
        Executes the proof.
    aliases : Aliases
        Moves the alias.
    clock : Clock
        Tells when.
    """

    def __init__(self, stores: Stores, runner: Runner, aliases: Aliases, clock: Clock) -> None:
        self._stores = stores
        self._runner = runner
        self._aliases = aliases
        self._clock = clock
        self._versions = stores.versions["pipeline"]

    def promote(
        self,
        plan: Plan,
        alias: str,
        findings: Sequence[Finding],
        *,
        against: Run | None,
        root: Path,
        environment: Mapping[str, Any],
        message: str | None = None,
        progress: Callable[[StepProgress], None] | None = None,
    ) -> Promotion:
        """Prove, gate, freeze and move; see `Pipelines.promote`."""
        refuse_findings(plan.name, findings)
        before = self._position(plan.name, alias)
        reference = self._reference(plan, against, progress)
        proof = self._runner.run(plan, kind="proof", cache=False, progress=progress)
        outcomes = [_linted(findings), *self._compare(reference, proof.run), *self._gate(proof)]
        subject = f"{plan.name} ({proof.run.name} against {reference.name})"
        unsaved = Report(None, f"promote {plan.name}", "infrastructure", subject, tuple(outcomes), self._clock.now())
        report = self._stores.checks.save(unsaved)
        if not report.passed:
            named = "\n".join(f"  {outcome}: {outcome.detail}" for outcome in report.failures[:5])
            failed = f"{len(report.failures)} of {len(report.outcomes)} checks failed"
            raise RefusedError(
                f"{plan.name} was not promoted: {failed}\n{named}",
                hint=f"nbmlops check show {report.id}",
            )
        version = self._freeze(plan, root, environment, message)
        expected = before.id if before else None
        self._versions.catalog.transact(
            lambda c: self._aliases.move(c, alias, version, expected=expected, report_id=report.id)
        )
        moved = version.id != expected
        return Promotion("pipeline", plan.name, alias, before.ref if before else None, version.ref, report, moved)

    def rollback(self, name: str, alias: str) -> Promotion:
        """Move the alias back."""
        before, after = self._aliases.rollback(name, alias)
        return Promotion("pipeline", name, alias, before.ref, after.ref, None, True)

    def _position(self, name: str, alias: str) -> Version | None:
        known = {version.name for version in self._versions.newest()}
        return self._aliases.at(name, alias) if name in known else None

    def _reference(self, plan: Plan, against: Run | None, progress: Callable[[StepProgress], None] | None) -> Run:
        """The run that the proof is compared with: the named one, else another proof."""
        if against is None:
            return self._runner.run(plan, kind="proof", cache=False, progress=progress).run
        if against.experiment != plan.name or against.kind not in {"pipeline", "proof"}:
            raise InvalidError(
                f"{against.name} is not a run of the pipeline {plan.name}", hint=f"nbmlops pipeline run {plan.name}"
            )
        if against.status != "finished":
            raise InvalidError(f"{against.name} is {against.status}; only a finished run can be proved")
        return against

    def _compare(self, reference: Run, proof: Run) -> list[Outcome]:
        catalog = self._versions.catalog
        before = catalog.read(lambda c: queries.outputs(c, reference.id))
        after = catalog.read(lambda c: queries.outputs(c, proof.id))
        return compare(before, after, reference.metrics, proof.metrics)

    def _gate(self, proof: PipelineRun) -> list[Outcome]:
        """Every report that the proof's own steps made must have passed."""
        children = self._stores.runs.list(_CHILDREN, parent_id=proof.run.id)
        rows = self._versions.catalog.read(lambda c: queries.reports_of(c, [run.id for run in children]))
        if not rows:
            detail = "no step of it checks its data: add %%ml check NAME --strict"
            return [Outcome("suites", None, "warned", "none", "at least one", detail, ())]
        return [_judged(row) for row in rows]

    def _freeze(self, plan: Plan, root: Path, environment: Mapping[str, Any], message: str | None) -> Version:
        sources = {}
        for step in plan.graph.steps:
            notebook = read_content(step.path)
            if code_digest(notebook) != code_digest(plan.notebooks[step.name]):
                raise ConflictError(
                    f"{step.path.name} was changed while it was being proved; nothing was promoted",
                    hint="promote again",
                )
            sources[step.path.resolve().relative_to(root.resolve()).as_posix()] = notebook
        parameters = {step: as_json(values) for step, values in plan.parameters.items()}
        versions = self._stores.versions
        outside = {(read.kind, read.ref) for _, read in plan.graph.external}
        lock = {f"{kind}:{ref}": versions[kind].resolve(ref).digest for kind, ref in outside}
        archive = freezing.freeze(freezing.Frozen(plan.name, sources, parameters, lock, environment))
        stored = self._stores.objects.put(archive)
        detail = {"steps": [step.name for step in plan.graph.steps], "parameters": parameters}
        return self._versions.add(
            plan.name,
            digest=stored.digest,
            root=stored.digest,
            size=stored.size,
            new_bytes=stored.new_bytes,
            message=message,
            detail=detail,
        )


def refuse_findings(name: str, findings: Sequence[Finding]) -> None:
    """Refuse when the lint found an error; the message names notebook, cell, line and fix of each.

    Raises
    ------
    RefusedError
        When there is one.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        named = "\n".join(
            f"  cell {one.cell} line {one.line} of {one.notebook}: {one.message}\n    fix: {one.fix}"
            for one in errors[:5]
        )
        raise RefusedError(
            f"{name} was not promoted: the lint found {len(errors)} errors\n{named}", hint=f"nbmlops lint {name}"
        )


def _judged(row: Any) -> Outcome:
    """A report that a step made, as one outcome of the promotion."""
    status: Any = "failed" if row.status == "errored" else row.status
    return Outcome(f"suite {row.suite}", None, status, row.status, "passed", f"on {row.subject}, report {row.id}", ())


def _linted(findings: Sequence[Finding]) -> Outcome:
    warnings = [finding for finding in findings if finding.severity == "warning"]
    detail = "; ".join(f"cell {one.cell} of {one.notebook}: {one.message}" for one in warnings[:3])
    status: Any = "warned" if warnings else "passed"
    return Outcome("lint", None, status, f"{len(warnings)} warnings", "no errors", detail, ())
