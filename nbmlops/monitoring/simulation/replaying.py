"""Replays history: each monitor looks at each window with what was known at its end.

The version that answered then is the one that is judged, labels count from when they were known (``at``), and alerts
are opened, told and closed by the same rules as live ones. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.alerts.causes import BAD, Failing, Incident, incidents
from nbmlops.monitoring.alerts.leaning import leaning
from nbmlops.monitoring.alerts.weighing import weighed
from nbmlops.monitoring.judging import judged
from nbmlops.monitoring.simulation.records import SimulatedAlert, SimulatedLook, Simulation

if TYPE_CHECKING:
    from datetime import datetime

    from nbmlops.checks.records import Report
    from nbmlops.monitoring.records import Monitor
    from nbmlops.monitoring.simulation.windows import Window
    from nbmlops.monitoring.watching import Watched

__all__ = ["simulated"]

_ONLY_NOW = frozenset({"dependencies"})
"""Kinds that know the packages of today alone."""


def simulated(
    name: str,
    by: str,
    windows: Sequence[Window],
    monitors: Sequence[Monitor],
    watch: Callable[[Monitor, datetime], Watched],
) -> Simulation:
    """Let monitors look at each window in turn.

    Parameters
    ----------
    name, by : str
        What was asked for, and the step of the windows.
    windows : sequence of Window
        In the order of time.
    monitors : sequence of Monitor
        Of one deployment.
    watch : callable
        Gives what a monitor looks at, up to a time.

    Raises
    ------
    InvalidError
        When all of them know only of now.
    """
    asked = [one for one in monitors if one.kind not in _ONLY_NOW]
    if not asked:
        raise InvalidError(f"{name} knows the packages of now alone", hint="simulate a monitor of another kind")
    known = [replace(one, status=None, silent_until=None, paused_at=None) for one in asked]
    leans: dict[str, Mapping[str, float]] = {}
    looks: list[SimulatedLook] = []
    running: dict[str, SimulatedAlert] = {}
    over: list[SimulatedAlert] = []
    for since, until in windows:
        watched = [replace(watch(replace(one, window=until - since), until), replayed=True) for one in known]
        reports = [judged(one) for one in watched]
        known = [replace(one, status=report.status) for one, report in zip(known, reports, strict=True)]
        pairs = list(zip(known, reports, strict=True))
        looks += [SimulatedLook(one.name, since, until, report.status, _first(report)) for one, report in pairs]
        failing = [Failing(one, report) for one, report in pairs if report.status in BAD]

        def lean(watched: Watched = watched[0]) -> Mapping[str, float]:
            ref = watched.served().ref
            if ref not in leans:
                leans[ref] = leaning(watched)
            return leans[ref]

        told = incidents(monitors[0].deployment, failing)
        running = _gone_on(running, told, known, lean, until, over)
    alerts = sorted([*over, *running.values()], key=lambda alert: alert.opened_at)
    left_out = tuple(one.name for one in monitors if one.kind in _ONLY_NOW)
    return Simulation(name, monitors[0].deployment, by, tuple(looks), tuple(alerts), left_out)


def _first(report: Report) -> str:
    """The first thing that failed, or that was said."""
    chosen = [*report.failures, *(one for one in report.outcomes if one.status == "warned"), *report.outcomes]
    return str(chosen[0]) if chosen else ""


def _gone_on(
    running: Mapping[str, SimulatedAlert],
    told: Sequence[Incident],
    monitors: Sequence[Monitor],
    lean: Callable[[], Mapping[str, float]],
    now: datetime,
    over: list[SimulatedAlert],
) -> dict[str, SimulatedAlert]:
    """The alerts that are open now, by their lines; those that are over go to `over`."""
    found: dict[str, SimulatedAlert] = {}
    for incident in told:
        weight = weighed(incident, monitors, lean)
        before = running.get(incident.line)
        told_at = before.told_at if before else None
        found[incident.line] = SimulatedAlert(
            incident.cause,
            tuple(one.monitor.name for one in incident.failing),
            before.opened_at if before else now,
            None,
            told_at or (now if weight.matters else None),
            weight.why,
        )
    over += [replace(alert, closed_at=now) for line, alert in running.items() if line not in found]
    return found
