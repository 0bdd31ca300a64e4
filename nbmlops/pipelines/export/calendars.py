"""Cron lines in the words of other schedulers.

Not every scheduler knows every line: some have no time zones, some no ``L`` or ``MON#2``. Since a run commits once for
the time that it stands for, such a scheduler is made to start the command at more times than are due, and the command,
which is told the whole line, finds that there is nothing to do at the others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.cron import zone

if TYPE_CHECKING:
    from nbmlops.pipelines.cron import Cron

__all__ = ["in_utc", "on_calendar", "plain"]

_MINUTES, _HOURS, _DAYS, _MONTHS, _WEEKDAYS = range(60), range(24), range(1, 32), range(1, 13), range(7)
_NAMES = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def plain(cron: Cron) -> str:
    """A line of numbers, ranges and lists alone; one with ``L`` or ``#`` loses its days.

    Examples
    --------
    >>> from nbmlops.pipelines.cron import Cron
    >>> plain(Cron("*/20 6-8 * JAN MON-FRI"))
    '0,20,40 6-8 * 1 1-5'
    >>> plain(Cron("0 6 L * *"))
    '0 6 * * *'
    """
    read = cron.read()
    return _line(read.minutes, read.hours, _dates(read))


def in_utc(cron: Cron, *, minutes_off: int = 0) -> str:
    """A line for a clock in UTC, or `minutes_off` an hour beside it, that is due whenever `cron` is, and more often.

    Examples
    --------
    >>> from nbmlops.pipelines.cron import Cron
    >>> in_utc(Cron("0 6 * * *", "America/New_York"))
    '0 10-11 * * *'
    >>> in_utc(Cron("0 6 * * 1-5"))
    '0 6 * * 1-5'
    """
    offsets = _offsets(cron.zone)
    if offsets == {0} and not minutes_off:
        return plain(cron)
    read = cron.read()
    times = {
        (hour * 60 + minute - offset + minutes_off) % (24 * 60)
        for hour in read.hours
        for minute in read.minutes
        for offset in offsets
    }
    # A change of clocks may put off what is due by up to an hour; the whole hour after it is looked at as well by the
    # next time that comes.
    return _line({time % 60 for time in times}, {time // 60 for time in times}, ("*", "*", "*"))


def on_calendar(cron: Cron) -> list[str]:
    """Lines for ``OnCalendar=`` of systemd (systemd.time(7)); where one of two days has to fit they are two.

    Examples
    --------
    >>> from nbmlops.pipelines.cron import Cron
    >>> on_calendar(Cron("30 6 * * 1-5", "Europe/Berlin"))
    ['Mon,Tue,Wed,Thu,Fri *-*-* 06:30:00 Europe/Berlin']
    """
    read = cron.read()
    day, month, weekday = _dates(read)
    clock = f"{_list(read.hours, _HOURS)}:{_list(read.minutes, _MINUTES)}:00 {cron.zone}"
    months = "*" if month == "*" else _list(_numbers(read.months), _MONTHS)
    days = "*" if day == "*" else _list(_numbers(read.days), _DAYS)
    names = "" if weekday == "*" else ",".join(_NAMES[number] for number in _week(read.weekdays)) + " "
    both = read.day_and or day == "*" or weekday == "*"
    if both:
        return [f"{names}*-{months}-{days} {clock}"]
    return [f"*-{months}-{days} {clock}", f"{names}*-{months}-* {clock}"]


def _offsets(name: str) -> set[int]:
    """Minutes that a zone is ahead of UTC, at any time in the years to come."""
    start = datetime(datetime.now(UTC).year, 1, 1, tzinfo=UTC)
    moments = (start + timedelta(days=7 * week) for week in range(53 * 5))
    found = (moment.astimezone(zone(name)).utcoffset() for moment in moments)
    return {int(offset.total_seconds()) // 60 for offset in found if offset is not None}


def _dates(read: Any) -> tuple[str, str, str]:
    """Day, month and weekday of a line; all open when it says what others cannot."""
    if any(number < 0 for number in read.days) or any(isinstance(day, tuple) for day in read.weekdays):
        return "*", "*", "*"
    return _field(read.days, _DAYS), _field(read.months, _MONTHS), _field(_week(read.weekdays), _WEEKDAYS)


def _week(days: Collection[Any]) -> list[int]:
    return sorted({day % 7 for day in days})


def _numbers(values: Collection[int]) -> list[int]:
    return sorted(values)


def _line(minutes: Collection[int], hours: Collection[int], dates: tuple[str, str, str]) -> str:
    return " ".join((_field(minutes, _MINUTES), _field(hours, _HOURS), *dates))


def _field(values: Collection[int], whole: range) -> str:
    """A field of a cron line: a star, or numbers and ranges.

    Examples
    --------
    >>> _field({1, 2, 3, 5}, range(7))
    '1-3,5'
    """
    if set(values) >= set(whole):
        return "*"
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _list(values: Collection[int], whole: Sequence[int]) -> str:
    return "*" if set(values) >= set(whole) else ",".join(f"{value:02}" for value in sorted(values))
