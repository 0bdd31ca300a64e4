"""SQL of the export: what there is to tell, by time, and what is known of a page of it."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, func, select, type_coerce

from nbmlops.store import edges, schema
from nbmlops.store.addresses import recordable
from nbmlops.store.version_rows import Version, records, selected
from nbmlops.workspace.export.facts import KINDS

__all__ = [
    "Times",
    "descriptions",
    "dropped",
    "ended",
    "environments",
    "live_runs",
    "loose",
    "newest",
    "parents",
    "runs",
    "suites",
    "versions",
]

_AT_ONCE = 1_000
_RUN = "id sequence experiment number kind status parent_id started_at ended_at error notebook git environment".split()


class Times:
    """Row ids by time, 16 bytes for each: of as many as there are, no more is kept than this."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self.at, self.ids = array("q"), array("q")
        for at, row_id in rows:
            self.at.append(at)
            self.ids.append(row_id)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.at, self.ids, strict=True)


def _times(connection: Connection, query: Select[Any]) -> Times:
    with connection.execution_options(yield_per=_AT_ONCE).execute(query) as rows:
        return Times(rows)


def ended(connection: Connection, since: datetime | None) -> Times:
    """Sequences of the runs that have ended, by the time at which they did."""
    run = schema.run.c
    query = select(type_coerce(run.ended_at, BigInteger), run.sequence).where(run.ended_at.is_not(None))
    query = query.where(run.status != "running").order_by(run.ended_at, run.sequence)
    return _times(connection, query if since is None else query.where(run.ended_at >= since))


def live_runs(connection: Connection) -> list[str]:
    """Friendly names of the runs that have not ended."""
    run = schema.run.c
    query = select(run.experiment, run.number).where(run.status == "running").order_by(run.sequence)
    return [f"{row.experiment}-{row.number}" for row in connection.execute(query)]


def loose(connection: Connection, since: datetime | None) -> Times:
    """Ids of the versions that no run of this catalog made, by the time at which they were saved."""
    version, name, run = schema.version, schema.name, schema.run
    query = select(type_coerce(version.c.created_at, BigInteger), version.c.id).join(name)
    query = query.outerjoin(run, run.c.id == version.c.run_id).where(run.c.id.is_(None), name.c.kind.in_(KINDS))
    query = query.where(version.c.number.is_not(None)).order_by(version.c.created_at, version.c.id)
    return _times(connection, query if since is None else query.where(version.c.created_at >= since))


def dropped(connection: Connection, since: datetime | None) -> list[Any]:
    """Names of which every version was deleted: kind, name, and when the last was."""
    version, name = schema.version, schema.name
    last = func.max(version.c.deleted_at).label("at")
    query = select(name.c.kind, name.c.name, last).join(version).where(version.c.number.is_not(None))
    query = query.where(name.c.kind.in_(KINDS)).group_by(name.c.id, name.c.kind, name.c.name)
    query = query.having(func.count() == func.count(version.c.deleted_at)).order_by(last, name.c.kind, name.c.name)
    return list(connection.execute(query if since is None else query.having(last >= since)))


def runs(connection: Connection, sequences: Collection[int]) -> Sequence[Any]:
    """Rows of runs, without those that were resumed meanwhile."""
    query = select(*(schema.run.c[key] for key in _RUN)).where(schema.run.c.status != "running")
    return edges.selected(connection, query, schema.run.c.sequence, sequences)


def parents(connection: Connection, ids: Collection[str]) -> dict[str, Any]:
    """Rows of the runs that some runs are a part of, and of those that these are a part of, by id."""
    run = schema.run.c
    found: dict[str, Any] = {}
    wanted = set(ids)
    while wanted:
        query = select(run.id, run.experiment, run.kind, run.parent_id)
        rows = edges.selected(connection, query, run.id, wanted)
        found |= {row.id: row for row in rows}
        wanted = {row.parent_id for row in rows if row.parent_id} - found.keys()
    return found


def environments(connection: Connection, digests: Iterable[str | None]) -> dict[str, Any]:
    """The version of Python of some environments."""
    table = schema.environment.c
    query = select(table.digest, table.content["python"].label("python"))
    wanted = {digest for digest in digests if digest}
    return {row.digest: row.python for row in edges.selected(connection, query, table.digest, wanted)}


def versions(connection: Connection, things: Iterable[str]) -> dict[str, Version]:
    """Versions by ``KIND:ID``, deleted ones too, those of the kinds that are told of."""
    wanted: dict[str, set[int]] = {kind: set() for kind in KINDS}
    for thing in things:
        kind, number = edges.parsed(thing)
        wanted.setdefault(kind, set()).add(number)
    found: dict[str, Version] = {}
    for kind in KINDS:
        rows = edges.selected(connection, selected(kind), schema.version.c.id, wanted[kind]) if wanted[kind] else []
        found |= {f"{kind}:{one.id}": one for one in (records(connection, kind, rows) if rows else ())}
    return found


def newest(connection: Connection, ids: Collection[int]) -> set[int]:
    """Those of some versions that are the newest live one of their name."""
    version, newer = schema.version.c, schema.version.alias()
    later = select(newer.c.id).where(newer.c.name_id == version.name_id, newer.c.number > version.number)
    query = select(version.id).where(version.number.is_not(None), version.deleted_at.is_(None))
    query = query.where(~later.where(newer.c.deleted_at.is_(None)).correlate(schema.version).exists())
    return {row.id for row in edges.selected(connection, query, version.id, ids)}


def descriptions(connection: Connection, ids: Collection[int]) -> dict[int, dict[str, str]]:
    """What people say of some versions: of the version itself, else of all versions of its name; by id."""
    said, version = schema.description.c, schema.version.c
    query = select(version.id, said.key, said.value).join_from(
        schema.version,
        schema.description,
        (said.name_id == version.name_id) & ((said.version_id == 0) | (said.version_id == version.id)),
    )
    found: dict[int, dict[str, str]] = {}
    # What is said of the version comes last, and stays.
    for row in edges.selected(connection, query.order_by(said.version_id), version.id, ids):
        found.setdefault(row.id, {})[row.key] = recordable(row.value)
    return found


def suites(connection: Connection, judged: Mapping[str, tuple[int, str]]) -> dict[int, str]:
    """The suites of some reports, by number."""
    report = schema.report.c
    rows = edges.selected(connection, select(report.id, report.suite), report.id, {one for one, _ in judged.values()})
    return {row.id: row.suite for row in rows}
