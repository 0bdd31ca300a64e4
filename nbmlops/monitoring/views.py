"""How monitors look."""

from __future__ import annotations

from nbmlops.monitoring.records import KINDS, Monitor
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Look, Part, Tone, line
from nbmlops.render.units import duration, when

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
