"""Promotes a pipeline: lint, prove, gate, freeze, move. The verdict is computed outside any transaction.

The transaction that moves the alias only re-checks that the alias is where it was when the promotion
began, and that as many others must approve, then writes the report, the version, the move and its Event together. Where
others must approve, it writes in place of the move that it was asked for; `nbmlops.pipelines.approving` goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.models.records import Promotion
from nbmlops.pipelines import queries
from nbmlops.pipelines.frozen_content import Proved, content_of
from nbmlops.pipelines.metrics import by_step
from nbmlops.pipelines.proof import compare
from nbmlops.pipelines.taking_over import SKIPPED
from nbmlops.store.asks import Grounds

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.core.signs import StepProgress
    from nbmlops.models.approvals import Approvals, Rule
    from nbmlops.pipelines.linting.finding import Finding
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.records import PipelineRun
    from nbmlops.pipelines.runner import Runner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.aliases import Aliases
    from nbmlops.store.asks import Ask
    from nbmlops.store.catalog import Connection
    from nbmlops.store.versions import Version
    from nbmlops.tracking.records import Run

__all__ = ["PipelinePromoter", "Submission"]

_CHILDREN = 1_000


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be promoted: a plan, to which alias, proved against which run, in which environment, and why."""

    plan: Plan
    alias: str
    against: Run | None
    environment: Mapping[str, Any]
    message: str | None = None


class PipelinePromoter:
    """Carries out promotions of pipelines.

    Parameters
    ----------
    stores : Stores
        Where runs, reports and versions are.
    runner : Runner
        Executes the proof.
    aliases : Aliases
        Moves the alias.
    approvals : Approvals
        Holds a move back that others must approve.
    clock : Clock
        Tells when.
    root : Path
        The project's folder.
    """

    def __init__(
        self, stores: Stores, runner: Runner, aliases: Aliases, approvals: Approvals, clock: Clock, root: Path
    ) -> None:
        self._stores = stores
        self._runner = runner
        self._aliases = aliases
        self._approvals = approvals
        self._clock = clock
        self._root = root
        self._versions = stores.versions["pipeline"]

    def promote(self, submission: Submission, progress: Callable[[StepProgress], None] | None = None) -> Promotion:
        """Lint, prove, gate, freeze and move, or ask others for it; see `Pipelines.promote`."""
        plan, alias = submission.plan, submission.alias
        rule = self._approvals.rule(plan.name, alias)
        findings = _lint(plan)
        refuse_findings(plan.name, findings)
        before = self._position(plan.name, alias)
        reference = self._reference(plan, submission.against, progress)
        proof = self._runner.run(plan, kind="proof", cache=False, like=reference.id, progress=progress)
        suites = self._suites(proof)
        outcomes = [_linted(findings), *self._compare(reference, proof.run), *_gate(suites)]
        subject = f"{plan.name} ({proof.run.name} against {reference.name})"
        report = Report(None, f"promote {plan.name}", "infrastructure", subject, tuple(outcomes), self._clock.now())
        unmoved = Promotion("pipeline", plan.name, alias, before.ref if before else None, None, report, moved=False)
        if not report.passed:
            raise _refused(replace(unmoved, report=self._stores.checks.save(report)))
        content = content_of(self._stores, plan, Proved(proof.run.id, suites, submission.environment), self._root)
        content["message"] = submission.message
        return self._moved(unmoved, rule, before, content)

    def _moved(self, promotion: Promotion, rule: Rule, before: Version | None, content: Mapping[str, Any]) -> Promotion:
        """Write the verdict, the version, and the move or what asks for it: all of them or none."""
        name, alias, judged = promotion.name, promotion.alias, promotion.report
        expected = before.id if before else None
        version: Version | None = None
        waits: Ask | None = None
        assert judged is not None

        def move(connection: Connection, number: int) -> None:
            nonlocal version, waits
            version = self._versions.add_in(connection, name, content)
            queries.judged(connection, number, version.id, judged.created_at)
            self._approvals.recheck(name, alias, rule)
            if rule.needed:
                grounds = Grounds(expected, number, rule.digest, rule.needed)
                waits = self._approvals.hold(connection, alias, version, grounds, content["message"])
            else:
                self._aliases.move(connection, alias, version, expected=expected, report_id=number)

        report = self._stores.checks.save(judged, also=move)
        assert version is not None
        moved = version.id != expected and not rule.needed
        return replace(promotion, after=version.ref, report=report, moved=moved, waits=waits)

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
                f"{against.name} is not a run of the pipeline {plan.name}", hint=f"`ml pipeline run {plan.name}`"
            )
        if against.status != "finished":
            raise InvalidError(f"{against.name} is {against.status}; only a finished run can be proved")
        return against

    def _compare(self, reference: Run, proof: Run) -> list[Outcome]:
        catalog = self._versions.catalog
        before = catalog.read(lambda c: queries.outputs(c, reference.id))
        after = catalog.read(lambda c: queries.outputs(c, proof.id))
        return compare(before, after, by_step(self._metrics(reference)), by_step(self._metrics(proof)))

    def _metrics(self, run: Run) -> dict[str, Mapping[str, float]]:
        """Metrics of each step of a run, of those too whose earlier result it took over."""
        runs = self._stores.runs
        own = {child.experiment: child.metrics for child in runs.list(_CHILDREN, parent_id=run.id)}
        skipped = {tag: name for tag, name in run.tags.items() if tag.startswith(SKIPPED)}
        return own | {tag.removeprefix(SKIPPED): runs.show(name).metrics for tag, name in skipped.items()}

    def _suites(self, proof: PipelineRun) -> list[Any]:
        """Rows of the reports that the proof's own steps made."""
        children = self._stores.runs.list(_CHILDREN, parent_id=proof.run.id)
        return self._versions.catalog.read(lambda c: queries.reports_of(c, [run.id for run in children]))


