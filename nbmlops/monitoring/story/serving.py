"""What was said of a deployment and of its monitors, and when these failed and were well again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbmlops.monitoring.records import suite_name
from nbmlops.monitoring.story import queries
from nbmlops.monitoring.story.records import Moment, Mood, Span
from nbmlops.render.units import count, duration

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection

__all__ = ["alerts", "changes", "deployments"]

_MOVES = tuple(f"model.{verb}" for verb in ("promote", "rollback", "remove", "ask", "approve", "reject"))
"""Events that other sources tell of, with more."""
_WORDS = {"trust": "trusted", "describe": "described", "tag": "tagged", "set": "set", "add": "added"}


def changes(connection: Connection, name: str, limit: int) -> Iterator[Moment]:
    """What else was done to a model: deleted, restored, renamed, described."""
    for event in reversed(queries.events(connection, ["model"], [name], limit, but=_MOVES)):
        verb = event.action.removeprefix("model.")
        _, _, part = event.subject.partition("@")
        what = f"{part or 'all versions'} {_past(verb)}" if verb in {"delete", "restore"} else f"{name} {_past(verb)}"
        told = () if verb in {"delete", "restore"} else (_pairs(event.detail),)
        look = f"`ml model history {name}`"
        yield Moment(event.at, "version", what, event.actor, told, look, event=event.sequence)


def deployments(connection: Connection, name: str, limit: int) -> tuple[list[Moment], list[Span]]:
    """How callers were shared out, who answered in shadow, and what else was said of the deployment."""
    rows = queries.events(connection, ["deployment"], [name], limit)
    moments = [_changed(row, name) for row in reversed(rows)]
    spans: list[Span] = []
    for key, row_name in (("split", "traffic"), ("shadow", "shadow")):
        end: datetime | None = None
        for row in (row for row in rows if key in row.detail):  # the newest first
            if row.detail[key]:
                shown = _shares(row.detail[key]) if key == "split" else ", ".join(row.detail[key])
                spans.append(Span(row_name, shown, row.at, end))
            end = row.at
    return moments, spans


def _changed(event: Any, name: str) -> Moment:
    verb, detail = event.action.removeprefix("deployment."), event.detail
    why = _some(str(detail.get("why", "")))
    mood: Mood = "plain"
    match verb:
        case "split" | "ramp" if detail.get("split"):
            what = f"callers shared out: {_shares(detail['split'])}"
            why += (f"by {detail['sticky']}",) if detail.get("sticky") else ()
        case "ramp" if "split" in detail:
            what, mood = "ramp stopped: one version answers all again", "bad"
        case "split" if "split" in detail:
            what = "one version answers all again"
        case "shadow":
            shadows = ", ".join(detail.get("shadow", ()))
            what = f"{shadows} answers in shadow" if shadows else "nobody answers in shadow any more"
        case "challenge":
            share = f"with a share: {_shares(detail['split'])}" if detail.get("split") else "in shadow"
            what = f"a challenger is tested {share}"
        case "drop":
            what, mood = "challenger dropped", "bad"
        case "promote":
            what, mood = "test over: the challenger is promoted", "good"
        case "forget":
            what = f"forgot {count(int(detail.get('hours', 0)), 'hour')} of what was captured"
        case _:
            rest = {key: value for key, value in detail.items() if key != "why"}
            what = f"deployment {_past(verb)}: {_pairs(rest)}"
    look = f"`ml deployment history {name}`"
    return Moment(event.at, "deployment", what, event.actor, why, look, mood, event=event.sequence)


def alerts(connection: Connection, monitors: Sequence[Any], limit: int) -> tuple[list[Moment], list[Span]]:
    """When monitors began to fail and were well again, and what was done to the monitors."""
    by_suite = {suite_name(row.name): row for row in monitors}
    rows = queries.turns(connection, list(by_suite), limit)
    said = queries.events(connection, ["monitor"], [one.name for one in monitors], limit)
    moments = [_said(row) for row in reversed(said)]
    moments += [_turned(row, by_suite[row.suite]) for row in reversed(rows)]
    spans: list[Span] = []
    ends: dict[str, datetime] = {}
    for row in rows:  # the newest first
        name = by_suite[row.suite].name
        if _is_bad(row.status):
            spans.append(Span(f"monitor {name}", "failing", row.created_at, ends.get(name), "bad"))
        ends[name] = row.created_at
    return moments, spans


def _turned(row: Any, monitor: Any) -> Moment:
    mood: Mood
    if _is_bad(row.status):
        what, mood = f"monitor {monitor.name} {'failed' if row.status == 'failed' else 'could not judge'}", "bad"
    elif row.status == "warned":
        well = "is better: it warns" if _is_bad(row.before) else "warns"
        what, mood = f"monitor {monitor.name} {well}", "warn"
    else:
        what, mood = f"monitor {monitor.name} is well again", "good"
    told = (f"{monitor.kind} over {duration(monitor.window)}, ask {monitor.owner}",)
    look = f"`ml check show {row.id}`"
    return Moment(row.created_at, "monitor", what, f"monitor {monitor.name}", told, look, mood, report=row.id)


def _said(event: Any) -> Moment:
    verb, detail = event.action.removeprefix("monitor."), event.detail
    told = (f"{detail['kind']} over {duration(detail['window'])}",) if verb == "add" else _some(_pairs(detail))
    look = f"`ml monitor show {event.subject}`"
    return Moment(
        event.at, "monitor", f"monitor {event.subject} {_past(verb)}", event.actor, told, look, event=event.sequence
    )


def _is_bad(status: str | None) -> bool:
    return status in {"failed", "errored"}


def _shares(split: Sequence[Sequence[Any]]) -> str:
    told = [f"{ref} {float(percent):g} %" for ref, percent in split]
    left = 100 - sum(float(percent) for _, percent in split)
    return ", ".join([*told, *([f"the others {left:g} %"] if left > 1e-9 else [])])


def _past(verb: str) -> str:
    return _WORDS.get(verb) or (f"{verb}d" if verb.endswith("e") else f"{verb}ed")


def _pairs(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in detail.items())


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()
