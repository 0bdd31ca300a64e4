"""What becomes of alerts when monitors have run: opened, told when they matter, closed with a word to those told.

What is to be told is put where schedules put theirs, and sent by whichever daemon can:
`nbmlops.pipelines.schedules.alerts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.monitoring.alerts import queries
from nbmlops.monitoring.alerts.causes import Incident
from nbmlops.monitoring.alerts.records import CAUSES
from nbmlops.monitoring.alerts.weighing import Weight, weighed
from nbmlops.pipelines.schedules.queries import add_notice
from nbmlops.render.units import count, duration

if TYPE_CHECKING:
    from nbmlops.monitoring.records import Monitor
    from nbmlops.store.catalog import Connection

__all__ = ["Told", "settle"]


@dataclass(frozen=True, slots=True)
class Told:
    """An incident and how much it matters."""

    incident: Incident
    weight: Weight

    @classmethod
    def of(
        cls, incidents: Sequence[Incident], monitors: Sequence[Monitor], lean: Callable[[], Mapping[str, float]]
    ) -> list[Told]:
        """Weigh incidents; it may load a model, so it is done outside of any transaction."""
        return [cls(incident, weighed(incident, monitors, lean)) for incident in incidents]


def settle(connection: Connection, monitors: Sequence[Monitor], told: Sequence[Told], now: datetime) -> None:
    """Bring the alerts of one deployment to what its monitors say now.

    Parameters
    ----------
    connection : Connection
        A writing transaction.
    monitors : sequence of Monitor
        All monitors of the deployment; at least one.
    told : sequence of Told
        The incidents that its failing monitors show.
    now : datetime
        When they ran.
    """
    deployment = monitors[0].deployment
    queries.hold(connection, deployment)
    silent = {one.name for one in monitors if one.silent_until is not None and one.silent_until > now}
    known = {row.line: row for row in queries.open_alerts(connection, deployment)}
    for one in told:
        _go_on(connection, known.pop(one.incident.line, None), one, silent, now)
    for row in known.values():
        _end(connection, row, monitors, silent, now)


def _go_on(connection: Connection, row: Any, told: Told, silent: set[str], now: datetime) -> None:
    """Open an alert or go on with it; people are told once, when it first matters and not all of it is silent."""
    incident, weight = told.incident, told.weight
    loud = {one.monitor.name for one in incident.failing} - silent
    says = weight.matters and bool(loud) and (row is None or row.told_at is None)
    values = {
        "cause": incident.cause,
        "monitors": [{"name": one.monitor.name, "report": one.report.id} for one in incident.failing],
        "evidence": incident.evidence,
        "command": incident.command,
        "weight": weight.value,
        "why": weight.why,
        **({"told_at": now} if says else {}),
    }
    if row is None:
        opened = {"deployment": incident.deployment, "line": incident.line, "opened_at": now, "closed_at": None}
        queries.open_alert(connection, {"told_at": None, **opened, **values})
    else:
        queries.change(connection, row.id, values)
    if says:
        title = f"{incident.deployment}: {CAUSES[incident.cause]} ({count(len(incident.failing), 'monitor')})"
        body = "\n".join([*incident.evidence, f"it matters: {weight.why}", f"next: {incident.command}"])
        add_notice(connection, "failure", title, body, now)


def _end(connection: Connection, row: Any, monitors: Sequence[Monitor], silent: set[str], now: datetime) -> None:
    """Close an alert; whoever was told of it is told that it is over."""
    queries.change(connection, row.id, {"closed_at": now})
    names = [one["name"] for one in row.monitors]
    if row.told_at is None or silent.issuperset(names):
        return
    stands = {one.name: one.status or "not run yet" for one in monitors}
    lasted = duration((now - row.opened_at).total_seconds())
    lines = [f"{name}: {stands.get(name, 'deleted')}" for name in names]
    title = f"{row.deployment}: well again ({CAUSES[row.cause]})"
    add_notice(connection, "recovery", title, "\n".join([*lines, f"it lasted {lasted}"]), now)
