"""Moves aliases of models: judge first, then one transaction that re-checks and moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import ConflictError, RefusedError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.models.gates import Gate
from nbmlops.models.records import Promotion, PromotionRefusedError
from nbmlops.models.verdict import Opener, Tables, Verdict, integrity, judge
from nbmlops.store import lineage
from nbmlops.store.aliases import Aliases
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock

__all__ = ["Gates", "ModelPromoter"]

Gates = Callable[[], Mapping[str, Mapping[str, Any]]]


class ModelPromoter:
    """Carries out promotions and rollbacks of models.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``model``.
    opener : callable
        Opens a version after all checks of trust.
    data : Tables
        Where gates find their held-out tables.
    checks : Checks
        Keeps the reports.
    clock : Clock
        Tells when.
    gates : callable
        Gives the gates as they are now.
    """

    def __init__(
        self, versions: Versions, opener: Opener, data: Tables, checks: Checks, clock: Clock, gates: Gates
    ) -> None:
        self._versions = versions
        self._tables = Versions(versions.catalog, clock, "data")
        self._aliases = Aliases(versions, clock)
        self._open = opener
        self._data = data
        self._checks = checks
        self._clock = clock
        self._gates = gates

    def promote(self, ref: str, to: str) -> Promotion:
        """Judge and move; see `Models.promote`."""
        check_alias(to)
        candidate = self._versions.resolve(ref)
        if candidate.number is None:
            raise RefusedError(
                f"{candidate.ref} belongs to a pipeline run that has not committed",
                hint="promote it when the run is finished",
            )
        champion = self._aliases.at(candidate.name, to)
        gate = self._gate(candidate.name)
        verdict = judge(candidate, champion, gate, self._data, self._open)
        report = self._keep(f"promote {to}", candidate, verdict.outcomes)
        before = champion.ref if champion else None
        promotion = Promotion("model", candidate.name, to, before, candidate.ref, report, moved=False)
        if not report.passed:
            raise PromotionRefusedError.of(promotion, candidate.ref)
        if champion is not None and champion.id == candidate.id:
            return promotion

        def work(connection: Any) -> None:
            self._recheck(connection, candidate.name, gate, verdict)
            self._aliases.move(
                connection,
                to,
                candidate,
                expected=champion.id if champion else None,
                report_id=report.id,
                detail={"policy": verdict.policy, "holdout": verdict.holdout, "train": verdict.train},
            )

        self._versions.catalog.transact(work)
        return replace(promotion, moved=True)

    def rollback(self, name: str, alias: str) -> Promotion:
        """Move back; see `Models.rollback`."""
        check_alias(alias)
        present, earlier = self._aliases.way_back(name, alias)
        _, held = integrity(earlier, self._open)
        report = self._keep(f"rollback {alias}", earlier, (held,))
        promotion = Promotion("model", name, alias, present.ref, earlier.ref, report, moved=False)
        if not report.passed:
            raise PromotionRefusedError.of(promotion, earlier.ref)
        self._versions.catalog.transact(
            lambda connection: self._aliases.move(
                connection, alias, earlier, expected=present.id, how="rollback", report_id=report.id
            )
        )
        return replace(promotion, moved=True)

    def _gate(self, name: str) -> Gate | None:
        table = self._gates().get(name)
        return None if table is None else Gate.parse(name, table, self._versions.root)

    def _keep(self, suite: str, subject: Version, outcomes: tuple[Outcome, ...]) -> Report:
        known = self._clock.now(), lineage.current().run_id, (f"model:{subject.id}",)
        return self._checks.save(Report(None, suite, "model", subject.ref, outcomes, *known))

    def _recheck(self, connection: Any, name: str, gate: Gate | None, verdict: Verdict) -> None:
        """Refuse when the gate or one of its tables is no longer what the verdict was computed on."""
        present = self._gate(name)
        if (present.digest if present else None) != (gate.digest if gate else None):
            raise ConflictError(f"the gate of {name} changed while it was judged", hint="promote again")
        if gate is None:
            return
        judged_on = [("held-out", gate.holdout, verdict.holdout), ("training", gate.train, verdict.train)]
        for what, ref, digest in judged_on:
            if ref is None:
                continue
            table = self._tables.resolve_in(connection, Ref.parse(ref))
            if table.digest != digest:
                raise ConflictError(
                    f"the {what} table {ref} changed while {name} was judged: it is {table.ref} now",
                    hint="promote again",
                )
