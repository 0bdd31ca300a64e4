"""Moves aliases of models: judge first, then one transaction that re-checks and moves, or asks others to approve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import ConflictError, RefusedError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.models.approvals import Approvals
from nbmlops.models.gates import Gate
from nbmlops.models.records import Promotion, PromotionRefusedError
from nbmlops.models.verdict import Opener, Tables, integrity, judge
from nbmlops.store import lineage
from nbmlops.store.aliases import Aliases
from nbmlops.store.asks import Grounds
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.store.asks import Ask
    from nbmlops.store.catalog import Connection

__all__ = ["ModelPromoter"]


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
    settings : callable
        Gives the settings as they are now: the gates, and who must approve.
    """

    def __init__(
        self,
        versions: Versions,
        opener: Opener,
        data: Tables,
        checks: Checks,
        clock: Clock,
        settings: Callable[[], Settings],
    ) -> None:
        self._versions = versions
        self._tables = Versions(versions.catalog, clock, "data")
        self._aliases = Aliases(versions, clock)
        self._open = opener
        self._data = data
        self._checks = checks
        self._clock = clock
        self._settings = settings
        self._approvals = Approvals(versions, self._aliases, clock, lambda: settings().approvals)

    def promote(self, ref: str, to: str, message: str | None = None) -> Promotion:
        """Judge and move; see `Models.promote`."""
        check_alias(to)
        candidate = self._versions.resolve(ref)
        if candidate.number is None:
            raise RefusedError(
                f"{candidate.ref} belongs to a pipeline run that has not committed",
                hint="promote it when the run is finished",
            )
        rule = self._approvals.rule(candidate.name, to)
        champion = self._aliases.at(candidate.name, to)
        verdict = judge(candidate, champion, self._gate(candidate.name), self._data, self._open)
        report = self._keep(f"promote {to}", candidate, verdict.outcomes)
        before = champion.ref if champion else None
        promotion = Promotion("model", candidate.name, to, before, candidate.ref, report, moved=False)
        if not report.passed:
            raise PromotionRefusedError.of(promotion, candidate.ref)
        if champion is not None and champion.id == candidate.id:
            return promotion
        expected, number = champion.id if champion else None, report.id or 0
        judged_on = {"policy": verdict.policy, "holdout": verdict.holdout, "train": verdict.train}

        def work(connection: Connection) -> Ask | None:
            self._recheck(connection, candidate.name, judged_on)
            self._approvals.recheck(candidate.name, to, rule)
            if rule.needed:
                grounds = Grounds(expected, number, rule.digest, rule.needed, judged_on)
                return self._approvals.hold(connection, to, candidate, grounds, message)
            said = {**judged_on, "message": message} if message else judged_on
            self._aliases.move(connection, to, candidate, expected=expected, report_id=number, detail=said)
            return None

        waits = self._versions.catalog.transact(work)
        return replace(promotion, moved=not rule.needed, waits=waits)

    def approve(self, ref: str, alias: str, message: str | None) -> Promotion:
        """Let go on what another person asked for; see `Models.approve`."""
        for ask in self._approvals.told(Ref.parse(ref).name):
            if (ask.state, ask.alias) == ("waiting", alias):
                candidate = self._versions.get(ask.version_id)
                _, held = integrity(candidate, self._open)
                if held.status != "passed":
                    raise RefusedError(
                        f"{candidate.ref} cannot be approved: {held.detail}", hint=f"`ml model load {candidate.ref}`"
                    )
        return self._approvals.approve(
            ref, alias, message, lambda connection, ask: self._recheck(connection, ask.name, ask.grounds.judged_on)
        )

    def reject(self, ref: str, alias: str, message: str | None) -> Ask:
        """Say no to what waits; see `Models.reject`."""
        return self._approvals.reject(ref, alias, message)

    def asked(self, name: str) -> dict[int, tuple[str, ...]]:
        """What others were asked to approve of a model, and what became of it, by the id of the version."""
        found: dict[int, tuple[str, ...]] = {}
        for ask in self._approvals.told(name):
            found[ask.version_id] = (*found.get(ask.version_id, ()), ask.where)
        return found

    def told(self, name: str) -> list[Ask]:
        """All that was ever asked of a model, the oldest first, with what became of it."""
        return self._approvals.told(name)

    def waiting(self, name: str | None) -> list[Ask]:
        """What waits for approval; see `Models.waiting`."""
        return [ask for ask in self._approvals.told(name) if ask.state == "waiting"]

    def way_back(self, name: str, alias: str) -> tuple[Version, Version]:
        """Where an alias is, and where a rollback takes it; see `Models.way_back`."""
        return self._aliases.way_back(name, check_alias(alias))

    def rollback(self, name: str, alias: str) -> Promotion:
        """Move back; see `Models.rollback`."""
        present, earlier = self.way_back(name, alias)
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
        table = self._settings().gates.get(name)
        return None if table is None else Gate.parse(name, table, self._versions.root)

    def _keep(self, suite: str, subject: Version, outcomes: tuple[Outcome, ...]) -> Report:
        known = self._clock.now(), lineage.current().run_id, (f"model:{subject.id}",)
        return self._checks.save(Report(None, suite, "model", subject.ref, outcomes, *known))

    def _recheck(self, connection: Connection, name: str, judged_on: Mapping[str, str | None]) -> None:
        """Refuse when the gate or one of its tables is no longer what the verdict was computed on."""
        gate = self._gate(name)
        if (gate.digest if gate else None) != judged_on["policy"]:
            raise ConflictError(f"the gate of {name} changed since it was judged", hint="promote again")
        if gate is None:
            return
        for what, ref, digest in (
            ("held-out", gate.holdout, judged_on["holdout"]),
            ("training", gate.train, judged_on["train"]),
        ):
            if ref is None:
                continue
            table = self._tables.resolve_in(connection, Ref.parse(ref))
            if table.digest != digest:
                raise ConflictError(
                    f"the {what} table {ref} changed since {name} was judged: it is {table.ref} now",
                    hint="promote again",
                )
