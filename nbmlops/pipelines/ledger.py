"""The ledger: which step of which pipeline run is claimed, and which has committed, with what result.

One row for each ``(pipeline, logical_time, parameters_digest, step, generation)``. A claim holds for as long
as the pipeline run that claimed is being written: who shares a machine with its writer knows whether it
lives, and anybody else waits for the lease, which is renewed for as long as the work goes on. A commit needs
the fencing token of the claim, so that a writer whose claim has passed to another cannot commit any more. A
committed row is also the cache: a step whose key (`step_key`) has committed before is skipped, and its
outputs are taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.actions import UnderWayError
from nbmlops.core.errors import ConflictError
from nbmlops.pipelines import queries
from nbmlops.pipelines.beating import beating

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.plan import Plan
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["BEAT", "LEASE", "WHOLE", "Claimant", "Committed", "Holder", "LateError", "Ledger", "Slot", "Taken"]

WHOLE = "*"
"""In place of a step: the run of the whole pipeline, which has a row when it stands for a time."""

LEASE, BEAT = timedelta(seconds=20), 5.0
"""How long a claim holds that is not renewed, and seconds between two renewals."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Key of one row of the ledger."""

    pipeline: str
    logical_time: str
    parameters_digest: str
    step: str
    generation: int = 0

    @classmethod
    def of(cls, plan: Plan, step: str, run_id: str = "") -> Slot:
        """The slot of a step in the pipeline run `run_id`, which stands for itself where it stands for no time."""
        return cls(plan.name, plan.logical_time or run_id, plan.parameters_digest, step, plan.generation)

    @property
    def key(self) -> dict[str, Any]:
        """The columns of the primary key."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: a pipeline run, for the step that has this key, of a frozen version (its digest) or of none.

    `parts` is what the key is made of.
    """

    run_id: str
    step_key: str
    version: str | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the claim on a step that is run elsewhere: which attempt, in which task, on which worker.

    A cluster may start one attempt twice, or late; the later attempt counts, and of one attempt the first task.
    """

    attempt: int
    task: str
    worker: str

    def is_late(self, row: Any, run_id: str) -> bool:
        """Whether the run has given the step of this row to somebody else."""
        known = (row.outputs or {}).get("holder") if row.run_id == run_id else None
        if known is None or known["attempt"] < self.attempt:
            return False
        return bool(known["attempt"] > self.attempt or known["task"] != self.task)


class LateError(ConflictError):
    """A step of a run was given to somebody else, or has committed in the run."""


@dataclass(frozen=True, slots=True)
class Committed:
    """Result of a committed step: its run, the versions it wrote and those it read.

    `outputs` are ids of versions; `reads` are triples of kind, name and digest, for the names that
    were read without saying which version; `step_key` is the key of the step then, and
    `parts` what it was made of, by which a later one is compared with it.
    """

    run_id: str
    outputs: tuple[int, ...]
    reads: tuple[tuple[str, str, str], ...]
    step_key: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Any) -> Committed:
        """The result that a row of the ledger holds."""
        reads = tuple(tuple(read) for read in row.outputs["reads"])
        return cls(row.run_id, tuple(row.outputs["versions"]), reads, row.step_key, row.outputs.get("parts", {}))


class Taken(NamedTuple):
    """A result that a step takes over: where, for whom, and what it is."""

    slot: Slot
    claimant: Claimant
    result: Committed


class Ledger:
    """Claims and commits steps.

    Parameters
    ----------
    catalog : Catalog
        Where the rows live.
    clock : Clock
        Tells when a lease ends.
    lives : callable
        Whether the writer of a run lives, None when that cannot be told here.
    holder : Holder, optional
        In whose name steps are claimed, where their run is elsewhere.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        lives: Callable[[Connection, str | None], bool | None],
        holder: Holder | None = None,
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._lives = lives
        self._holder = holder

    def claim(self, slot: Slot, claimant: Claimant, *, again: bool = False) -> int:
        """Claim a slot and return the fencing token.

        Parameters
        ----------
        slot : Slot
            What to claim.
        claimant : Claimant
            For whom.
        again : bool
            Whether the claim on the whole run is held, so that nobody else's on a step counts; one that has
            committed may be claimed again then, as the run has not.

        Raises
        ------
        UnderWayError
            When somebody else's claim still holds.
        ConflictError
            When it has committed.
        LateError
            When its run has given it to another holder, or has committed it.
        """
        return self._catalog.transact(lambda c: self.claim_within(c, slot, claimant, again=again))

    def claim_within(self, connection: Connection, slot: Slot, claimant: Claimant, *, again: bool = False) -> int:
        """`claim` in a transaction of the caller's, which is to hold nothing that may not be done twice."""
        row, now = queries.slot(connection, slot.key), self._clock.now()
        if self._holder is not None:
            self._refuse_late(connection, self._holder, row, claimant)
            again = True
        if row is not None and row.state == "committed" and not again:
            raise ConflictError(f"{slot.step} of {slot.pipeline} at {slot.logical_time} has committed already")
        if row is not None and row.state == "claimed" and not again and self._holds(connection, row):
            raise UnderWayError(
                f"{slot.step} of {slot.pipeline} at {slot.logical_time} is being run by somebody else",
                hint="wait for it to end",
            )
        token = row.token + 1 if row is not None else 1
        held = {"outputs": {"holder": asdict(self._holder)}} if self._holder else {}
        queries.put_slot(connection, slot.key, {**_claimed(claimant, token, now), **held, "ended_at": None})
        return token

    def _refuse_late(self, connection: Connection, holder: Holder, row: Any, claimant: Claimant) -> None:
        if row is None:
            return
        if row.state == "committed" and queries.parent(connection, row.run_id) == claimant.run_id:
            raise LateError(f"{row.step} of {row.pipeline} has committed in this run already")
        if holder.is_late(row, claimant.run_id):
            raise LateError(f"{row.step} of {row.pipeline} was given to somebody else in this run")

    def take_away(self, connection: Connection, slot: Slot, run_id: str, attempt: int) -> Holder | None:
        """Take a step away from the attempt of a run that had it, which cannot claim, save or commit any more.

        Who held it, None when the attempt has not begun. Nothing is changed where it has committed.
        """
        row = queries.slot(connection, slot.key)
        mine = row is not None and row.state == "claimed" and row.run_id == run_id
        found = (row.outputs or {}).get("holder") if mine else None
        if found is None or found["attempt"] != attempt:
            return None
        over = {"outputs": {"holder": {**found, "task": ""}}, "ended_at": self._clock.now()}
        values = {"state": "failed", "token": row.token + 1, "lease_until": None, **over}
        queries.end_slot(connection, slot.key, row.token, values)
        return Holder(**found)

    def under_way(self, plan: Plan, run_id: str) -> dict[str, tuple[Holder, datetime]]:
        """The steps that a run has others run now: who holds each, and until when."""
        at, digest = plan.logical_time or run_id, plan.parameters_digest
        key = {"pipeline": plan.name, "logical_time": at, "parameters_digest": digest, "generation": plan.generation}
        rows = self._catalog.read(lambda c: queries.claimed(c, key, run_id))
        return {row.step: (Holder(**row.outputs["holder"]), row.lease_until) for row in rows if "holder" in row.outputs}

    def _holds(self, connection: Connection, row: Any) -> bool:
        lives = self._lives(connection, row.run_id)
        return bool(row.lease_until > self._clock.now()) if lives is None else lives

    def renewing(
        self, slot: Slot, token: int, lost: Callable[[], object] = lambda: None
    ) -> AbstractContextManager[None]:
        """Renew a claim while the body runs, so that it holds for others who cannot see this process.

        `lost` is called when it has passed to another.
        """

        def renew(connection: Connection) -> bool:
            return queries.end_slot(connection, slot.key, token, {"lease_until": self._clock.now() + LEASE})

        def beat() -> None:
            if not self._catalog.transact(renew):
                lost()

        # A catalog that is away is waited for by whoever needs its answer; the commit looks at the token.
        return beating(beat, BEAT, lambda _: None)

    def commit(self, connection: Connection, slot: Slot, token: int, result: Committed) -> None:
        """Commit a claimed slot, in the transaction that ends the step.

        Raises
        ------
        ConflictError
            When the claim has passed to another.
        """
        if not queries.end_slot(connection, slot.key, token, _committed(result, self._clock.now())):
            raise ConflictError(f"{slot.step} of {slot.pipeline} was claimed by somebody else in the meantime")

    def release(self, connection: Connection, slot: Slot, token: int) -> None:
        """Give up a claim in the transaction that ends a failed step, so that it can be tried again."""
        values = {"state": "failed", "lease_until": None, "ended_at": self._clock.now()}
        queries.end_slot(connection, slot.key, token, values)

    def take_over(self, connection: Connection, taken: Sequence[Taken]) -> None:
        """Record slots of one run as committed with earlier results; one that has its result already is left alone.

        Raises
        ------
        ConflictError
            When the time that the run stands for has passed to another run.
        """
        if not taken:
            return
        slot, mine = taken[0].slot, taken[0].claimant.run_id
        rows = queries.slots(connection, slot.key, (WHOLE, *(each.slot.step for each in taken)))
        whole = rows.get(WHOLE)
        if whole is not None and (whole.state, whole.run_id) != ("claimed", mine):
            raise ConflictError(f"{slot.pipeline} at {slot.logical_time} was claimed by somebody else in the meantime")
        added, now = [], self._clock.now()
        for slot, claimant, result in taken:
            row = rows.get(slot.step)
            if self._holder is not None:
                self._refuse_late(connection, self._holder, row, claimant)
            if row is not None and row.state == "committed" and row.step_key == claimant.step_key:
                continue
            # A claim and its commit in one: whoever held one before has a lower token.
            claimed = _claimed(claimant, 1 if row is None else row.token + 1, now)
            values = {**claimed, **_committed(result, now)}
            if row is None:
                added.append({**slot.key, **values})
            else:
                queries.put_slot(connection, slot.key, values)
        queries.put_slots(connection, added)

    def committed(self, slot: Slot) -> str | None:
        """The run that a slot has committed with; None when it has not."""
        row = self._catalog.read(lambda c: queries.slot(c, slot.key))
        return row.run_id if row is not None and row.state == "committed" else None

    def cached(self, step_key: str) -> list[Committed]:
        """Committed results of a step key, newest first, whose versions are all still there."""
        rows = self._catalog.read(lambda c: queries.committed(c, step_key=step_key))
        return [Committed.of(row) for row in rows]

    def newest(self, step_keys: Iterable[str]) -> dict[str, Committed | None]:
        """The newest committed result of each key that has one, None where its versions are not all still there."""
        rows = self._catalog.read(lambda c: queries.newest(c, step_keys))
        return {key: None if row is None else Committed.of(row) for key, row in rows.items()}

    def of_step(self, pipeline: str, step: str) -> list[Committed]:
        """Committed results of a step, newest first, whatever its key was."""
        rows = self._catalog.read(lambda c: queries.committed(c, pipeline=pipeline, step=step))
        return [Committed.of(row) for row in rows]

    def of_run(self, pipeline: str, logical_time: str, run_ids: Collection[str]) -> dict[str, Committed]:
        """What a run has committed, by step.

        Parameters
        ----------
        pipeline : str
            Its pipeline.
        logical_time : str
            The time that it stands for, or else its id.
        run_ids : collection of str
            The runs of its steps; others may stand for the same time with other parameters.
        """
        which = {"pipeline": pipeline, "logical_time": logical_time}
        rows = self._catalog.read(lambda c: queries.committed(c, limit=None, **which))
        return {row.step: Committed.of(row) for row in reversed(rows) if row.run_id in run_ids and row.step != WHOLE}


def _claimed(claimant: Claimant, token: int, now: datetime) -> dict[str, Any]:
    claimed = {"state": "claimed", "token": token, "lease_until": now + LEASE, "started_at": now}
    who = {"step_key": claimant.step_key, "run_id": claimant.run_id, "pipeline_version": claimant.version}
    return {**claimed, **who}


def _committed(result: Committed, now: datetime) -> dict[str, Any]:
    reads = [list(read) for read in result.reads]
    content = {"versions": list(result.outputs), "reads": reads, "parts": dict(result.parts)}
    return {"state": "committed", "outputs": content, "run_id": result.run_id, "ended_at": now}
