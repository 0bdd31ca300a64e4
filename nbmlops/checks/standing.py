"""Where the checks stand: the newest report of each suite, and how the figure of a check went over versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbmlops.checks import queries
from nbmlops.checks.keeping import Keeping
from nbmlops.checks.records import STATUSES, Outcome, Report, Section, Status
from nbmlops.core.errors import NotFoundError

__all__ = ["Entry", "Point", "Standing"]

_LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A report as the catalog has it, without what its checks found."""

    id: int
    suite: str
    section: Section
    subject: str
    status: Status
    created_at: datetime
    run_id: str | None = None

    @property
    def name(self) -> str:
        """The name of what was judged, whatever its version."""
        return self.subject.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Point:
    """What one check found in one report: `report` and `subject` say in which, `number` is the figure as a number."""

    report: int
    subject: str
    created_at: datetime
    status: Status
    figure: str
    bound: str
    number: float | None


class Standing(Keeping):
    """Verbs that look at many reports."""

    def entries(
        self,
        limit: int = 100,
        *,
        subject: str | None = None,
        status: Status | None = None,
        section: Section | None = None,
        before: int | None = None,
    ) -> list[Entry]:
        """The newest reports without what their checks found; the parameters are those of `list`."""
        wanted = queries.Wanted(subject, status, section, before)
        return [Entry(**row._mapping) for row in self._catalog.read(lambda c: queries.entries(c, limit, wanted))]

    def standing(self, among: int = _LOOKED_AT) -> list[Entry]:
        """The newest report of each suite on each name: what failed first, and of these the newest first.

        Parameters
        ----------
        among : int
            How many reports are looked at, the newest of all.
        """
        found: dict[tuple[str, str, str], Entry] = {}
        for entry in self.entries(among):
            found.setdefault((entry.section, entry.name, entry.suite), entry)
        return sorted(found.values(), key=lambda entry: (-STATUSES.index(entry.status), -entry.id))

    def failing(self, among: int = 200) -> list[Entry]:
        """What checks say no to now: of what `standing` gives what failed, the last that did so first."""
        failed = (entry for entry in self.standing(among) if entry.status in {"failed", "errored"})
        return sorted(failed, key=lambda entry: -entry.id)

    def trend(self, number: int | str, place: int, limit: int = 40) -> list[Point]:
        """How a check went over the reports on versions of the same name, oldest first.

        Parameters
        ----------
        number : int or str
            A report.
        place : int
            The place, from 0, that the check has in it.
        limit : int
            How many reports are looked at, the newest of them up to this one.

        Raises
        ------
        NotFoundError
            When there is no such report, or it has no check there.
        """
        report = self._found(number)
        if not 0 <= place < len(report.outcomes):
            raise NotFoundError(f"report {number} has no check {place}", hint=f"`ml check show {number}`")
        assert report.id is not None, "it was found"
        name, check = report.subject.partition("@")[0], report.outcomes[place]
        earlier = self.list(limit - 1, subject=name, section=report.section, before=report.id) if limit > 1 else []
        points = [_point(report, check)]
        for other in earlier:
            same = _same(check, other) if other.suite == report.suite else None
            if same is not None:
                points.append(_point(other, same))
        return points[::-1]


def _same(check: Outcome, report: Report) -> Outcome | None:
    """The same check in another report: by column, name and bound, or by the first two where the bound was edited."""
    found = [one for one in report.outcomes if (one.column, one.check) == (check.column, check.check)]
    return next((one for one in found if one.bound == check.bound), found[0] if found else None)


def _point(report: Report, outcome: Outcome) -> Point:
    told: dict[str, Any] = {"report": report.id, "subject": report.subject, "created_at": report.created_at}
    return Point(**told, status=outcome.status, figure=outcome.figure, bound=outcome.bound, number=outcome.number)
