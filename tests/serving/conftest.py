"""Requests, and a log to put them into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbmlops.core.clock import microseconds
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def captured(tmp_path: Path) -> Captured:
    return Captured(tmp_path / "capture")


@pytest.fixture
def request_of() -> Callable[..., CapturedRequest]:
    def make(number: int, minutes: float = 0, version: int = 1, **given: object) -> CapturedRequest:
        at = microseconds(NOON) + int(minutes * 60_000_000)
        inputs = {"distance": [float(number)], "carrier": ["UA"]}
        said = {"inputs": inputs, "outputs": {"predict": [number % 2]}, "latency_ms": 5.0, **given}
        return CapturedRequest(f"r{number}", at, version, **said)  # type: ignore[arg-type]

    return make
