"""SQL of the score: what the store says of a model, its pipeline and its deployment, in a few bounded questions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from nbmlops.store import edges, schema

__all__ = [
    "candidates",
    "deployment_events",
    "erasures",
    "fires",
    "frozen_as",
    "judges",
    "params",
    "reports",
    "reproduced",
    "runs",
    "runs_of_experiment",
    "runs_of_notebooks",
    "saved",
    "versions_of_names",
]

MOST = 5_000
"""So many reports, fires and Events are looked at, the newest."""


def judges(connection: Connection, things: Iterable[str]) -> dict[int, set[str]]:
    """Which of some versions each report judged, by the report's number."""
    found: dict[int, set[str]] = {}
    for edge in edges.of_objects(connection, set(things), ["judges"]):
        found.setdefault(int(edge.subject.removeprefix("report:")), set()).add(edge.object)
    return found


def reports(connection: Connection, numbers: Collection[int], suites: Sequence[str], name: str) -> list[Any]:
    """Rows of the newest reports that have one of some numbers, or a suite like one of some, and those of monitors."""
    table = schema.report
    own = or_(table.c.subject == name, table.c.subject.startswith(f"{name}@", autoescape=True))
    wanted = [table.c.suite.like(suite) for suite in suites]
    query = select(table).where(or_(*wanted, and_(table.c.suite.startswith("monitor:"), own)))
    rows = {row.id: row for row in connection.execute(query.order_by(table.c.id.desc()).limit(MOST))}
    newest = sorted(numbers, reverse=True)[:MOST]
    rows |= {row.id: row for row in edges.selected(connection, select(table), table.c.id, newest)}
    return [rows[number] for number in sorted(rows, reverse=True)]


def runs(connection: Connection, ids: Iterable[str]) -> dict[str, Any]:
    """Rows of runs, with those that they are a part of, by their ids."""
    table, found, wanted = schema.run, dict[str, Any](), set(ids)
    while wanted:
        rows = edges.selected(connection, select(table), table.c.id, wanted)
        found |= {row.id: row for row in rows}
        wanted = {row.parent_id for row in rows if row.parent_id is not None} - set(found)
    return found


def runs_of_notebooks(connection: Connection, notebooks: Collection[str]) -> list[Any]:
    """When which source of some notebooks ran, the oldest first."""
    table = schema.run.c
    query = select(table.notebook, table.source, table.started_at).where(table.source.is_not(None))
    rows = edges.selected(connection, query, table.notebook, notebooks)
    return sorted(rows, key=lambda row: row.started_at)[-MOST:]


def runs_of_experiment(connection: Connection, experiment: str) -> list[str]:
    """Ids of the newest runs that people made in an experiment."""
    table = schema.run.c
    query = select(table.id).where(table.experiment == experiment, table.kind == "run", table.parent_id.is_(None))
    return list(connection.execute(query.order_by(table.sequence.desc()).limit(200)).scalars())


def params(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Params of runs."""
    table = schema.param.c
    found: dict[str, dict[str, Any]] = {}
    for row in edges.selected(connection, select(table.run_id, table.key, table.value), table.run_id, ids):
        found.setdefault(row.run_id, {})[row.key] = row.value
    return found


def candidates(connection: Connection, parents: Collection[str]) -> dict[str, int]:
    """How many candidates of a search each of some runs has below it."""
    run, tag = schema.run, schema.tag
    below = run.join(tag, and_(tag.c.run_id == run.c.id, tag.c.key == "autolog.part", tag.c.value == "candidate"))
    query = select(run.c.parent_id, func.count().label("number")).select_from(below).group_by(run.c.parent_id)
    return {row.parent_id: row.number for row in edges.selected(connection, query, run.c.parent_id, parents)}


def reproduced(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """The verdict of the last reproduction of each of some runs, and when that was."""
    table = schema.tag.c
    query = select(table.run_id, table.key, table.value).where(table.key.in_(("reproduced", "reproduced.at")))
    found: dict[str, dict[str, str]] = {}
    for row in edges.selected(connection, query, table.run_id, ids):
        found.setdefault(row.run_id, {})[row.key] = row.value
    both = {run: tags for run, tags in found.items() if len(tags) == len(("reproduced", "reproduced.at"))}
    return {run: (tags["reproduced"], tags["reproduced.at"]) for run, tags in both.items()}


def fires(connection: Connection, action: str) -> list[Any]:
    """The newest fires of the schedules with an action that are neither deleted nor paused."""
    fire, schedule = schema.fire.c, schema.schedule
    query = select(fire.state, fire.started_at, fire.ended_at, fire.run, schedule.c.target, schedule.c.trigger)
    query = query.select_from(schema.fire.join(schedule, schedule.c.name == fire.schedule))
    query = query.where(schedule.c.action == action, schedule.c.deleted_at.is_(None), schedule.c.paused_at.is_(None))
    started = query.where(fire.started_at.is_not(None))
    return list(connection.execute(started.order_by(fire.id.desc()).limit(MOST)))


def deployment_events(connection: Connection, name: str) -> list[Any]:
    """Events of a deployment and of its versions, the oldest first."""
    table = schema.event
    own = or_(table.c.subject == name, table.c.subject.startswith(f"{name}@", autoescape=True))
    query = select(table).where(own, table.c.action.startswith("deployment.")).order_by(table.c.sequence.desc())
    return list(connection.execute(query.limit(MOST)))[::-1]


def erasures(connection: Connection) -> list[Any]:
    """Rows of the erasures that are done."""
    table = schema.erasure
    return list(connection.execute(select(table).where(table.c.state == "done").order_by(table.c.at)))


def frozen_as(connection: Connection, run_ids: Collection[str]) -> set[str]:
    """Digests of the pipeline versions that some runs executed."""
    table = schema.ledger.c
    query = select(table.pipeline_version).where(table.pipeline_version.is_not(None))
    return {row.pipeline_version for row in edges.selected(connection, query, table.run_id, run_ids)}


def versions_of_names(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """Every version of the names that some versions have: id -> name."""
    version, name = schema.version.c, schema.name
    owned = {row.name_id for row in edges.selected(connection, select(version.name_id), version.id, ids)}
    query = select(version.id, name.c.name).join(name, name.c.id == version.name_id).select_from(schema.version)
    return {row.id: row.name for row in edges.selected(connection, query, version.name_id, owned)}


def saved(connection: Connection, ids: Collection[int]) -> list[tuple[datetime, Mapping[str, Any]]]:
    """When some versions were saved, and what is kept of each besides, the oldest first."""
    version = schema.version.c
    rows = edges.selected(connection, select(version.created_at, version.detail), version.id, ids)
    return sorted(((row.created_at, row.detail) for row in rows), key=lambda row: row[0])
