"""SQL of deployments: their rows, and the Events of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from nbmlops.store import schema

__all__ = ["deployment", "deployments", "events", "failing_monitors", "put"]

_MONITOR = "monitor:"


def deployment(connection: Connection, name: str) -> Any:
    """Row of a deployment, or None."""
    return connection.execute(select(schema.deployment).filter_by(name=name)).one_or_none()


def deployments(connection: Connection) -> Sequence[Any]:
    """Rows of all deployments, by name."""
    return connection.execute(select(schema.deployment).order_by(schema.deployment.c.name)).all()


def put(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Write what is said of a deployment, and raise its number."""
    table = schema.deployment
    change = update(table).filter_by(name=name).values(**values, changed=table.c.changed + 1)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(table).values(name=name, **values, changed=1))


def events(connection: Connection, name: str, limit: int) -> Sequence[Any]:
    """The newest Events of a deployment, newest first."""
    table = schema.event
    query = select(table).where(table.c.subject == name, table.c.action.startswith("deployment."))
    return connection.execute(query.order_by(table.c.sequence.desc()).limit(limit)).all()


def failing_monitors(connection: Connection, name: str) -> list[str]:
    """Monitors of a deployment whose newest report failed, by name."""
    table = schema.report
    subject = or_(table.c.subject == name, table.c.subject.startswith(f"{name}@", autoescape=True))
    watching = select(func.max(table.c.id)).where(table.c.suite.startswith(_MONITOR), subject).group_by(table.c.suite)
    bad = select(table.c.suite).where(table.c.id.in_(watching), table.c.status.in_(("failed", "errored")))
    return [suite.removeprefix(_MONITOR) for suite in connection.execute(bad.order_by(table.c.suite)).scalars()]
