"""How it is served and watched, what went wrong, and what changed over its life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.core.spans import span_text
from nbmlops.models.drill import DRILL
from nbmlops.monitoring.alerts.records import CAUSES
from nbmlops.monitoring.dossier.facts import MOST, Answer, by_event, newest
from nbmlops.monitoring.dossier.records import Gap, Mood, Statement
from nbmlops.monitoring.score.records import SUITE
from nbmlops.render.units import count, when

if TYPE_CHECKING:
    from nbmlops.monitoring.alerts.records import Alert
    from nbmlops.monitoring.dossier.facts import Facts
    from nbmlops.monitoring.records import Monitor
    from nbmlops.monitoring.story.records import Moment
    from nbmlops.store.audit import Event

__all__ = ["changes", "incidents", "plan", "serving"]

_MOVES = {
    "model.promote": "{ref} promoted to {alias}",
    "model.rollback": "{alias} rolled back to {ref}",
    "model.remove": "{alias} taken off {ref}",
}


def serving(facts: Facts) -> Answer:
    """Who answers whom, where, and what is kept of it."""
    served, name = facts.served, facts.name
    said = served.deployment
    evidence, look = by_event(served.changed, f"deployment {name}", f"ml deployment show {name}")
    if served.answers:
        split = [f"{ref} {percent:g} %" for ref, percent in said.split]
        shadow = f"; unheard: {', '.join(said.shadow)}" if said.shadow else ""
        rest = f"{said.alias} the others" if split else said.alias
        told = f"callers are answered by {', '.join([*split, rest])}{shadow}"
        yield Statement("in production", told, evidence, look)
    else:
        on = next((move.alias for move in facts.card.moves if move.before_id == facts.version.id), None)
        was = f"; it left {on}" if on else ""
        why = f"no caller is answered by {facts.ref}: {said.alias} is not on it{was}"
        yield Gap("in production", why, f"`ml model promote {facts.ref} --to {said.alias}`")
    if served.endpoints:
        told = ", ".join(f"{one.ref} at {one.address} ({count(one.workers, 'worker')})" for one in served.endpoints)
        yield Statement("endpoint", told, "list of endpoints", "ml serve")
    else:
        yield Gap("endpoint", "no endpoint of it runs on this machine", f"`ml serve {name}@{said.alias}`")
    yield from _captured(facts)


def _captured(facts: Facts) -> Answer:
    said, name = facts.served.deployment, facts.name
    for one in facts.served.traffic:
        asked = f"{count(one.rows, 'row')} in {count(one.requests, 'request')}, {count(one.errors, 'error')}"
        told = f"in 30 days {asked}; 95 % within {one.p95_ms:.3g} ms ({one.role})"
        yield Statement("captured", told, f"capture of {name}", f"ml deployment show {name}")
    if not facts.served.traffic:
        yield Gap(
            "captured",
            "nothing that it answered in 30 days was captured",
            f"`ml serve {name}@{said.alias}` without --no-capture",
        )
    kept = f"rows of {100 * said.sampled:g} % of the requests" + "".join(
        f", {column}: {rule}" for column, rule in sorted(said.personal.items())
    )
    evidence, look = by_event(facts.served.changed, f"deployment {name}", f"ml deployment show {name}")
    yield Statement("kept of requests", kept, evidence, look)
    taken = {field.name for field in facts.version.signature.inputs}
    found = {
        one.column
        for report in facts.sources.personal.values()
        for one in report.outcomes
        if one.check == "personal data"
    }
    bare = sorted(column for column in found & taken if column is not None and column not in said.personal)
    if bare and said.sampled:
        rules = " ".join(f"--personal {column}=hash" for column in bare)
        yield Gap(
            "personal inputs kept",
            f"{', '.join(bare)} of each request is kept as it was asked",
            f"`ml deployment set {name} {rules}`",
        )


def plan(facts: Facts) -> Answer:
    """What watches it: figures, bounds, whom to ask, when they look, and who is told."""
    watched, name = facts.watched, facts.name
    if not watched.monitors:
        yield Gap("monitors", "nothing watches what it answers", f"`ml monitor add {name}_drift {name} drift`")
    yield from newest((_monitor(one) for one in watched.monitors), f"ml monitor list {name}")
    for one in watched.monitors[:MOST]:
        if one.paused_at is not None:
            yield Gap(
                f"monitor {one.name}", f"it is paused since {when(one.paused_at)}", f"`ml monitor resume {one.name}`"
            )
        elif one.status is None:
            yield Gap(f"monitor {one.name}", "it has judged nothing yet", f"`ml monitor run {one.name}`")
    own = {one.name for one in watched.monitors}
    schedules = [one for one in watched.schedules if one.paused_at is None and one.target in {*own, "all"}]
    for each in schedules[:MOST]:
        told = f"{each.target} looks {each.trigger}, by {each.author}"
        yield Statement("schedule", told, f"schedule {each.name}", f"ml schedule history {each.name}")
    if not schedules:
        yield Gap(
            "schedule",
            "no schedule runs a monitor of it",
            "`ml schedule add all --action monitor --every 1h --name monitors`",
        )
    if facts.settings.alerts:
        told = f"{count(len(facts.settings.alerts), 'address', 'addresses')} when something fails"
        yield Statement("who is told", told, "pyproject.toml", f"ml monitor alerts {name}")
    else:
        yield Gap(
            "who is told",
            "nobody is told when something fails",
            'alerts = ["secret:NAME"] below [tool.nbmlops] in pyproject.toml',
        )
    scores = [report for report in facts.card.reports if report.suite == SUITE]
    if not scores:
        yield Gap("ML Test Score", f"{facts.ref} was never scored", f"`ml score {name}`")
        return
    sums = ", ".join(f"{amount} {status}" for status, amount in scores[0].counts.items() if amount)
    told = f"{when(scores[0].created_at)}: of {count(len(scores[0].outcomes), 'test')} {sums}"
    yield Statement("ML Test Score", told, f"report {scores[0].id}", f"ml score {name}")


def _monitor(one: Monitor) -> Statement:
    against = f" against {one.reference}" if one.reference else ""
    bound = "its own bound" if one.bound is None else f"bound {one.bound:g}"
    metric = f" of {one.metric}" if one.metric else ""
    rules = "".join(f", {key} {value}" for key, value in sorted(one.rules.items()))
    stands = f"{one.status} since {when(one.status_since)}" if one.status else "not run yet"
    quiet = f", silent until {when(one.silent_until)}" if one.silent_until else ""
    looks = f"{one.kind}{metric} over {span_text(one.window)}{against}, {bound}{rules}"
    told = f"{one.name}: {looks}; ask {one.owner}; {stands}{quiet}"
    mood: Mood = "bad" if one.status in {"failed", "errored"} else "warn" if one.status == "warned" else "plain"
    evidence = f"report {one.report}" if one.report else f"monitor {one.name}"
    return Statement("monitors", told, evidence, f"ml monitor show {one.name}", mood)


def incidents(facts: Facts) -> Answer:
    """Alerts that opened and closed, and what nobody was told of."""
    watched, name = facts.watched, facts.name
    judged = [one for one in watched.monitors if one.status is not None]
    look = f"ml monitor alerts {name} --closed"
    if watched.alerts:
        yield from newest(map(_alert, watched.alerts), look)
    elif judged:
        told = f"none in what {count(len(judged), 'monitor')} judged"
        yield Statement("alerts", told, f"alerts of {name}", look, "good")
    else:
        why = "it is not known whether anything went wrong: no monitor has judged it"
        first = "" if watched.monitors else f"`ml monitor add {name}_drift {name} drift`, then "
        run = watched.monitors[0].name if watched.monitors else f"{name}_drift"
        yield Gap("alerts", why, f"{first}`ml monitor run {run}`")
    yield from _silences(facts)


def _alert(one: Alert) -> Statement:
    ends = f"{one.state} {when(one.closed_at)}" if one.closed_at else one.state
    told_at = f"told {when(one.told_at)}" if one.told_at else "nobody was told at once"
    told = f"{when(one.opened_at)}: {CAUSES[one.cause]} ({', '.join(one.monitors)}); {ends}; {told_at}"
    found = f"; {one.evidence[0]}" if one.evidence else ""
    mood: Mood = "plain" if one.closed_at else "bad"
    return Statement(
        "alerts", f"{told}{found}", f"alert {one.id}", f"ml monitor alerts {one.deployment} --closed", mood
    )


def _silences(facts: Facts) -> Iterator[Statement]:
    told = (
        Statement("silenced", f"{one.subject} by {one.actor} {when(one.at)}", *by_event(one, "", ""), mood="warn")
        for one in facts.watched.silenced
    )
    yield from newest(told, "ml store audit --action monitor.silence")


def changes(facts: Facts) -> Answer:
    """Versions, moves of aliases and changes of the deployment, the newest first."""
    lived = (_moment(one, facts.name) for one in facts.watched.story.moments if _is_change(one))
    moved = ((one.at, _move(one)) for one in facts.events if one.action in _MOVES and one.detail.get("alias") != DRILL)
    told = sorted((*lived, *moved), key=lambda pair: pair[0], reverse=True)
    look, is_cut = f"ml story {facts.name} --limit 1000", facts.watched.story.is_cut and len(told) > 2 * MOST
    yield from newest((one for _, one in told), look, 2 * MOST, of_all=not is_cut)
    if facts.version.number is not None and facts.version.number > 1:
        earlier = f"{facts.name}@v{facts.version.number - 1}"
        yield Statement("version before", earlier, earlier, f"ml model diff {earlier} {facts.ref}")


def _is_change(one: Moment) -> bool:
    """What people say of it stands above, word for word; moves of aliases are told by their Events."""
    return one.kind in {"version", "deployment"} and not one.what.endswith(" described")


def _moment(one: Moment, name: str) -> tuple[datetime, Statement]:
    told = "; ".join((f"{when(one.at)} {one.what}", *one.told))
    evidence = f"event {one.event}" if one.event else f"{name}@v{one.version}"
    return one.at, Statement("changes", f"{told}; by {one.who}", evidence, one.look.strip("`"), one.mood)


def _move(event: Event) -> Statement:
    alias, report = event.detail["alias"], event.detail.get("report")
    what = _MOVES[event.action].format(ref=event.subject, alias=alias)
    on = f" on report {report}" if report else ""
    because = f": {event.detail['message']}" if event.detail.get("message") else ""
    mood: Mood = "warn" if event.action == "model.rollback" else "plain"
    told = f"{when(event.at)} {what}{on}; by {event.actor}{because}"
    return Statement("changes", told, *by_event(event, "", ""), mood=mood)
