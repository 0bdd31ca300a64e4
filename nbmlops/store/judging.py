"""From a version to the reports that judged it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from nbmlops.store import schema, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from nbmlops.store.versions import Version, Versions

__all__ = ["newest_report", "newest_reports"]

_SUBJECT = "report:"


def newest_report(versions: Versions, version: Version) -> tuple[int, str] | None:
    """Number and status of the newest report that judged a version; None where there is none."""
    return newest_reports(versions, [version]).get(version.id)


def newest_reports(versions: Versions, judged: Sequence[Version]) -> dict[int, tuple[int, str]]:
    """The same of some versions, by their ids; those that nothing judged are left out."""
    edge, report = schema.edge.c, schema.report.c
    ids = {f"{version.kind}:{version.id}": version.id for version in judged}

    def find(connection: Connection) -> dict[int, tuple[int, str]]:
        newest: dict[int, int] = {}
        for page in turns.pages(sorted(ids)):
            judges = select(edge.subject, edge.object).where(edge.object.in_(page), edge.relation == "judges")
            for subject, thing in connection.execute(judges):
                number = int(subject.removeprefix(_SUBJECT))
                newest[ids[thing]] = max(number, newest.get(ids[thing], 0))
        status: dict[int, str] = {}
        for numbers in turns.pages(sorted(set(newest.values()))):
            rows = connection.execute(select(report.id, report.status).where(report.id.in_(numbers)))
            status |= {row.id: row.status for row in rows}
        return {version: (number, status[number]) for version, number in newest.items() if number in status}

    return versions.catalog.read(find)
