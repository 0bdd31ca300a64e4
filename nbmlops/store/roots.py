"""What the catalog refers to: the objects that a gc must keep, and whose the others were.

Every table that holds the digest of an object is read here, and nowhere else: versions, artifacts of runs, reports.
Beyond its root only the kind of a version knows what it cannot be read without; that comes by `Needs`, as the store
lies below the kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, func, select

from nbmlops.core.clock import Clock
from nbmlops.core.refs import pinned
from nbmlops.store import holds, schema, tombstones
from nbmlops.store.catalog import Catalog

__all__ = ["Copies", "Holder", "Needs", "Outside", "Picture", "Recorded", "Roots", "recorded"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A version as a holder of objects."""

    id: int
    kind: str
    name: str
    ref: str
    digest: str
    root: str
    size: int
    detail: Mapping[str, Any]
    deleted_at: datetime | None
    freed_at: datetime | None


Needs = Callable[[Holder], Iterable[str]]
Outside = Callable[[], Mapping[tuple[str, str], str]]
Copies = Callable[[Sequence[Holder]], Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Picture:
    """What holds objects now.

    `live` are the versions that keep theirs; `due` those whose grace has passed; `pins` says of a deleted version, by
    id, what else refers to it; `others` are the objects of runs and reports; `freed` versions hold nothing any more.
    """

    live: tuple[Holder, ...]
    due: tuple[Holder, ...]
    freed: tuple[Holder, ...]
    pins: Mapping[int, str]
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The artifacts of all runs, or all reports: how many are here, their bytes as plain copies, their objects."""

    kind: str
    count: int
    size: int
    digests: frozenset[str]


class Roots:
    """Asks the catalog, and through ports what lies beyond it.

    Parameters
    ----------
    catalog : Catalog
        The catalog.
    clock : Clock
        The time that a grace is reckoned from.
    needs : mapping of str to callable
        By kind, all objects that a version cannot be read without; just the root for a kind that is not in it.
    outside : callable
        Gives the contents that something outside the catalog refers to, such as ``nbmlops.lock``, by kind and digest:
        what refers to them.
    copies : mapping of str to callable
        By kind, gives of versions, by their id, what a plain copy of each would take, in bytes; the size of the version
        for a kind that is not in it.
    """

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        needs: Mapping[str, Needs],
        outside: Outside,
        copies: Mapping[str, Copies],
    ) -> None:
        self.catalog = catalog
        self.clock = clock
        self._needs = needs
        self.outside = outside
        self._copies = copies

    def picture(self, before: datetime) -> Picture:
        """Who holds objects now; the grace of what was deleted before that time has passed."""
        return self.catalog.read(lambda c: _picture(c, before, self.outside))

    def of(self, holder: Holder) -> tuple[str, ...]:
        """Objects that a version cannot be read without.

        Raises
        ------
        CorruptError
            When the object that lists them is damaged.
        NotFoundError
            When it is gone.
        """
        needs = self._needs.get(holder.kind)
        return (holder.root, *(needs(holder) if needs else ()))

    def copies(self, holders: Iterable[Holder]) -> dict[int, int]:
        """Bytes that a plain copy of each version would take, by its id."""
        held = list(holders)
        sizes = {holder.id: holder.size for holder in held}
        for kind, told in self._copies.items():
            sizes.update(told([holder for holder in held if holder.kind == kind]))
        return sizes

    def recorded(self) -> list[Recorded]:
        """What runs and reports hold."""
        return self.catalog.read(
            lambda c: [
                _recorded(c, "artifact", schema.artifact.c.digest),
                _recorded(c, "report", schema.report.c.object),
            ]
        )


def _picture(connection: Connection, before: datetime, outside: Outside) -> Picture:
    held = list(_versions(connection))
    past = [v for v in held if v.freed_at is None and v.deleted_at is not None and v.deleted_at <= before]
    pins: dict[int, str] = {}
    if past:
        gone = {version.id for version in past}
        frozen = _frozen(version for version in held if version.id not in gone and version.freed_at is None)
        referred, contents = _referred(connection), {**outside(), **frozen}
        for version in past:
            # What was pinned or locked before rows of it were erased leads to what is left of it.
            meant = sorted(tombstones.erased_into(connection, version.digest))
            whys = [contents.get((version.kind, digest)) for digest in meant]
            if why := next(filter(None, [referred.get(version.id), *whys]), None):
                pins[version.id] = why
    due = tuple(version for version in past if version.id not in pins)
    leaving = {version.id for version in due}
    return Picture(
        tuple(version for version in held if version.freed_at is None and version.id not in leaving),
        due,
        tuple(version for version in held if version.freed_at is not None),
        pins,
        frozenset(recorded(connection)),
    )


def _versions(connection: Connection) -> Iterator[Holder]:
    table, name = schema.version, schema.name
    query = select(table, name.c.kind, name.c.name).join(name, name.c.id == table.c.name_id).order_by(table.c.id)
    for row in connection.execute(query):
        values = {field: row._mapping[field] for field in Holder.__slots__ if field != "ref"}
        yield Holder(ref=pinned(row.name, row.number, row.digest), **values)


def _referred(connection: Connection) -> dict[int, str]:
    """Why aliases, runs, the ledger and holds need versions, by id."""
    found: dict[int, str] = {}
    for row in connection.execute(select(schema.ledger.c.pipeline, schema.ledger.c.outputs)):
        for version_id in (row.outputs or {}).get("versions", ()):
            found[version_id] = f"the pipeline {row.pipeline} has it as the output of a step"
    run, output = schema.run, schema.run_output
    query = select(output.c.version_id, run.c.experiment, run.c.number).join(run, run.c.id == output.c.run_id)
    for version_id, experiment, number in connection.execute(query):
        found[version_id] = f"it is an output of the run {experiment}-{number}"
    for version_id, alias in connection.execute(select(schema.alias.c.version_id, schema.alias.c.alias)):
        found[version_id] = f"the alias {alias} is on it"
    return found | holds.whys(connection)


def _frozen(live: Iterable[Holder]) -> dict[tuple[str, str], str]:
    """Which frozen pipeline reads a content, by kind and digest."""
    found = {}
    for version in live:
        if version.kind == "pipeline":
            for reference, digest in version.detail.get("lock", {}).items():
                kind = reference.partition(":")[0]
                found["data" if kind == "lock" else kind, digest] = f"the frozen pipeline {version.ref} reads it"
    return found


def _recorded(connection: Connection, kind: str, column: Column[str]) -> Recorded:
    here = select(func.count(), func.sum(schema.object_.c.size)).join(column.table, schema.object_.c.digest == column)
    count, size = connection.execute(here.select_from(schema.object_)).one()
    digests = frozenset(connection.execute(select(column).distinct()).scalars())
    return Recorded(kind, count, int(size or 0), digests)


def recorded(connection: Connection) -> Iterator[str]:
    """Digests of the objects that artifacts of runs and reports are."""
    for column in (schema.artifact.c.digest, schema.report.c.object):
        yield from connection.execute(select(column).distinct()).scalars()
