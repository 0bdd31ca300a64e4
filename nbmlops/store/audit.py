"""The audit trail: who did what to what, when, each Event chained to the one before by its digest.

So a changed, dropped or swapped line breaks the chain at that place: see `audit_chain`.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from nbmlops.core.clock import Clock
from nbmlops.core.errors import CorruptError, RefusedError
from nbmlops.store import lineage, schema
from nbmlops.store.audit_chain import FIRST, digest_of
from nbmlops.store.catalog import Catalog

if TYPE_CHECKING:
    from nbmlops.store.audit_selection import Selection
    from nbmlops.store.audit_verdict import Trail
    from nbmlops.store.checkpoints import Checkpoints
    from nbmlops.store.redaction import Redaction

__all__ = ["Audit", "Event", "acting", "actor", "append", "redact"]


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


_acting: ContextVar[str | None] = ContextVar("nbmlops_acting", default=None)


@contextmanager
def acting(user: str | None) -> Iterator[None]:
    """Let `user` act, whom a server knows by their sign-in; None for whoever runs this process."""
    token = _acting.set(user)
    try:
        yield
    finally:
        _acting.reset(token)


def actor() -> str:
    """Who is acting: whom a server let in, else ``NBMLOPS_USER``, else the name of the account."""
    return _acting.get() or os.environ.get("NBMLOPS_USER") or getpass.getuser()


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
        "previous": last.digest if last else FIRST,
    }
    connection.execute(insert(table).values(**event, digest=digest_of(event)))


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
            digest = digest_of(event | said | {"previous": previous or row.previous})
            new = said | {"previous": previous or row.previous, "digest": digest}
            connection.execute(update(table).filter_by(sequence=row.sequence).values(new))
            previous = digest
    return changed


class Audit:
    """Reads and verifies the audit trail.

    Parameters
    ----------
    catalog : Catalog
        Where it is.
    checkpoints : Checkpoints, optional
        Where its end is remembered apart from it.
    """

    def __init__(self, catalog: Catalog, checkpoints: Checkpoints | None = None) -> None:
        self.catalog = catalog
        self.checkpoints = checkpoints

    def events(self, limit: int = 100, selection: Selection | None = None, before: int | None = None) -> list[Event]:
        """The newest Events, newest first: those that are selected, and of a page those before a line."""
        table = schema.event
        query = select(table).order_by(table.c.sequence.desc()).limit(limit)
        if selection is not None:
            query = query.where(*selection.conditions())
        if before is not None:
            query = query.where(table.c.sequence < before)
        return [Event(**row._mapping) for row in self.catalog.read(lambda c: c.execute(query).all())]

    def judge(self) -> Trail:
        """Walk the whole chain, and compare its end with what is remembered of it."""
        from nbmlops.store.audit_verdict import judged

        remembered = None if self.checkpoints is None else self.checkpoints.newest()
        return judged(self.catalog, remembered)

    def verify(self) -> int:
        """Walk the whole chain and return its length.

        Raises
        ------
        CorruptError
            At the first Event that was changed, dropped or moved, or when the last ones are cut off.
        """
        found = self.judge()
        if found.broken is not None:
            raise CorruptError(
                f"the audit trail is broken at event {found.broken.line}: {found.broken.why}",
                hint="`ml store audit --verify` tells it; compare with a backup of the catalog",
            )
        return found.events

    def count(self) -> int:
        """Number of Events."""
        return self.catalog.read(lambda c: c.execute(select(func.count()).select_from(schema.event)).scalar_one())
