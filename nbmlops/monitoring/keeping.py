"""Verbs on monitors that only change what is known of them: silence, pause, resume, delete, restore; and the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import NotFoundError, nearest
from nbmlops.core.spans import parse_span
from nbmlops.monitoring import queries
from nbmlops.monitoring.records import Monitor
from nbmlops.store import audit

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["KeptMonitors"]


class KeptMonitors:
    """Monitors as they are kept.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    clock : Clock
        The time.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def silence(self, name: str, span: str) -> Monitor:
        """Tell nobody of a monitor for a span of time, such as ``2h``; ``0`` ends it."""
        quiet = parse_span(span)
        return self._change(name, "silence", {"silent_until": self._clock.now() + quiet if quiet else None})

    def pause(self, name: str) -> Monitor:
        """Leave a monitor out when all are run."""
        return self._change(name, "pause", {"paused_at": self._clock.now()})

    def resume(self, name: str) -> Monitor:
        """Run a paused monitor again with all others."""
        return self._change(name, "resume", {"paused_at": None})

    def delete(self, name: str) -> Monitor:
        """Run a monitor no more until it is restored; its reports stay."""
        return self._change(name, "delete", {"deleted_at": self._clock.now()})

    def restore(self, name: str) -> Monitor:
        """Bring back a deleted monitor."""
        return self._change(name, "restore", {"deleted_at": None}, deleted=True)

    def _found(self, connection: Connection, name: str, *, deleted: bool = False) -> Any:
        row = queries.monitor(connection, name)
        if row is None or (row.deleted_at is not None and not deleted):
            hint = nearest(name, [one.name for one in queries.monitors(connection)])
            if row is not None:
                hint = f"it is deleted; undo: `ml monitor restore {name}`"
            raise NotFoundError(f"there is no monitor named {name!r}", hint=hint or "`ml monitor add NAME MODEL drift`")
        return row

    def _change(self, name: str, verb: str, values: Mapping[str, Any], *, deleted: bool = False) -> Monitor:
        def work(connection: Connection) -> Monitor:
            self._found(connection, name, deleted=deleted)
            queries.change(connection, name, values)
            audit.append(connection, self._clock, f"monitor.{verb}", name)
            return Monitor.of(queries.monitor(connection, name))

        return self._catalog.transact(work)

    def list(self, deployment: str | None = None) -> list[Monitor]:
        """All monitors, or those of one deployment, by name."""
        return [Monitor.of(row) for row in self._catalog.read(lambda c: queries.monitors(c, deployment))]
