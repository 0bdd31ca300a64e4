"""How versions get their numbers: at once outside a pipeline run, all together when a pipeline run commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from nbmlops.core.errors import ConflictError
from nbmlops.store import lineage, resolution, schema, tags, turns
from nbmlops.store.subjects import Subject

__all__ = [
    "add_version",
    "adopt_outputs",
    "insert_version",
    "name_id",
    "name_outputs",
    "newest_named",
    "numbered",
    "put_output",
]


def add_version(
    connection: Connection, kind: str, name: str, values: Mapping[str, Any], *, renew: bool
) -> tuple[int, bool]:
    """Add a version, unless its content is what the name means already and need not be renewed.

    Its id, and whether it is a new one.
    """
    active = lineage.current()
    pipeline_run = active.pipeline_run_id
    if pipeline_run:
        _check_running(connection, active.run_id or pipeline_run)
    own = name_id(connection, kind, name, values["created_at"])
    visible = resolution.visible(connection, own)
    known = visible is not None and visible.digest == values["digest"] and not renew
    if visible is not None and known:
        version_id = int(visible.id)
        if visible.message is None and values["message"]:
            # What says why is taken as late as it comes; a message that is there stays.
            connection.execute(update(schema.version).filter_by(id=version_id).values(message=values["message"]))
    else:
        number = {} if pipeline_run else numbered(connection, own)
        version_id = insert_version(connection, name_id=own, **number, **values)
    if pipeline_run:
        put_output(connection, pipeline_run, own, version_id)
    return version_id, not known


def _check_running(connection: Connection, run_id: str) -> None:
    """Refuse what a step saves that was given to somebody else meanwhile, or whose run is over."""
    run = schema.run
    row = connection.execute(select(run.c.status, run.c.parent_id, run.c.experiment).filter_by(id=run_id)).one_or_none()
    if row is None:
        return  # it is in a journal still, so its process is this one
    above = connection.execute(select(run.c.status).filter_by(id=row.parent_id)).scalar()
    if row.status != "running" or above not in {None, "running"}:
        raise ConflictError(f"{row.experiment} runs no more: what it still saves is for nothing")


def name_id(connection: Connection, kind: str, name: str, now: datetime) -> int:
    """Row id of a name, which is added when it is not there."""
    found = connection.execute(select(schema.name.c.id).filter_by(kind=kind, name=name)).scalar_one_or_none()
    if found is not None:
        return int(found)
    added = connection.execute(insert(schema.name).values(kind=kind, name=name, created_at=now))
    return int(added.inserted_primary_key[0])  # type: ignore[index]


def insert_version(connection: Connection, **values: Any) -> int:
    """Insert a row and return its id."""
    return int(connection.execute(insert(schema.version).values(**values)).inserted_primary_key[0])  # type: ignore[index]


def numbered(connection: Connection, name_id: int) -> dict[str, int]:
    """The next number of a name and the next place in the order of naming."""
    table = schema.version
    number = connection.execute(select(func.max(table.c.number)).filter_by(name_id=name_id)).scalar() or 0
    return {"number": number + 1, "named": newest_named(connection) + 1}


def newest_named(connection: Connection) -> int:
    """Place of the version that was named last, over all kinds; 0 before the first."""
    return connection.execute(select(func.max(schema.version.c.named))).scalar() or 0


def put_output(connection: Connection, run_id: str, name_id: int, version_id: int) -> None:
    """Let a pipeline run's bare name mean this version from now on."""
    table = schema.run_output
    key = {"run_id": run_id, "name_id": name_id}
    if connection.execute(update(table).filter_by(**key).values(version_id=version_id)).rowcount == 0:
        connection.execute(insert(table).values(version_id=version_id, **key))


