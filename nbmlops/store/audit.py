"""The audit trail: who did what to what, when, each Event chained to the one before by its digest.

An Event's digest is BLAKE3 over the canonical JSON of ``[sequence, at, actor, action, subject,
detail, previous]`` with `at` in microseconds since 1970; the first Event's `previous` is 64 zeros.
So a changed, dropped or swapped line breaks the chain at that place.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from nbmlops.core import digests
from nbmlops.core.clock import Clock
from nbmlops.core.errors import CorruptError, RefusedError
from nbmlops.store import lineage, schema
from nbmlops.store.catalog import Catalog

if TYPE_CHECKING:
    from nbmlops.store.redaction import Redaction

__all__ = ["Audit", "Event", "actor", "append", "redact"]

_FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit trail."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    digest: str


def actor() -> str:
    """Who is acting: ``NBMLOPS_USER``, else the name of the account."""
    return os.environ.get("NBMLOPS_USER") or getpass.getuser()


def _digest(event: Mapping[str, Any]) -> str:
    at = (event["at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    fields = [event[key] for key in ("sequence", "actor", "action", "subject", "detail", "previous")]
    return digests.of_json([at, *fields])


def append(
    connection: Connection, clock: Clock, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Append an Event inside the caller's transaction, so that the change and its record stand or fall together.

    Raises
    ------
    RefusedError
        While a run is only executed again: nothing that is worth an Event is to happen then.
    """
    if lineage.current().proof:
        raise RefusedError(f"{action} of {subject}: nothing of that is done while a run is reproduced")
    table = schema.event
    last = connection.execute(
        select(table.c.sequence, table.c.digest).order_by(table.c.sequence.desc()).limit(1)
    ).one_or_none()
    event: dict[str, Any] = {
        "sequence": last.sequence + 1 if last else 1,
        "at": clock.now(),
        "actor": actor(),
        "action": action,
        "subject": subject,
        "detail": dict(detail or {}),
        "previous": last.digest if last else _FIRST,
    }
    connection.execute(insert(table).values(**event, digest=_digest(event)))


def redact(connection: Connection, redaction: Redaction) -> int:
    """Put the mark in the place of values in all Events; how many were changed.

    From the first of them on the chain is made anew. The Event of the erasure, which comes after, says so.
    """
    table, previous, changed = schema.event, "", 0
    for row in connection.execute(select(table).order_by(table.c.sequence)).all():
        event = dict(row._mapping)
        said = {"subject": redaction.text(row.subject), "detail": redaction.json(row.detail)}
        if said != {"subject": row.subject, "detail": row.detail}:
            changed += 1
        if changed:
            digest = _digest(event | said | {"previous": previous or row.previous})
            new = said | {"previous": previous or row.previous, "digest": digest}
            connection.execute(update(table).filter_by(sequence=row.sequence).values(new))
            previous = digest
    return changed


class Audit:
    """Reads and verifies the audit trail."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def events(self, limit: int = 100) -> list[Event]:
        """The newest Events, newest first."""
        table = schema.event
        query = select(table).order_by(table.c.sequence.desc()).limit(limit)
        return [Event(**row._mapping) for row in self._catalog.read(lambda c: c.execute(query).all())]

    def verify(self) -> int:
        """Walk the whole chain and return its length.

        Raises
        ------
        CorruptError
            At the first Event that was changed, dropped or moved.
        """
        table = schema.event

        def work(connection: Connection) -> int:
            previous, expected = _FIRST, 1
            for row in connection.execute(select(table).order_by(table.c.sequence)):
                event = dict(row._mapping)
                digest = event.pop("digest")
                if row.sequence != expected or row.previous != previous or digest != _digest(event):
                    raise CorruptError(
                        f"the audit trail is broken at event {expected}: it was changed, dropped or moved",
                        hint="compare with a backup of the catalog",
                    )
                previous, expected = digest, expected + 1
            return expected - 1

        return self._catalog.read(work)

    def count(self) -> int:
        """Number of Events."""
        return self._catalog.read(lambda c: c.execute(select(func.count()).select_from(schema.event)).scalar_one())
