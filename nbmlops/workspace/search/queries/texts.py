"""SQL of the search: which names, runs and reports may fit, from indices and one look at each text, never more.

Each query is bounded, newest first, so that a hundred thousand runs that fit cost no more than the ones that are told.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, Text, and_, cast, func, literal, or_, select

from nbmlops.store import edges, schema
from nbmlops.workspace.search.queries import narrowing
from nbmlops.workspace.search.records import Filters

__all__ = [
    "aliases",
    "called",
    "descriptions",
    "judged",
    "names_of",
    "names_with",
    "newest",
    "newest_ids",
    "outline",
    "read",
    "reports",
    "reports_having",
    "run_tags",
    "runs",
    "runs_having",
    "tags",
]

MOST = 1_000
"""Names that may fit one word."""


def called(connection: Connection) -> list[str]:
    """Everything that has a name: data, models, pipelines, experiments."""
    own = select(schema.name.c.name).where(schema.name.c.id.in_(select(_live(schema.version.c.name_id).subquery())))
    experiments = select(schema.run.c.experiment).distinct()
    found = [*connection.scalars(own.distinct()), *connection.scalars(experiments)]
    return list(dict.fromkeys(found))


def names_with(connection: Connection, kinds: Collection[str], word: str) -> set[int]:
    """Ids of the names of which anything says a word."""
    name, version, said = schema.name, schema.version, schema.description
    ids = select(newest_ids().c.version_id)
    # What is no ASCII stands escaped in JSON.
    escaped = json.dumps(word)[1:-1]
    places = (
        select(name.c.id).where(name.c.name.icontains(word, autoescape=True)),
        select(schema.alias.c.name_id).where(schema.alias.c.alias.icontains(word, autoescape=True)),
        select(version.c.name_id).where(
            version.c.id.in_(ids),
            or_(
                version.c.message.icontains(word, autoescape=True),
                version.c.author.icontains(word, autoescape=True),
                cast(version.c.detail, Text).icontains(escaped, autoescape=True),
            ),
        ),
        _live(version.c.name_id)
        .join(schema.version_tag, schema.version_tag.c.version_id == version.c.id)
        .where(_tagged(schema.version_tag, word)),
        select(said.c.name_id).where(said.c.value.icontains(word, autoescape=True)),
    )
    found: set[int] = set()
    for place in places:
        found |= set(connection.scalars(place.distinct().limit(MOST)))
    kept = select(name.c.id).where(name.c.id.in_(found), name.c.kind.in_(kinds))
    return set(connection.scalars(kept))


def newest(
    connection: Connection,
    kinds: Collection[str],
    wanted: Filters,
    *,
    names: Collection[int] | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> Sequence[Any]:
    """The newest live versions of some kinds, those that were made last first: what each is, and whose.

    Parameters
    ----------
    connection : Connection
        Of the catalog.
    kinds : collection of str
        Which kinds.
    wanted : Filters
        Which of them.
    names : collection of int, optional
        Ids of names; only those of them.
    before : int, optional
        Only versions with a lower id, as on the next page.
    limit : int, optional
        How many at most.
    """
    version = schema.version
    own = ("id", "name_id", "number", "digest", "created_at", "author", "message", "detail")
    query = _newest(kinds, wanted, names).with_only_columns(
        *(schema.name.c.kind, schema.name.c.name), *(version.c[key] for key in own), narrowing.owner().label("owner")
    )
    query = query if before is None else query.where(version.c.id < before)
    return connection.execute(query.order_by(version.c.id.desc()).limit(limit)).all()


def _newest(kinds: Collection[str], wanted: Filters, names: Collection[int] | None = None) -> Select[Any]:
    name, version, newest_of = schema.name, schema.version, newest_ids()
    query = (
        select(version.c.id)
        .select_from(version)
        .join(name, name.c.id == version.c.name_id)
        .join(newest_of, newest_of.c.version_id == version.c.id)
        .where(name.c.kind.in_(kinds), *narrowing.of_versions(wanted))
    )
    return query if names is None else query.where(version.c.name_id.in_(names))


def outline(connection: Connection, noun: str, meant: Any, every: int, beyond: int) -> tuple[int, list[int]]:
    """How many there are, and the ids of those behind which pages begin, where `beyond` others stand before the first.

    Parameters
    ----------
    connection : Connection
        Of the catalog.
    noun : str
        Of runs the sequence tells the order, of others the id.
    meant : Filters or list of ColumnElement
        Of versions the filters, of runs and reports what holds of them.
    every, beyond : int
        How many stand on a page, and before these.
    """
    column = {"run": schema.run.c.sequence, "report": schema.report.c.id}.get(noun, schema.version.c.id)
    of_versions = noun not in {"run", "report"}
    query = _newest([noun], meant) if of_versions else select(column).where(*meant)
    place, total = func.row_number().over(order_by=column.desc()), func.count().over()
    numbered = query.with_only_columns(column.label("id"), place.label("place"), total.label("total")).subquery()
    ends = (numbered.c.place + beyond) % every == 0
    rows = connection.execute(select(numbered).where(or_(ends, numbered.c.place == 1)).order_by(numbered.c.place)).all()
    return (rows[0].total if rows else 0), [row.id for row in rows if (row.place + beyond) % every == 0]


def judged(connection: Connection, things: Collection[str]) -> dict[str, tuple[int, str]]:
    """Number and status of the newest report on each of some versions, which are written ``KIND:ID``."""
    numbers: dict[str, int] = {}
    for edge in edges.of_objects(connection, things, ["judges"]):
        numbers[edge.object] = max(int(edge.subject.removeprefix("report:")), numbers.get(edge.object, 0))
    report = schema.report.c
    rows = edges.selected(connection, select(report.id, report.status), report.id, numbers.values())
    status = {row.id: row.status for row in rows}
    return {thing: (number, status[number]) for thing, number in numbers.items() if number in status}


def names_of(connection: Connection, ids: Collection[int]) -> dict[int, int]:
    """The ids of the names of some versions."""
    version = schema.version.c
    rows = edges.selected(connection, select(version.id, version.name_id), version.id, ids)
    return {row.id: row.name_id for row in rows}


def read(connection: Connection, names: Collection[int]) -> dict[int, tuple[int, Any]]:
    """By how many runs any version of each of some names was read, and when anyone did last."""
    name, version, edge = schema.name.c, schema.version.c, schema.edge.c
    thing = name.kind + literal(":") + cast(version.id, String)
    runs = func.count(edge.subject.distinct()).filter(edge.subject.startswith("run:")).label("runs")
    query = select(version.name_id, runs, func.max(edge.at).label("at")).select_from(schema.version)
    query = query.join(schema.name, name.id == version.name_id)
    query = query.join(schema.edge, and_(edge.object == thing, edge.relation == "reads")).group_by(version.name_id)
    rows = edges.selected(connection, query, version.name_id, names)
    return {row.name_id: (row.runs, row.at) for row in rows}


def tags(connection: Connection, names: Collection[int]) -> Sequence[Any]:
    """The tags of the live versions of some names."""
    tag, version = schema.version_tag, schema.version
    query = _live(version.c.name_id, version.c.number, tag.c.key, tag.c.value).join(
        tag, tag.c.version_id == version.c.id
    )
    return connection.execute(query.where(version.c.name_id.in_(names))).all()


def aliases(connection: Connection, names: Collection[int]) -> Sequence[Any]:
    """The aliases of some names."""
    return connection.execute(
        select(schema.alias.c.name_id, schema.alias.c.alias).where(schema.alias.c.name_id.in_(names))
    ).all()


def descriptions(connection: Connection, names: Collection[int]) -> Sequence[Any]:
    """What people say of some names."""
    said = schema.description
    return connection.execute(select(said.c.name_id, said.c.key, said.c.value).where(said.c.name_id.in_(names))).all()


def runs_having(words: Sequence[str], wanted: Filters) -> list[ColumnElement[bool]]:
    """That all words are said of a run, by its name, its notebook or its tags, and what filters ask of it."""
    run, tag = schema.run, schema.tag
    having = [
        or_(
            run.c.experiment.icontains(word, autoescape=True),
            run.c.notebook.icontains(word, autoescape=True),
            run.c.id.in_(select(tag.c.run_id).where(_tagged(tag, word))),
            _is_called(word),
        )
        for word in words
    ]
    return [*having, *narrowing.of_runs(wanted)]


def runs(
    connection: Connection, having: Collection[ColumnElement[bool]], limit: int, before: int | None = None
) -> Sequence[Any]:
    """The newest runs like this; `before` is the sequence of the last one of the page before."""
    run = schema.run
    query = select(*(run.c[key] for key in "id sequence experiment number notebook started_at status".split()))
    query = query if before is None else query.where(run.c.sequence < before)
    return connection.execute(query.where(*having).order_by(run.c.sequence.desc()).limit(limit)).all()


def run_tags(connection: Connection, ids: Collection[str]) -> Sequence[Any]:
    """The tags of some runs."""
    return connection.execute(select(schema.tag).where(schema.tag.c.run_id.in_(ids))).all()


def reports_having(words: Sequence[str], wanted: Filters) -> list[ColumnElement[bool]] | None:
    """That all words are said of a report's suite or subject, and what filters ask of it; None when none can be so."""
    report, asked = schema.report, narrowing.of_reports(wanted)
    if asked is None:
        return None
    having = [
        or_(
            *(report.c[key].icontains(word, autoescape=True) for key in ("suite", "subject")),
            *(report.c[key] == word.lower() for key in ("section", "status")),
        )
        for word in words
    ]
    return [*having, *asked]


