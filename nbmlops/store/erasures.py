"""What is recorded of erasures while they go on: the intent first, so that one that was cut off is known and completed.

The states, in order: ``begun`` (nothing has changed yet), ``purging`` (the successors are in the place of the versions,
old bytes may be left), ``pending`` (done here, but not on a remote), ``done``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from nbmlops.core.clock import Clock
from nbmlops.store import audit, schema
from nbmlops.store.catalog import Catalog

__all__ = [
    "Intent",
    "State",
    "begin",
    "doomed",
    "drop",
    "fits",
    "names",
    "newest",
    "note",
    "put",
    "settle",
    "unfinished",
]

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
    return [_intent(row) for row in catalog.read(lambda c: c.execute(query).all())]


def newest(catalog: Catalog) -> Intent | None:
    """The newest erasure that was carried out here; None when there was none."""
    table = schema.erasure
    query = select(table).where(table.c.state != "begun").order_by(table.c.at.desc(), table.c.id)
    return next(
        (_intent(row) for row in catalog.read(lambda c: c.execute(query).all()) if "doomed" in row.detail), None
    )


def _intent(row: Row[Any]) -> Intent:
    return Intent(row.id, row.at, row.actor, tuple(row.names), row.state, row.seal, row.detail)


def doomed(connection: Connection) -> frozenset[str]:
    """Digests of all objects that erasures took out of the store."""
    details = connection.execute(select(schema.erasure.c.detail)).scalars()
    return frozenset(digest for detail in details for digest in detail.get("doomed", ()))


def names(connection: Connection) -> frozenset[str]:
    """Names of which rows were erased here, but for erasures that changed nothing yet."""
    table = schema.erasure
    rows = connection.execute(select(table.c.names, table.c.detail).where(table.c.state != "begun"))
    return frozenset(name for row in rows if "doomed" in row.detail for name in row.names)


def note(connection: Connection, erasure_id: str, remote: str, what: Mapping[str, Any]) -> None:
    """Write down how far the purge of a remote has come."""
    table = schema.erasure
    detail = connection.execute(select(table.c.detail).filter_by(id=erasure_id)).scalar_one()
    remotes = detail.get("remotes", {})
    told = {**detail, "remotes": {**remotes, remote: {**remotes.get(remote, {}), **what}}}
    connection.execute(update(table).filter_by(id=erasure_id).values(detail=told))


def settle(connection: Connection, remote: str, now: datetime) -> None:
    """Let no erasure wait for a remote any more."""
    table = schema.erasure
    for row in connection.execute(select(table).where(table.c.state.in_(("purging", "pending")))).all():
        left = {name: what for name, what in row.detail.get("remotes", {}).items() if name != remote}
        values: dict[str, Any] = {"detail": {**row.detail, "remotes": left}}
        if row.state == "pending" and not left:
            values |= {"state": "done", "ended_at": now}
        connection.execute(update(table).filter_by(id=row.id).values(**values))
