"""The time, as a port: services ask a `Clock`, tests hand in one that they move.

Whoever rehearses the past with the real parts, processes and all, sets a file and names it in ``NBMLOPS_CLOCK``: then
each process that inherits that has the file's time, and an alert of last spring is one of last spring everywhere.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from nbmlops.core.errors import InvalidError

__all__ = ["CLOCK", "Clock", "RehearsalClock", "SystemClock", "clock_here", "instant", "microseconds"]

CLOCK = "NBMLOPS_CLOCK"
"""The environment variable that names the file of a `RehearsalClock`."""

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


class RehearsalClock:
    """The time that a file says, going on from when it was set; for rehearsals, where several processes share it.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def now(self) -> datetime:
        """Time of the file, and what has passed since it was set.

        Raises
        ------
        InvalidError
            When there is no such file, or it says no time.
        """
        try:
            told, since = self.path.read_text(encoding="ascii").split()
            at = datetime.fromisoformat(told).astimezone(UTC)
            return at + timedelta(seconds=max(0.0, time.time() - float(since)))
        except (OSError, ValueError) as error:
            raise InvalidError(
                f"{CLOCK} names {self.path}, which says no time: {error}",
                hint=f"unset {CLOCK} for the machine's own clock",
            ) from error

    def set(self, at: datetime) -> None:
        """Let it be another time for all who share the file."""
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        part.write_text(f"{at.astimezone(UTC).isoformat()} {time.time()!r}", encoding="ascii")
        part.replace(self.path)


def clock_here() -> Clock:
    """The clock of this process: the machine's, unless the environment names another."""
    named = os.environ.get(CLOCK)
    return RehearsalClock(Path(named)) if named else SystemClock()


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
    return _EPOCH + timedelta(0, 0, number)
