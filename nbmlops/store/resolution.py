"""Which row of the versions a reference means, to whoever asks now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from nbmlops.core.digests import short
from nbmlops.core.errors import AmbiguousError
from nbmlops.core.refs import Ref
from nbmlops.store import lineage, schema

__all__ = ["selected", "visible"]


def visible(connection: Connection, name_id: int, *, deleted: bool = False) -> Row[Any] | None:
    """Row that the bare name means to whoever asks now."""
    table, pipeline_run = schema.version, lineage.current().pipeline_run_id
    hidden = table.c.deleted_at.is_not(None) if deleted else table.c.deleted_at.is_(None)
    query = select(table).where(table.c.name_id == name_id, table.c.number.is_not(None), hidden)
    if pipeline_run and not deleted:
        output = schema.run_output
        own = select(table).join(output, output.c.version_id == table.c.id)
        own = own.where(output.c.run_id == pipeline_run, output.c.name_id == name_id)
        if (row := connection.execute(own).one_or_none()) is not None:
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
    rows = connection.execute(
        query.where(table.c.digest.startswith(ref.prefix or "")).order_by(table.c.number, table.c.id)
    ).all()
    if len({row.digest for row in rows}) > 1:
        shown = ", ".join(sorted({short(row.digest) for row in rows})[:5])
        raise AmbiguousError(f"{ref} fits {len(rows)} versions: {shown}", hint="write more digits of the digest")
    return rows[-1] if rows else None
