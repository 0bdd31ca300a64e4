"""How schedules, their fires and times, backfills and the daemon's remarks look."""

from __future__ import annotations

from typing import Any

from nbmlops.pipelines.schedules.records import Backfill, BackfillTime, Fire, Remark, Schedule, Upcoming, Vigil
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Look, Part, Tone, line, table
from nbmlops.render.units import count, duration, when

__all__: list[str] = []

_SIGNS: dict[str, tuple[str, Tone]] = {
    "completed": ("✓", "good"),
    "failed": ("✗", "bad"),
    "replaced": ("!", "warn"),
    "skipped": ("!", "warn"),
    "to run": ("·", "plain"),
    "left": ("=", "muted"),
}
_OPEN: tuple[str, Tone] = ("·", "muted")


def _state(state: str) -> Part:
    sign, tone = _SIGNS.get(state, _OPEN)
    return Part(f"{sign} {state}", tone)


def _last(fire: Fire | None) -> str:
    return "" if fire is None else f"{_state(fire.state).text} {when(fire.ended_at)}".strip()


@looks(Fire)
def _(fire: Fire) -> Look:
    return Look(
        line(
            f"{fire.schedule} {fire.logical_time}",
            _state(fire.state),
            duration(fire.seconds),
            f"run {fire.run}" if fire.run else None,
            Part((fire.note or "").partition("\n")[0], "muted"),
        ),
        more=(Facts.of({"due": when(fire.due_at), "started": when(fire.started_at), "ended": when(fire.ended_at)}),),
    )


@looks(Remark)
def _(remark: Remark) -> Look:
    return Look(line(when(remark.at), Part(remark.text, "warn")))


@looks(Schedule)
def _(schedule: Schedule) -> Look:
    off = "deleted" if schedule.deleted_at else "paused" if schedule.paused_at else None
    facts = {
        "parameters": ", ".join(f"{key}={value}" for key, value in schedule.parameters.items()),
        "missed times": {"all": "all start", "latest": "the last one starts", "none": "none starts"}[schedule.catchup],
        "while one runs": {"queue": "the next waits", "forbid": "the next is skipped", "replace": "it is stopped"}[
            schedule.overlap
        ],
        "late after": duration(schedule.patience),
        "added": f"{when(schedule.created_at)} by {schedule.author}",
        "last": f"{schedule.last.logical_time}: {schedule.last.note or schedule.last.state}" if schedule.last else None,
    }
    return Look(
        line(
            f"schedule {schedule.name}",
            f"starts {schedule.target}",
            schedule.trigger,
            Part(off, "warn") if off else None,
            f"next {when(schedule.next_at)}" if schedule.next_at else None,
            f"{schedule.running} running" if schedule.running else None,
            f"last {_last(schedule.last)}" if schedule.last else None,
            Part(f"late by {duration(schedule.late)}", "bad") if schedule.late else None,
        ),
        more=(Facts.of(facts),),
    )


@looks(Upcoming)
def _(upcoming: Upcoming) -> Look:
    return Look(line(f"{upcoming.schedule} {upcoming.local}", upcoming.zone))


@looks(Vigil)
def _(vigil: Vigil) -> Look:
    told = [Part(f"{number:,} {state}", _SIGNS.get(state, _OPEN)[1]) for state, number in vigil.ended.items()]
    return Look(line(f"watched for {duration(vigil.seconds)}", *(told or [Part("nothing was due")])))


@looks(BackfillTime)
def _(time: BackfillTime) -> Look:
    return Look(line(time.logical_time, _state(time.state), time.run, Part(time.note, "muted")))


@looks(Backfill)
def _(backfill: Backfill) -> Look:
    found: dict[str, int] = {}
    for time in backfill.times:
        found[time.state] = found.get(time.state, 0) + 1
    told = [Part(f"{number:,} {state}", _SIGNS[state][1]) for state, number in found.items()]
    rows = [(time.logical_time, _state(time.state).text, time.run or "", time.note) for time in backfill.times]
    tried = "would run" if backfill.is_dry else "backfill of"
    return Look(
        line(f"{tried} {backfill.pipeline}", backfill.trigger, count(len(rows), "time"), *told),
        body=(table(("time", "", "run", "note"), rows).without_empty_columns(),),
    )


def _late(seconds: Any) -> str:
    return duration(seconds)


lists(
    Schedule,
    Field("schedule", lambda schedule: schedule.name),
    Field("starts", lambda schedule: schedule.target),
    Field("when", lambda schedule: schedule.trigger),
    Field("next", lambda schedule: schedule.next_at, when),
    Field("late", lambda schedule: schedule.late, _late, right=True),
    Field("running", lambda schedule: schedule.running or None, right=True),
    Field("last", lambda schedule: schedule.last, _last),
    Field("run", lambda schedule: schedule.last.run if schedule.last else None),
    Field("paused", lambda schedule: schedule.paused_at, when),
    nothing='no schedules; the first: `ml schedule add PIPELINE "0 6 * * *"`',
)
lists(
    Fire,
    Field("time", lambda fire: fire.logical_time),
    Field("", lambda fire: fire.state, lambda state: _state(state).text),
    Field("started", lambda fire: fire.started_at, when),
    Field("took", lambda fire: fire.seconds, duration, right=True),
    Field("run", lambda fire: fire.run),
    Field("note", lambda fire: fire.note, lambda note: note.partition("\n")[0]),
    nothing="it has not come due yet; when it will: `ml schedule list`",
)
lists(
    Upcoming,
    Field("schedule", lambda upcoming: upcoming.schedule),
    Field("time", lambda upcoming: upcoming.local),
    Field("zone", lambda upcoming: upcoming.zone),
    Field("here", lambda upcoming: upcoming.due_at, when),
    nothing="it is never due again",
)
