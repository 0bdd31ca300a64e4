"""What is recorded of erasures while they go on: the intent first, so that one that was cut off is known and completed.

The states, in order: ``begun`` (nothing has changed yet), ``purging`` (the successors are in the place of the versions,
old bytes may be left), ``pending`` (done here, but a remote was away), ``done``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from nbmlops.core.clock import Clock
from nbmlops.store import audit, schema
from nbmlops.store.catalog import Catalog

__all__ = ["Intent", "begin", "drop", "fits", "put", "unfinished"]

State = Literal["begun", "purging", "pending", "done"]
_COST = {"n": 1 << 14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Intent:
    """An erasure that has begun; `detail` holds what it takes to complete it, never the condition."""

    id: str
    at: datetime
    actor: str
    names: tuple[str, ...]
    state: State
    seal: str | None
    detail: Mapping[str, Any]


def _sealed(condition: str) -> str:
    """What tells a condition again without telling it: scrypt (RFC 7914), with a salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${hashlib.scrypt(condition.encode(), salt=salt, **_COST).hex()}"


def fits(intent: Intent, condition: str) -> bool:
    """Whether the intent was begun with this condition."""
    salt, _, seal = (intent.seal or "").partition("$")
    made = hashlib.scrypt(condition.encode(), salt=bytes.fromhex(salt), **_COST).hex() if seal else ""
    return bool(seal) and hmac.compare_digest(made, seal)


def begin(catalog: Catalog, clock: Clock, names: tuple[str, ...], condition: str) -> str:
    """Write the intent down and give its id; one that was cut off before it changed anything is taken up again."""
    for intent in unfinished(catalog):
        if intent.state == "begun" and intent.names == names and fits(intent, condition):
            return intent.id
    made = secrets.token_hex(16)
    row = {"id": made, "at": clock.now(), "actor": audit.actor(), "names": list(names), "seal": _sealed(condition)}
    table = schema.erasure
    catalog.transact(lambda c: c.execute(insert(table).values(**row, state="begun", detail={})))
    return made


def put(
    connection: Connection, erasure_id: str, state: State, detail: Mapping[str, Any], ended_at: datetime | None = None
) -> None:
    """Move an erasure on; past ``begun`` it needs no condition any more, so what tells it goes."""
    values = {"state": state, "detail": dict(detail), "ended_at": ended_at, "seal": None}
    connection.execute(update(schema.erasure).filter_by(id=erasure_id).values(**values))


def drop(catalog: Catalog, erasure_id: str) -> None:
    """Forget an intent that has changed nothing."""
    catalog.transact(lambda c: c.execute(delete(schema.erasure).filter_by(id=erasure_id, state="begun")))


def unfinished(catalog: Catalog) -> list[Intent]:
    """Erasures that are not done, oldest first."""
    table = schema.erasure
    query = select(table).where(table.c.state != "done").order_by(table.c.at, table.c.id)
    return [
        Intent(row.id, row.at, row.actor, tuple(row.names), row.state, row.seal, row.detail)
        for row in catalog.read(lambda c: c.execute(query).all())
    ]
