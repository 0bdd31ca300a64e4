"""Alerts of one workspace: settled after monitors ran, listed, and gathered in a digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.core.errors import NotFoundError
from nbmlops.core.spans import parse_span
from nbmlops.monitoring.alerts import queries
from nbmlops.monitoring.alerts.causes import BAD, Failing, incidents
from nbmlops.monitoring.alerts.digest import digested, note
from nbmlops.monitoring.alerts.leaning import leaning
from nbmlops.monitoring.alerts.records import Alert, Digest
from nbmlops.monitoring.alerts.telling import Told, settle

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.monitoring.records import Monitor
    from nbmlops.monitoring.watching import Watched
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Alerts"]


class Alerts:
    """Alerts of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    clock : Clock
        The time.
    checks : Checks
        Has the reports.
    send : callable
        Sends now what is to be told; a sentence for each that could not be.
    """

    def __init__(self, catalog: Catalog, clock: Clock, checks: Checks, send: Callable[[], Sequence[str]]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._checks = checks
        self._send = send

    def settle(
        self, monitors: Sequence[Monitor], fresh: Mapping[str, Report], watch: Callable[[Monitor], Watched]
    ) -> None:
        """Bring the alerts of one deployment to what its monitors say.

        Parameters
        ----------
        monitors : sequence of Monitor
            All monitors of the deployment.
        fresh : mapping of str to Report
            The newest reports of those that have just run; the others are read.
        watch : callable
            Gives what a monitor looks at.
        """
        failing = []
        for one in monitors:
            if one.status not in BAD or one.paused_at is not None or one.report is None:
                continue
            report = fresh.get(one.name)
            try:
                failing.append(Failing(one, report or self._checks.show(one.report)))
            except NotFoundError:  # its report was erased: the next run says how it stands
                continue

        def lean() -> Mapping[str, float]:
            return leaning(watch(monitors[0]))

        told = Told.of(incidents(monitors[0].deployment, failing), monitors, lean)
        self._catalog.transact(lambda c: settle(c, monitors, told, self._clock.now()))

    def leave(self, monitor: Monitor) -> None:
        """Take a monitor that nobody runs any more out of its alerts; one that has no other is over, without a word."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            queries.hold(connection, monitor.deployment)
            for row in queries.open_alerts(connection, monitor.deployment):
                left = [one for one in row.monitors if one["name"] != monitor.name]
                if len(left) < len(row.monitors):
                    queries.change(connection, row.id, {"monitors": left} if left else {"closed_at": now})

        self._catalog.transact(work)

    def list(self, monitors: Sequence[Monitor], deployment: str | None, limit: int, *, closed: bool) -> list[Alert]:
        """Alerts, newest first."""
        now = self._clock.now()
        silent = frozenset(one.name for one in monitors if one.silent_until is not None and one.silent_until > now)
        rows = self._catalog.read(lambda c: queries.alerts(c, deployment, limit, closed=closed))
        return [Alert.of(row, silent) for row in rows]

    def digest(self, monitors: Sequence[Monitor], span: str) -> Digest:
        """What happened in the span that ends now."""
        until = self._clock.now()
        since = until - parse_span(span)
        return digested(self._catalog.read(lambda c: queries.since(c, since)), monitors, since, until)

    def tell(self, digest: Digest) -> Digest:
        """Hand a digest to those who are told."""
        self.note(digest)
        left = self._send()
        return replace(digest, sent=not left)

    def note(self, digest: Digest) -> None:
        """Let the daemon send a digest."""
        now: datetime = self._clock.now()
        self._catalog.transact(lambda c: note(c, digest, now))
