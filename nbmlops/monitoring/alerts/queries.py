"""SQL of alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from nbmlops.store import schema

__all__ = ["alerts", "change", "hold", "open_alert", "open_alerts", "since"]


def hold(connection: Connection, deployment: str) -> None:
    """Let nobody else change the alerts of a deployment before this transaction ends."""
    table = schema.monitor
    connection.execute(update(table).filter_by(deployment=deployment).values(deployment=deployment))


def open_alerts(connection: Connection, deployment: str) -> Sequence[Any]:
    """Rows of the alerts of a deployment that are open."""
    table = schema.alert
    return connection.execute(select(table).where(table.c.closed_at.is_(None)).filter_by(deployment=deployment)).all()


def alerts(connection: Connection, deployment: str | None, limit: int, *, closed: bool) -> Sequence[Any]:
    """Rows of alerts, newest first; those that are over too where that is asked for."""
    table = schema.alert
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    query = query if deployment is None else query.filter_by(deployment=deployment)
    return connection.execute(query if closed else query.where(table.c.closed_at.is_(None))).all()


def since(connection: Connection, at: datetime) -> Sequence[Any]:
    """Rows of the alerts that were open at some time since then, oldest first."""
    table = schema.alert
    query = select(table).where(or_(table.c.closed_at.is_(None), table.c.closed_at >= at))
    return connection.execute(query.order_by(table.c.id)).all()


def open_alert(connection: Connection, values: Mapping[str, Any]) -> None:
    """Open an alert."""
    connection.execute(insert(schema.alert).values(**values))


def change(connection: Connection, number: int, values: Mapping[str, Any]) -> None:
    """Change an alert."""
    connection.execute(update(schema.alert).filter_by(id=number).values(**values))
