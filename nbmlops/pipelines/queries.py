"""SQL of the ledger and of what pipeline runs wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from nbmlops.store import edges, schema, turns

__all__ = [
    "claimed",
    "committed",
    "end_slot",
    "erased",
    "judged",
    "newest",
    "newest_slot",
    "outputs",
    "parent",
    "put_slot",
    "put_slots",
    "reports_of",
    "running_parts",
    "slot",
    "slots",
    "touched",
    "usual_seconds",
    "versions",
    "written",
]

_CANDIDATES = 20


def slot(connection: Connection, key: Mapping[str, Any]) -> Any:
    """Row of a slot, or None."""
    return connection.execute(select(schema.ledger).filter_by(**key)).one_or_none()


def slots(connection: Connection, key: Mapping[str, Any], steps: Iterable[str]) -> dict[str, Any]:
    """Rows of the slots of some steps, by step; `key` is what their keys have in common."""
    table = schema.ledger
    query = select(table).filter_by(**{name: value for name, value in key.items() if name != "step"})
    return {row.step: row for row in edges.selected(connection, query, table.c.step, steps)}


def newest_slot(connection: Connection, key: Mapping[str, Any]) -> Any:
    """Row of the newest generation of a slot, whose key is given without it; or None."""
    table = schema.ledger
    return connection.execute(select(table).filter_by(**key).order_by(table.c.generation.desc())).first()


def put_slot(connection: Connection, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert or replace a slot."""
    if connection.execute(update(schema.ledger).filter_by(**key).values(**values)).rowcount == 0:
        connection.execute(insert(schema.ledger).values(**key, **values))


