"""SQL of dossiers: what no service tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from nbmlops.store import schema

__all__ = ["erasures"]


def erasures(connection: Connection) -> Sequence[Any]:
    """Rows of the erasures that changed something, the newest first."""
    table = schema.erasure
    query = select(table).where(table.c.state != "begun").order_by(table.c.at.desc(), table.c.id)
    return connection.execute(query).all()
