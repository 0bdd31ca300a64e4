"""The panel of what answers: alerts with what to type, monitors over time, traffic by version, and the story."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.core.refs import check_name
from nbmlops.jupyter.panels.lines import words
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import fields, short
from nbmlops.monitoring.figures import figure_lines
from nbmlops.monitoring.records import KINDS, Monitor
from nbmlops.render.listing import Listing
from nbmlops.serving.records import Deployment

if TYPE_CHECKING:
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
    """What is wrong now, one alert for each cause, the newest first: its monitors with their evidence, what to type."""
    failing = {one.name: one for one in workspace.monitor.list(name) if one.status in _BAD}
    found = []
    for alert in workspace.monitor.alerts(name, limit=_MONITORS):
        own = [failing.pop(each) for each in alert.monitors if each in failing]
        told = fields(alert, "id title why weight state opened_at".split())
        command = alert.command.strip("`").removeprefix("ml ")
        found.append({**told, "command": command, "monitors": [_evident(workspace, one) for one in own]})
    # Those that failed before their deployment had alerts.
    for one in failing.values():
        alone = {"id": None, "title": f"{one.deployment}: {one.name} fails", "why": "", "weight": 1.0, "state": "open"}
        found.append({**alone, "opened_at": one.status_since, "command": None, "monitors": [_evident(workspace, one)]})
    return {"rows": found}


def _evident(workspace: Workspace, one: Monitor) -> dict[str, Any]:
    """A monitor that fails, with what it found."""
    failures = workspace.check.show(one.report).failures if one.report is not None else ()
    evidence = [_told(outcome) for outcome in failures[:_FAILURES]]
    return {**_shown(one), "evidence": evidence, "left": len(failures) - len(evidence)}


def monitors(workspace: Workspace, name: str | None = None) -> dict[str, Any]:
    """The monitors of a deployment, or all of them, by name."""
    return {"rows": [_shown(one) for one in workspace.monitor.list(name)[:_MONITORS]]}


def monitor(workspace: Workspace, name: str) -> dict[str, Any]:
    """One monitor: its rules, how it looked each time, and its figures over time with the bands they may be in."""
    one = workspace.monitor.show(name, limit=1)
    reports = workspace.monitor.history(name, limit=_LOOKS)[::-1]
    rules = {"about": KINDS[one.kind], "window": one.window.total_seconds(), "bound": one.bound}
    looks = [{"at": each.created_at, "status": each.status, "report": each.id} for each in reports]
    lines = [
        {"check": short(line.label), "points": line.points, "low": line.low, "high": line.high}
        for line in figure_lines(reports)[:_SERIES]
    ]
    return {**_shown(one), **rules, "looks": looks, "series": lines}


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


def score(workspace: Workspace, name: str) -> dict[str, Any]:
    """The sheet of the ML Test Score, as the evidence stands now; nothing of it is kept."""
    sheet = workspace.score(name, keep=False)
    sections = [
        {"title": section.title, "points": section.points, "tests": [_scored(test) for test in section.tests]}
        for section in sheet.sections
    ]
    return {"ref": sheet.ref, "score": sheet.score, "sections": sections}


def _scored(test: Any) -> dict[str, Any]:
    told = fields(test, ("id", "title", "points", "passed"))
    evidence = short(test.evidence[0].what) if test.evidence else ""
    return {**told, "why": short(test.why), "command": short(test.command), "evidence": evidence}


def _shown(one: Monitor) -> dict[str, Any]:
    state = {"paused": one.paused_at is not None, "owner": short(one.owner), "reference": short(one.reference)}
    return {**fields(one, _KNOWN), **state}


def _told(outcome: Any) -> dict[str, Any]:
    label = short(outcome.label)
    return {"check": label, **{key: short(getattr(outcome, key)) for key in ("status", "figure", "bound", "detail")}}


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
    asks={each.__name__: each for each in (deployments, alerts, monitors, monitor, traffic, story, score)},
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
