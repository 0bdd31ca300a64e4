"""SQL of the facets of the search: how many things there are of each kind, quality, owner, age, use and tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from nbmlops.core.spans import parse_span
from nbmlops.store import schema
from nbmlops.workspace.search.queries import narrowing
from nbmlops.workspace.search.queries.texts import newest_ids
from nbmlops.workspace.search.records import AGES, UNJUDGED

__all__ = ["FACETS", "Sources", "facets", "how_many"]

FACETS = ("noun", "quality", "owner", "age", "use", "tag")
_TOP = 10
"""Values of a facet that are told."""

_Having = Sequence[ColumnElement[bool]]
_Tally = Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Sources:
    """What is counted: newest versions of some kinds, runs and reports, each with what holds of them; or None of them.

    Attributes
    ----------
    kinds : collection of str
        Of versions.
    versions, runs, reports : sequence of ColumnElement or None
        What holds of each that is meant.
    """

    kinds: Collection[str]
    versions: _Having
    runs: _Having | None
    reports: _Having | None


def facets(
    connection: Connection, of: Callable[[str], Sources], now: datetime
) -> dict[str, tuple[tuple[str, int], ...]]:
    """How many things there are of each value of each of `FACETS`; `of` says which things a facet counts.

    Things that `of` gives again, as the same object, are counted once.
    """
    known: dict[int, _Tally] = {}
    found = {}
    for facet in FACETS:
        sources = of(facet)
        if id(sources) not in known:
            known[id(sources)] = _tally(connection, sources, now)
        found[facet] = _told(facet, known[id(sources)][facet])
    return {facet: values for facet, values in found.items() if values}


def how_many(connection: Connection, noun: str, having: _Having) -> int:
    """How many runs or reports there are."""
    table = schema.run if noun == "run" else schema.report
    return int(connection.execute(select(func.count()).select_from(table).where(*having)).scalar_one())


def _told(facet: str, counted: Counter[str]) -> tuple[tuple[str, int], ...]:
    if facet == "age":  # what was made within a day was made within a week
        within = [(span, sum(counted[each] for each in AGES[: place + 1])) for place, span in enumerate(AGES)]
        return tuple((span, number) for span, number in [*within, ("older", counted["older"])] if number)
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:_TOP])


def _tally(connection: Connection, sources: Sources, now: datetime) -> _Tally:
    found = {facet: Counter[str]() for facet in FACETS}
    if sources.kinds:
        _count_versions(connection, sources, now, found)
    run, report, tag = schema.run, schema.report, schema.tag
    if sources.runs is not None:
        _count(connection, "run", run.c.status, run.c.started_at, sources.runs, now, found)
        owned = select(tag.c.value, func.count()).join(run, run.c.id == tag.c.run_id)
        owned = owned.where(tag.c.key == "owner", *sources.runs).group_by(tag.c.value)
        found["owner"].update({row[0]: row[1] for row in connection.execute(owned)})
    if sources.reports is not None:
        _count(connection, "report", report.c.status, report.c.created_at, sources.reports, now, found)
    return found


def _count_versions(connection: Connection, sources: Sources, now: datetime, found: _Tally) -> None:
    name, version, tag = schema.name, schema.version, schema.version_tag
    use = case((narrowing.used(), "used"), else_="unused")
    parts = [name.c.kind, narrowing.quality(), narrowing.owner(), _age(version.c.created_at, now), use]
    labels = [each.label(f"of{place}") for place, each in enumerate(parts)]
    newest = version.c.id.in_(select(newest_ids().c.version_id))
    meant = [name.c.kind.in_(sources.kinds), newest, *sources.versions]
    each = select(*labels).select_from(version).join(name, name.c.id == version.c.name_id)
    rows = each.where(*meant).subquery()
    for row in connection.execute(select(*rows.c, func.count().label("number")).group_by(*rows.c)):
        for facet, value in zip(FACETS, row[:-1], strict=False):
            found[facet][UNJUDGED if value is None else value] += row.number
    tagged = select(tag.c.key, tag.c.value, func.count().label("number")).select_from(version)
    tagged = tagged.join(name, name.c.id == version.c.name_id).join(tag, tag.c.version_id == version.c.id)
    ordered = (
        tagged.where(*meant).group_by(tag.c.key, tag.c.value).order_by(func.count().desc(), tag.c.key, tag.c.value)
    )
    for key, value, number in connection.execute(ordered.limit(_TOP)):
        found["tag"][f"{key}={value}"] += number


def _count(
    connection: Connection, noun: str, status: Any, at: Any, having: _Having, now: datetime, found: _Tally
) -> None:
    """Count runs or reports, by status and age in one look at each."""
    rows = select(status.label("status"), _age(at, now).label("age")).where(*having).subquery()
    for row in connection.execute(select(*rows.c, func.count().label("number")).group_by(*rows.c)):
        found["noun"][noun] += row.number
        found["quality"][row.status] += row.number
        found["age"][row.age] += row.number


def _age(at: Any, now: datetime) -> ColumnElement[str]:
    """Within which span something was made; each row is counted under the shortest."""
    return case(*((at >= now - parse_span(span), literal(span)) for span in AGES), else_=literal("older"))
