"""How monitors look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nbmlops.monitoring.alerts.records import CAUSES, Alert, Digest
from nbmlops.monitoring.records import KINDS, FigureLine, FigurePoint, Monitor
from nbmlops.monitoring.simulation.records import SimulatedLook, Simulation
from nbmlops.render.course import Course, CoursePoint, Courses, PointState
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.units import count, duration, when

__all__: list[str] = []

_SIGNS: dict[str, tuple[str, Tone]] = {
    "passed": ("✓", "good"),
    "warned": ("!", "warn"),
    "failed": ("✗", "bad"),
    "errored": ("✗", "bad"),
}
_POINTS: dict[str, PointState] = {"passed": "good", "warned": "warn", "failed": "bad", "errored": "bad"}
_CHARTS = 8


def _state(monitor: Monitor) -> Part:
    if monitor.deleted_at or monitor.paused_at:
        return Part("deleted" if monitor.deleted_at else "paused", "muted")
    if monitor.status is None:
        return Part("· not run yet", "muted")
    sign, tone = _SIGNS[monitor.status]
    return Part(f"{sign} {monitor.status}", tone)


@looks(Monitor)
def _(monitor: Monitor) -> Look:
    facts = {
        "looks at": KINDS[monitor.kind],
        "window": duration(monitor.window.total_seconds()),
        "reference": monitor.reference,
        "bound": None if monitor.bound is None else f"{monitor.bound:g}",
        "metric": monitor.metric,
        **monitor.rules,
        "severity": monitor.severity,
        "owner": monitor.owner,
        "since": when(monitor.status_since),
        "report": None if monitor.report is None else str(monitor.report),
        "silent until": when(monitor.silent_until),
        "added": f"{when(monitor.created_at)} by {monitor.author}",
    }
    return Look(
        line(f"monitor {monitor.name}", f"{monitor.kind} of {monitor.deployment}", _state(monitor)),
        body=(_courses(monitor.lines),) if monitor.lines else (),
        more=(Facts.of(facts),),
    )


def _courses(lines: Sequence[FigureLine]) -> Courses:
    """The first figures as charts."""
    charts = [
        Course(
            one.label,
            tuple(CoursePoint(point.at, point.value, _POINTS[point.status], _told(point)) for point in one.points),
            one.low,
            one.high,
        )
        for one in lines[:_CHARTS]
    ]
    return Courses(tuple(charts), max(0, len(lines) - _CHARTS))


def _told(point: FigurePoint) -> str:
    return f"{point.status}, report {point.report}"


@looks(Simulation)
def _(simulation: Simulation) -> Look:
    fired = [
        (
            when(alert.opened_at),
            "still" if alert.closed_at is None else when(alert.closed_at),
            alert.title,
            ", ".join(alert.monitors),
            when(alert.told_at) or "digest",
            alert.why,
        )
        for alert in simulation.alerts
    ]
    names = list(dict.fromkeys(one.monitor for one in simulation.looks))
    windows: dict[datetime, dict[str, SimulatedLook]] = {}
    for one in simulation.looks:
        windows.setdefault(one.since, {})[one.monitor] = one
    stood = [
        (f"{since:%Y-%m-%d %H:%M}", *(_SIGNS[found[name].status][0] + " " + found[name].status for name in names))
        for since, found in windows.items()
    ]
    failed = [
        (f"{one.since:%Y-%m-%d %H:%M}", one.monitor, one.status, one.evidence)
        for one in simulation.looks
        if one.status != "passed"
    ]
    told = sum(alert.told_at is not None for alert in simulation.alerts)
    left = Part(f"without {', '.join(simulation.left_out)}: they know only of now", "muted")
    headline = line(
        f"simulation of {simulation.name}",
        f"{count(len(windows), simulation.by)} of {simulation.deployment}",
        f"{count(len(simulation.alerts), 'alert')}, {told} told",
        left if simulation.left_out else None,
    )
    opened = table(("opened", "over", "what", "monitors", "told", "why"), fired, "what would have fired when")
    return Look(
        headline,
        body=(*((opened,) if fired else ()), table(("window from", *names), stood, "how they would have stood")),
        more=(table(("window from", "monitor", "status", "evidence"), failed, "what they would have said"),),
    )


_ALERTS: dict[str, Tone] = {"open": "bad", "silenced": "muted", "recovered": "good"}


@looks(Alert)
def _(alert: Alert) -> Look:
    facts = {
        "since": when(alert.opened_at),
        "over": when(alert.closed_at),
        "told": when(alert.told_at) or "nobody: it is in the digest",
        "weight": f"{alert.weight:.2f}, {alert.why}",
        "next": alert.command,
    }
    return Look(
        line(f"alert {alert.id}", alert.title, Part(alert.state, _ALERTS[alert.state])),
        body=(Facts.of(facts), Lines(tuple(line(Part(one)) for one in alert.evidence))),
    )


@looks(Digest)
def _(digest: Digest) -> Look:
    rows = [(one.deployment, one.state, one.words, one.command) for one in digest.lines]
    sent = Part("sent", "good") if digest.sent else None
    told = f"{count(digest.told, 'alert')} told at once"
    headline = line("digest", f"{when(digest.since)} to {when(digest.until)}", told, sent)
    if not rows:
        return Look(headline, body=(Lines((line(Part("nothing besides", "muted")),)),))
    return Look(headline, body=(table(("deployment", "state", "what", "look"), rows),))


lists(
    Alert,
    Field("alert", lambda one: one.id, str, right=True),
    Field("deployment", lambda one: one.deployment),
    Field("why", lambda one: CAUSES[one.cause]),
    Field("monitors", lambda one: ", ".join(one.monitors)),
    Field("state", lambda one: one.state),
    Field("weight", lambda one: one.weight, lambda weight: f"{weight:.2f}", right=True),
    Field("since", lambda one: one.opened_at, when),
    Field("told", lambda one: one.told_at, when),
    Field("next", lambda one: one.command),
    nothing="no alerts: `ml monitor list` says how monitors stand",
)
lists(
    Monitor,
    Field("monitor", lambda one: one.name),
    Field("deployment", lambda one: one.deployment),
    Field("kind", lambda one: one.kind),
    Field("state", lambda one: _state(one).text),
    Field("since", lambda one: one.status_since, when),
    Field("report", lambda one: one.report, str, right=True),
    Field("owner", lambda one: one.owner),
    nothing="no monitors; the first: `ml monitor add NAME MODEL drift`",
)
