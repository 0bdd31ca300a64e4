"""SQL of the runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, insert, select, tuple_, update

from nbmlops.core.clock import instant
from nbmlops.core.refs import pinned
from nbmlops.store import schema, turns
from nbmlops.store.edges import selected
from nbmlops.store.naming import newest_named
from nbmlops.tracking.queries import metrics

__all__ = [
    "adopt",
    "among",
    "begin",
    "bury",
    "count",
    "edges",
    "environment",
    "find",
    "finish",
    "keep_environment",
    "last_sign",
    "names",
    "newest",
    "put_git",
    "reproduced",
    "resume",
    "running",
    "state",
    "told",
    "writing",
]


_DIGITS = 10
"""A run's number has fewer digits, as the database's whole numbers do."""


def begin(connection: Connection, *, experiment: str, environment: str, like: str | None = None, **fields: Any) -> None:
    """Insert a run with the next number of its experiment; it sees the names that the run `like` saw."""
    table = schema.run
    number = connection.execute(select(func.max(table.c.number)).filter_by(experiment=experiment)).scalar() or 0
    sequence = connection.execute(select(func.max(table.c.sequence))).scalar() or 0
    seen = connection.execute(select(table.c.as_of).filter_by(id=like)).scalar_one() if like else None
    connection.execute(
        insert(table).values(
            experiment=experiment,
            number=number + 1,
            sequence=sequence + 1,
            status="running",
            as_of=newest_named(connection) if seen is None else seen,
            environment=environment,
            **fields,
        )
    )


def keep_environment(connection: Connection, digest: str, content: Mapping[str, Any]) -> None:
    """Insert an environment, once."""
    table = schema.environment
    if connection.execute(select(table.c.digest).filter_by(digest=digest)).first() is None:
        connection.execute(insert(table).values(digest=digest, content=dict(content)))


def put_git(connection: Connection, run_id: str, state: Mapping[str, Any] | None) -> None:
    """Set the git state of a run."""
    connection.execute(update(schema.run).filter_by(id=run_id).values(git=state))


def finish(
    connection: Connection,
    run_id: str,
    status: str,
    at: datetime,
    error: Mapping[str, str] | None,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> bool:
    """End a run that is running; False when it had ended already. `about` is what else is known by then, by column."""
    query = update(schema.run).filter_by(id=run_id, status="running")
    return connection.execute(query.values(status=status, ended_at=at, error=error, **about)).rowcount == 1


def bury(connection: Connection, gone: Mapping[str, str]) -> None:
    """Mark runs as killed, each with the writer that is gone; those that somebody else resumed meanwhile run on."""
    error = {"name": "Killed", "value": "the process that wrote the run is gone"}
    for run_id, writer in gone.items():
        if writing(connection, run_id).writer == writer:
            # It ended some time after its last sign of life; when somebody looked says nothing.
            finish(connection, run_id, "killed", last_sign(connection, run_id), error)


def resume(connection: Connection, run_id: str, writer: str) -> bool:
    """Let a run that was killed run again, written by another; False when it is not killed any more."""
    query = update(schema.run).filter_by(id=run_id, status="killed")
    return connection.execute(query.values(status="running", ended_at=None, error=None, writer=writer)).rowcount == 1


def state(connection: Connection, run_id: str) -> Any:
    """Experiment, number and status of a run, None for an unknown run."""
    table = schema.run.c
    return connection.execute(select(table.experiment, table.number, table.status).filter_by(id=run_id)).one_or_none()


def writing(connection: Connection, run_id: str | None) -> Any:
    """Status and writer of a run, None for an unknown run."""
    return connection.execute(select(schema.run.c.status, schema.run.c.writer).filter_by(id=run_id)).one_or_none()


def running(connection: Connection) -> Sequence[Any]:
    """Ids and writers of the runs that are running, as far as the catalog knows."""
    return connection.execute(select(schema.run.c.id, schema.run.c.writer).filter_by(status="running")).all()


def last_sign(connection: Connection, run_id: str) -> datetime:
    """When a run last wrote something; for one whose writer is gone, that is the best known end."""
    run, edge, cell = schema.run.c, schema.edge.c, schema.cell.c
    logged = metrics.latest(connection, run_id)
    signs: list[datetime | None] = [
        connection.execute(select(run.started_at).where(run.id == run_id)).scalar_one(),
        None if logged is None else instant(logged),
        connection.execute(select(func.max(edge.at)).where(edge.subject == f"run:{run_id}")).scalar(),
        connection.execute(select(func.max(cell.started_at)).where(cell.run_id == run_id)).scalar(),
        connection.execute(select(func.max(run.ended_at)).where(run.parent_id == run_id)).scalar(),
    ]
    return max(sign for sign in signs if sign is not None)


def newest(
    connection: Connection, limit: int, experiment: str | None = None, parent_id: str | None = None
) -> Sequence[Any]:
    """Rows of the newest runs, newest first."""
    query = select(schema.run).order_by(schema.run.c.sequence.desc()).limit(limit)
    if experiment is not None:
        query = query.filter_by(experiment=experiment)
    if parent_id is not None:
        query = query.filter_by(parent_id=parent_id)
    return connection.execute(query).all()


def find(connection: Connection, ref: str) -> Sequence[Any]:
    """Rows that a friendly name, an experiment (its newest run) or the beginning of an id means."""
    table = schema.run
    experiment, _, number = ref.rpartition("-")
    if experiment and number.isdecimal() and len(number) < _DIGITS:
        named = connection.execute(select(table).filter_by(experiment=experiment, number=int(number))).all()
        if named:
            return named
    if rows := newest(connection, 1, ref):
        return rows
    if len(ref) < 6:
        return []
    return connection.execute(select(table).where(table.c.id.startswith(ref, autoescape=True)).limit(6)).all()


def among(connection: Connection, refs: Iterable[str]) -> dict[str, Any]:
    """Rows of several runs, by the whole id or the friendly name by which each was asked for."""
    table, wanted = schema.run, list(dict.fromkeys(refs))
    found = {row.id: row for row in selected(connection, select(table), table.c.id, wanted)}
    split = {ref: ref.rpartition("-") for ref in wanted if ref not in found}
    names = {(experiment, int(number)): ref for ref, (experiment, _, number) in split.items() if number.isdecimal()}
    for page in turns.pages(names):
        query = select(table).where(tuple_(table.c.experiment, table.c.number).in_(page))
        found |= {names[row.experiment, row.number]: row for row in connection.execute(query)}
    return found


def count(connection: Connection) -> int:
    """Number of runs."""
    return connection.execute(select(func.count()).select_from(schema.run)).scalar_one()


def names(connection: Connection, limit: int = 500) -> list[str]:
    """Friendly names of the newest runs."""
    table = schema.run
    rows = connection.execute(select(table.c.experiment, table.c.number).order_by(table.c.sequence.desc()).limit(limit))
    return [f"{row.experiment}-{row.number}" for row in rows]


def edges(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """References that several runs read and wrote: run id -> relation -> references."""
    table = schema.edge
    subjects = {f"run:{run_id}": run_id for run_id in run_ids}
    rows = connection.execute(select(table).where(table.c.subject.in_(subjects)).order_by(table.c.at)).all()
    refs = _refs(connection, {row.object for row in rows})
    found: dict[str, dict[str, list[str]]] = {run_id: {"reads": [], "writes": []} for run_id in run_ids}
    for row in rows:
        if row.object in refs:
            found[subjects[row.subject]].setdefault(row.relation, []).append(refs[row.object])
    return found


def _refs(connection: Connection, objects: Iterable[str]) -> dict[str, str]:
    ids = {int(item.partition(":")[2]) for item in objects}
    version, name = schema.version, schema.name
    query = select(version.c.id, version.c.number, version.c.digest, name.c.kind, name.c.name).join(name)
    return {
        f"{row.kind}:{row.id}": pinned(row.name, row.number, row.digest)
        for row in connection.execute(query.where(version.c.id.in_(ids)))
    }


def reproduced(connection: Connection, notebook: str, verdicts: Sequence[str]) -> str | None:
    """Id of the newest run of a notebook that was executed again with one of some verdicts; None without one."""
    run, tag = schema.run.c, schema.tag.c
    query = select(run.id).join(schema.tag, tag.run_id == run.id).where(tag.key == "reproduced")
    query = query.where(tag.value.in_(verdicts), run.notebook == notebook).order_by(run.sequence.desc()).limit(1)
    return connection.execute(query).scalar()


def environment(connection: Connection, digest: str | None) -> Mapping[str, Any] | None:
    """Content of an environment."""
    return connection.execute(select(schema.environment.c.content).filter_by(digest=digest)).scalar_one_or_none()


def told(connection: Connection, run_id: str) -> dict[str, Any] | None:
    """Row of a run, None for an unknown one."""
    row = connection.execute(select(schema.run).filter_by(id=run_id)).one_or_none()
    return None if row is None else dict(row._mapping)


def adopt(connection: Connection, fields: Mapping[str, Any]) -> int:
    """Insert a run from elsewhere under its number, or the next of its experiment when that is taken; the number."""
    table, number = schema.run, fields["number"]
    taken = select(table.c.id).filter_by(experiment=fields["experiment"], number=number)
    if connection.execute(taken).first() is not None:
        last = select(func.max(table.c.number)).filter_by(experiment=fields["experiment"])
        number = connection.execute(last).scalar_one() + 1
    sequence = (connection.execute(select(func.max(table.c.sequence))).scalar() or 0) + 1
    values = {**fields, "number": number, "sequence": sequence, "as_of": newest_named(connection)}
    connection.execute(insert(table).values(**values))
    return int(number)