def adopt_outputs(connection: Connection, run_id: str, version_ids: Iterable[int]) -> None:
    """Make versions of earlier runs outputs of this one, because their steps were skipped; of one name, the last."""
    table, output = schema.version, schema.run_output
    wanted = list(dict.fromkeys(version_ids))
    names: dict[int, int] = {}
    for page in turns.pages(wanted):
        query = select(table.c.id, table.c.name_id).where(table.c.id.in_(page))
        names |= dict(map(tuple, connection.execute(query)))
    meant = {names[version]: version for version in wanted if version in names}
    query = select(output.c.name_id).filter_by(run_id=run_id)
    known = {
        row.name_id
        for page in turns.pages(meant)
        for row in connection.execute(query.where(output.c.name_id.in_(page)))
    }
    for name in known:
        put_output(connection, run_id, name, meant[name])
    rows = [{"run_id": run_id, "name_id": name, "version_id": meant[name]} for name in meant if name not in known]
    if rows:
        connection.execute(insert(output), rows)


def name_outputs(connection: Connection, run_id: str) -> list[int]:
    """Name what a pipeline run wrote, in the transaction that commits the run; ids of the versions.

    A version whose content is already the newest of its name becomes that version; an older content
    gets a new number and no new bytes.
    """
    table, output = schema.version, schema.run_output
    rows = connection.execute(
        select(table)
        .join(output, output.c.version_id == table.c.id)
        .where(output.c.run_id == run_id)
        .order_by(table.c.id)
    ).all()
    return [_name_one(connection, run_id, row) for row in rows]


def _name_one(connection: Connection, run_id: str, row: Row[Any]) -> int:
    table = schema.version
    newest = connection.execute(
        select(table)
        .where(table.c.name_id == row.name_id, table.c.number.is_not(None), table.c.deleted_at.is_(None))
        .order_by(table.c.number.desc())
        .limit(1)
    ).one_or_none()
    if newest is not None and newest.digest == row.digest:
        if newest.id != row.id and row.number is None:
            _replace(connection, row, newest.id)
        return int(newest.id)
    number = numbered(connection, row.name_id)
    if row.number is None:
        connection.execute(update(table).filter_by(id=row.id).values(**number))
        return int(row.id)
    own = {"id", "number", "named", "deleted_at", "freed_at"}
    again = {key: value for key, value in row._mapping.items() if key not in own}
    again.update(number, new_bytes=0)
    version_id = insert_version(connection, **again)
    tags.copy(connection, row.id, version_id)
    _written_again(connection, run_id, row, version_id)
    put_output(connection, run_id, row.name_id, version_id)
    return version_id


def _written_again(connection: Connection, run_id: str, row: Row[Any], new: int) -> None:
    """Let who wrote a version have written another of the same content: this run's steps, or whom they took it from."""
    kind = connection.execute(select(schema.name.c.kind).filter_by(id=row.name_id)).scalar_one()
    run, edge = schema.run, schema.edge
    steps = select(run.c.id).where((run.c.parent_id == run_id) | (run.c.id == run_id))
    ids = set(connection.execute(steps).scalars())
    writes = connection.execute(select(edge).filter_by(object=f"{kind}:{row.id}", relation="writes")).all()
    own = [pair for pair in writes if Subject.parse(pair.subject).run_id in ids]
    for pair in own or writes:
        values = {"subject": pair.subject, "relation": "writes", "object": f"{kind}:{new}", "at": pair.at}
        connection.execute(insert(edge).values(**values))


def _replace(connection: Connection, row: Row[Any], by: int) -> None:
    """Let a version stand for an unnamed one with the same content, in lineage and with its tags too."""
    tags.copy(connection, row.id, by)
    kind = connection.execute(select(schema.name.c.kind).filter_by(id=row.name_id)).scalar_one()
    edge, old, new = schema.edge, f"{kind}:{row.id}", f"{kind}:{by}"
    there = select(edge.c.subject, edge.c.relation).where(edge.c.object == new)
    known = {tuple(pair) for pair in connection.execute(there)}
    for pair in connection.execute(select(edge).where(edge.c.object == old)).all():
        if (pair.subject, pair.relation) not in known:
            connection.execute(
                insert(edge).values(subject=pair.subject, relation=pair.relation, object=new, at=pair.at)
            )
    connection.execute(edge.delete().where(edge.c.object == old))
    output = schema.run_output
    connection.execute(update(output).where(output.c.version_id == row.id).values(version_id=by))
    connection.execute(schema.version.delete().where(schema.version.c.id == row.id))
