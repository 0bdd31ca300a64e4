"""Verbs on monitors: add, show, run, simulate, labels, history, alerts, digest; `keeping` has the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Report
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.core.keywords import check_one_of
from nbmlops.core.refs import check_name
from nbmlops.monitoring import queries
from nbmlops.monitoring.alerts.service import Alerts
from nbmlops.monitoring.asked import Asked
from nbmlops.monitoring.figures import figure_lines
from nbmlops.monitoring.judging import judged
from nbmlops.monitoring.keeping import KeptMonitors
from nbmlops.monitoring.kinds.pipeline import PIPELINES
from nbmlops.monitoring.labelling import Labelling
from nbmlops.monitoring.own_code import written
from nbmlops.monitoring.records import BEFORE, DIGEST, KINDS, Monitor, suite_name
from nbmlops.monitoring.simulation.replaying import simulated
from nbmlops.monitoring.simulation.windows import Step, windows_of
from nbmlops.monitoring.watching import Known, Watched
from nbmlops.store import audit

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.monitoring.alerts.records import Alert, Digest
    from nbmlops.monitoring.simulation.records import Simulation
    from nbmlops.serving.capture.labels import LabelIntake
    from nbmlops.serving.deployments.service import Deployments
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Monitors"]


class Monitors(KeptMonitors):
    """Monitors of one workspace.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    clock : Clock
        The time.
    deployments : Deployments
        What is watched, and what was captured of it.
    known : Known
        Where references, served versions, their runs and the user's own functions are.
    checks : Checks
        Keeps the reports.
    send : callable
        Sends now what people are to be told.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        deployments: Deployments,
        known: Known,
        checks: Checks,
        send: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(catalog, clock)
        self._deployments = deployments
        self._known = known
        self._checks = checks
        self._alerts = Alerts(catalog, clock, checks, send)

    def add(self, name: str, deployment: str, kind: str, **asked: Any) -> Monitor:
        """Watch a deployment.

        Parameters
        ----------
        name : str
            What to call the monitor.
        deployment : str
            The model that is served.
        kind : str
            What to look at: one of `nbmlops.monitoring.records.KINDS`.
        **asked
            Its rules: the attributes of `nbmlops.monitoring.asked.Asked`.

        Raises
        ------
        InvalidError
            When the kind or a rule is none.
        NotFoundError
            When there is no such model, or no such reference.
        ConflictError
            When there is a monitor of that name.
        """
        check_name(name)
        if name == DIGEST:
            raise InvalidError(f"{name} is what the action monitor calls the digest", hint=f"call it {name}_1")
        check_one_of("kind", kind, tuple(KINDS))
        rules = Asked.of(kind, asked)
        self._deployments.said(deployment)
        self._look_up(kind, rules)
        values = {
            "deployment": deployment,
            "kind": kind,
            **rules.values(audit.actor()),
            "author": audit.actor(),
            "created_at": self._clock.now(),
            **dict.fromkeys(("status", "status_since", "report", "silent_until", "paused_at", "deleted_at")),
        }

        def work(connection: Connection) -> None:
            row = queries.monitor(connection, name)
            if row is not None and row.deleted_at is None:
                raise ConflictError(
                    f"there is a monitor {name} already, of {row.kind}", hint=f"call this one otherwise: {name}_2"
                )
            queries.put(connection, name, values)
            told = {key: values[key] for key in ("deployment", "kind", "reference", "window", "bound")}
            audit.append(connection, self._clock, "monitor.add", name, told)

        self._catalog.transact(work)
        return self._one(name)

    def show(self, name: str, *, html: str | os.PathLike[str] | None = None, limit: int = 100) -> Monitor:
        """What is known of a monitor, and its figures over time.

        Parameters
        ----------
        name : str
            Which.
        html : path, optional
            Where to write it as a page of its own, under 100 kB.
        limit : int
            From how many of its newest reports figures are taken.

        Raises
        ------
        NotFoundError
            When there is none of that name, or no folder for the file.
        UnavailableError
            When the file cannot be written.
        """
        monitor = self._one(name)
        monitor = replace(monitor, lines=figure_lines(reversed(self.history(name, limit=limit))))
        if html is not None:
            from nbmlops.data.files import write_atomically
            from nbmlops.render.standalone import standalone

            page = standalone(monitor, f"monitor {name} of {monitor.deployment}").encode()
            write_atomically(Path(html), lambda sink: sink.write(page))
        return monitor

    def _one(self, name: str) -> Monitor:
        return Monitor.of(self._catalog.read(lambda c: self._found(c, name)))

    def history(self, name: str, *, limit: int = 20) -> list[Report]:
        """The newest reports of a monitor, newest first."""
        self._catalog.read(lambda c: self._found(c, name, deleted=True))
        numbers = self._catalog.read(lambda c: queries.reports(c, suite_name(name), limit))
        return [self._checks.show(number) for number in numbers]

    def run(self, *names: str, strict: bool = False) -> list[Report]:
        """Look now, and keep a report of each monitor; whoever is told of failures is told of what matters, once.

        Parameters
        ----------
        *names : str
            Which; all that are not paused by default.
        strict : bool
            Raise when one fails or cannot be judged; the reports are kept all the same.

        Raises
        ------
        NotFoundError
            When there is no monitor of a name, or none at all.
        RefusedError
            When `strict` and one did not pass.
        """
        chosen = [self._one(name) for name in dict.fromkeys(names)] or [
            one for one in self.list() if one.paused_at is None
        ]
        if not chosen:
            raise NotFoundError("there is no monitor to run", hint="`ml monitor add NAME MODEL drift`")
        now = self._clock.now()
        kept = [self._kept(monitor, judged(self._watched(monitor, now)), now) for monitor in chosen]
        fresh = {monitor.name: report for monitor, report in zip(chosen, kept, strict=True)}
        for deployment in dict.fromkeys(monitor.deployment for monitor in chosen):
            self._alerts.settle(self.list(deployment), fresh, lambda monitor: self._watched(monitor, now))
        if strict:
            for report in kept:
                report.raise_if_failed()
        return kept

    def simulate(
        self, name: str, *, by: Step = "month", since: str | None = None, until: str | None = None
    ) -> Simulation:
        """Let monitors look at the past, window by window: what would have failed, and who told of what, when.

        Nothing of it is kept and nobody is told.

        Parameters
        ----------
        name : str
            A monitor, or a deployment with all its monitors.
        by : {"hour", "day", "week", "month"}
            How long each window is, in UTC; the monitor's own window is set aside.
        since, until : str, optional
            Dates, such as ``2026-04-01``, in UTC; by default all that was captured.

        Raises
        ------
        NotFoundError
            When there is neither such a monitor nor a deployment that has one, or nothing was captured.
        InvalidError
            When the windows are none, or too many.
        """
        named = [one for one in self.list() if one.name == name]
        monitors = named or self.list(self._deployments.said(name).name)
        if not monitors:
            raise NotFoundError(f"{name} has no monitor", hint=f"`ml monitor add NAME {name} drift`")
        windows = windows_of(self._deployments.captured, monitors[0].deployment, by, since, until)
        return simulated(name, by, windows, monitors, self._watched)

    def labels(
        self, deployment: str, data: Any, *, key: str | None = None, label: str | None = None, at: str | None = None
    ) -> LabelIntake:
        """Take in what turned out to be true of rows that a deployment answered.

        Parameters
        ----------
        deployment : str
            The model that is served.
        data : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            A version of data, a file, or a table; it has the keys, the labels, and nothing else that is needed.
        key : str, optional
            The column by which labels meet their rows: an input of the model; by default ``_id``, of the request.
        label : str, optional
            The column with the labels; by default ``label``, or the only one besides.
        at : str, optional
            The column that says when each was known; by default when it arrives.

        Raises
        ------
        NotFoundError
            When there is no such deployment, version or file.
        InvalidError
            When it is no table, a column is missing, or a key is null.
        """
        taking = Labelling(self._deployments, self._known.data, self._clock)
        return taking.add(deployment, data, self.list(deployment), key=key, label=label, at=at)

    def alerts(self, deployment: str | None = None, *, closed: bool = False, limit: int = 50) -> list[Alert]:
        """Why monitors fail: one alert for each cause, newest first.

        Parameters
        ----------
        deployment : str, optional
            Only those of this one.
        closed : bool
            Those that are over too.
        limit : int
            How many at most.

        Raises
        ------
        NotFoundError
            When there is no such deployment.
        """
        if deployment is not None:
            self._deployments.said(deployment)
        return self._alerts.list(self.list(deployment), deployment, limit, closed=closed)

    def digest(self, *, since: str = "1d", send: bool = False) -> Digest:
        """Tell what was worth no message of its own.

        Parameters
        ----------
        since : str
            How far back it goes.
        send : bool
            Hand it to those whom the project names.

        Raises
        ------
        DependencyError
            When it is to be sent, and apprise is not installed.
        InvalidError
            When it is to be sent, and nobody is named.
        """
        digest = self._alerts.digest(self.list(), since)
        return self._alerts.tell(digest) if send else digest

    def note_digest(self) -> Digest:
        """Let the daemon send the digest of a day; what the action ``monitor`` does of ``digest``."""
        digest = self._alerts.digest(self.list(), "1d")
        self._alerts.note(digest)
        return digest

    def pause(self, name: str) -> Monitor:
        """Leave a monitor out when all are run; its alerts are over."""
        return self._left(super().pause(name))

    def delete(self, name: str) -> Monitor:
        """Run a monitor no more until it is restored; its reports stay, its alerts are over."""
        return self._left(super().delete(name))

    def _left(self, monitor: Monitor) -> Monitor:
        self._alerts.leave(monitor)
        return monitor

    def _look_up(self, kind: str, rules: Asked) -> None:
        """Raise where a rule names what is not there."""
        reference = rules.reference
        if kind == "pipeline":
            if reference is not None and not self._known.runs.list(1, where=PIPELINES, experiment=reference):
                raise NotFoundError(
                    f"no pipeline named {reference} has run yet", hint=f"run it first: `ml pipeline run {reference}`"
                )
        elif reference not in {None, BEFORE} and not str(reference).endswith(".suite"):
            self._known.data.show(str(reference))
        if rules.code is not None:
            self._known.code.function(written(rules.code))

    def _watched(self, monitor: Monitor, until: datetime) -> Watched:
        alias = self._deployments.said(monitor.deployment).alias
        return Watched(monitor, until, alias, self._deployments.captured, self._known)

    def _kept(self, monitor: Monitor, report: Report, now: datetime) -> Report:
        def also(connection: Connection, number: int) -> None:
            since = monitor.status_since if monitor.status == report.status else now
            queries.change(connection, monitor.name, {"status": report.status, "status_since": since, "report": number})

        return self._checks.save(report, also)
