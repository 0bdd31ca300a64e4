"""SQL of monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from nbmlops.store import schema

__all__ = ["change", "monitor", "monitors", "put", "reports"]


def monitor(connection: Connection, name: str) -> Any:
    """Row of a monitor, or None."""
    return connection.execute(select(schema.monitor).filter_by(name=name)).one_or_none()


def monitors(connection: Connection, deployment: str | None = None) -> Sequence[Any]:
    """Rows of the monitors that are not deleted, of one deployment or of all, by name."""
    table = schema.monitor
    query = select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.name)
    return connection.execute(query if deployment is None else query.filter_by(deployment=deployment)).all()


def put(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Add a monitor, in the place of a deleted one of its name."""
    if connection.execute(update(schema.monitor).filter_by(name=name).values(**values)).rowcount == 0:
        connection.execute(insert(schema.monitor).values(name=name, **values))


def change(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Change a monitor."""
    connection.execute(update(schema.monitor).filter_by(name=name).values(**values))


def reports(connection: Connection, suite: str, limit: int) -> Sequence[int]:
    """Numbers of the newest reports of a suite, newest first."""
    table = schema.report
    query = select(table.c.id).where(table.c.suite == suite).order_by(table.c.id.desc()).limit(limit)
    return connection.execute(query).scalars().all()
