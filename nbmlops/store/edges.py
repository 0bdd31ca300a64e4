"""SQL of the edges; `lineage` says what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Select, func, insert, select

from nbmlops.store import schema, turns
from nbmlops.store.addresses import recordable
from nbmlops.store.subjects import Subject

__all__ = [
    "Derivation",
    "Edge",
    "add",
    "closest",
    "derived_from",
    "derived_to",
    "first_writes",
    "keep_source",
    "keep_text",
    "made_from",
    "made_into",
    "of_objects",
    "of_subjects",
    "parsed",
    "selected",
    "things",
]


class Edge(NamedTuple):
    """A row."""

    subject: str
    relation: str
    object: str
    at: datetime


class Derivation(NamedTuple):
    """A subject made a version of a source; the source is None where it had read and carried nothing."""

    source: str | None
    subject: str
    made: str


def parsed(thing: str) -> tuple[str, int]:
    """Kind and version id of the object of an edge."""
    kind, _, version_id = thing.partition(":")
    return kind, int(version_id)


def selected(connection: Connection, query: Select[Any], column: Column[Any], values: Iterable[Any]) -> list[Any]:
    """Rows of a query in which a column has one of many values: one question for every page of them."""
    found: list[Any] = []
    for page in turns.pages(sorted(set(values))):
        found += connection.execute(query.where(column.in_(page))).all()
    return found


def add(connection: Connection, subject: str, wanted: Mapping[tuple[str, str], datetime]) -> None:
    """Write edges of a subject that are not there, given as relation and object -> when.

    What the subject has read itself, it does not carry besides.
    """
    table = schema.edge
    query = select(table.c.relation, table.c.object).where(table.c.subject == subject)
    known = {tuple(row) for row in selected(connection, query, table.c.object, (thing for _, thing in wanted))}
    read = {thing for relation, thing in (*known, *wanted) if relation == "reads"}
    rows = [
        {"subject": subject, "relation": relation, "object": thing, "at": at}
        for (relation, thing), at in wanted.items()
        if (relation, thing) not in known and not (relation == "carries" and thing in read)
    ]
    if rows:
        connection.execute(insert(table), rows)


def keep_source(connection: Connection, digest: str, source: str) -> None:
    """Keep the source of a cell, once, without what is secret of addresses in it."""
    keep_text(connection, digest, recordable(source))


def keep_text(connection: Connection, digest: str, text: str) -> None:
    """Keep a text as it is, once."""
    table = schema.source
    if connection.execute(select(table.c.digest).filter_by(digest=digest)).first() is None:
        connection.execute(insert(table).values(digest=digest, text=text))


def of_objects(connection: Connection, objects: Iterable[str], relations: Sequence[str]) -> list[Edge]:
    """Edges to some versions."""
    table = schema.edge
    query = select(table).where(table.c.relation.in_(relations))
    return [Edge(*row) for row in selected(connection, query, table.c.object, objects)]


def of_subjects(connection: Connection, subjects: Iterable[str]) -> list[Edge]:
    """All edges of some subjects."""
    table = schema.edge
    return [Edge(*row) for row in selected(connection, select(table), table.c.subject, subjects)]


def first_writes(connection: Connection, objects: Iterable[str]) -> dict[str, datetime]:
    """When each version was first written: by those subjects it was made, by later ones only saved again."""
    table = schema.edge
    query = select(table.c.object, func.min(table.c.at).label("at")).where(table.c.relation == "writes")
    return dict(map(tuple, selected(connection, query.group_by(table.c.object), table.c.object, objects)))


def derived_to(connection: Connection, things: Iterable[str]) -> list[Derivation]:
    """Who made some versions, and of what: what they had read or carried when they wrote them."""
    wanted = set(things)
    writes = of_objects(connection, wanted, ["writes"])
    first: dict[str, datetime] = {}
    for edge in writes:
        first[edge.object] = min(edge.at, first.get(edge.object, edge.at))
    makes = [edge for edge in writes if edge.at == first[edge.object]]
    taken: dict[str, list[Edge]] = {}
    for edge in of_subjects(connection, {edge.subject for edge in makes}):
        if edge.relation != "writes":
            taken.setdefault(edge.subject, []).append(edge)
    found = []
    for make in makes:
        of = [edge.object for edge in taken.get(make.subject, ()) if _before(edge, make.object, make.at)]
        found += [Derivation(source, make.subject, make.object) for source in of or (None,)]
    return sorted(found, key=str)


def derived_from(connection: Connection, things: Iterable[str]) -> list[Derivation]:
    """What was made by those who had read or carried one of some versions by then."""
    taken: dict[str, list[Edge]] = {}
    for edge in of_objects(connection, things, ["reads", "carries"]):
        taken.setdefault(edge.subject, []).append(edge)
    writes = [edge for edge in of_subjects(connection, taken) if edge.relation == "writes"]
    first = first_writes(connection, (edge.object for edge in writes))
    found = [
        Derivation(one.object, make.subject, make.object)
        for make in writes
        if make.at == first[make.object]
        for one in taken[make.subject]
        if _before(one, make.object, make.at)
    ]
    return sorted(found, key=str)


def made_from(connection: Connection, thing: str) -> list[str]:
    """What the makers of a version had read or carried when they wrote it."""
    return _ordered(one.source for one in derived_to(connection, [thing]) if one.source is not None)


def made_into(connection: Connection, things: Iterable[str]) -> list[str]:
    """What was made by those who had read or carried one of some versions by then."""
    return _ordered(one.made for one in derived_from(connection, things))


def closest(connection: Connection, derivations: Iterable[Derivation]) -> list[Derivation]:
    """Without those of runs whose cells made the same version: a cell knows closer what it used."""
    given = list(derivations)
    by_cells = {
        (f"run:{Subject.parse(edge.subject).run_id}", edge.object)
        for edge in of_objects(connection, {one.made for one in given}, ["writes"])
        if edge.subject.startswith("cell:")
    }
    return [one for one in given if (one.subject, one.made) not in by_cells]


def _before(edge: Edge, thing: str, at: datetime) -> bool:
    """Whether a version was taken before another was written; of the same time, the older one was."""
    return (edge.at, parsed(edge.object)[1]) < (at, parsed(thing)[1])


def _ordered(things: Iterable[str]) -> list[str]:
    return sorted(set(things), key=lambda one: parsed(one)[::-1])


def things(connection: Connection, subject: str, relation: str) -> list[str]:
    """Versions that a subject has that relation to, in the order of the edges."""
    table = schema.edge
    query = select(table.c.object).filter_by(subject=subject, relation=relation).order_by(table.c.at, table.c.object)
    return list(connection.execute(query).scalars())
