"""The panel of what answers: alerts with what to type, monitors over time, traffic by version, and the story."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.core.refs import check_name
from nbmlops.jupyter.panels.lines import words
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import fields, short
from nbmlops.monitoring.records import KINDS, Monitor
from nbmlops.render.listing import Listing
from nbmlops.serving.records import Deployment

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.workspace import Workspace

__all__ = ["panel"]

_MODELS, _MONITORS, _FAILURES = 500, 500, 20
_LOOKS = 60
"""Reports of a monitor that its charts are drawn from."""
_SERIES = 24
_MOMENTS = 300
_DAYS = 7
"""Days of traffic at most: each hour is a file that is read."""
_BAD = frozenset({"failed", "errored"})
_KNOWN = "name deployment kind reference metric severity owner status status_since report silent_until".split()


def deployments(workspace: Workspace) -> dict[str, Any]:
    """Every model, those that answer or are watched first: who is answered by whom, and which monitors fail."""
    said = {one.name: one for one in workspace.deployment.list()}
    watched: dict[str, list[Monitor]] = {}
    for one in workspace.monitor.list():
        watched.setdefault(one.deployment, []).append(one)
    placed = workspace.model.placed()
    known = [*sorted({*said, *watched}), *(one.name for one in workspace.model.list())]
    rows = []
    for name in list(dict.fromkeys(known))[:_MODELS]:
        own = watched.get(name, [])
        told = fields(said.get(name) or Deployment(name), "name alias split shadow sticky sampled changed_at".split())
        failing = [monitor.name for monitor in own if monitor.status in _BAD]
        rows.append({**told, "monitors": len(own), "failing": failing, "placed": placed.get(name, {})})
    return {"rows": rows}


def alerts(workspace: Workspace, name: str | None = None) -> dict[str, Any]:
    """Monitors that fail now, the last first, each with its evidence and the lines to type."""
    failing = [one for one in workspace.monitor.list(name) if one.status in _BAD and one.report is not None]
    found = []
    for one in sorted(failing, key=lambda each: str(each.status_since), reverse=True)[:_MONITORS]:
        report = workspace.check.show(one.report or 0)
        evidence = [_told(outcome) for outcome in report.failures[:_FAILURES]]
        left = len(report.failures) - len(evidence)
        found.append({**_shown(one), "evidence": evidence, "left": left, "at": report.created_at})
    return {"rows": found}


def monitors(workspace: Workspace, name: str | None = None) -> dict[str, Any]:
    """The monitors of a deployment, or all of them, by name."""
    return {"rows": [_shown(one) for one in workspace.monitor.list(name)[:_MONITORS]]}


def monitor(workspace: Workspace, name: str) -> dict[str, Any]:
    """One monitor: its rules, and how each of its figures went, with the range that it had while it passed."""
    one = workspace.monitor.show(name)
    reports = workspace.monitor.history(name, limit=_LOOKS)[::-1]
    rules = {"about": KINDS[one.kind], "window": one.window.total_seconds(), "bound": one.bound}
    looks = [{"at": each.created_at, "status": each.status, "report": each.id} for each in reports]
    return {**_shown(one), **rules, "looks": looks, "series": _series(reports)}


def traffic(workspace: Workspace, name: str, days: int = 1) -> dict[str, Any]:
    """What was answered in each hour by each version, heard and in shadow: requests, errors, milliseconds."""
    now = workspace.clock.now()
    since = now - timedelta(days=max(1, min(days, _DAYS)))
    hours = workspace.deployment.captured.hours(check_name(name), since, now, role=None)
    told = [
        {
            **fields(hour, ("start", "version", "role", "requests", "errors", "rows")),
            **{f"p{share}": hour.latency_ms(share / 100) for share in (50, 95)},
        }
        for hour in hours
    ]
    return {"since": since, "until": now, "hours": told}


def story(workspace: Workspace, name: str) -> dict[str, Any]:
    """What happened to the model, as a drawing and its moments."""
    from nbmlops.monitoring.story.views import drawing

    told = workspace.story(name, limit=_MOMENTS)
    picture = drawing(told)
    moments = [
        {
            **fields(one, ("at", "kind", "mood", "report", "version")),
            **{key: short(getattr(one, key)) for key in ("what", "who")},
            "told": [short(text) for text in one.told],
            "look": one.look.strip("`").removeprefix("ml "),
        }
        for one in told.moments
    ]
    rows = [{"y": y, "name": label, "bars": bars, "marks": marks} for y, label, bars, marks in picture.drawn]
    drawn = {"width": picture.w, "height": picture.h, "ticks": picture.ticks, "rows": rows, "about": picture.about}
    return {"name": told.name, "drawing": drawn, "moments": moments, "cut": told.is_cut}


def _shown(one: Monitor) -> dict[str, Any]:
    state = {"paused": one.paused_at is not None, "owner": short(one.owner), "reference": short(one.reference)}
    return {**fields(one, _KNOWN), **state}


def _told(outcome: Any) -> dict[str, Any]:
    label = short(outcome.label)
    return {"check": label, **{key: short(getattr(outcome, key)) for key in ("status", "figure", "bound", "detail")}}


def _series(reports: list[Report]) -> list[dict[str, Any]]:
    """The figures of each check over reports, the oldest first, those that did not pass before the others."""
    found: dict[str, dict[str, Any]] = {}
    for report in reports:
        for outcome in report.outcomes:
            if outcome.number is None:
                continue
            one = found.setdefault(outcome.label, {"check": short(outcome.label), "points": [], "bad": 0, "fine": []})
            told = {"figure": short(outcome.figure), "bound": short(outcome.bound)}
            one["points"].append(
                {"at": report.created_at, "number": outcome.number, "status": outcome.status, "report": report.id}
                | told
            )
            one["bad"] += outcome.status in _BAD
            if outcome.status == "passed":
                one["fine"].append(outcome.number)
    ordered = sorted(found.values(), key=lambda one: -one["bad"])[:_SERIES]
    return [
        {
            "check": one["check"],
            "points": one["points"],
            "band": _band(one["fine"]),
            "bound": one["points"][-1]["bound"],
        }
        for one in ordered
    ]


def _band(values: list[float]) -> list[float] | None:
    """The range of what passed; of fewer than two figures there is none."""
    return [min(values), max(values)] if len(values) > 1 else None


def _run(name: str) -> list[str]:
    return words("monitor", "run", beyond=(name,))


def _silence(name: str, span: str = "2h") -> list[str]:
    return words("monitor", "silence", beyond=(name, span))


def _of(verb: str) -> Any:
    def line(name: str) -> list[str]:
        return words("monitor", verb, beyond=(name,))

    return line


def _report(number: int) -> list[str]:
    return ["check", "show", str(number)]


def _alone(name: str) -> list[str]:
    return words("deployment", "split", "--off", beyond=(name,))


def _unshadowed(name: str) -> list[str]:
    return words("deployment", "shadow", "--off", beyond=(name,))


def _history(name: str) -> list[str]:
    return words("deployment", "history", beyond=(name,))


def _story_line(name: str) -> list[str]:
    return words("story", beyond=(name,))


def _static(workspace: Workspace) -> Listing[Any]:
    return Listing(workspace.monitor.list(), Monitor)


panel = Panel(
    name="monitor",
    title="Monitor",
    asks={each.__name__: each for each in (deployments, alerts, monitors, monitor, traffic, story)},
    lines={
        "run": _run,
        "silence": _silence,
        "pause": _of("pause"),
        "resume": _of("resume"),
        "report": _report,
        "alone": _alone,
        "unshadow": _unshadowed,
        "history": _history,
        "story": _story_line,
    },
    static=_static,
    # Looking reads what was captured.
    apart=frozenset({"run"}),
)