def _lint(plan: Plan) -> list[Finding]:
    """Findings in the very notebooks that are proved."""
    from nbmlops.pipelines.linting.lint import lint

    return [finding for step in plan.graph.steps for finding in lint(plan.notebooks[step.name], step.path)]


def _refused(promotion: Promotion) -> RefusedError:
    report = promotion.report
    assert report is not None
    named = "\n".join(f"  {outcome}: {outcome.detail}" for outcome in report.failures[:5])
    failed = f"{len(report.failures)} of {len(report.outcomes)} checks failed"
    stays = f"stays on {promotion.before}" if promotion.before else "stays unset"
    return RefusedError(
        f"{promotion.name} was not promoted: {failed}; {promotion.alias} {stays}\n{named}",
        hint=f"`ml check show {report.id}`",
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
            f"{name} was not promoted: the lint found {len(errors)} errors\n{named}", hint=f"`ml lint {name}`"
        )


def _gate(suites: Sequence[Any]) -> list[Outcome]:
    """Every report that the proof's own steps made must have passed."""
    if not suites:
        detail = "no step of it checks its data: add %%ml check NAME --strict"
        return [Outcome("suites", None, "warned", "none", "at least one", detail, ())]
    return [_judged(row) for row in suites]


def _judged(row: Any) -> Outcome:
    """A report that a step made, as one outcome of the promotion."""
    status: Any = "failed" if row.status == "errored" else row.status
    return Outcome(f"suite {row.suite}", None, status, row.status, "passed", f"on {row.subject}, report {row.id}", ())


def _linted(findings: Sequence[Finding]) -> Outcome:
    warnings = [finding for finding in findings if finding.severity == "warning"]
    detail = "; ".join(f"cell {one.cell} of {one.notebook}: {one.message}" for one in warnings[:3])
    status: Any = "warned" if warnings else "passed"
    return Outcome("lint", None, status, f"{len(warnings)} warnings", "no errors", detail, ())
