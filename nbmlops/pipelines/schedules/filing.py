"""Files what has come due: each time once, whoever looks and however often the clock jumps.

The place up to which a schedule has been looked at only moves on, in the transaction that adds the fires, and only from
where this look began. So of two daemons one files, and a clock that goes back finds nothing to do until it has caught
up. That a time has one fire is also a rule of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.schedules.records import Fire
from nbmlops.pipelines.schedules.sources import Occurrence
from nbmlops.pipelines.schedules.triggers import On, from_json
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.schedules.sources import Sources
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Filer", "as_fire"]

_AT_ONCE = 1_000
"""Times of one schedule that are filed in one transaction; what is due besides is filed in the next."""


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be filed of a schedule, and the place to go on from."""

    start: tuple[Occurrence, ...]
    left: tuple[Occurrence, ...]
    reached: datetime
    seen: str | None


class Filer:
    """Files what has come due.

    Parameters
    ----------
    catalog : Catalog
        Where schedules and fires are.
    clock : Clock
        Tells what is due.
    sources : Sources
        Tells what happened.
    """

    def __init__(self, catalog: Catalog, clock: Clock, sources: Sources) -> None:
        self._catalog = catalog
        self._clock = clock
        self._sources = sources

    def file(self) -> list[Fire]:
        """File what has come due, of all schedules; the fires that ended with it, as they are not to start."""
        ended: list[Fire] = []
        for row in self._catalog.read(queries.schedules):
            if row.paused_at is not None:
                continue
            now = self._clock.now()
            due = _chosen(row, *self._happened(row, now), now)
            if due.start or due.left or due.seen != row.seen:
                ended += self._catalog.transact(partial(_put, row=row, due=due, now=now))
        return ended

    def _happened(self, row: Any, now: datetime) -> tuple[list[Occurrence], datetime, str | None]:
        trigger = from_json(row.trigger)
        if isinstance(trigger, On):
            found, seen = self._sources.since(trigger, row.seen, now)
            return found, row.reached, seen
        times = _times(trigger, row, now)
        return [Occurrence.of_time(at) for at in times], times[-1] if times else row.reached, row.seen


def _times(trigger: Any, row: Any, now: datetime) -> list[datetime]:
    """When it was due since one last looked; of many, where only the last counts, the first ones and that."""
    found: list[datetime] = []
    for at in islice(trigger.after(row.reached), _AT_ONCE):
        if at > now:
            return found
        found.append(at)
    last = None if row.catchup == "all" else trigger.last(now)
    return found if last is None or last <= found[-1] else [*found, last]


def _chosen(row: Any, found: Sequence[Occurrence], reached: datetime, seen: str | None, now: datetime) -> _Due:
    """Of what happened, what is to start by the schedule's rule for times that were missed."""
    if row.catchup == "all" or not found:
        return _Due(tuple(found), (), reached, seen)
    is_late = (now - found[-1].at).total_seconds() > row.patience
    if row.catchup == "none" and is_late:
        return _Due((), tuple(found), reached, seen)
    return _Due(tuple(found[-1:]), tuple(found[:-1]), reached, seen)


def _put(connection: Connection, row: Any, due: _Due, now: datetime) -> list[Fire]:
    moved = {"reached": due.reached, "seen": due.seen}
    if not queries.change_schedule(connection, row.name, moved, reached=row.reached, seen=row.seen):
        return []
    before = list(queries.unended(connection, row.name))
    ended: list[Fire] = []

    def add(occurrence: Occurrence, state: str, note: str | None) -> None:
        at = max(occurrence.at, row.created_at)
        end = None if state == "waiting" else now
        fire = {"due_at": at, "state": state, "note": note, "ended_at": end}
        if queries.add_fire(connection, row.name, occurrence.logical_time, fire) and end:
            ended.append(Fire(row.name, occurrence.logical_time, at, state, ended_at=end, note=note))  # type: ignore[arg-type]

    note = _left_out(due.left)
    if due.left and not due.start:
        add(due.left[-1], "skipped", note)
        queries.add_notice(connection, "late", f"{row.name} was missed", f"{row.name}: {note}", now)
    for place, occurrence in enumerate(due.start):
        is_last = place == len(due.start) - 1
        if row.overlap == "forbid" and before:
            add(occurrence, "skipped", f"{before[0].logical_time} was still {before[0].state}")
        elif row.overlap == "replace" and not is_last:
            add(occurrence, "replaced", f"{due.start[-1].logical_time} was due as well")
        else:
            add(occurrence, "waiting", note if place == 0 else None)
    if row.overlap == "replace" and due.start:
        ended += _replace(connection, before, due.start[-1].logical_time, now)
    return ended


def _left_out(left: Sequence[Occurrence]) -> str | None:
    if not left:
        return None
    many = f"{count(len(left), 'time')} or more" if len(left) >= _AT_ONCE else count(len(left), "time")
    return f"left out {many} that nothing started, from {left[0].logical_time} on"


def _replace(connection: Connection, before: Sequence[Any], by: str, now: datetime) -> list[Fire]:
    """Let what runs be stopped, and what waits end, in favour of a later time."""
    ended = []
    for fire in before:
        if fire.state == "running":
            queries.change_fire(
                connection, fire.id, {"state": "stopping", "note": f"replaced by {by}"}, state="running"
            )
        elif fire.state == "waiting":
            values = {"state": "replaced", "note": f"replaced by {by}", "ended_at": now}
            if queries.change_fire(connection, fire.id, values, state="waiting"):
                ended.append(as_fire(fire, **values))
    return ended


def as_fire(row: Any, **changed: Any) -> Fire:
    """The record of a row, or what it is after a change."""
    return Fire(**{key: changed.get(key, getattr(row, key)) for key in Fire.__slots__})
