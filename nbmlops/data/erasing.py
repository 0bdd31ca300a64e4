"""The verb ``erase``: rows leave every version of some names, and every trace of them that can be reached.

The order makes it safe to cut off anywhere. First the intent is written down. Then everything that needs the condition
is done without touching a version: successors are written, recorded texts too. One transaction puts them in the place
of the old ones, with tombstones and the audit Event. What is left after it needs digests only, so `resume` completes
it without the condition: the lock, the old bytes, the catalog's freed pages.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from nbmlops.data import leftovers, queries
from nbmlops.data.erasable import Erasable, Sought
from nbmlops.data.erasing_afar import RemoteEraser
from nbmlops.data.erasure_plan import Plan, Planner
from nbmlops.data.erasure_records import Descendant, Erased, Erasure
from nbmlops.data.leftovers import Leftovers
from nbmlops.data.literals import Literals
from nbmlops.data.saving import needs
from nbmlops.data.succeeding import Successors, with_content
from nbmlops.data.survey import Survey
from nbmlops.store import audit, erasures, holds, scrubbing, tombstones, turns
from nbmlops.store.redaction import Redaction
from nbmlops.store.versions import Versions

if TYPE_CHECKING:
    from nbmlops.data.lockfile import LockFile
    from nbmlops.data.saving import Tables
    from nbmlops.data.secret import SecretCondition
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.erasures import Intent, State
    from nbmlops.store.exchange import Exchange
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["Eraser"]

Progress = Callable[[int], None]
_TRIES = 3
_CUT_OFF = timedelta(hours=1)
"""After so long, what was stored and nothing refers to is taken for the rest of a save that was cut off."""


class _MovedOnError(Exception):
    """Versions were made, or changed, after the plan was."""


class Eraser:
    """Carries out one erasure.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of data.
    objects : ObjectStore
        Where tables lie.
    lineage : Lineage
        Knows what was made from what.
    lock : LockFile
        The project's ``nbmlops.lock``.
    tables : Tables
        Writes tables.
    state : Path
        The workspace's own folder.
    exchange : Exchange
        Knows the remotes.
    beyond : sequence of Erasable
        What keeps such rows besides.
    """

    def __init__(
        self,
        versions: Versions,
        objects: ObjectStore,
        lineage: Lineage,
        lock: LockFile,
        tables: Tables,
        state: Path,
        exchange: Exchange,
        beyond: Sequence[Erasable] = (),
    ) -> None:
        self._beyond = beyond
        self._versions = versions
        self._catalog: Catalog = versions.catalog
        self._objects = objects
        self._lineage = lineage
        self._lock = lock
        self._tables = tables
        self._clock = versions.clock
        self._state = state
        self._exchange = exchange
        self._afar = RemoteEraser(exchange)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other erasures of this workspace out.

        Raises
        ------
        ConflictError
            When one is going on.
        """
        path = self._state / "erase.guard"
        try:
            with path.open("w") as guard:
                try:
                    fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ConflictError("an erasure is going on in this workspace", hint="wait for its end") from None
                yield
        except PermissionError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror}", hint="check its permissions") from error

    def plan(
        self,
        names: tuple[str, ...],
        condition: SecretCondition,
        remotes: Sequence[str],
        progress: Progress | None,
        *,
        fetch: bool,
    ) -> tuple[Plan, Erasure]:
        """Find out what would happen, and how it is told; `remotes` are such as the project does not name.

        With `fetch` what remotes alone have of the names is fetched, to be looked through with what is here.
        """
        if fetch:
            self._afar.fetch(names, remotes, progress)
        self._catalog.settle()  # what was said of runs may stand in a journal yet
        literals = Literals.of(condition.reveal())
        plan = self._planned(names, condition, literals, progress)
        self._catalog.read(plan.refuse_held)
        found = Leftovers()
        found.reached(place.find(Sought(condition, literals)) for place in self._beyond)
        redaction = literals.redaction()
        found.look(self._objects, self._catalog, redaction, plan.rows_by_ref(), progress, write=False)
        found.look_through_versions(self._objects, self._searched(), redaction, progress)
        found.listed += leftovers.in_project(self._state.parent, redaction)
        listed = (*found.listed, *self._catalog.read(lambda c: _named_so(c, redaction)))
        told = plan.unjudged, plan.descendants, found.records, listed, literals.left_out
        return plan, Erasure("", "planned", names, plan.erased({}), *told, remotes=self._afar.planned(names, remotes))

    def _planned(
        self, names: tuple[str, ...], condition: SecretCondition, literals: Literals, progress: Progress | None
    ) -> Plan:
        survey = Survey(self._objects, condition, literals, progress)
        plan = Planner(self._versions, self._objects, self._lineage, survey, self._exchange.absent).plan(names)
        before = self._clock.now() - _CUT_OFF
        strays = self._catalog.read(partial(queries.stored, before)) - self._held() - plan.doomed
        return replace(plan, doomed=plan.doomed.union(filter(survey.holds_stray, sorted(strays))))

    def erase(
        self, plan: Plan, condition: SecretCondition, remotes: Sequence[str], progress: Progress | None
    ) -> Erasure:
        """Carry out a plan; made anew when versions were saved meanwhile."""
        meant = self._afar.meant(remotes)
        literals = Literals.of(condition.reveal())
        erasure_id = erasures.begin(self._catalog, self._clock, plan.names, condition.reveal())
        try:
            for left in reversed(range(_TRIES)):
                try:
                    self._replace(erasure_id, plan, Sought(condition, literals), meant, progress)
                    break
                except _MovedOnError:
                    if not left:
                        raise ConflictError(
                            "others keep saving things, so nothing was erased", hint="erase when they are done"
                        ) from None
                    plan = self._planned(plan.names, condition, literals, progress)
        except BaseException:
            erasures.drop(self._catalog, erasure_id)  # does nothing once the rows have left
            raise
        (intent,) = (one for one in erasures.unfinished(self._catalog) if one.id == erasure_id)
        return self.complete(intent, literals.redaction(), progress)

    def _replace(
        self, erasure_id: str, plan: Plan, sought: Sought, remotes: Sequence[str], progress: Progress | None
    ) -> None:
        """Write all that takes the place of the old, then put it there."""
        literals = sought.literals
        redaction = literals.redaction()
        writer = Successors(self._objects, self._tables, redaction, progress)
        made = {content.version.digest: writer.write(content) for content in plan.contents()}
        anew = {version.id: writer.rewrite(version) for version in plan.dependents}
        found = self._leftovers(plan, sought, progress)
        held = [digest for version in [*made.values(), *anew.values()] for digest in needs(version)]
        held += [digest for digest, _ in found.moved.values()]
        into = {digest: version.digest for digest, version in made.items()}
        detail = {
            "versions": [asdict(version) for version in plan.erased(into)],
            "unjudged": list(plan.unjudged),
            "descendants": [asdict(descendant) for descendant in plan.descendants],
            "listed": found.listed,
            "left_out": list(literals.left_out),
            "remotes": {name: {} for name in remotes},
            "doomed": sorted({*plan.doomed, *found.moved}.difference(held)),
        }

        def work(connection: Connection) -> None:
            if frozenset(queries.world(connection)) != plan.world:
                raise _MovedOnError
            before = holds.held_records(connection)
            turns.hold(connection, held)
            for version, _ in plan.touched:
                queries.replace_version(
                    connection, with_content(version, made[version.digest]), version.digest, erasure_id
                )
            for version in plan.dependents:
                queries.replace_version(connection, with_content(version, anew[version.id]), version.digest, erasure_id)
            scrubbing.replace_objects(connection, found.moved)
            records = dict(found.records)
            for table, count in scrubbing.scrub(connection, redaction).items():
                records[table] = records.get(table, 0) + count
            holds.refuse_change(connection, before, "erased")
            listed = [*found.listed, *_named_so(connection, redaction)]
            said = {"erasure": erasure_id, "rows": sum(len(content.rows) for _, content in plan.touched)}
            said |= {"versions": [[one.ref, one.before, one.after, one.rows] for one in plan.erased(into)]}
            said |= {"records": records, "chain_made_anew": records.get("event", 0)}
            audit.append(connection, self._clock, "data.erase", ", ".join(plan.names), said)
            detail.update(records=records, listed=listed, at=self._clock.now().isoformat())
            erasures.put(connection, erasure_id, "purging", detail)

        self._catalog.erase(work)

    def _leftovers(self, plan: Plan, sought: Sought, progress: Progress | None) -> Leftovers:
        found, redaction = Leftovers(), sought.literals.redaction()
        found.reached(place.erase(sought) for place in self._beyond)
        found.look(self._objects, self._catalog, redaction, plan.rows_by_ref(), progress, write=True)
        found.look_through_versions(self._objects, self._searched(), redaction, progress)
        notebooks = leftovers.clear_notebooks(self._state / "runs", redaction, write=True)
        if notebooks:
            found.records["notebooks"] = notebooks
        leftovers.clear_handed_out(self._state / "scratch", set(), redaction)
        found.listed += leftovers.in_project(self._state.parent, redaction)
        return found

    def _searched(self) -> list[Version]:
        """Versions that stay as they are, and are looked through: no tables, frozen pipelines, features."""
        own = [version for version in self._versions.everything() if not self._exchange.absent(version)]
        others = [Versions(self._catalog, self._clock, kind).everything() for kind in ("pipeline", "feature")]
        return [version for versions in (own, *others) for version in versions if _is_searched(version)]

    def resume(self, remotes: Sequence[str], progress: Progress | None) -> Erasure:
        """Complete the oldest erasure that was cut off, or waits for remotes; one that changed nothing is dropped.

        With remotes, they are purged of all that was ever erased here, whether or not an erasure waits for them.

        Raises
        ------
        NotFoundError
            When there is none.
        RefusedError
            When nothing of it had happened: it needs its condition again.
        """
        intents = erasures.unfinished(self._catalog)
        going_on = [intent for intent in intents if intent.state != "begun"]
        for intent in intents:
            if intent.state == "begun":
                erasures.drop(self._catalog, intent.id)
        last = going_on[0] if going_on else erasures.newest(self._catalog) if remotes else None
        if last is not None:
            return self.complete(self._reopened(last, remotes), Redaction(), progress)
        if intents:
            names = " ".join(intents[0].names)
            raise RefusedError(
                f"the erasure of {names} was cut off before any row left; it is dropped",
                hint=f"`ml data erase {names}` does it from the beginning",
            )
        raise NotFoundError("no erasure was cut off; nothing to resume")

    def _reopened(self, intent: Intent, remotes: Sequence[str]) -> Intent:
        """An erasure that waits for some more remotes."""
        if not remotes:
            return intent
        waiting = dict(intent.detail.get("remotes", {}))
        detail = {**intent.detail, "remotes": {name: {} for name in self._afar.meant(remotes)} | waiting}
        state: State = "purging" if intent.state == "purging" else "pending"
        self._catalog.transact(lambda c: erasures.put(c, intent.id, state, detail))
        return replace(intent, state=state, detail=detail)

    def complete(self, intent: Intent, redaction: Redaction, progress: Progress | None) -> Erasure:
        """Do what is left to do once the rows have left; only records on remotes are searched for values besides."""
        freed = self._purge_here(intent, progress) if intent.state == "purging" else 0
        afar = self._afar.purge(intent, redaction, progress)
        detail: Mapping[str, Any] = intent.detail
        return Erasure(
            intent.id,
            "done" if all(one.done for one in afar) else "pending",
            intent.names,
            tuple(Erased(**version) for version in detail["versions"]),
            tuple(detail["unjudged"]),
            tuple(Descendant(**descendant) for descendant in detail["descendants"]),
            detail["records"],
            tuple(detail["listed"]),
            tuple(detail["left_out"]),
            freed,
            afar,
            at=datetime.fromisoformat(detail["at"]),
        )

    def _purge_here(self, intent: Intent, progress: Progress | None) -> int:
        """Take the old bytes out of everything that is here; bytes by which the store is smaller."""
        detail: Mapping[str, Any] = intent.detail
        leftovers.clear_handed_out(self._state / "scratch", {one["before"] for one in detail["versions"]}, Redaction())
        leftovers.clear_backups(self._catalog, self._state)
        self._follow(intent.names)
        for place in self._beyond:
            place.settle()
        freed = self._objects.purge(detail["doomed"], progress, self._held).freed
        self._catalog.vacuum()
        waits = bool(detail.get("remotes"))
        ended = None if waits else self._clock.now()
        self._catalog.transact(lambda c: erasures.put(c, intent.id, "pending" if waits else "done", detail, ended))
        return freed

    def _follow(self, names: tuple[str, ...]) -> None:
        """Let the lock name the successors."""
        locked = self._lock.read()
        led = {
            name: tombstones.successor_of(self._catalog, "data", name, locked[name]) for name in names if name in locked
        }
        self._lock.update(led)

    def _held(self) -> set[str]:
        """All objects that anything refers to now."""
        held = self._catalog.read(queries.held)
        for version in self._versions.everything():
            if version.freed_at is None and not self._exchange.absent(version):
                held.update(self._exchange.all_needs(version))
        return held


def _named_so(connection: Connection, redaction: Redaction) -> list[str]:
    return [f"{what}: give it another" for what in scrubbing.named_so(connection, redaction)]


def _is_searched(version: Version) -> bool:
    """Whether a version is no table, and in the store still."""
    return version.freed_at is None and (version.kind != "data" or version.detail["format"] != "table")
