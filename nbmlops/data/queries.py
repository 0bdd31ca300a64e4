"""SQL of erasures: what lies beside versions, and the change of versions to their successors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from nbmlops.core.refs import pinned
from nbmlops.store import schema, tombstones, turns
from nbmlops.store.roots import recorded

if TYPE_CHECKING:
    from nbmlops.store.versions import Version

__all__ = [
    "artifacts",
    "held",
    "hidden",
    "hide_again",
    "keep_profile",
    "ref_of",
    "replace_version",
    "reports",
    "stored",
    "world",
]


def reports(connection: Connection) -> Sequence[Any]:
    """Subject and object of each report."""
    return connection.execute(select(schema.report.c.subject, schema.report.c.object).distinct()).all()


def artifacts(connection: Connection) -> Sequence[Any]:
    """Artifacts of all runs, one row for each content and name."""
    table = schema.artifact
    found = connection.execute(select(table).order_by(table.c.digest, table.c.name)).all()
    return list({row.digest: row for row in found}.values())


def world(connection: Connection) -> set[tuple[int, str, str]]:
    """Every version of data with its profile, report and artifact: what a plan was made on, and has to hold still."""
    table, name = schema.version, schema.name
    profile = table.c.detail["profile"].as_string()
    query = select(table.c.id, table.c.digest, table.c.root, profile.label("profile"))
    rows = connection.execute(query.join(name).where(name.c.kind == "data"))
    found = {(row.id, row.digest, f"{row.root} {row.profile or ''}") for row in rows}
    found.update((0, row.subject, row.object) for row in reports(connection))
    found.update((0, row.name, row.digest) for row in artifacts(connection))
    return found


def hidden(connection: Connection) -> dict[int, datetime]:
    """When the versions of data that are deleted were, by their ids."""
    table, name = schema.version.c, schema.name
    query = select(table.id, table.deleted_at).join_from(schema.version, name)
    rows = connection.execute(query.where(name.c.kind == "data", table.deleted_at.is_not(None)))
    return {row.id: row.deleted_at for row in rows}


def hide_again(before: Mapping[int, datetime], connection: Connection) -> None:
    """Let versions that were deleted be so still, whatever has come of them meanwhile."""
    back = set(before) - set(hidden(connection))
    for version_id in back:
        connection.execute(update(schema.version).filter_by(id=version_id).values(deleted_at=before[version_id]))


def ref_of(version_id: int, connection: Connection) -> str:
    """How a person names a version of any kind."""
    table, name = schema.version, schema.name
    row = connection.execute(
        select(name.c.name, table.c.number, table.c.digest).join(name).where(table.c.id == version_id)
    ).one()
    return pinned(row.name, row.number, row.digest)


def replace_version(connection: Connection, after: Version, before: str, erasure_id: str) -> None:
    """Let a version have another content, and its old digest lead there; name, number, time and author stay."""
    table = schema.version
    values = {key: getattr(after, key) for key in ("digest", "root", "size", "new_bytes")}
    connection.execute(update(table).filter_by(id=after.id).values(**values, detail=dict(after.detail)))
    if after.digest != before:
        name_id = connection.execute(select(table.c.name_id).filter_by(id=after.id)).scalar_one()
        tombstones.put(connection, name_id, before, after.digest, erasure_id)


def keep_profile(version_id: int, digest: str, profile: str, connection: Connection) -> bool:
    """Let a version name the object that is its profile; False when it has another content by now."""
    table = schema.version
    row = connection.execute(select(table.c.detail).filter_by(id=version_id, digest=digest)).first()
    if row is None:
        return False
    turns.hold(connection, [profile])
    connection.execute(update(table).filter_by(id=version_id).values(detail={**row.detail, "profile": profile}))
    return True


def stored(before: datetime, connection: Connection) -> set[str]:
    """Digests of all objects that were stored before some time."""
    table = schema.object_
    return set(connection.execute(select(table.c.digest).where(table.c.created_at < before)).scalars())


def held(connection: Connection) -> set[str]:
    """Digests of the objects that reports and artifacts are, and that versions of other kinds than data begin with."""
    others = select(schema.version.c.root).join(schema.name).where(schema.name.c.kind != "data")
    return {*recorded(connection), *connection.execute(others).scalars()}
