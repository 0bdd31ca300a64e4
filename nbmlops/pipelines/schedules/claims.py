"""Who does a fire: one daemon at a time, which another follows when it is gone.

A claim raises the fire's token, and nothing can be ended with an older one. A holder on this machine is gone when the
lock of its file is free, as the system tells at once. A holder elsewhere is gone when it gave no sign of life for
`LEASE` seconds of this process's own watch: clocks are never compared, so one that jumps takes nothing over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.request import Cancellation
from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.schedules.filing import as_fire
from nbmlops.pipelines.schedules.records import Fire, FireState
from nbmlops.store.liveness import Writer, is_alive, is_here

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["BEAT", "LEASE", "Claimed", "Claims"]

LEASE, BEAT = 15.0, 3.0
"""Seconds without a sign of life after which a holder elsewhere is gone, and between two signs."""
_LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A fire that this process does, as it was before, and under which token; `stop` ends it before its time."""

    row: Any
    token: int
    started_at: datetime
    stop: Cancellation


@dataclass(frozen=True, slots=True)
class _Watched:
    """The last sign of life of a holder elsewhere, since when it is known, and whether there was one before it."""

    beat_at: datetime | None
    since: float
    lives: bool = False


class Claims:
    """The fires that this process does.

    Parameters
    ----------
    catalog : Catalog
        Where fires are.
    clock : Clock
        Tells when they start and end.
    live : Path
        The folder of lock files by which processes of this machine know who lives.
    """

    def __init__(self, catalog: Catalog, clock: Clock, live: Path) -> None:
        self._catalog = catalog
        self._clock = clock
        self._live = live
        self._writer = Writer(live)
        self._held: dict[int, Claimed] = {}
        self._guard = threading.Lock()
        self._watched: dict[tuple[int, int], _Watched] = {}
        self.is_watching = False
        """Whether a holder elsewhere may be gone, which only time will tell."""

    @property
    def held(self) -> tuple[Claimed, ...]:
        """What this process does now."""
        with self._guard:
            return tuple(self._held.values())

    def next(self) -> Claimed | None:
        """Claim the next fire that may start: the oldest of a schedule of which nothing runs, or one left behind."""
        rows = self._catalog.read(queries.unended)
        gone = {row.id for row in rows if row.state != "waiting" and self._is_gone(row)}
        self._forget(rows)
        for row in rows:
            if row.state == "stopping" and row.id in gone:
                self._catalog.transact(partial(_replaced, row=row, now=self._clock.now()))
        busy = {row.schedule for row in rows if row.state != "waiting" and row.id not in gone}
        now = self._clock.now()
        for row in rows:
            is_left = row.state == "running" and row.id in gone
            if row.schedule in busy or row.paused_at is not None or row.state == "stopping":
                continue
            if is_left or not _pauses(row, now):
                busy.add(row.schedule)
                if claimed := self._claim(row):
                    return claimed
        return None

    def _claim(self, row: Any) -> Claimed | None:
        token, now = row.token + 1, self._clock.now()
        values = {"state": "running", "token": token, "owner": self._writer.token, "beat_at": now, "started_at": now}

        def work(connection: Connection) -> bool:
            others = [one for one in queries.unended(connection, row.schedule) if one.id != row.id]
            if any(one.state == "running" for one in others):
                return False
            return queries.change_fire(
                connection, row.id, {**values, "tries": row.tries + 1}, token=row.token, state=row.state
            )

        if not self._catalog.transact(work):
            return None
        claimed = Claimed(row, token, now, Cancellation())
        with self._guard:
            self._held[row.id] = claimed
        return claimed

    def _is_gone(self, row: Any) -> bool:
        """Whether the holder of a fire is gone."""
        if row.owner == self._writer.token:
            with self._guard:
                return row.id not in self._held
        if is_here(self._live, row.owner):
            return not is_alive(self._live, row.owner)
        seen = self._watched.setdefault((row.id, row.token), _Watched(row.beat_at, time.monotonic()))
        if seen.beat_at != row.beat_at:
            self._watched[row.id, row.token] = _Watched(row.beat_at, time.monotonic(), lives=True)
            return False
        return time.monotonic() - seen.since >= LEASE

    def _forget(self, rows: Sequence[Any]) -> None:
        known = {(row.id, row.token) for row in rows if row.state != "waiting"}
        self._watched = {key: value for key, value in self._watched.items() if key in known}
        self.is_watching = any(not seen.lives for seen in self._watched.values())

    def beat(self) -> None:
        """Give a sign of life for all that this process does; stop what is its own no more."""
        held = {claimed.row.id: claimed.token for claimed in self.held}
        if not held:
            return
        now = self._clock.now()
        lost = self._catalog.transact(lambda c: queries.beat(c, held, now))
        for claimed in self.held:
            if claimed.row.id in lost:
                claimed.stop.cancel()

    def end(
        self, claimed: Claimed, state: FireState, *, run: str | None = None, note: str | None = None
    ) -> Fire | None:
        """End a fire, and note whom that concerns; None when somebody else has taken it over, and ends it."""
        now = self._clock.now()
        # What was said when it was handed back is over; what was said when it was filed stays.
        note = note or (claimed.row.note if claimed.row.not_before is None else None)
        values = {"state": state, "run": run, "note": note, "ended_at": now, "owner": None}
        known = {"started_at": claimed.started_at}

        def work(connection: Connection) -> Fire | None:
            if queries.change_fire(connection, claimed.row.id, values, token=claimed.token, state="running"):
                _tell(connection, claimed.row, state, note, now)
                return as_fire(claimed.row, **{**values, **known})
            # It was to stop in favour of a later one; what it committed before that stays.
            if state == "completed":
                queries.change_fire(connection, claimed.row.id, values, token=claimed.token, state="stopping")
            else:
                _replaced(connection, claimed.row, now, claimed.token)
            return _own(connection, claimed)

        ended = self._catalog.transact(work)
        self.drop(claimed)
        return ended

    def hand_back(self, claimed: Claimed, seconds: float, note: str, *, counts: bool) -> Fire | None:
        """Let a fire wait again, for so many seconds at least; `counts` when this was one of its tries.

        One that was to stop in favour of a later one ends with it, and is given.
        """
        now = self._clock.now()
        later, tries = now + timedelta(seconds=seconds), claimed.row.tries + counts
        values = {"state": "waiting", "owner": None, "tries": tries, "not_before": later, "note": note}

        def work(connection: Connection) -> Fire | None:
            if queries.change_fire(connection, claimed.row.id, values, token=claimed.token, state="running"):
                return None
            _replaced(connection, claimed.row, now, claimed.token)
            return _own(connection, claimed)

        ended = self._catalog.transact(work)
        self.drop(claimed)
        return ended

    def drop(self, claimed: Claimed) -> None:
        """Hold a fire no more, whatever the catalog says of it."""
        with self._guard:
            self._held.pop(claimed.row.id, None)

    def close(self) -> None:
        """Hold nothing any more: whoever looks finds this process gone."""
        self._writer.close()


