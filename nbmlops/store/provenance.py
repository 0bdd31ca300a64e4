"""Where a version comes from, as plain values that travel: who wrote it, and what they had read by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Select, select

from nbmlops.store import edges, schema

__all__ = ["Ids", "RunBook", "ancestors", "row_of", "run_ids", "tell", "written"]


class RunBook(Protocol):
    """What keeps the runs; a port, since runs are known above the store."""

    def told(self, connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Some runs and those that they are a part of, as plain values."""

    def adopt(self, connection: Connection, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """Add the runs that are not here; friendly names there and here of those that got another number."""


def written(connection: Connection, kind: str, version_id: int) -> list[dict[str, Any]]:
    """Who wrote a version, when, and which versions they had read before.

    What they read afterwards is left out: it is no part of how the version came about.
    """
    table = schema.edge
    query = select(table).filter_by(object=f"{kind}:{version_id}", relation="writes")
    return [
        {
            "by": row.subject,
            "at": row.at.isoformat(),
            "read": _read(connection, row.subject, row.at, f"{kind}:{version_id}"),
        }
        for row in connection.execute(query.order_by(table.c.at, table.c.subject)).all()
    ]


def _read(connection: Connection, subject: str, before: datetime, own: str) -> list[dict[str, Any]]:
    table = schema.edge
    query = select(table).where(table.c.subject == subject, table.c.relation != "writes")
    query = query.where(table.c.at <= before, table.c.object != own)
    found = []
    for row in connection.execute(query.order_by(table.c.at, table.c.object)).all():
        version, name = schema.version, schema.name
        what = select(name.c.kind, name.c.name, version.c.number, version.c.digest).join(name)
        one = connection.execute(what.where(version.c.id == int(row.object.partition(":")[2]))).one_or_none()
        if one is not None:
            carried = {"relation": "carries"} if row.relation == "carries" else {}
            found.append({**one._mapping, "at": row.at.isoformat(), **carried})
    return found


def _rows_of(told: Mapping[str, Any]) -> Select[Any]:
    """Asks for the oldest row with the kind, name and digest that a version is told by."""
    version, name = schema.version, schema.name
    query = select(version.c.id).join(name).where(name.c.kind == told["kind"], name.c.name == told["name"])
    return query.where(version.c.digest == told["digest"]).order_by(version.c.id).limit(1)


def row_of(connection: Connection, read: Mapping[str, Any]) -> int | None:
    """Row id of a version that was read, by its kind, name, digest and number; None when it is gone."""
    numbered = schema.version.c.number.is_not_distinct_from(read["number"])
    return connection.execute(_rows_of(read).where(numbered)).scalar_one_or_none()


def ancestors(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the writers of a version had read: each with its kind, name, number and digest."""
    return [read for write in document["written"] for read in write["read"]]


def run_ids(document: Mapping[str, Any]) -> list[str]:
    """Ids of the runs that wrote a version."""
    return [write["by"][4:] for write in document["written"] if write["by"].startswith("run:")]


class Ids:
    """Rows here of versions that records tell of, by kind, name, digest and the number there."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str, int | None], int] = {}

    def add(self, document: Mapping[str, Any], row_id: int) -> None:
        """Say which row a version is; by its digest alone it is found too."""
        key = (document["kind"], document["name"], document["digest"])
        self._rows[*key, document["number"]] = row_id
        self._rows.setdefault((*key, None), row_id)

    def find(self, connection: Connection, told: Mapping[str, Any]) -> int | None:
        """Row of a version that was told of, or one of its content that was here before; None when there is none."""
        key = (told["kind"], told["name"], told["digest"])
        known = self._rows.get((*key, told["number"]), self._rows.get((*key, None)))
        if known is not None:
            return known
        return connection.execute(_rows_of(told)).scalar_one_or_none()


def tell(connection: Connection, document: Mapping[str, Any], ids: Ids) -> None:
    """Write the edges that a record tells of, between versions that are here."""
    own = ids.find(connection, document)
    assert own is not None
    for write in document["written"]:
        wanted = {("writes", f"{document['kind']}:{own}"): datetime.fromisoformat(write["at"])}
        for read in write["read"]:
            if (known := ids.find(connection, read)) is not None:
                relation = read.get("relation", "reads")
                wanted[relation, f"{read['kind']}:{known}"] = datetime.fromisoformat(read["at"])
        edges.add(connection, write["by"], wanted)
