"""SQL of the runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from nbmlops.core.digests import canonical_json, of_bytes
from nbmlops.core.errors import ConflictError
from nbmlops.core.refs import pinned
from nbmlops.store import schema, turns
from nbmlops.store.addresses import recordable
from nbmlops.store.edges import keep_source
from nbmlops.store.naming import newest_named
from nbmlops.tracking.records import Cell

__all__ = [
    "add_cells",
    "add_metrics",
    "add_params",
    "add_tags",
    "adopt",
    "begin",
    "cells",
    "count",
    "edges",
    "environment",
    "find",
    "finish",
    "last_metrics",
    "last_sign",
    "metric_history",
    "names",
    "newest",
    "put_artifact",
    "running",
    "status",
    "told",
    "values",
    "writing",
]


_DIGITS = 10
"""A run's number has fewer digits, as the database's whole numbers do."""


def begin(
    connection: Connection, *, experiment: str, environment: Mapping[str, Any], like: str | None = None, **fields: Any
) -> None:
    """Insert a run with the next number of its experiment; it sees the names that the run `like` saw."""
    table = schema.run
    number = connection.execute(select(func.max(table.c.number)).filter_by(experiment=experiment)).scalar() or 0
    sequence = connection.execute(select(func.max(table.c.sequence))).scalar() or 0
    digest = _keep_environment(connection, environment)
    seen = connection.execute(select(table.c.as_of).filter_by(id=like)).scalar_one() if like else None
    connection.execute(
        insert(table).values(
            experiment=experiment,
            number=number + 1,
            sequence=sequence + 1,
            status="running",
            as_of=newest_named(connection) if seen is None else seen,
            environment=digest,
            **fields,
        )
    )


def _keep_environment(connection: Connection, content: Mapping[str, Any]) -> str:
    digest = of_bytes(canonical_json(content))
    table = schema.environment
    if connection.execute(select(table.c.digest).filter_by(digest=digest)).first() is None:
        connection.execute(insert(table).values(digest=digest, content=dict(content)))
    return digest


def finish(connection: Connection, run_id: str, status: str, at: datetime, error: Mapping[str, str] | None) -> bool:
    """End a run that is running; False when it had ended already."""
    query = update(schema.run).filter_by(id=run_id, status="running")
    return connection.execute(query.values(status=status, ended_at=at, error=error)).rowcount == 1


def status(connection: Connection, run_id: str) -> str | None:
    """A run's status, None for an unknown run."""
    return connection.execute(select(schema.run.c.status).filter_by(id=run_id)).scalar_one_or_none()


def writing(connection: Connection, run_id: str | None) -> Any:
    """Status and writer of a run, None for an unknown run."""
    return connection.execute(select(schema.run.c.status, schema.run.c.writer).filter_by(id=run_id)).one_or_none()


def running(connection: Connection) -> Sequence[Any]:
    """Ids and writers of the runs that are running, as far as the catalog knows."""
    return connection.execute(select(schema.run.c.id, schema.run.c.writer).filter_by(status="running")).all()


def last_sign(connection: Connection, run_id: str) -> datetime:
    """When a run last wrote something; for one whose writer is gone, that is the best known end."""
    run, metric, edge, cell = schema.run.c, schema.metric.c, schema.edge.c, schema.cell.c
    signs: list[datetime | None] = [
        connection.execute(select(run.started_at).where(run.id == run_id)).scalar_one(),
        connection.execute(select(func.max(metric.at)).where(metric.run_id == run_id)).scalar(),
        connection.execute(select(func.max(edge.at)).where(edge.subject == f"run:{run_id}")).scalar(),
        connection.execute(select(func.max(cell.started_at)).where(cell.run_id == run_id)).scalar(),
        connection.execute(select(func.max(run.ended_at)).where(run.parent_id == run_id)).scalar(),
    ]
    return max(sign for sign in signs if sign is not None)


def add_params(connection: Connection, run_id: str, params: Mapping[str, Any]) -> None:
    """Insert params; the same value again is fine.

    Raises
    ------
    ConflictError
        When a param has another value already.
    """
    table = schema.param
    for key, value in params.items():
        row = connection.execute(select(table.c.value).filter_by(run_id=run_id, key=key)).one_or_none()
        if row is None:
            connection.execute(insert(table).values(run_id=run_id, key=key, value=value))
        elif row.value != value:
            raise ConflictError(
                f"the param {key} is {row.value!r} already and cannot become {value!r}",
                hint="log what changes during a run as a metric, or start another run",
            )


