"""Cron lines: what they mean against a walk over every minute, and what is said of those that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.cron import Cron
from nbmlops.pipelines.logical_time import canonical

NOW = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu")
LINES = ("0 6 * * *", "30 2 * * *", "30 1 * * *", "15 0 1 * *", "0 12 * * 1-5", "*/20 * * * *", "5 */6 * * *")


def walked(minute: int, hour: int, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """When a daily line is due, told from the wall clock of every minute alone."""
    at, found, seen = start, [], set()
    while at <= end:
        wall, before = at.astimezone(ZoneInfo(zone)), (at - timedelta(minutes=1)).astimezone(ZoneInfo(zone))
        due = wall.replace(hour=hour, minute=minute)
        # Due when the wall clock shows it for the first time, or jumps over it.
        jumped = before.replace(tzinfo=None) < due.replace(tzinfo=None) <= wall.replace(tzinfo=None)
        if jumped and wall.date() not in seen:
            seen.add(wall.date())
            found.append(at)
        at += timedelta(minutes=1)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)])
@pytest.mark.parametrize(("minute", "hour"), [(30, 2), (30, 1), (0, 6), (15, 2)])
def test_a_daily_line_is_due_once_a_day_over_each_change_of_clocks(
    zone: str, day: datetime, minute: int, hour: int
) -> None:
    start, end = day - timedelta(days=21), day + timedelta(days=40)
    due = []
    for at in Cron(f"{minute} {hour} * * *", zone).after(start - timedelta(minutes=1)):
        if at > end:
            break
        due.append(at)
    assert due == walked(minute, hour, zone, start, end)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", LINES)
def test_the_last_time_is_the_one_that_came_before_the_next(line: str, zone: str) -> None:
    cron, at = Cron(line, zone), datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    for _ in range(40):
        at = cron.next(at)
        assert at is not None
        after = cron.next(at)
        assert after is not None
        assert after > at
        assert cron.last(at) == at
        assert cron.last(after - timedelta(seconds=1)) == at


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 25 * * *", "the hour of a cron line cannot be '25'\n0 25 * * *\n  ^^"),
        ("*/0 6 * * *", "the minute of a cron line cannot be"),
        ("0 6 * * FRY", "weekday|day of week"),
        ("0 6 * *", "has 4 fields"),
        ("", "has 0 fields"),
        ("0 6 31 2 *", "the day of month"),
    ],
)
def test_a_line_that_is_none_is_shown_with_a_caret_under_its_fault(line: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said.replace("*", r"\*").replace("^", r"\^")):
        Cron(line)


def test_a_zone_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(InvalidError, match="there is no time zone named 'Europe/Berlim'") as raised:
        Cron("0 6 * * *", "Europe/Berlim")
    assert "Europe/Berlin" in str(raised.value.hint)


def test_a_logical_time_is_one_key_however_it_is_written() -> None:
    ways = ("2026-11-26T06:00:00Z", "2026-11-26T07:00+01:00", "2026-11-26 06:00:00+00:00", "due:0 6 * * *")
    assert {canonical(way, NOW) for way in ways} == {"2026-11-26T06:00:00Z"}
    assert canonical("due:0 6 * * * Asia/Kathmandu", NOW) == "2026-11-26T00:15:00Z"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "is no time of ISO 8601"),
        ("2026-11-26T06:00", "does not say in which zone"),
        ("due:0 6 * * * Europe/Berlin again", "is no cron line with a zone"),
        ("due:0 66 * * *", "the hour of a cron line"),
    ],
)
def test_a_logical_time_that_is_none_says_how_to_write_one(text: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said) as raised:
        canonical(text, NOW)
    assert raised.value.hint
