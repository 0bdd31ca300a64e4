"""SQL of runs that leave and come: what is told of one, in pieces, and the insertion of one from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from nbmlops.store import edges, provenance, schema, turns

__all__ = [
    "add_edges",
    "artifacts",
    "edges_of",
    "forget",
    "known",
    "page",
    "parts",
    "points",
    "put_artifacts",
    "put_source",
    "series",
]

_AT_ONCE = 500


def page(connection: Connection, after: int, most: int, experiment: str | None = None) -> Sequence[Any]:
    """Rows of runs in the order in which they came, those behind one."""
    query = select(schema.run).where(schema.run.c.sequence > after).order_by(schema.run.c.sequence).limit(most)
    return connection.execute(query if experiment is None else query.filter_by(experiment=experiment)).all()


def parts(connection: Connection, run_id: str) -> Sequence[Any]:
    """Rows of the runs that are a part of one, in the order in which they came."""
    return connection.execute(select(schema.run).filter_by(parent_id=run_id).order_by(schema.run.c.sequence)).all()


def known(connection: Connection, ids: Iterable[str]) -> dict[str, Any]:
    """Of some runs those that are here: id, experiment, number, status and writer of each."""
    table, wanted, found = schema.run.c, list(ids), {}
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(table.id, table.experiment, table.number, table.status, table.writer)
        for row in connection.execute(query.where(table.id.in_(wanted[start : start + _AT_ONCE]))):
            found[row.id] = row
    return found


def series(connection: Connection, run_id: str) -> Sequence[Any]:
    """Id, name and number of points of each metric of a run."""
    table = schema.series
    return connection.execute(select(table.c.id, table.c.key, table.c.count).filter_by(run_id=run_id)).all()


def points(connection: Connection, series_id: int, begin: int, end: int) -> list[tuple[int, int, float | None]]:
    """Step, time and value of the points of a series between two positions, in the order in which they came."""
    table = schema.point.c
    query = select(table.step, table.at, table.value).where(table.series == series_id)
    query = query.where(table.position >= begin, table.position < end).order_by(table.position)
    return [(row.step, row.at, row.value) for row in connection.execute(query)]


def artifacts(connection: Connection, run_id: str) -> Sequence[Any]:
    """Name, digest and size of each artifact of a run."""
    table = schema.artifact
    query = select(table.c.name, table.c.digest, table.c.size).filter_by(run_id=run_id)
    return connection.execute(query.order_by(table.c.name)).all()


def put_artifacts(connection: Connection, run_id: str, kept: Sequence[tuple[str, str, int]]) -> None:
    """Insert the artifacts of a run that has none: name, digest and size of each; they have to be in the store."""
    if kept:
        turns.hold(connection, [digest for _, digest, _ in kept])
        rows = [{"run_id": run_id, "name": name, "digest": digest, "size": size} for name, digest, size in kept]
        connection.execute(insert(schema.artifact), rows)


def put_source(connection: Connection, run_id: str, digest: str) -> None:
    """Set the source of a run's notebook."""
    connection.execute(update(schema.run).filter_by(id=run_id).values(source=digest))


def add_edges(connection: Connection, run_id: str, told: Iterable[tuple[str, Mapping[str, Any], Any]]) -> int:
    """Write edges of a run to versions that are here, from relation, version and time; how many are not here."""
    ids, wanted, missing = provenance.Ids(), {}, 0
    for relation, version, at in told:
        row_id = ids.find(connection, version)
        if row_id is None:
            missing += 1
        else:
            wanted[relation, f"{version['kind']}:{row_id}"] = at
    edges.add(connection, f"run:{run_id}", wanted)
    return missing


def edges_of(connection: Connection, run_id: str) -> list[tuple[str, dict[str, Any], Any]]:
    """Relation, version and time of what a run read and wrote; a version by its kind, name, number and digest."""
    table, version, name = schema.edge, schema.version, schema.name
    found = []
    for row in connection.execute(select(table).filter_by(subject=f"run:{run_id}").order_by(table.c.at)).all():
        what = select(name.c.kind, name.c.name, version.c.number, version.c.digest).join(name)
        one = connection.execute(what.where(version.c.id == int(row.object.partition(":")[2]))).one_or_none()
        if one is not None:
            found.append((row.relation, dict(one._mapping), row.at))
    return found


def forget(connection: Connection, run_id: str) -> None:
    """Delete a run that came from elsewhere while it still went on, with all that came with it."""
    own = select(schema.series.c.id).filter_by(run_id=run_id)
    for table in (schema.point, schema.point_block):
        connection.execute(delete(table).where(table.c.series.in_(own)))
    for table in (schema.series, schema.param, schema.tag, schema.artifact, schema.cell):
        connection.execute(delete(table).filter_by(run_id=run_id))
    connection.execute(delete(schema.edge).filter_by(subject=f"run:{run_id}"))
    connection.execute(delete(schema.run).filter_by(id=run_id))
