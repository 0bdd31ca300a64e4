"""What people say of a name, kept across its versions, and of one version, which goes before the name's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from nbmlops.core.errors import NotFoundError, nearest
from nbmlops.store import audit, schema

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.versions import Version

__all__ = ["change", "said"]

_ALL = 0


def said(connection: Connection, version: Version) -> dict[str, str]:
    """What is said of a version: of the version itself, else of all versions of its name; by key."""
    table = schema.description
    query = select(table).where(table.c.name_id == _name_id(connection, version))
    rows = connection.execute(query.where(table.c.version_id.in_([_ALL, version.id])).order_by(table.c.version_id))
    return {row.key: row.value for row in rows}


def change(
    connection: Connection,
    clock: Clock,
    version: Version,
    said: Mapping[str, str],
    remove: Collection[str],
    *,
    one: bool,
) -> None:
    """Say something of a name, or of one version, and take other things back, with an Event in the audit trail.

    Raises
    ------
    NotFoundError
        When what is to be taken back was not said.
    """
    table = schema.description
    place = {"name_id": _name_id(connection, version), "version_id": version.id if one else _ALL}
    rows = connection.execute(select(table.c.key, table.c.value).filter_by(**place)).all()
    known: dict[str, str] = {row.key: row.value for row in rows}
    subject = version.ref if one else version.name
    for key in remove:
        if key not in known:
            hint = nearest(key, known) or (f"it has {', '.join(known)}" if known else "nothing is said of it")
            raise NotFoundError(f"there is no {key} of {subject} to take back", hint=hint)
    changed = {key: value for key, value in said.items() if known.get(key) != value}
    if not changed and not remove:
        return
    for key in (*remove, *changed):
        connection.execute(delete(table).filter_by(**place, key=key))
    now, who = clock.now(), audit.actor()
    for key, value in changed.items():
        connection.execute(insert(table).values(**place, key=key, value=value, author=who, at=now))
    told = {"said": changed, "before": {key: known[key] for key in (*remove, *changed) if key in known}}
    audit.append(connection, clock, f"{version.kind}.describe", subject, told)


def _name_id(connection: Connection, version: Version) -> int:
    return int(connection.execute(select(schema.version.c.name_id).filter_by(id=version.id)).scalar_one())
