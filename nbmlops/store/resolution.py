"""Which row of the versions a reference means, to whoever asks now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, select

from nbmlops.core.digests import short
from nbmlops.core.errors import AmbiguousError, NotFoundError, RefusedError, nearest
from nbmlops.core.refs import Ref
from nbmlops.store import holds, lineage, schema, tombstones

if TYPE_CHECKING:
    from nbmlops.store.versions import Version

__all__ = ["missing", "own", "refuse_held", "restorable", "selected", "unknown", "visible"]


def own(connection: Connection, name_id: int) -> Row[Any] | None:
    """Row that the active pipeline run has written under a name, or None."""
    table, output = schema.version, schema.run_output
    query = select(table).join(output, output.c.version_id == table.c.id)
    query = query.where(output.c.run_id == lineage.current().pipeline_run_id, output.c.name_id == name_id)
    return connection.execute(query).one_or_none()


def _frozen_with(connection: Connection, kind: str, digest: str) -> str | None:
    """Reference of a frozen pipeline whose lock holds this content, the newest of them; None when there is none."""
    table, name, meant = schema.version, schema.name, tombstones.erased_into(connection, digest)
    query = select(name.c.name, table.c.number, table.c.detail).join(name).where(name.c.kind == "pipeline")
    query = query.where(table.c.number.is_not(None), table.c.deleted_at.is_(None)).order_by(table.c.id.desc())
    for row in connection.execute(query):
        for reference, held in row.detail.get("lock", {}).items():
            if held in meant and reference.partition(":")[0] in {kind, "lock"}:
                return f"{row.name}@v{row.number}"
    return None


def refuse_held(connection: Connection, version: Version) -> None:
    """Raise `RefusedError` for a version that is on hold, that an alias is on, or that a frozen pipeline reads."""
    holds.refuse(connection, version, "deleted")
    if version.aliases:
        off = "promote or roll back to another version first, then delete"
        if version.kind == "data":
            off = f"`ml data alias {version.ref} {version.aliases[0]} --remove` first"
        raise RefusedError(f"{version.ref} cannot be deleted: the alias {version.aliases[0]} is on it", hint=off)
    if frozen := _frozen_with(connection, version.kind, version.digest):
        raise RefusedError(
            f"{version.ref} cannot be deleted: the frozen pipeline {frozen} reads it",
            hint=f"`ml pipeline delete {frozen}` first",
        )


def visible(connection: Connection, name_id: int, *, deleted: bool = False) -> Row[Any] | None:
    """Row that the bare name means to whoever asks now."""
    table, pipeline_run = schema.version, lineage.current().pipeline_run_id
    hidden = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
    query = select(table).where(table.c.name_id == name_id, table.c.number.is_not(None), hidden)
    if pipeline_run and not deleted:
        if (row := own(connection, name_id)) is not None:
            return row
        as_of = connection.execute(select(schema.run.c.as_of).filter_by(id=pipeline_run)).scalar_one_or_none()
        if as_of is not None:
            query = query.where(table.c.named <= as_of)
    return connection.execute(query.order_by(table.c.number.desc()).limit(1)).one_or_none()


def selected(connection: Connection, name_id: int, ref: Ref, *, deleted: bool) -> Row[Any] | None:
    """Row that a number, an alias or a digest's beginning means; None when there is none."""
    table = schema.version
    hidden = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
    query = select(table).where(table.c.name_id == name_id, hidden)
    if ref.alias is not None:
        query = query.join(schema.alias, schema.alias.c.version_id == table.c.id)
        return connection.execute(query.where(schema.alias.c.alias == ref.alias)).one_or_none()
    if ref.number is not None:
        return connection.execute(query.where(table.c.number == ref.number)).one_or_none()
    query = query.order_by(table.c.number, table.c.id)
    rows = connection.execute(query.where(table.c.digest.startswith(ref.prefix or ""))).all()
    if not rows and (erased := tombstones.beginning_with(connection, name_id, ref.prefix or "")):
        led = {tombstones.successor(connection, name_id, digest) for digest in erased}
        rows = connection.execute(query.where(table.c.digest.in_(led))).all()
    if len({row.digest for row in rows}) > 1:
        shown = ", ".join(sorted({short(row.digest) for row in rows})[:5])
        raise AmbiguousError(f"{ref} fits {len(rows)} versions: {shown}", hint="write more digits of the digest")
    return rows[-1] if rows else None


def unknown(connection: Connection, kind: str, ref: Ref) -> NotFoundError:
    """Say that nothing of a kind has a name, and which names are near."""
    names = connection.execute(select(schema.name.c.name).filter_by(kind=kind)).scalars().all()
    hint = nearest(ref.name, names) or f"`ml {kind} list`"
    return NotFoundError(f"there is no {kind} named {ref.name!r}", hint=hint)


def restorable(found: list[Any], ref: Ref) -> list[Any]:
    """Those of some deleted versions whose bytes are here still.

    Raises
    ------
    NotFoundError
        When those of all were freed.
    """
    left = [version for version in found if version.freed_at is None]
    if not left:
        raise NotFoundError(
            f"{ref} cannot be restored: its bytes were freed on {found[-1].freed_at:%Y-%m-%d}",
            hint="save it again, or pull it from where it was pushed to",
        )
    return left


def missing(connection: Connection, kind: str, name_id: int, ref: Ref) -> NotFoundError:
    """Say that a name has no such version, and what it has."""
    table = schema.version
    rows = connection.execute(
        select(table.c.number, table.c.deleted_at, table.c.freed_at).filter_by(name_id=name_id).order_by(table.c.number)
    ).all()
    there = [f"v{row.number}" for row in rows if row.deleted_at is None and row.number]
    if not there and rows and all(row.freed_at for row in rows):
        return NotFoundError(f"{ref.name} is deleted, and its bytes are freed", hint="save it again, or pull it")
    if not there and any(row.deleted_at for row in rows):
        return NotFoundError(f"{ref.name} is deleted", hint=f"bring it back with `ml {kind} restore {ref.name}`")
    aliases = connection.execute(select(schema.alias.c.alias).filter_by(name_id=name_id)).scalars().all()
    known = ", ".join([*there[-5:], *aliases])
    if ref.alias and len(ref.alias) < 6 and set(ref.alias) <= set("0123456789abcdef"):
        known += "; of a digest, write at least 6 digits"
    return NotFoundError(f"there is no {ref}", hint=f"{ref.name} has {known}" if known else None)
