"""SQL of the search: which names, runs and reports may fit, from indices and one look at each text, never more.

Each query is bounded, newest first, so that a hundred thousand runs that fit cost no more than the ones that are told.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, func, or_, select

from nbmlops.store import schema

__all__ = ["aliases", "called", "descriptions", "names_with", "newest", "reports", "run_tags", "runs", "tags"]

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
    newest_ids = select(_newest().c.version_id)
    # What is no ASCII stands escaped in JSON.
    escaped = json.dumps(word)[1:-1]
    places = (
        select(name.c.id).where(name.c.name.icontains(word, autoescape=True)),
        select(schema.alias.c.name_id).where(schema.alias.c.alias.icontains(word, autoescape=True)),
        select(version.c.name_id).where(
            version.c.id.in_(newest_ids),
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


def newest(connection: Connection, names: Collection[int]) -> Sequence[Any]:
    """The newest live version of some names: kind, name, number, when, by whom, why, and what it is."""
    name, version, newest_of = schema.name, schema.version, _newest()
    query = (
        select(
            version.c.name_id,
            *(name.c.kind, name.c.name),
            *(version.c[key] for key in ("number", "digest", "created_at", "author", "message", "detail")),
        )
        .join(name, name.c.id == version.c.name_id)
        .join(newest_of, newest_of.c.version_id == version.c.id)
        .where(version.c.name_id.in_(names))
    )
    return connection.execute(query).all()


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


def runs(connection: Connection, words: Sequence[str], limit: int) -> Sequence[Any]:
    """The newest runs of which all words are said: by their name, their notebook or their tags."""
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
    query = select(*(run.c[key] for key in ("id", "experiment", "number", "notebook", "started_at")))
    return connection.execute(query.where(*having).order_by(run.c.sequence.desc()).limit(limit)).all()


def run_tags(connection: Connection, ids: Collection[str]) -> Sequence[Any]:
    """The tags of some runs."""
    return connection.execute(select(schema.tag).where(schema.tag.c.run_id.in_(ids))).all()


def reports(connection: Connection, words: Sequence[str], limit: int) -> Sequence[Any]:
    """The newest reports of whose suite or subject all words are said."""
    report = schema.report
    having = [
        or_(
            *(report.c[key].icontains(word, autoescape=True) for key in ("suite", "subject")),
            *(report.c[key] == word.lower() for key in ("section", "status")),
        )
        for word in words
    ]
    query = select(*(report.c[key] for key in ("id", "suite", "subject", "section", "status", "created_at")))
    return connection.execute(query.where(*having).order_by(report.c.id.desc()).limit(limit)).all()


def _live(*columns: ColumnElement[Any]) -> Select[Any]:
    """Columns of the versions that have a number and are not deleted."""
    version = schema.version
    return select(*columns).select_from(version).where(version.c.number.is_not(None), version.c.deleted_at.is_(None))


def _newest() -> Any:
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
