"""How monitors look."""

from __future__ import annotations

from nbmlops.monitoring.alerts.records import CAUSES, Alert, Digest
from nbmlops.monitoring.records import KINDS, Monitor
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
        more=(Facts.of(facts),),
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
