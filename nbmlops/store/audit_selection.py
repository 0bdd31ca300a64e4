"""Which lines of the audit trail are asked for: by who, what, on what and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, or_

from nbmlops.core.errors import InvalidError
from nbmlops.core.spans import parse_moment
from nbmlops.store import schema

__all__ = ["Selection"]

Moment = str | timedelta | datetime | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Lines of the trail.

    Attributes
    ----------
    who, action : str, optional
        The actor and the action; ``*`` stands for any text.
    subject : str, optional
        On what; the name of something means all its versions too, and ``*`` stands for any text.
    since, until : datetime, optional
        From when on, and before when.
    """

    who: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(
        cls, now: datetime, who: str | None, action: str | None, subject: str | None, since: Moment, until: Moment
    ) -> Selection:
        """Read what was asked.

        Raises
        ------
        InvalidError
            When a time is none, or the last comes before the first.
        """
        begin, end = parse_moment(since, now), parse_moment(until, now)
        if begin is not None and end is not None and end <= begin:
            raise InvalidError("nothing lies between these times: --until is not after --since", hint="swap them")
        return cls(who, action, subject, begin, end)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a line has to meet."""
        table = schema.event.c
        found = [
            _like(column, said)
            for column, said in ((table.actor, self.who), (table.action, self.action))
            if said is not None
        ]
        if self.subject is not None:
            of_versions = table.subject.startswith(f"{self.subject}@", autoescape=True)
            found.append(or_(_like(table.subject, self.subject), of_versions))
        if self.since is not None:
            found.append(table.at >= self.since)
        if self.until is not None:
            found.append(table.at < self.until)
        return found


def _like(column: Column[str], said: str) -> ColumnElement[bool]:
    if "*" not in said:
        return column == said
    escaped = said.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(escaped.replace("*", "%"), escape="\\")
