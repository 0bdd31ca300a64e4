"""SQL of the filters of the search: which versions, runs and reports are meant."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, case, cast, exists, false, func, literal, select

from nbmlops.store import schema
from nbmlops.workspace.search.records import UNJUDGED, Filters

__all__ = ["among", "of_reports", "of_runs", "of_versions", "owner", "quality", "used"]

BAD = ("failed", "errored", "killed")


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
    if wanted.newer is not None:
        asked.append(version.created_at >= wanted.newer)
    if wanted.failing:
        asked.append(quality().in_(BAD))
    if wanted.quality is not None:
        asked.append(quality().is_(None) if wanted.quality == UNJUDGED else quality() == wanted.quality)
    if wanted.used is not None:
        asked.append(used() if wanted.used else ~used())
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
    if wanted.newer is not None:
        asked.append(run.started_at >= wanted.newer)
    if wanted.failing:
        asked.append(run.status.in_(BAD))
    if wanted.quality is not None:
        asked.append(run.status == wanted.quality)
    if wanted.used is not None:
        asked.append(false())
    return asked


def of_reports(wanted: Filters) -> list[ColumnElement[bool]] | None:
    """What filters ask of a report; None when none can be meant, as it has neither owner nor tags nor readers."""
    report = schema.report.c
    if wanted.owner is not None or wanted.tag is not None or wanted.used is not None:
        return None
    asked: list[ColumnElement[bool]] = [report.created_at < wanted.older] if wanted.older is not None else []
    asked += [report.created_at >= wanted.newer] if wanted.newer is not None else []
    asked += [report.status == wanted.quality] if wanted.quality is not None else []
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


def used() -> ColumnElement[bool]:
    """Whether some run has read any version of the name of a row."""
    other, version, edge = schema.version.alias("any_version"), schema.version.c, schema.edge
    thing = schema.name.c.kind + literal(":") + cast(other.c.id, String)
    query = select(other.c.id).select_from(other).join(edge, and_(edge.c.object == thing, edge.c.relation == "reads"))
    query = query.where(other.c.name_id == version.name_id, edge.c.subject.startswith("run:"))
    return exists(query.correlate(schema.version, schema.name))


def _is(table: Any, tag: str) -> ColumnElement[bool]:
    """Whether a tag is called so, or has just this value."""
    key, equals, value = tag.partition("=")
    return and_(table.c.key == key, table.c.value == value) if equals else table.c.key == tag
