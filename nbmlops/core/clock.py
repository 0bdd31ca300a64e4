"""The time, as a port: services ask a `Clock`, tests hand in one that they move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "SystemClock", "instant", "microseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Current time, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Current time, aware, in UTC."""
        return datetime.now(UTC)


def microseconds(at: datetime) -> int:
    """Whole microseconds from 1970 UTC to an aware datetime.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (at - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    """The datetime in UTC that is so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=number)
