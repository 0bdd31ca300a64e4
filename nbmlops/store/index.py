"""The catalog's index of the packs: where each chunk and each manifest lies.

It is a copy of what the packs say, made for speed; it is written after the packs are safe on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from nbmlops.store import schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.packs import Codec

__all__ = ["Index", "Known", "Place"]

# Well below the number of parameters that any engine takes.
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk lies: `stored` bytes at `offset` of the pack, `size` bytes once decoded."""

    digest: str
    pack: str
    offset: int
    stored: int
    size: int
    codec: Codec


@dataclass(frozen=True, slots=True)
class Known:
    """An object, and where its manifest lies; `pack` is empty when it needs none."""

    digest: str
    size: int
    pack: str
    offset: int
    stored: int
    created_at: datetime


class Index:
    """Look-ups and changes, each batched, each change in one transaction."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def places(self, digests: Iterable[str]) -> dict[str, Place]:
        """Places of those chunks that are stored."""
        rows = self._select(schema.chunk, "digest", digests)
        return {row["digest"]: _place(row) for row in rows}

    def objects(self, digests: Iterable[str]) -> dict[str, Known]:
        """Those objects that are stored."""
        return {row["digest"]: Known(**row) for row in self._select(schema.object_, "digest", digests)}

    def places_in(self, pack: str) -> list[Place]:
        """Chunks that lie in a pack, in its order."""
        rows = self._select(schema.chunk, "pack", [pack])
        return sorted(map(_place, rows), key=lambda place: place.offset)

    def manifests_in(self, pack: str) -> list[Known]:
        """Objects whose manifest lies in a pack, in its order."""
        rows = self._select(schema.object_, "pack", [pack])
        return sorted((Known(**row) for row in rows), key=lambda known: known.offset)

    def packs(self) -> list[str]:
        """Names of the packs that anything lies in."""

        def work(connection: Connection) -> set[str]:
            found = set()
            for column in (schema.chunk.c.pack, schema.object_.c.pack):
                # From one name to the next by the column's index: there are far fewer packs than chunks.
                after = connection.execute(select(func.min(column))).scalar_one()
                while after is not None:
                    found.add(after)
                    after = connection.execute(select(func.min(column)).where(column > after)).scalar_one()
            return found

        return sorted(pack for pack in self._catalog.read(work) if pack)

    def has_size(self, size: int) -> bool:
        """Whether there is an object of so many bytes."""
        query = select(schema.object_.c.digest).where(schema.object_.c.size == size).limit(1)
        return bool(self._read(query))

    def chunk_count(self) -> int:
        """Number of chunks."""
        return self._catalog.read(lambda c: c.execute(select(func.count()).select_from(schema.chunk)).scalar_one())

    def all_objects(self) -> Iterator[Known]:
        """All objects, by digest, a page at a time."""
        table, after = schema.object_, ""
        while True:
            query = select(table).where(table.c.digest > after).order_by(table.c.digest).limit(_PAGE)
            rows = self._read(query)
            yield from (Known(**row) for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["digest"]

    def add(self, places: Sequence[Place], objects: Sequence[Known]) -> None:
        """Enter new chunks and objects; who comes second with the same digest changes nothing."""

        def work(connection: Connection) -> None:
            _insert(connection, schema.chunk, [_row(place) for place in places])
            _insert(connection, schema.object_, [_line(known) for known in objects])

        self._catalog.transact(work)

    def move(self, places: Sequence[Place], objects: Sequence[Known] = ()) -> None:
        """Let chunks and manifests be found at other places; enters those that were not there."""

        def work(connection: Connection) -> None:
            _insert(connection, schema.chunk, [_row(place) for place in places])
            _insert(connection, schema.object_, [_line(known) for known in objects])
            _move(connection, schema.chunk, [_row(place) for place in places])
            _move(connection, schema.object_, [_line(known) for known in objects])

        self._catalog.transact(work)

    def _select(self, table: Table, column: str, wanted: Iterable[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        keys = list(wanted)
        for start in range(0, len(keys), _PAGE):
            found += self._read(select(table).where(table.c[column].in_(keys[start : start + _PAGE])))
        return found

    def _read(self, query: Any) -> list[dict[str, Any]]:
        return self._catalog.read(lambda c: [dict(row) for row in c.execute(query).mappings()])


def _row(place: Place) -> dict[str, Any]:
    return {**_line(place), "codec": place.codec.name.lower()}


def _line(record: Place | Known) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _place(row: Mapping[str, Any]) -> Place:
    return Place(**{**row, "codec": Codec[row["codec"].upper()]})


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _move(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        moving = [{f"new_{key}": value for key, value in row.items()} for row in rows]
        columns = {"pack", "offset", "stored", "codec"} & rows[0].keys()
        values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
        connection.execute(update(table).where(table.c.digest == bindparam("new_digest")).values(values), moving)