def reports(
    connection: Connection, having: Collection[ColumnElement[bool]], limit: int, before: int | None = None
) -> Sequence[Any]:
    """The newest reports like this; `before` is the number of the last one of the page before."""
    report = schema.report
    query = select(*(report.c[key] for key in "id suite subject section status created_at".split()))
    query = query if before is None else query.where(report.c.id < before)
    return connection.execute(query.where(*having).order_by(report.c.id.desc()).limit(limit)).all()


def _live(*columns: ColumnElement[Any]) -> Select[Any]:
    """Columns of the versions that have a number and are not deleted."""
    version = schema.version
    return select(*columns).select_from(version).where(version.c.number.is_not(None), version.c.deleted_at.is_(None))


def newest_ids() -> Any:
    """The newest live version of each name."""
    version = schema.version
    last = _live(version.c.name_id, func.max(version.c.number).label("number")).group_by(version.c.name_id).subquery()
    same = and_(version.c.name_id == last.c.name_id, version.c.number == last.c.number)
    return select(version.c.id.label("version_id")).join(last, same).subquery()


def _tagged(table: Any, word: str) -> ColumnElement[bool]:
    """Whether a tag says a word, alone or as ``key=value``."""
    key, equals, value = word.partition("=")
    if equals and key:
        return and_(table.c.key == key, table.c.value.icontains(value, autoescape=True))
    return or_(table.c.key.icontains(word, autoescape=True), table.c.value.icontains(word, autoescape=True))


def _is_called(word: str) -> ColumnElement[bool]:
    """Whether a run is called so, as ``gbm-12``."""
    experiment, dash, number = word.rpartition("-")
    is_number = bool(dash and experiment and number.isascii() and number.isdecimal() and len(number) < 10)
    run = schema.run
    return and_(run.c.experiment == experiment, run.c.number == (int(number) if is_number else -1))
