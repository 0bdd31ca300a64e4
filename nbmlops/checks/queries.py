"""SQL of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select

from nbmlops.checks.records import Report
from nbmlops.store import edges, schema, turns

__all__ = ["Wanted", "add", "entries", "find", "link", "newest"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reports: on a subject or any version of its name, of a status, of a section, below a number."""

    subject: str | None = None
    status: str | None = None
    section: str | None = None
    before: int | None = None


def add(connection: Connection, report: Report, digest: str) -> int:
    """Insert a report whose document is the object `digest`, which has to be in the store still; gives its number."""
    turns.hold(connection, [digest])
    row = insert(schema.report).values(
        suite=report.suite,
        section=report.section,
        subject=report.subject,
        status=report.status,
        run_id=report.run_id,
        object=digest,
        created_at=report.created_at,
    )
    key = connection.execute(row).inserted_primary_key
    assert key is not None
    return int(key[0])


def link(connection: Connection, number: int, report: Report) -> None:
    """Write the edges from a report to the versions that it judged."""
    edges.add(connection, f"report:{number}", {("judges", thing): report.created_at for thing in report.judged})


def find(connection: Connection, number: int) -> Row[Any, Any] | None:
    """Give number and object of one report."""
    table = schema.report
    return connection.execute(select(table.c.id, table.c.object).filter_by(id=number)).first()


def newest(connection: Connection, limit: int, wanted: Wanted) -> Sequence[Row[Any, Any]]:
    """Give number and object of the newest reports of those that are wanted, newest first."""
    table = schema.report.c
    return connection.execute(_wanted(select(table.id, table.object), limit, wanted)).all()


def entries(connection: Connection, limit: int, wanted: Wanted) -> Sequence[Row[Any, Any]]:
    """Give what the catalog knows of the newest reports of those that are wanted, newest first."""
    table = schema.report.c
    known = (table.id, table.suite, table.section, table.subject, table.status, table.created_at, table.run_id)
    return connection.execute(_wanted(select(*known), limit, wanted)).all()


def _wanted(query: Select[Any], limit: int, wanted: Wanted) -> Select[Any]:
    table = schema.report
    query = query.order_by(table.c.id.desc()).limit(limit)
    if wanted.before is not None:
        query = query.where(table.c.id < wanted.before)
    if wanted.status is not None:
        query = query.where(table.c.status == wanted.status)
    if wanted.section is not None:
        query = query.where(table.c.section == wanted.section)
    if wanted.subject is not None:
        of_name = table.c.subject.startswith(f"{wanted.subject}@", autoescape=True)
        query = query.where(or_(table.c.subject == wanted.subject, of_name))
    return query
