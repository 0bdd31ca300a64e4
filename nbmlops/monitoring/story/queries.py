"""SQL of stories: what the tables of versions, runs, reports, events and fires say of one model, the newest first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from nbmlops.store import edges, schema

__all__ = [
    "events",
    "fires",
    "inputs",
    "is_known",
    "last_values",
    "monitors",
    "moves",
    "numbers",
    "rejections",
    "runs",
    "schedules",
    "turns",
    "verdicts",
    "versions",
]

_MONITOR = "monitor:"


def versions(connection: Connection, name: str, limit: int) -> Sequence[Any]:
    """Rows of the newest versions of a model, deleted ones among them."""
    version, named = schema.version, schema.name
    query = select(version).join(named).where(named.c.kind == "model", named.c.name == name)
    query = query.where(version.c.number.is_not(None)).order_by(version.c.id.desc()).limit(limit)
    return connection.execute(query).all()


def is_known(connection: Connection, name: str) -> bool:
    """Whether there ever was a version of a model."""
    return bool(versions(connection, name, 1))


def numbers(connection: Connection, ids: Collection[int]) -> dict[int, int | None]:
    """Numbers of versions by their ids."""
    table = schema.version
    rows = edges.selected(connection, select(table.c.id, table.c.number), table.c.id, ids)
    return {row.id: row.number for row in rows}


def inputs(connection: Connection, ids: Collection[int]) -> dict[int, list[tuple[str, int | None, str]]]:
    """What some versions were trained on: by their ids, the name, number and digest of each version of data."""
    made = {f"model:{number}": number for number in ids}
    sources: dict[int, dict[int, None]] = {}
    for one in edges.derived_to(connection, made):
        if one.source is not None and one.source.startswith("data:"):
            sources.setdefault(made[one.made], {})[edges.parsed(one.source)[1]] = None
    version, named = schema.version, schema.name
    query = select(version.c.id, version.c.number, version.c.digest, named.c.name).join(named)
    wanted = {source for each in sources.values() for source in each}
    rows = {row.id: row for row in edges.selected(connection, query, version.c.id, wanted)}
    return {
        number: [(rows[one].name, rows[one].number, rows[one].digest) for one in each if one in rows]
        for number, each in sources.items()
    }


def runs(connection: Connection, ids: Collection[str]) -> dict[str, Any]:
    """Rows of some runs and of those that they are a part of, by their ids."""
    table = schema.run
    known = ("id", "experiment", "number", "kind", "status", "parent_id", "notebook")
    query = select(*(table.c[key] for key in known))
    own = {row.id: row for row in edges.selected(connection, query, table.c.id, ids)}
    above = {row.parent_id for row in own.values() if row.parent_id and row.parent_id not in own}
    return {**own, **{row.id: row for row in edges.selected(connection, query, table.c.id, above)}}


def last_values(connection: Connection, ids: Collection[str]) -> dict[str, dict[str, float]]:
    """The last value of each metric of some runs."""
    table, found = schema.series, dict[str, dict[str, float]]()
    query = select(table.c.run_id, table.c.key, table.c.value).where(table.c.value.is_not(None)).order_by(table.c.key)
    for row in edges.selected(connection, query, table.c.run_id, ids):
        found.setdefault(row.run_id, {})[row.key] = row.value
    return found


def moves(connection: Connection, name: str, limit: int) -> Sequence[Any]:
    """Rows of the newest moves of the aliases of a model."""
    table, named = schema.alias_move, schema.name
    query = select(table).join(named).where(named.c.kind == "model", named.c.name == name)
    return connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()


def verdicts(connection: Connection, name: str, limit: int) -> Sequence[Any]:
    """Rows of the newest reports on versions of a model, but for those of monitors, with the version they judged."""
    report, version, named, edge = schema.report, schema.version, schema.name, schema.edge
    of_it = select(version.c.id, version.c.number).join(named)
    of_it = of_it.where(named.c.kind == "model", named.c.name == name, version.c.number.is_not(None))
    ids = {f"model:{row.id}": row.number for row in connection.execute(of_it)}
    judges = select(edge.c.subject, edge.c.object).where(edge.c.relation == "judges")
    judged: dict[int, list[int]] = {}
    for row in edges.selected(connection, judges, edge.c.object, ids):
        judged.setdefault(int(row.subject.rpartition(":")[2]), []).append(ids[row.object])
    known = (report.c.id, report.c.suite, report.c.subject, report.c.status, report.c.created_at, report.c.run_id)
    newest = sorted(judged, reverse=True)[:limit]
    rows = edges.selected(connection, select(*known), report.c.id, newest)
    told = [(row, max(judged[row.id])) for row in rows if not row.suite.startswith(_MONITOR)]
    return sorted(told, key=lambda pair: pair[0].id, reverse=True)


def events(
    connection: Connection, kinds: Iterable[str], subjects: Collection[str], limit: int, but: Collection[str] = ()
) -> Sequence[Any]:
    """The newest Events of some nouns on some things, or on versions of these."""
    table = schema.event
    whose = or_(
        table.c.subject.in_(subjects), *(table.c.subject.startswith(f"{one}@", autoescape=True) for one in subjects)
    )
    query = select(table).where(or_(*(table.c.action.startswith(f"{kind}.") for kind in kinds)), whose)
    query = query.where(table.c.action.not_in(but)).order_by(table.c.sequence.desc()).limit(limit)
    return connection.execute(query).all() if subjects else ()


def rejections(connection: Connection) -> Mapping[int, Any]:
    """Events by which a promotion of a model was rejected, by the number of what was asked."""
    rows = connection.execute(select(schema.event).filter_by(action="model.reject")).all()
    return {row.detail["ask"]: row for row in rows}


def monitors(connection: Connection, deployment: str) -> Sequence[Any]:
    """Rows of all monitors of a deployment, deleted ones among them."""
    return connection.execute(select(schema.monitor).filter_by(deployment=deployment)).all()


def turns(connection: Connection, suites: Collection[str], limit: int) -> Sequence[Any]:
    """Reports of some suites with which a suite began to fail, to warn or to pass; each with the status before."""
    table = schema.report

    def rank(status: Any) -> Any:
        return case((status.in_(("failed", "errored")), 2), (status == "warned", 1), else_=0)

    before = func.lag(table.c.status).over(partition_by=table.c.suite, order_by=table.c.id).label("before")
    known = select(table.c.id, table.c.suite, table.c.status, table.c.created_at, before)
    every = known.where(table.c.suite.in_(suites)).subquery()
    query = select(every).where(rank(every.c.status) != rank(every.c.before))
    return connection.execute(query.order_by(every.c.id.desc()).limit(limit)).all() if suites else ()


def schedules(connection: Connection) -> Sequence[Any]:
    """Rows of all schedules, deleted ones among them."""
    table = schema.schedule
    return connection.execute(select(table.c.name, table.c.action, table.c.target, table.c.trigger)).all()


def fires(connection: Connection, owners: Collection[str], runs: Collection[str], limit: int) -> Sequence[Any]:
    """Rows of the newest fires that began, of some schedules, and of those that committed some runs."""
    table = schema.fire
    began = and_(table.c.schedule.in_(owners), table.c.state.not_in(("waiting", "skipped", "replaced")))
    query = select(table).where(or_(began, table.c.run.in_(runs)))
    return connection.execute(query.order_by(table.c.due_at.desc(), table.c.id.desc()).limit(limit)).all()
