"""SQL of the filters and facets of the search: which versions, runs and reports are meant, and how many of each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, String, and_, case, cast, func, literal, select

from nbmlops.store import schema
from nbmlops.workspace.search.records import Filters

__all__ = ["among", "count_reports", "count_runs", "facets", "of_reports", "of_runs", "of_versions", "owner", "quality"]

BAD = ("failed", "errored", "killed")
_TOP = 10
"""Values of a facet that are told."""


def of_versions(wanted: Filters) -> list[ColumnElement[bool]]:
    """What filters ask of the newest version of a name."""
    version = schema.version.c
    asked: list[ColumnElement[bool]] = []
    if wanted.owner is not None:
        asked.append(owner().icontains(wanted.owner, autoescape=True))
    if wanted.tag is not None:
        asked.append(version.id.in_(select(schema.version_tag.c.version_id).where(_is(schema.version_tag, wanted.tag))))
    if wanted.older is not None:
        asked.append(version.created_at < wanted.older)
    if wanted.failing:
        asked.append(quality().in_(BAD))
    return asked


def of_runs(wanted: Filters) -> list[ColumnElement[bool]]:
    """What filters ask of a run."""
    run, tag = schema.run.c, schema.tag
    asked: list[ColumnElement[bool]] = []
    if wanted.owner is not None:
        owned = and_(tag.c.key == "owner", tag.c.value.icontains(wanted.owner, autoescape=True))
        asked.append(run.id.in_(select(tag.c.run_id).where(owned)))
    if wanted.tag is not None:
        asked.append(run.id.in_(select(tag.c.run_id).where(_is(tag, wanted.tag))))
    if wanted.older is not None:
        asked.append(run.started_at < wanted.older)
    if wanted.failing:
        asked.append(run.status.in_(BAD))
    return asked


def of_reports(wanted: Filters) -> list[ColumnElement[bool]] | None:
    """What filters ask of a report; None when no report can be meant, as it has neither an owner nor tags."""
    report = schema.report.c
    if wanted.owner is not None or wanted.tag is not None:
        return None
    asked: list[ColumnElement[bool]] = [report.created_at < wanted.older] if wanted.older is not None else []
    return [*asked, report.status.in_(BAD)] if wanted.failing else asked


def among(ids: Collection[int]) -> ColumnElement[bool]:
    """That the version of a row is one of some."""
    return schema.version.c.id.in_(ids)


def owner() -> ColumnElement[str]:
    """Whose the version of a row is: as somebody says of it or of its name, as a tag says, or who saved it."""
    said, tag, version = schema.description.c, schema.version_tag.c, schema.version.c
    told = (
        select(said.value)
        .where(said.name_id == version.name_id, said.version_id.in_([0, version.id]), said.key == "owner")
        .order_by(said.version_id.desc())
        .limit(1)
    )
    tagged = select(tag.value).where(tag.version_id == version.id, tag.key == "owner")
    each = (query.correlate(schema.version).scalar_subquery() for query in (told, tagged))
    return func.coalesce(*each, version.author)


def quality() -> ColumnElement[str]:
    """The status of the newest report that judged the version of a row; null where none did."""
    edge, report, version = schema.edge.c, schema.report.c, schema.version.c
    thing = schema.name.c.kind + literal(":") + cast(version.id, String)
    # What else an edge is about is no number, and whether it is asked for one first is the engine's affair.
    number = case((edge.relation == "judges", cast(func.substr(edge.subject, len("report:") + 1), Integer)))
    query = select(report.status).join(schema.edge, number == report.id)
    newest = query.where(edge.object == thing, edge.relation == "judges").order_by(report.id.desc()).limit(1)
    return newest.correlate(schema.version, schema.name).scalar_subquery()


def facets(
    connection: Connection, newest: Any, kinds: Collection[str], asked: Collection[ColumnElement[bool]]
) -> dict[str, tuple[tuple[str, int], ...]]:
    """How many newest versions there are of each kind, quality, owner and tag."""
    name, version, tag = schema.name, schema.version, schema.version_tag

    def counted(*what: ColumnElement[Any], tagged: bool = False) -> list[Any]:
        number = func.count().label("number")
        labels = [each.label(f"of{place}") for place, each in enumerate(what)]
        query = select(*labels, number).select_from(version).join(name, name.c.id == version.c.name_id)
        query = query.join(newest, newest.c.version_id == version.c.id)
        query = query.join(tag, tag.c.version_id == version.c.id) if tagged else query
        query = query.where(name.c.kind.in_(kinds), *asked).group_by(*labels).order_by(number.desc(), *labels)
        return list(connection.execute(query.limit(_TOP)))

    return {
        "noun": tuple((kind, number) for kind, number in counted(name.c.kind)),
        "quality": tuple((status or "not judged", number) for status, number in counted(quality())),
        "owner": tuple((who, number) for who, number in counted(owner())),
        "tag": tuple((f"{key}={value}", number) for key, value, number in counted(tag.c.key, tag.c.value, tagged=True)),
    }


def count_runs(connection: Connection, having: Collection[ColumnElement[bool]]) -> int:
    """How many runs there are."""
    return int(connection.execute(select(func.count()).select_from(schema.run).where(*having)).scalar_one())


def count_reports(connection: Connection, having: Collection[ColumnElement[bool]]) -> int:
    """How many reports there are."""
    return int(connection.execute(select(func.count()).select_from(schema.report).where(*having)).scalar_one())


def _is(table: Any, tag: str) -> ColumnElement[bool]:
    """Whether a tag is called so, or has just this value."""
    key, equals, value = tag.partition("=")
    return and_(table.c.key == key, table.c.value == value) if equals else table.c.key == tag
