from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from nbmlops.core.clock import CLOCK, RehearsalClock, SystemClock, clock_here
from nbmlops.core.errors import InvalidError

SPRING = datetime(2013, 4, 1, 6, tzinfo=UTC)


def test_the_time_goes_on_from_what_was_set(tmp_path: Path) -> None:
    clock = RehearsalClock(tmp_path / "clock")
    clock.set(SPRING)
    first, second = clock.now(), clock.now()
    assert SPRING <= first <= second < SPRING + timedelta(minutes=5)
    clock.set(SPRING - timedelta(days=30))
    assert clock.now() < SPRING


def test_a_time_of_another_zone_is_the_same_instant(tmp_path: Path) -> None:
    clock = RehearsalClock(tmp_path / "clock")
    clock.set(SPRING.astimezone(timezone(timedelta(hours=-4))))
    assert clock.now() - SPRING < timedelta(minutes=5)
    assert clock.now().tzinfo is UTC


def test_every_process_that_inherits_it_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clock"
    RehearsalClock(path).set(SPRING)
    monkeypatch.setenv(CLOCK, str(path))
    assert clock_here().now() - SPRING < timedelta(minutes=5)
    code = "from nbmlops.core.clock import clock_here; print(clock_here().now().isoformat())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("2013-04-01T06:0")


def test_without_it_the_machine_says_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CLOCK, raising=False)
    assert isinstance(clock_here(), SystemClock)


@pytest.mark.parametrize("content", [None, "", "noon", "2013-04-01T06:00:00+00:00", "2013-04-01T06:00:00+00:00 then"])
def test_a_file_that_says_no_time_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "clock").write_text(content)
    with pytest.raises(InvalidError, match="which says no time") as error:
        RehearsalClock(tmp_path / "clock").now()
    assert CLOCK in str(error.value.hint)