def add_tags(connection: Connection, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags; a later value replaces an earlier one."""
    table = schema.tag
    for key, value in tags.items():
        if connection.execute(update(table).filter_by(run_id=run_id, key=key).values(value=value)).rowcount == 0:
            connection.execute(insert(table).values(run_id=run_id, key=key, value=value))


def add_metrics(
    connection: Connection, run_id: str, points: Mapping[str, float], step: int | None, at: datetime
) -> None:
    """Insert one point of each metric; without a step, the one after the last."""
    table = schema.metric
    rows = []
    for key, value in points.items():
        number = _next_step(connection, run_id, key) if step is None else step
        rows.append(
            {"run_id": run_id, "key": key, "step": number, "value": None if math.isnan(value) else value, "at": at}
        )
    if rows:
        connection.execute(insert(table), rows)


def _next_step(connection: Connection, run_id: str, key: str) -> int:
    last = connection.execute(select(func.max(schema.metric.c.step)).filter_by(run_id=run_id, key=key)).scalar()
    return 0 if last is None else int(last) + 1


def put_artifact(connection: Connection, run_id: str, name: str, digest: str, size: int) -> None:
    """Set an artifact, which has to be in the store still; a later one of the same name replaces it."""
    turns.hold(connection, [digest])
    table = schema.artifact
    values = {"digest": digest, "size": size}
    if connection.execute(update(table).filter_by(run_id=run_id, name=name).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(run_id=run_id, name=name, **values))


def add_cells(connection: Connection, run_id: str, executed: Iterable[Cell]) -> None:
    """Insert the cells that a run executed, each source once."""
    for cell in executed:
        keep_source(connection, cell.digest, cell.source)
        connection.execute(
            insert(schema.cell).values(
                run_id=run_id,
                position=cell.position,
                cell_id=cell.cell_id,
                source=cell.digest,
                count=cell.count,
                started_at=cell.started_at,
                seconds=cell.seconds,
                status=cell.status,
                defines=list(cell.defines),
                uses=list(cell.uses),
                error=cell.error and recordable(cell.error),
            )
        )


def cells(connection: Connection, run_id: str) -> tuple[Cell, ...]:
    """Cells of a run, in the order of their execution."""
    query = select(schema.cell, schema.source.c.text).join(schema.source).filter(schema.cell.c.run_id == run_id)
    return tuple(
        Cell(
            position=row.position,
            cell_id=row.cell_id,
            digest=row.source,
            source=row.text,
            count=row._mapping["count"],
            started_at=row.started_at,
            seconds=row.seconds,
            status=row.status,
            defines=tuple(row.defines),
            uses=tuple(row.uses),
            error=row.error,
        )
        for row in connection.execute(query.order_by(schema.cell.c.position, schema.cell.c.id))
    )


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


def count(connection: Connection) -> int:
    """Number of runs."""
    return connection.execute(select(func.count()).select_from(schema.run)).scalar_one()


def names(connection: Connection, limit: int = 500) -> list[str]:
    """Friendly names of the newest runs."""
    table = schema.run
    rows = connection.execute(select(table.c.experiment, table.c.number).order_by(table.c.sequence.desc()).limit(limit))
    return [f"{row.experiment}-{row.number}" for row in rows]


def values(
    connection: Connection, table_name: str, run_ids: Sequence[str], column: str = "value"
) -> dict[str, dict[str, Any]]:
    """Params, tags or artifacts of several runs: run id -> key -> value."""
    table = schema.metadata.tables[table_name]
    key = table.c.name if "name" in table.c else table.c.key
    query = select(table.c.run_id, key.label("key"), table.c[column].label("value"))
    found: dict[str, dict[str, Any]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(query.where(table.c.run_id.in_(run_ids)).order_by(key)):
        found[row.run_id][row.key] = row.value
    return found


def last_metrics(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """The last value of each metric of several runs: by step, then by order of logging."""
    table = schema.metric
    rank = func.row_number().over(
        partition_by=(table.c.run_id, table.c.key), order_by=(table.c.step.desc(), table.c.id.desc())
    )
    ranked = select(table.c.run_id, table.c.key, table.c.value, rank.label("rank")).where(table.c.run_id.in_(run_ids))
    inner = ranked.subquery()
    found: dict[str, dict[str, float]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(select(inner).where(inner.c.rank == 1).order_by(inner.c.key)):
        found[row.run_id][row.key] = math.nan if row.value is None else row.value
    return found


def metric_history(connection: Connection, run_id: str, key: str) -> list[tuple[int, float]]:
    """All points of one metric: pairs of step and value, in the order of the steps."""
    table = schema.metric
    query = select(table.c.step, table.c.value).filter_by(run_id=run_id, key=key).order_by(table.c.step, table.c.id)
    return [(row.step, math.nan if row.value is None else row.value) for row in connection.execute(query)]


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
