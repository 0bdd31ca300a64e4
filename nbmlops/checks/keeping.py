"""Reports of all checks: kept, found again, compared, and written into files for others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.checks import queries
from nbmlops.checks.records import Report, Section, Status
from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import NotFoundError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from nbmlops.checks.report_diff import ReportDiff
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.objects import ObjectStore

__all__ = ["Keeping"]


class Keeping:
    """Verbs on reports.

    Parameters
    ----------
    catalog : Catalog
        Where they are listed.
    objects : ObjectStore
        Where their documents lie.
    """

    def __init__(self, catalog: Catalog, objects: ObjectStore) -> None:
        self._catalog = catalog
        self._objects = objects

    def save(self, report: Report, also: Callable[[Connection, int], object] | None = None) -> Report:
        """Keep a report of any section; gives it with its number.

        It is linked to the versions that it says it judged. `also` takes part in the same transaction, and is given
        the number.
        """
        digest = self._objects.put(canonical_json(report.to_json())).digest

        def work(connection: Connection) -> int:
            number = queries.add(connection, report, digest)
            queries.link(connection, number, report)
            if also is not None:
                also(connection, number)
            return number

        return replace(report, id=self._catalog.transact(work))

    def list(
        self,
        limit: int = 50,
        *,
        subject: str | None = None,
        status: Status | None = None,
        section: Section | None = None,
        before: int | None = None,
    ) -> list[Report]:
        """List reports, newest first.

        Parameters
        ----------
        limit : int
            How many at most.
        subject : str, optional
            Only those on this subject: a reference, or a bare name for all versions of it.
        status, section : str, optional
            Only those of this status, and of this section of the ML Test Score.
        before : int, optional
            Only those with a lower number, to go on where a list ended.
        """
        wanted = queries.Wanted(subject, status, section, before)
        rows = self._catalog.read(lambda connection: queries.newest(connection, limit, wanted))
        return [self._read(row.id, row.object) for row in rows]

    def show(
        self,
        number: int | str,
        *,
        junit: str | os.PathLike[str] | None = None,
        html: str | os.PathLike[str] | None = None,
    ) -> Report:
        """Give one report, and write it into files where that is asked for.

        Parameters
        ----------
        number : int or str
            Its number.
        junit : path, optional
            Where to write it as JUnit XML, which CI systems read.
        html : path, optional
            Where to write it as a page of its own, under 100 kB.

        Raises
        ------
        NotFoundError
            When there is none of that number, or no folder for a file.
        UnavailableError
            When a file cannot be written.
        """
        report = self._found(number)
        if junit is not None:
            from nbmlops.checks.junit import junit_xml

            _write(junit, junit_xml(report))
        if html is not None:
            from nbmlops.render.standalone import standalone

            _write(html, standalone(report, f"{report.subject}: {report.status}").encode())
        return report

    def _compared(self, before: int | str, after: int | str) -> ReportDiff:
        from nbmlops.checks.report_diff import compare

        return compare(self._found(before), self._found(after))

    def _found(self, number: int | str) -> Report:
        text = str(number)
        row = None
        if text.isdecimal() and len(text) < 19:
            row = self._catalog.read(lambda connection: queries.find(connection, int(text)))
        if row is None:
            raise NotFoundError(f"there is no report {text}", hint="see the reports with `ml check list`")
        return self._read(row.id, row.object)

    def _read(self, number: int, digest: str) -> Report:
        return Report.from_json(json.loads(self._objects.read(digest)), number=number)


def _write(target: str | os.PathLike[str], content: bytes) -> None:
    from nbmlops.data.files import write_atomically

    write_atomically(Path(target), lambda sink: sink.write(content))
