"""Verbs on schedules: add, list, next, pause, resume, history, delete, restore, rename; run the daemon."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, nearest
from nbmlops.core.refs import Ref, check_name
from nbmlops.pipelines.cron import zone
from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.schedules.alerts import Alerts
from nbmlops.pipelines.schedules.asked import Asked, each_counts
from nbmlops.pipelines.schedules.claims import Claims
from nbmlops.pipelines.schedules.dates import filled, plain
from nbmlops.pipelines.schedules.filing import Filer, as_fire
from nbmlops.pipelines.schedules.looking import described
from nbmlops.pipelines.schedules.records import Fire, Schedule, Upcoming, Vigil
from nbmlops.pipelines.schedules.scheduler import Scheduler, Tell
from nbmlops.pipelines.schedules.triggers import On, from_json, to_json, trigger, zone_of
from nbmlops.pipelines.schedules.unit import unit
from nbmlops.store import audit

if TYPE_CHECKING:
    from nbmlops.core.actions import Actions
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.export.records import Export
    from nbmlops.pipelines.schedules.sources import Sources
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Schedules"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Schedules:
    """Schedules of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    clock : Clock
        The time.
    actions : Actions
        What they can start.
    sources : Sources
        Where events come from.
    root : Path
        The project's folder.
    live : Path
        The folder of lock files by which processes of this machine know who lives.
    places : callable
        Gives the URLs of those who are told of failures.
    keeping : callable
        Gives what is kept open while the daemon runs, such as kernels for the next fires.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        actions: Actions,
        sources: Sources,
        root: Path,
        live: Path,
        places: Callable[[], tuple[str, ...]] = tuple,
        keeping: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._keeping = keeping
        self.actions = actions
        self._catalog = catalog
        self._clock = clock
        self._sources = sources
        self._root = root
        self._live = live
        self._places = places

    def add(
        self,
        target: str,
        cron: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        action: str = "pipeline",
        **asked: Any,
    ) -> Schedule:
        """Let something start at times, or after events.

        Parameters
        ----------
        target : str
            What to start: of a pipeline, ``delays`` means ``delays@production``, and ``delays@working`` the notebooks
            as they are on the disk.
        cron : str, optional
            A cron line, such as ``0 6 * * *``.
        params : mapping, optional
            What it is given; a text that begins with ``due:`` is a date, see `nbmlops.pipelines.schedules.dates`.
        name : str, optional
            What to call the schedule; the name of its target by default.
        action : str
            What kind of thing it starts.
        **asked
            Its rules: the attributes of `Asked`.

        Raises
        ------
        InvalidError
            When the cron line, the zone, a rule or a parameter is none.
        NotFoundError
            When there is nothing of that name to start.
        ConflictError
            When there is a schedule of that name.
        """
        rules, now = Asked.of(asked), self._clock.now()
        when, starts = trigger(rules.wish(cron), now), self.actions.find(action)
        if isinstance(when, On) and when.kind == "model":
            rules = each_counts(rules)
        full, given = starts.named(target), plain(params or {})
        starts.check(full, filled(given, now, zone_of(when)))
        called = check_name(name or Ref.parse(target).name)
        values = {
            "action": action,
            "target": full,
            "parameters": given,
            "trigger": to_json(when),
            "catchup": rules.catchup,
            "overlap": rules.overlap,
            "patience": rules.patience,
            "reached": _LONG_AGO if isinstance(when, On) else now,
            "seen": self._sources.place(when) if isinstance(when, On) else None,
            "author": audit.actor(),
            "created_at": now,
            **dict.fromkeys(("failing_since", "paused_at", "deleted_at")),
        }
        self._catalog.transact(lambda c: self._put(c, called, values))
        return self.show(called)

    def _put(self, connection: Connection, name: str, values: Mapping[str, Any]) -> None:
        row = queries.schedule(connection, name)
        if row is not None and row.deleted_at is None:
            raise ConflictError(
                f"there is a schedule {name} already, which starts {row.target}",
                hint=f"give this one another name: --name {name}_2",
            )
        queries.put_schedule(connection, name, values)
        told = {key: values[key] for key in ("target", "trigger", "parameters")}
        audit.append(connection, self._clock, "schedule.add", name, told)

    def show(self, name: str) -> Schedule:
        """What is known of a schedule.

        Raises
        ------
        NotFoundError
            When there is none of that name.
        """
        return self._catalog.read(lambda c: described(c, self._found(c, name), self._clock.now()))

    def next(self, name: str, number: int = 5) -> list[Upcoming]:
        """The next times of a schedule.

        Raises
        ------
        InvalidError
            When it waits for events.
        """
        row = self._catalog.read(lambda c: self._found(c, name))
        when = from_json(row.trigger)
        if isinstance(when, On):
            raise InvalidError(
                f"{name} waits for an event, and nobody knows when that comes", hint=f"`ml schedule show {name}`"
            )
        where = zone_of(when)
        times = islice(when.after(max(row.reached, self._clock.now())), number)
        local = ((at, at.astimezone(zone(where))) for at in times)
        return [
            Upcoming(name, at, wall.isoformat(" ", "seconds" if wall.second else "minutes"), where)
            for at, wall in local
        ]

    def history(self, name: str, limit: int = 20) -> list[Fire]:
        """The newest fires of a schedule, newest first."""
        row = self._catalog.read(lambda c: self._found(c, name, deleted=True))
        return [as_fire(fire) for fire in self._catalog.read(lambda c: queries.fires(c, row.name, limit))]

    def pause(self, name: str) -> Schedule:
        """Start nothing of a schedule from now on; what runs goes on."""
        return self._change(name, "pause", {"paused_at": self._clock.now()})

    def resume(self, name: str) -> Schedule:
        """Let a paused schedule start again; what came due meanwhile is not caught up."""
        now = self._clock.now()

        def values(row: Any) -> dict[str, Any]:
            when = from_json(row.trigger)
            if isinstance(when, On):
                return {"paused_at": None, "seen": self._sources.place(when) or row.seen}
            return {"paused_at": None, "reached": max(now, row.reached)}

        return self._change(name, "resume", values)

    def delete(self, name: str) -> Schedule:
        """Start nothing of a schedule any more, until it is restored; its history stays, and what runs goes on."""
        now = self._clock.now()
        return self._change(name, "delete", {"deleted_at": now}, also=lambda c: queries.skip_waiting(c, name, now))

    def restore(self, name: str) -> Schedule:
        """Bring back a deleted schedule, paused."""
        now = self._clock.now()
        return self._change(name, "restore", {"deleted_at": None, "paused_at": now}, deleted=True)

    def rename(self, old: str, new: str) -> Schedule:
        """Give a schedule and its history another name.

        Raises
        ------
        ConflictError
            When there is one of that name, or there was and it is only deleted.
        """
        check_name(new)

        def work(connection: Connection) -> None:
            self._found(connection, old)
            if queries.schedule(connection, new) is not None:
                raise ConflictError(f"there is a schedule {new} already, or one that is deleted")
            queries.rename(connection, old, new)
            audit.append(connection, self._clock, "schedule.rename", old, {"to": new})

        self._catalog.transact(work)
        return self.show(new)

    def run(self, *, once: bool = False, parallel: int | None = None, tell: Tell | None = None) -> Vigil:
        """Be the daemon: start what is due, until stopped by Ctrl-C or SIGTERM.

        Parameters
        ----------
        once : bool
            Start what is due now, wait for its end, and return; for a line of cron.
        parallel : int, optional
            How many it runs at once; the number of cores by default.
        tell : callable, optional
            Given each fire that ended, and remarks.

        Raises
        ------
        DependencyError, NotFoundError, InvalidError
            When alerts are to be sent and cannot be: apprise is not installed, a secret or a URL is none.
        """
        if parallel is not None and parallel < 1:
            raise InvalidError(f"{parallel} at once is none at all", hint="--parallel 2")
        alerts = Alerts(self._catalog, self._clock, self._places)
        alerts.open()
        filer = Filer(self._catalog, self._clock, self._sources)
        claims = Claims(self._catalog, self._clock, self._live)
        scheduler = Scheduler(self._catalog, self._clock, self.actions, filer, claims, alerts)
        with self._keeping():
            return scheduler.run(once=once, parallel=parallel or os.cpu_count() or 1, tell=tell or (lambda _: None))

    def tell(self) -> list[str]:
        """Send now what people are to be told, without a daemon; a sentence for each that could not be.

        Raises
        ------
        DependencyError, NotFoundError, InvalidError
            When nobody is named, apprise is not installed, a secret or a URL is none.
        """
        if not self._places():
            raise InvalidError("nobody is named who is told", hint='alerts = ["mailto://…"] in [tool.nbmlops]')
        alerts = Alerts(self._catalog, self._clock, self._places)
        alerts.open()
        return alerts.send()

    def unit(self, *, to: str | Path | None = None) -> Export:
        """Write the unit by which systemd keeps the daemon running.

        Parameters
        ----------
        to : str or Path, optional
            Folder to write it to; only shown by default.
        """
        return unit(self._root, to)

    def _found(self, connection: Connection, name: str, *, deleted: bool = False) -> Any:
        row = queries.schedule(connection, name)
        if row is None or (row.deleted_at is not None and not deleted):
            known = [one.name for one in queries.schedules(connection)]
            hint = nearest(name, known) or '`ml schedule add PIPELINE "0 6 * * *"`'
            if row is not None:
                hint = f"it is deleted; undo: `ml schedule restore {name}`"
            raise NotFoundError(f"there is no schedule named {name!r}", hint=hint)
        return row

    def _change(
        self,
        name: str,
        verb: str,
        values: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]],
        *,
        deleted: bool = False,
        also: Callable[[Connection], object] = lambda _: None,
    ) -> Schedule:
        def work(connection: Connection) -> Schedule:
            row = self._found(connection, name, deleted=deleted)
            queries.change_schedule(connection, name, values(row) if callable(values) else values)
            also(connection)
            audit.append(connection, self._clock, f"schedule.{verb}", name)
            return described(connection, queries.schedule(connection, name), self._clock.now())

        return self._catalog.transact(work)

    def list(self) -> list[Schedule]:
        """All schedules, by name, with their last result and their next time."""
        return self._catalog.read(lambda c: [described(c, row, self._clock.now()) for row in queries.schedules(c)])
