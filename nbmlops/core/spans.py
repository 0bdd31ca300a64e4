"""Spans of time as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from nbmlops.core.errors import InvalidError

__all__ = ["parse_moment", "parse_span", "span_text"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str | timedelta) -> timedelta:
    """Read a span such as ``14d``, ``12h`` or ``0``.

    Raises
    ------
    InvalidError
        When it is none, or is negative.

    Examples
    --------
    >>> str(parse_span("14d")), str(parse_span("90m")), str(parse_span("0"))
    ('14 days, 0:00:00', '1:30:00', '0:00:00')
    """
    if isinstance(text, timedelta):
        if text < timedelta(0):
            raise InvalidError(f"{text} is negative", hint="14d, 12h, 30m or 0")
        return text
    found = re.fullmatch(r"\s*(\d{1,6})\s*([smhdw]?)\s*", text)
    if found is None or (not found[2] and int(found[1])):
        raise InvalidError(f"{text!r} is no span of time", hint="a number and s, m, h, d or w, such as 14d; or 0")
    return timedelta(**{_UNITS[found[2] or "s"]: int(found[1])})


def span_text(span: timedelta) -> str:
    """Write a span of whole seconds as `parse_span` reads it, in the largest unit that has no remainder.

    Examples
    --------
    >>> span_text(timedelta(minutes=90)), span_text(timedelta(days=14)), span_text(timedelta(0))
    ('90m', '2w', '0s')
    """
    seconds = round(span.total_seconds())
    if not seconds:
        return "0s"
    sizes = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
    return next(f"{seconds // size}{unit}" for unit, size in sizes.items() if seconds % size == 0)


def parse_moment(said: str | timedelta | datetime | None, now: datetime) -> datetime | None:
    """Read a time: a span before now such as ``30d``, or a date or time of ISO 8601, in UTC unless it says its zone.

    Raises
    ------
    InvalidError
        When it is neither.

    Examples
    --------
    >>> now = datetime(2026, 8, 31, tzinfo=UTC)
    >>> str(parse_moment("30d", now)), str(parse_moment("2026-08-01", now))
    ('2026-08-01 00:00:00+00:00', '2026-08-01 00:00:00+00:00')
    """
    if isinstance(said, timedelta):
        return now - parse_span(said)
    if isinstance(said, str):
        said = _dated(said, now)
    return said.replace(tzinfo=UTC) if said is not None and said.tzinfo is None else said


def _dated(text: str, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - parse_span(text)
        except InvalidError:
            hint = "a span such as 30d, or a date such as 2026-08-01"
            raise InvalidError(f"{text!r} is no time", hint=hint) from None
