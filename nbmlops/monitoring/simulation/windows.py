"""Windows of the past, one after the other, each of a whole hour, day, week or month in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.keywords import check_one_of

if TYPE_CHECKING:
    from nbmlops.serving.capture.reading import Captured

__all__ = ["Step", "Window", "windows_of"]

Step = Literal["hour", "day", "week", "month"]
Window: TypeAlias = "tuple[datetime, datetime]"
_MOST = 1_000
_SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


def windows_of(captured: Captured, deployment: str, by: str, since: str | None, until: str | None) -> list[Window]:
    """The windows that touch what was captured between two dates.

    Raises
    ------
    NotFoundError
        When nothing was.
    InvalidError
        When the step or a date is none, or there are too many windows.
    """
    check_one_of("by", by, get_args(Step))
    begin, end = _date(since, "since"), _date(until, "until")
    if begin is not None and end is not None and begin >= end:
        raise InvalidError(f"{since} is not before {until}", hint="--since 2026-04-01 --until 2026-09-01")
    hours = captured.hours(deployment, begin, end)
    if not hours:
        raise NotFoundError(f"nothing was captured of {deployment} then", hint=f"`ml deployment show {deployment}`")
    first = max(hours[0].start, begin or hours[0].start)
    last = max(hour.start for hour in hours) + timedelta(hours=1)
    edges: list[datetime] = []
    for edge in _edges(first, by):
        edges.append(edge)
        if edge >= last:
            break
        if len(edges) > _MOST:
            raise InvalidError(f"there are more than {_MOST:,} windows", hint="longer ones: --by day, or --since DATE")
    return list(pairwise(edges))


def _date(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"{name} is no date: {text!r}", hint=f"--{name} 2026-04-01") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _edges(first: datetime, by: str) -> Iterator[datetime]:
    """Begins of windows, from the one that a time falls into."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if by == "month":
        at = day.replace(day=1)
        while True:
            yield at
            at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    at = first.replace(minute=0, second=0, microsecond=0) if by == "hour" else day
    at -= timedelta(days=at.weekday()) if by == "week" else timedelta(0)
    while True:
        yield at
        at += _SPANS[by]
