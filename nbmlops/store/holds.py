"""Legal holds: while one is on a version, a name or a run, nothing of it is deleted, erased, collected or retired.

A hold on a name is on all its versions, deleted ones and those to come too. Several may be on one thing, each for its
own reason; it is free when all were released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, select

from nbmlops.core.digests import of_json
from nbmlops.core.errors import RefusedError
from nbmlops.core.refs import pinned
from nbmlops.store import schema

if TYPE_CHECKING:
    from nbmlops.store.version_rows import Version

__all__ = ["Hold", "held_records", "listed", "on_name", "refusal", "refuse", "refuse_change", "whys"]


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold: its number, what it is on, why and since when, and whether and why it was released.

    Attributes
    ----------
    id : int
        Its number.
    kind : str
        ``data``, ``model``, ``pipeline``, ``feature`` or ``run``.
    ref : str
        What it is on: a version, a name, or a run.
    reason : str
        Why it was placed.
    at : datetime
        Since when.
    by : str
        Who placed it.
    released_at, released_by, released_why : optional
        When it was released, by whom, and why.
    """

    id: int
    kind: str
    ref: str
    reason: str
    at: datetime
    by: str
    released_at: datetime | None = None
    released_by: str | None = None
    released_why: str | None = None


def _query() -> Select[Any]:
    table, version, name, run = schema.hold, schema.version, schema.name, schema.run
    of_version = version.c.id == table.c.version_id
    of_name = (name.c.id == table.c.name_id) | (name.c.id == version.c.name_id)
    columns = table, version.c.number, version.c.digest, name.c.kind, name.c.name, run.c.experiment
    query = select(*columns, run.c.number.label("run_number")).select_from(table)
    query = query.outerjoin(version, of_version).outerjoin(name, of_name)
    return query.outerjoin(run, run.c.id == table.c.run_id).order_by(table.c.id)


def _record(row: Any) -> Hold:
    if row.run_id is not None:
        kind, ref = "run", f"{row.experiment}-{row.run_number}"
    else:
        kind, ref = row.kind, row.name if row.name_id is not None else pinned(row.name, row.number, row.digest)
    released = row.released_at, row.released_by, row.released_why
    return Hold(row.id, kind, ref, row.reason, row.at, row.actor, *released)


def listed(connection: Connection, *, released: bool = False) -> list[Hold]:
    """Holds that are on something, by number; with `released` those that were too."""
    query = _query()
    if not released:
        query = query.where(schema.hold.c.released_at.is_(None))
    return [_record(row) for row in connection.execute(query)]


def _on(connection: Connection, version_id: int) -> Hold | None:
    table = schema.hold.c
    own = select(schema.version.c.name_id).where(schema.version.c.id == version_id).scalar_subquery()
    query = _query().where(table.released_at.is_(None), (table.version_id == version_id) | (table.name_id == own))
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _record(row)


def on_name(connection: Connection, kind: str, name: str) -> Hold | None:
    """The first hold on a name or on any version of it."""
    query = _query().where(schema.hold.c.released_at.is_(None), schema.name.c.kind == kind, schema.name.c.name == name)
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _record(row)


def refuse(connection: Connection, version: Version, what: str) -> None:
    """Raise `RefusedError` for a version that is on hold; `what` is that which may not be done with it."""
    if hold := _on(connection, version.id):
        raise refusal(version.ref, what, hold)


def refusal(ref: str, what: str, hold: Hold) -> RefusedError:
    """Say that something may not be done, by whom and why."""
    on = "it" if hold.ref == ref else hold.ref
    return RefusedError(
        f"{ref} cannot be {what}: hold {hold.id} of {hold.by} is on {on}: {hold.reason}",
        hint="`ml store holds` lists them; who is entitled to releases one",
    )


def whys(connection: Connection) -> dict[int, str]:
    """Why versions on hold are needed, by their id."""
    table, version = schema.hold.c, schema.version.c
    meant = (version.id == table.version_id) | (version.name_id == table.name_id)
    query = select(version.id, table.id, table.reason).join_from(schema.version, schema.hold, meant)
    rows = connection.execute(query.where(table.released_at.is_(None)).order_by(table.id.desc()))
    return {version_id: f"hold {number} is on it: {reason}" for version_id, number, reason in rows}


def held_records(connection: Connection) -> dict[tuple[int, str], str]:
    """A digest of all that is recorded of what is on hold, by the number of the hold and the table."""
    found: dict[tuple[int, str], str] = {}
    for row in connection.execute(select(schema.hold).where(schema.hold.c.released_at.is_(None))).all():
        version = schema.version
        if row.run_id is None:
            own = version.c.id == row.version_id if row.name_id is None else version.c.name_id == row.name_id
            ids = select(version.c.id).where(own)
            kept = {version: version.c.id.in_(ids), schema.version_tag: schema.version_tag.c.version_id.in_(ids)}
        else:
            kept = {table: table.c[key] == row.run_id for table, key in _OF_RUNS.items()}
        for table, mine in kept.items():
            found[row.id, table.name] = _digest(connection, table, mine)
    return found


_OF_RUNS: Mapping[Table, str] = {
    schema.run: "id",
    schema.param: "run_id",
    schema.tag: "run_id",
    schema.artifact: "run_id",
    schema.cell: "run_id",
}


def _digest(connection: Connection, table: Table, mine: Any) -> str:
    # When a version was freed or deleted is no content of it.
    columns = [column for column in table.columns if column.name not in {"deleted_at", "freed_at"}]
    rows: Iterable[Any] = connection.execute(select(*columns).where(mine)).all()
    return of_json(sorted(repr(tuple(row)) for row in rows))


def refuse_change(connection: Connection, before: Mapping[tuple[int, str], str], what: str) -> None:
    """Raise `RefusedError` when what is on hold is not what it was at the begin of this transaction."""
    now = held_records(connection)
    changed = {number for (number, table), digest in before.items() if now.get((number, table)) != digest}
    for hold in listed(connection):
        if hold.id in changed:
            raise refusal(hold.ref, what, hold)