def put_slots(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert slots that are not there."""
    if rows:
        connection.execute(insert(schema.ledger), [dict(row) for row in rows])


def end_slot(connection: Connection, key: Mapping[str, Any], token: int, values: Mapping[str, Any]) -> bool:
    """End a claimed slot when its token is still the newest; whether it was."""
    query = update(schema.ledger).filter_by(**key, token=token, state="claimed").values(**values)
    return connection.execute(query).rowcount == 1


def claimed(connection: Connection, key: Mapping[str, Any], run_id: str) -> list[Any]:
    """Rows of the steps that a run has claimed, and that have outputs, such as who holds them."""
    table = schema.ledger
    query = select(table).filter_by(**key, run_id=run_id, state="claimed")
    return list(connection.execute(query.where(table.c.outputs.is_not(None))).all())


def parent(connection: Connection, run_id: str) -> str | None:
    """The run that a run is a part of."""
    return connection.execute(select(schema.run.c.parent_id).filter_by(id=run_id)).scalar()


def running_parts(connection: Connection, run_id: str, step: str) -> list[str]:
    """Ids of the runs of a step that are running as parts of a run."""
    table = schema.run
    return list(
        connection.execute(select(table.c.id).filter_by(parent_id=run_id, experiment=step, status="running")).scalars()
    )


def committed(connection: Connection, *, limit: int | None = _CANDIDATES, **which: str) -> list[Any]:
    """Newest committed rows with these values whose versions are all there and not deleted; of so many, or of all."""
    table = schema.ledger
    query = select(table).filter_by(**which, state="committed").order_by(table.c.ended_at.desc())
    rows = connection.execute(query.limit(limit)).all()
    there = versions(connection, {version for row in rows for version in row.outputs["versions"]})
    return [row for row in rows if all(version in there for version in row.outputs["versions"])]


def newest(connection: Connection, step_keys: Iterable[str]) -> dict[str, Any]:
    """The newest committed row of each key, None where not all versions of it are there and not deleted."""
    table = schema.ledger
    place = func.row_number().over(partition_by=table.c.step_key, order_by=table.c.ended_at.desc()).label("place")
    found: dict[str, Any] = {}
    for page in turns.pages(dict.fromkeys(step_keys)):
        columns = (table.c.step_key, table.c.run_id, table.c.outputs)
        placed = select(*columns, place).where(table.c.step_key.in_(page), table.c.state == "committed").subquery()
        found |= {row.step_key: row for row in connection.execute(select(placed).where(placed.c.place == 1))}
    there = versions(connection, {version for row in found.values() for version in row.outputs["versions"]})
    return {key: row if all(each in there for each in row.outputs["versions"]) else None for key, row in found.items()}


def versions(connection: Connection, ids: set[int]) -> dict[int, Any]:
    """Kind, name and digest of versions that are not deleted, by id."""
    version, name = schema.version, schema.name
    query = select(version.c.id, version.c.digest, version.c.number, name.c.kind, name.c.name).join(name)
    rows = edges.selected(connection, query.where(version.c.deleted_at.is_(None)), version.c.id, ids)
    return {row.id: row for row in rows}


def written(connection: Connection, run_id: str, relation: str = "writes") -> dict[int, Any]:
    """Versions that a run wrote (or reads), by id."""
    edge = schema.edge
    objects = connection.execute(select(edge.c.object).filter_by(subject=f"run:{run_id}", relation=relation)).scalars()
    return versions(connection, {int(item.partition(":")[2]) for item in objects})


def outputs(connection: Connection, pipeline_run_id: str) -> dict[tuple[str, str], str]:
    """What a pipeline run wrote: (kind, name) -> digest."""
    output = schema.run_output
    ids = connection.execute(select(output.c.version_id).filter_by(run_id=pipeline_run_id)).scalars()
    return {(row.kind, row.name): row.digest for row in versions(connection, set(ids)).values()}


def reports_of(connection: Connection, run_ids: Sequence[str]) -> list[Any]:
    """Rows of the reports that were made in some runs."""
    table = schema.report
    return list(connection.execute(select(table).where(table.c.run_id.in_(run_ids)).order_by(table.c.id)).all())


def judged(connection: Connection, report: int, version_id: int, at: datetime) -> None:
    """Write the edge from a report to the frozen version that it let pass."""
    edges.add(connection, f"report:{report}", {("judges", f"pipeline:{version_id}"): at})


def touched(connection: Connection, run_id: str) -> list[Any]:
    """What a run read and wrote, in that order in time: relation, instant, and the version whatever became of it."""
    edge, version, name = schema.edge, schema.version, schema.name
    found = connection.execute(select(edge).filter_by(subject=f"run:{run_id}").order_by(edge.c.at)).all()
    ids = {int(row.object.partition(":")[2]) for row in found}
    query = select(version, name.c.kind, name.c.name).join(name).where(version.c.id.in_(ids))
    rows = {f"{row.kind}:{row.id}": row._mapping for row in connection.execute(query)}
    return [{**rows[row.object], "relation": row.relation, "at": row.at} for row in found if row.object in rows]


def usual_seconds(connection: Connection, steps: Collection[str]) -> dict[str, float]:
    """How many seconds each of some steps took when it last completed, by its experiment."""
    run = schema.run.c
    last = select(func.max(run.sequence)).where(run.kind == "step", run.status == "finished")
    newest = last.where(run.experiment.in_(list(steps))).group_by(run.experiment)
    rows = connection.execute(select(run.experiment, run.started_at, run.ended_at).where(run.sequence.in_(newest)))
    return {row.experiment: max(0.0, (row.ended_at - row.started_at).total_seconds()) for row in rows}


def erased(connection: Connection, name_id: int, digest: str) -> Any:
    """When rows were last erased from what is now a content; None when none were."""
    tombstone, erasure = schema.tombstone, schema.erasure
    query = select(func.max(erasure.c.at)).select_from(tombstone.join(erasure, erasure.c.id == tombstone.c.erasure_id))
    return connection.execute(query.where(tombstone.c.name_id == name_id, tombstone.c.successor == digest)).scalar()
