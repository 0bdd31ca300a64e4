"""Every change of clocks from 2026 to 2030 in eight zones: when a line is due, against a walk over every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from nbmlops.pipelines.cron import Cron

ZONES = (
    "Africa/Casablanca",  # by the moon: twice a year back and forth
    "America/New_York",
    "America/Santiago",  # at midnight
    "Asia/Beirut",  # at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Berlin",
    "Pacific/Auckland",
    "Pacific/Chatham",  # at a quarter to three
)
MINUTE, AROUND = timedelta(minutes=1), timedelta(hours=30)
# Minutes and hours of daily lines, and lines that follow the clock, with what they are due at.
DAILY = [(0, 0), (30, 0), (15, 1), (30, 1), (0, 2), (30, 2), (45, 2), (0, 3), (30, 23)]
FOLLOWING = {"*/30 * * * *": {0, 30}, "*/20 * * * *": {0, 20, 40}, "* * * * *": set(range(60))}


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The hours in which a zone's offset from UTC changes."""
    found, at = [], datetime(2026, 1, 1, tzinfo=UTC)
    while at.year < 2031:
        if (
            at.astimezone(ZoneInfo(zone)).utcoffset()
            != (at + timedelta(hours=1)).astimezone(ZoneInfo(zone)).utcoffset()
        ):
            found.append(at)
        at += timedelta(hours=1)
    return tuple(found)


def walls(zone: str, at: datetime) -> list[tuple[datetime, datetime]]:
    """Every minute around a change, with what the clocks show then."""
    minutes = (at - AROUND + number * MINUTE for number in range(int(2 * AROUND / MINUTE)))
    return [(minute, minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for minute in minutes]


def daily(shown: list[tuple[datetime, datetime]], minute: int, hour: int) -> list[datetime]:
    """When the clocks show a time of the day for the first time on a day, or jump over it."""
    found, days = [], set()
    for (_, before), (at, wall) in pairwise(shown):
        day = wall.replace(hour=hour, minute=minute)
        for due in (day - timedelta(days=1), day):
            if before < due <= wall and due.date() not in days:
                days.add(due.date())
                found.append(at)
    return found


def due(cron: Cron, shown: list[tuple[datetime, datetime]]) -> list[datetime]:
    return list(takewhile(lambda at: at <= shown[-1][0], cron.after(shown[0][0])))


@pytest.mark.parametrize("zone", ZONES)
def test_every_line_is_due_when_the_clocks_say_so(zone: str) -> None:
    assert len(transitions(zone)) >= 10
    for change in transitions(zone):
        shown = walls(zone, change)
        for minute, hour in DAILY:
            found = due(Cron(f"{minute} {hour} * * *", zone), shown)
            assert found == daily(shown, minute, hour), (change, minute, hour)
        for line, minutes in FOLLOWING.items():
            assert due(Cron(line, zone), shown) == [at for at, wall in shown[1:] if wall.minute in minutes], (
                change,
                line,
            )
