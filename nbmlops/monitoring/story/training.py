"""Versions of a model and what started their training: from which data, in which run, by whom and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.refs import pinned
from nbmlops.monitoring.records import suite_name
from nbmlops.monitoring.story import queries
from nbmlops.monitoring.story.records import Moment, Mood
from nbmlops.render.units import number

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection

__all__ = ["cause", "trainings"]

_FIGURES = 5
_WATCHES = ("contest", "monitor", "ramp")
"""Actions whose starts train nothing: what they find is told as alerts and changes of the deployment."""
_MOODS: dict[str, Mood] = {"failed": "bad"}


def trainings(connection: Connection, name: str, monitors: Sequence[str], limit: int) -> Iterator[Moment]:
    """Moments of the versions of a model, and of what schedules started for it."""
    rows = queries.versions(connection, name, limit)
    runs = queries.runs(connection, {row.run_id for row in rows if row.run_id})
    owners = {row.name: row for row in queries.schedules(connection)}
    pipelines = {runs[run.parent_id].experiment for run in runs.values() if run.parent_id in runs}
    concerned = [one.name for one in owners.values() if _concerns(one, name, pipelines, monitors)]
    tops = {_title(runs.get(run.parent_id, run)) for run in runs.values()}
    fires = queries.fires(connection, concerned, tops, limit)
    started = {fire.run: fire for fire in fires if fire.run}
    sources = queries.inputs(connection, [row.id for row in rows])
    values = queries.last_values(connection, set(runs))
    for row in reversed(rows):
        run = runs.get(row.run_id)
        top = None if run is None else runs.get(run.parent_id, run)
        fire = None if top is None else started.get(_title(top))
        made = tuple(pinned(*one) for one in sources.get(row.id, ()))
        figures = values.get(row.run_id or "") or (values.get(top.id, {}) if top is not None else {})
        yield Moment(
            row.created_at,
            "version",
            f"v{row.number} {'trained' if run is not None or made else 'saved'}",
            row.author if fire is None else f"schedule {fire.schedule}",
            (
                *((f"from {', '.join(made)}",) if made else ()),
                _why(row, run, top, None if fire is None else _cause(owners, fire)),
                *(f"{key} {number(value)}" for key, value in list(figures.items())[:_FIGURES]),
                *((row.message,) if row.message else ()),
                *(("deleted since",) if row.deleted_at else ()),
            ),
            f"`ml model show {pinned(name, row.number, row.digest)}`",
            version=row.number,
        )
    for fire in reversed(fires):
        if fire.schedule in concerned:
            yield _start(fire, owners)


def cause(trigger: Mapping[str, Any], logical_time: str) -> str:
    """Why a schedule came due, in one phrase.

    Examples
    --------
    >>> cause({"on": "report", "name": "monitor:good", "older": 0.0}, "report:31")
    'monitor good failed, report 31'
    >>> cause({"on": "data", "name": "flights", "older": 0.0}, "flights@v5")
    'new data flights@v5'
    """
    event = logical_time.replace(":", " ", 1)
    match trigger.get("on"):
        case None:
            return f"due {logical_time}"
        case "report" if trigger["name"].startswith(suite_name("")):
            return f"monitor {trigger['name'].removeprefix(suite_name(''))} failed, {event}"
        case "report":
            return f"{trigger['name']} failed, {event}"
        case "drift":
            return f"{trigger['name']} drifted, {event}"
        case "data":
            return f"new data {logical_time}"
        case _:
            return event


def _concerns(schedule: Any, name: str, pipelines: set[str], monitors: Sequence[str]) -> bool:
    """Whether a schedule starts what trains a model, or answers to its monitors or its age."""
    if schedule.action in _WATCHES:
        return False
    target, event = schedule.target.partition("@")[0], str(schedule.trigger.get("name", ""))
    if schedule.action == "pipeline" and target in pipelines:
        return True
    watched = event in {suite_name(monitor) for monitor in monitors}
    stale = schedule.trigger.get("on") == "stale" and event.partition("@")[0] == name
    return watched or stale or (schedule.action != "pipeline" and target == name)


def _start(fire: Any, owners: Mapping[str, Any]) -> Moment:
    owner = owners.get(fire.schedule)
    what = f"{owner.action} {owner.target}" if owner is not None else "training"
    look = f"`ml run show {fire.run}`" if fire.run else f"`ml schedule history {fire.schedule}`"
    note = (fire.note or "").partition("\n")[0]
    told = (_cause(owners, fire), fire.state, *((f"run {fire.run}",) if fire.run else ()), *((note,) if note else ()))
    at, who = fire.started_at or fire.due_at, f"schedule {fire.schedule}"
    return Moment(at, "start", f"{what} started", who, told, look, _MOODS.get(fire.state, "plain"))


def _cause(owners: Mapping[str, Any], fire: Any) -> str:
    owner = owners.get(fire.schedule)
    return f"due {fire.logical_time}" if owner is None else cause(owner.trigger, fire.logical_time)


def _title(run: Any) -> str:
    return f"{run.experiment}-{run.number}"


def _why(row: Any, run: Any, top: Any, started: str | None) -> str:
    """In which run it was made, and what began that."""
    if run is None:
        place = row.detail.get("notebook")
        return f"by hand, in {place}" if place else "by hand"
    kind = "the proof" if top.kind == "proof" else "pipeline run" if top is not run else "run"
    notebook = f" of {run.notebook}" if run.notebook and top is run else ""
    where = f"{kind} {_title(top)}{notebook}"
    return f"by hand, in {where}" if started is None else f"{started}, in {where}"
