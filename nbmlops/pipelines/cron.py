"""Cron expressions in a time zone: what is wrong with one, when it is due next, when it was due last.

Five fields, as Debian's cron reads them: minute, hour, day of the month, month, day of the week; names of months and
days, ranges, lists, steps, and ``L``, ``LW`` and ``MON#2`` of the library cronsim. Where both days are restricted one
of them has to fit. A time that a change of clocks leaves out is due at the first time that exists after it, and one
that comes twice is due once, the first time; a line whose minute or hour begins with ``*`` follows the clock itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    from cronsim import CronSim

__all__ = ["Cron", "zone"]

_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_EXAMPLE = '"0 6 * * 1-5" is six in the morning from Monday to Friday: minute hour day month weekday'
_BACK = (timedelta(hours=1), timedelta(days=2), timedelta(days=32), timedelta(days=367), timedelta(days=3_000))
"""How far to look back for the last time, one after the other: most lines are due within the first."""


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of a name such as ``America/New_York``.

    Raises
    ------
    InvalidError
        When there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        hint = nearest(name, available_timezones()) or "names are those of the IANA, such as Europe/Berlin or UTC"
        raise InvalidError(f"there is no time zone named {name!r}", hint=hint) from error


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression and the zone whose clocks it follows.

    Parameters
    ----------
    text : str
        Five fields.
    zone : str
        Name of a time zone.

    Raises
    ------
    InvalidError
        When the expression is none, with a caret under the field, or there is no such zone.

    Examples
    --------
    >>> daily = Cron("30 2 * * *", "Europe/Berlin")
    >>> daily.next(datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()  # 02:30 does not exist on the 29th
    '2026-03-29T01:00:00+00:00'
    """

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone(self.zone)
        _checked(self.text)

    def read(self) -> CronSim:
        """The line as the library has read it: its minutes, hours, days, months and weekdays."""
        return _simulated(self.text, datetime(2026, 1, 1, tzinfo=UTC))

    def after(self, at: datetime) -> Iterator[datetime]:
        """The times when it is due, later than `at`, in UTC and in order; without an end if it has none."""
        for due in _simulated(self.text, at.astimezone(zone(self.zone))):
            # The library goes by the wall clock, which shows some hours twice: what it names first may be over.
            if (instant := due.astimezone(UTC)) > at:
                yield instant

    def next(self, at: datetime) -> datetime | None:
        """The first time later than `at`, in UTC; None when there is none in 50 years."""
        return next(self.after(at), None)

    def last(self, at: datetime) -> datetime | None:
        """The last time not later than `at`, in UTC; None when there was none in eight years."""
        for back in _BACK:
            found = None
            for due in self.after(at - back):
                if due > at:
                    break
                found = due
            if found is not None:
                return found
        return None


def _simulated(text: str, start: datetime) -> CronSim:
    from cronsim import CronSim

    return CronSim(text, start)


def _checked(text: str) -> None:
    from cronsim import CronSimError

    words = text.split()
    if len(words) != len(_FIELDS):
        raise InvalidError(f"{text!r} has {len(words)} fields, and a cron line has five", hint=_EXAMPLE)
    try:
        simulated = _simulated(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise _fault(text, words, str(error)) from error
    if next(simulated, None) is None:
        raise InvalidError(f"{text!r} is never due: there is no such day", hint=_EXAMPLE)


def _fault(text: str, words: list[str], said: str) -> InvalidError:
    """The error that shows which field is wrong."""
    field = next((place for place, name in enumerate(_FIELDS) if said.endswith(name)), None)
    if field is None:
        return InvalidError(f"{text!r} is no cron line: {said}", hint=_EXAMPLE)
    line = " ".join(words)
    before = len(" ".join(words[:field])) + bool(field)
    caret = f"{line}\n{' ' * before}{'^' * len(words[field])}"
    return InvalidError(
        f"the {_FIELDS[field].replace('-', ' ')} of a cron line cannot be {words[field]!r}\n{caret}", hint=_EXAMPLE
    )
