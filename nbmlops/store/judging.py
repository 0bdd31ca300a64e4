"""From a version to the reports that judged it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from nbmlops.store import schema

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.store.versions import Version, Versions

__all__ = ["newest_report"]

_SUBJECT = "report:"


def newest_report(versions: Versions, version: Version) -> tuple[int, str] | None:
    """Number and status of the newest report that judged a version; None where there is none."""
    edge, report = schema.edge.c, schema.report.c

    def find(connection: Connection) -> tuple[int, str] | None:
        judges = select(edge.subject).filter_by(object=f"{version.kind}:{version.id}", relation="judges")
        numbers = [int(subject.removeprefix(_SUBJECT)) for subject in connection.execute(judges).scalars()]
        row = connection.execute(select(report.id, report.status).where(report.id == max(numbers, default=0))).first()
        return None if row is None else (row.id, row.status)

    return versions.catalog.read(find)