def _own(connection: Connection, claimed: Claimed) -> Fire | None:
    """A fire as it ended under a claim; None when the claim was not the last."""
    row = queries.fire(connection, claimed.row.id)
    return as_fire(row) if row.token == claimed.token and row.ended_at is not None else None


def _pauses(row: Any, now: datetime) -> bool:
    """Whether a fire is to wait a little after a try; a clock that jumped makes no little long."""
    return row.not_before is not None and now < row.not_before <= now + _LONGEST_PAUSE


def _replaced(connection: Connection, row: Any, now: datetime, token: int | None = None) -> None:
    values = {"state": "replaced", "ended_at": now, "owner": None}
    queries.change_fire(connection, row.id, values, token=row.token if token is None else token, state="stopping")


def _tell(connection: Connection, row: Any, state: FireState, note: str | None, now: datetime) -> None:
    """Note a first failure, and the first success after it."""
    schedule = queries.schedule(connection, row.schedule)
    if schedule is None:
        return
    about = f"{row.schedule}, which starts {row.target}, for {row.logical_time}"
    changed: Mapping[str, Any] | None = None
    if state == "failed" and schedule.failing_since is None:
        changed = {"failing_since": now}
        queries.add_notice(connection, "failure", f"{row.schedule} failed", f"{about}: {note}", now)
    if state == "completed" and schedule.failing_since is not None:
        changed = {"failing_since": None}
        since = schedule.failing_since.isoformat(timespec="minutes")
        queries.add_notice(connection, "recovery", f"{row.schedule} works again", f"{about}; failed since {since}", now)
    if changed is not None:
        queries.change_schedule(connection, row.schedule, changed)
