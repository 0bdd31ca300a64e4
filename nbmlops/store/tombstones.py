"""Where an erased content went: under its name, the old digest leads to the one of its successor.

References by an old digest, locks of old git commits and frozen pipelines find the successor this way. What is erased
twice leads on: each step is one row.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from nbmlops.store import schema
from nbmlops.store.catalog import Catalog

if TYPE_CHECKING:
    from nbmlops.store.remote_tombstones import Gone, Graves

__all__ = ["beginning_with", "erased_into", "everything", "learn", "put", "successor", "successor_of"]


def put(connection: Connection, name_id: int, digest: str, into: str, erasure_id: str) -> None:
    """Let an old digest lead to its successor from now on."""
    table = schema.tombstone
    connection.execute(delete(table).filter_by(name_id=name_id, digest=digest))
    connection.execute(insert(table).values(name_id=name_id, digest=digest, successor=into, erasure_id=erasure_id))


def successor(connection: Connection, name_id: int, digest: str) -> str:
    """Where a digest leads under a name, by as many steps as it takes; itself when nothing of it was erased."""
    table, seen = schema.tombstone, {digest}
    while True:
        query = select(table.c.successor).filter_by(name_id=name_id, digest=digest)
        found = connection.execute(query).scalar_one_or_none()
        # Content may be saved again after it was erased, and be erased once more: then the way is a circle.
        if found is None or found in seen:
            return digest
        digest = found
        seen.add(found)


def everything(connection: Connection) -> Graves:
    """All tombstones; each with all objects that its erasure doomed."""
    from nbmlops.store.remote_tombstones import Gone, Graves

    table, name, erasure = schema.tombstone, schema.name, schema.erasure
    query = select(name.c.kind, name.c.name, table, erasure.c.at, erasure.c.detail)
    query = query.select_from(table).join(name).join(erasure)
    return Graves(
        Gone(
            row.kind,
            row.name,
            row.digest,
            row.successor,
            row.erasure_id,
            row.at.isoformat(),
            tuple(row.detail.get("doomed", ())),
        )
        for row in connection.execute(query)
    )


def learn(connection: Connection, gone: Gone, where: str) -> bool:
    """Take over a tombstone of a remote; False when the content is here under its name, and so not erased here."""
    name, version = schema.name, schema.version
    name_id = connection.execute(select(name.c.id).filter_by(kind=gone.kind, name=gone.name)).scalar_one_or_none()
    if name_id is None:
        return True
    held = select(version.c.id).filter_by(name_id=name_id, digest=gone.digest, freed_at=None)
    if connection.execute(held).first():
        return False
    own = {"name_id": name_id, "digest": gone.digest}
    if connection.execute(select(schema.tombstone.c.digest).filter_by(**own)).first() is None:
        if connection.execute(select(schema.erasure.c.id).filter_by(id=gone.erasure)).first() is None:
            at = datetime.fromisoformat(gone.at)
            told = {"id": gone.erasure, "at": at, "actor": where[:128], "names": [gone.name], "ended_at": at}
            connection.execute(insert(schema.erasure).values(**told, state="done", detail={"from": where}))
        connection.execute(insert(schema.tombstone).values(**own, successor=gone.successor, erasure_id=gone.erasure))
    return True


def successor_of(catalog: Catalog, kind: str, name: str, digest: str) -> str:
    """`successor` by the name of something, in a transaction of its own; the digest itself for an unknown name."""

    def work(connection: Connection) -> str:
        name_id = connection.execute(select(schema.name.c.id).filter_by(kind=kind, name=name)).scalar_one_or_none()
        return digest if name_id is None else successor(connection, name_id, digest)

    return catalog.read(work)


def beginning_with(connection: Connection, name_id: int, prefix: str) -> list[str]:
    """Erased digests of a name that begin so."""
    table = schema.tombstone
    query = select(table.c.digest).where(table.c.name_id == name_id, table.c.digest.startswith(prefix))
    return list(connection.execute(query.order_by(table.c.digest)).scalars())


def erased_into(connection: Connection, digest: str) -> set[str]:
    """All digests, under any name, that lead to this one, and it itself."""
    table, found, asked = schema.tombstone, {digest}, [digest]
    while asked:
        query = select(table.c.digest).where(table.c.successor.in_(asked))
        asked = [each for each in connection.execute(query).scalars() if each not in found]
        found.update(asked)
    return found
