"""The catalog's index of the packs: where each chunk and each manifest lies.

It is a copy of what the packs say, made for speed; it is written after the packs are safe on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Insert, Table, bindparam, delete, func, select, update

from nbmlops.store import schema, turns
from nbmlops.store.catalog import Catalog
from nbmlops.store.packs import Codec

__all__ = ["Claim", "Index", "Known", "Place"]

_PAGE = 500
_SCANNED = 20_000


class _Found(Protocol):
    @property
    def objects(self) -> Iterable[str]: ...

    @property
    def chunks(self) -> Iterable[str]: ...


F = TypeVar("F", bound=_Found)


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


@dataclass(frozen=True, slots=True)
class Claim:
    """What a save relies on: since which turn it looked, which chunks and objects it found stored then, and when.

    What it found counts as stored `at` that time, so that it is not taken for forgotten.
    """

    turn: int
    chunks: Collection[str]
    objects: Collection[str]
    at: datetime


_OF_PLACE = tuple(field.name for field in fields(Place))
_OF_KNOWN = tuple(field.name for field in fields(Known))
_CODECS = {codec: codec.name.lower() for codec in Codec}


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

    def all_chunks(self) -> Iterator[list[tuple[str, str, int]]]:
        """All chunks by digest, in pages: digest, pack, bytes stored."""
        table, after = schema.chunk, ""
        columns = select(table.c.digest, table.c.pack, table.c.stored).order_by(table.c.digest).limit(_SCANNED)
        while True:
            query = columns.where(table.c.digest > after)
            rows = [(row["digest"], row["pack"], row["stored"]) for row in self._read(query)]
            if rows:
                yield rows
            if len(rows) < _SCANNED:
                return
            after = rows[-1][0]

    def usage(self) -> dict[str, tuple[int, int]]:
        """For each pack that anything lies in, how many entries the index knows there, and their bytes as stored."""

        def work(connection: Connection) -> dict[str, tuple[int, int]]:
            found: dict[str, tuple[int, int]] = {}
            for table in (schema.chunk, schema.object_):
                query = select(table.c.pack, func.count(), func.sum(table.c.stored)).group_by(table.c.pack)
                for pack, count, stored in connection.execute(query.where(table.c.pack != "")):
                    before = found.get(pack, (0, 0))
                    found[pack] = before[0] + count, before[1] + int(stored)
            return found

        return self._catalog.read(work)

    def turn(self) -> int:
        """Number of the turn that was taken last."""
        return self._catalog.read(turns.latest)

    def shrunk_since(self, turn: int) -> bool:
        """Whether anything went from the index after a turn."""
        return self._catalog.read(lambda c: turns.shrunk_since(c, turn))

    def add(self, places: Sequence[Place], objects: Sequence[Known], claim: Claim | None = None) -> None:
        """Enter new chunks and objects; who comes second with the same digest changes nothing.

        Raises
        ------
        CollectedError
            When a pack they lie in, or something that `claim` relies on, was removed meanwhile; nothing is entered.
        """
        self._catalog.transact(lambda c: _enter(c, places, objects, claim))

    def move(self, places: Sequence[Place], objects: Sequence[Known] = (), claim: Claim | None = None) -> None:
        """Let chunks and manifests be found at other places; enters those that were not there, and raises as `add`."""

        def work(connection: Connection) -> None:
            _enter(connection, places, objects, claim)
            _move(connection, schema.chunk, [_row(place) for place in places])
            _move(connection, schema.object_, [_line(known) for known in objects])

        self._catalog.transact(work)

    def forget(
        self,
        objects: Iterable[str],
        chunks: Iterable[str],
        turn: int,
        also: Callable[[Connection], None] | None = None,
    ) -> bool:
        """Take objects and chunks out of the index, unless any turn was taken after `turn`: then False.

        `also` does in the same transaction what is to stand or fall with it.
        """

        def work(connection: Connection) -> bool:
            now = turns.take(connection)
            if now != turn + 1:
                return False
            _forget(connection, now, objects, chunks, also)
            return True

        return self._catalog.transact(work)

    def forget_alone(self, look: Callable[[], tuple[F, Callable[[Connection], None] | None]]) -> F:
        """`forget` what a look finds while all others who want to store something wait."""

        def work(connection: Connection) -> F:
            now = turns.take(connection)
            found, also = look()
            _forget(connection, now, found.objects, found.chunks, also)
            return found

        return self._catalog.transact(work)

    def relocate(self, copies: Sequence[tuple[str, Place | Known]], packs: Iterable[str]) -> list[str]:
        """Let what lay in the named pack be found at its copy, where it still lies there.

        Gives those of `packs`, and of the packs of the copies, that nothing lies in now; nothing ever will again.
        """

        def work(connection: Connection) -> list[str]:
            turn = turns.take(connection)
            asked = dict.fromkeys([*packs, *(record.pack for _, record in copies)])
            if gone := turns.removed(connection, {record.pack for _, record in copies}):
                raise turns.CollectedError(gone)
            for table, rows in (
                (schema.chunk, [(old, _row(r)) for old, r in copies if isinstance(r, Place)]),
                (schema.object_, [(old, _line(r)) for old, r in copies if isinstance(r, Known)]),
            ):
                _move(connection, table, [row for _, row in rows], [old for old, _ in rows])
            empty = [pack for pack in asked if not _holds(connection, pack)]
            turns.tell_removed(connection, turn, empty)
            return empty

        return self._catalog.transact(work)

    def removed(self) -> list[str]:
        """Packs that were removed or are about to be."""
        return self._catalog.read(lambda c: list(c.execute(select(schema.removal.c.pack)).scalars()))

    def _select(self, table: Table, column: str, wanted: Iterable[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        keys = list(wanted)
        for start in range(0, len(keys), _PAGE):
            found += self._read(select(table).where(table.c[column].in_(keys[start : start + _PAGE])))
        return found

    def _read(self, query: Any) -> list[dict[str, Any]]:
        def work(connection: Connection) -> list[dict[str, Any]]:
            found = connection.execute(query)
            names = tuple(found.keys())  # a mapping of each row would cost three times as much
            return [dict(zip(names, row, strict=True)) for row in found]

        return self._catalog.read(work)


def _row(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in _OF_PLACE} | {"codec": _CODECS[place.codec]}


def _line(known: Known) -> dict[str, Any]:
    return {name: getattr(known, name) for name in _OF_KNOWN}


def _place(row: Mapping[str, Any]) -> Place:
    return Place(row["digest"], row["pack"], row["offset"], row["stored"], row["size"], Codec[row["codec"].upper()])


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(_insertion(connection, table), rows)


def _insertion(connection: Connection, table: Table) -> Insert:
    # Only the dialect in use is imported: PostgreSQL's costs every line of a shell 10 ms.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as into_postgresql

        return into_postgresql(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.sqlite import insert as into_sqlite

    return into_sqlite(table).on_conflict_do_nothing()


def _enter(connection: Connection, places: Sequence[Place], objects: Sequence[Known], claim: Claim | None) -> None:
    turns.take(connection)
    gone = turns.removed(connection, {pack for pack in [*(p.pack for p in places), *(o.pack for o in objects)] if pack})
    if claim is not None and turns.shrunk_since(connection, claim.turn):
        gone += _missing(connection, schema.chunk, claim.chunks) + _missing(connection, schema.object_, claim.objects)
    if gone:
        raise turns.CollectedError(gone)
    if claim is not None:
        for page in turns.pages(claim.objects):
            there = schema.object_.c.digest.in_(page)
            connection.execute(update(schema.object_).where(there).values(created_at=claim.at))
    _insert(connection, schema.chunk, [_row(place) for place in places])
    _insert(connection, schema.object_, [_line(known) for known in objects])


def _forget(
    connection: Connection,
    turn: int,
    objects: Iterable[str],
    chunks: Iterable[str],
    also: Callable[[Connection], None] | None,
) -> None:
    for table, digests in ((schema.object_, objects), (schema.chunk, chunks)):
        for page in turns.pages(digests):
            connection.execute(delete(table).where(table.c.digest.in_(page)))
    turns.tell_removed(connection, turn, ())
    if also is not None:
        also(connection)


def _missing(connection: Connection, table: Table, digests: Iterable[str]) -> list[str]:
    missing: list[str] = []
    for page in turns.pages(digests):
        there = set(connection.execute(select(table.c.digest).where(table.c.digest.in_(page))).scalars())
        missing += [digest for digest in page if digest not in there]
    return missing


def _holds(connection: Connection, pack: str) -> bool:
    return any(
        connection.execute(select(column).where(column == pack).limit(1)).first() is not None
        for column in (schema.chunk.c.pack, schema.object_.c.pack)
    )


def _move(connection: Connection, table: Table, rows: list[dict[str, Any]], lay_in: Sequence[str] = ()) -> None:
    """Update the places of rows; with `lay_in`, of each only if it still lies in that pack."""
    if rows:
        moving = [{f"new_{key}": value for key, value in row.items()} for row in rows]
        columns = {"pack", "offset", "stored", "codec"} & rows[0].keys()
        values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
        query = update(table).where(table.c.digest == bindparam("new_digest")).values(values)
        if lay_in:
            query = query.where(table.c.pack == bindparam("old_pack"))
            moving = [{**row, "old_pack": old} for row, old in zip(moving, lay_in, strict=True)]
        connection.execute(query, moving)
