"""What answers cost is kept by the hour: busy time without overlaps, and the least memory of each worker."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from nbmlops.serving.capture.effort import Effort
from nbmlops.serving.capture.effort import effort_of as effort_of_rows
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.reading import Captured
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.capture.segments import read_segment
from nbmlops.serving.records import Deployment
from tests.serving.conftest import NOON

Make = Callable[..., CapturedRequest]
AT = int(NOON.timestamp() * 1e6)


def at(make: Make, number: int, ms: float, lasts: float, **said: object) -> CapturedRequest:
    """A request that comes so many milliseconds past noon."""
    from dataclasses import replace

    return replace(make(number, **said), at=AT + int(1_000 * ms), latency_ms=lasts)


def effort_of(captured: Captured) -> Effort:
    (hour,) = captured.hours("delay")
    assert hour.effort is not None
    return hour.effort


def test_requests_at_the_same_time_are_busy_once_and_refused_ones_are_not(captured: Captured, request_of: Make) -> None:
    three = {"distance": [1.0, 2.0, 3.0], "carrier": ["UA", "DL", None]}
    with CaptureLog(captured.root, Deployment("delay"), "w1") as log:
        log.add([at(request_of, 2, 5, 10), at(request_of, 1, 0, 10), at(request_of, 3, 7, 1)])
        log.add([at(request_of, 4, 100, 20, inputs=three, outputs={"predict": [0, 1, 1]}, rows=3)])
        log.add([at(request_of, 5, 200, 50, inputs=None, outputs=None, status=422)])
    found = effort_of(captured)
    assert (found.requests, found.rows, found.memory) == (4, 6, {})
    assert found.busy_seconds == pytest.approx(0.035)


def test_the_least_memory_of_each_worker_is_kept_from_all_its_segments(captured: Captured, request_of: Make) -> None:
    for worker, sizes in {"w1": [300, 200, 400], "w2": [900, None, 901]}.items():
        for place, size in enumerate(sizes):
            with CaptureLog(captured.root, Deployment("delay"), worker, memory=lambda size=size: size) as log:  # type: ignore[misc]
                log.add([at(request_of, place, 10 * place, 5)])
    unfolded = effort_of(captured)
    assert unfolded.memory == {"w1": 200, "w2": 900}
    assert unfolded.busy_seconds == pytest.approx(0.03)
    assert effort_of(captured) == unfolded


def test_an_hour_that_was_kept_before_effort_was_noted_is_read_and_added_to(
    captured: Captured, request_of: Make
) -> None:
    with CaptureLog(captured.root, Deployment("delay"), "w1") as log:
        log.add([at(request_of, 1, 0, 10)])
    captured.fold("delay")
    (path,) = captured.place("delay").hours.glob("*/*/hour.json")
    said = json.loads(path.read_text())
    del said["effort"]
    path.write_text(json.dumps(said))
    (hour,) = captured.hours("delay")
    assert (hour.requests, hour.effort) == (1, None)
    with CaptureLog(captured.root, Deployment("delay"), "w1", memory=lambda: 5) as log:
        log.add([at(request_of, 2, 0, 10)])
    (hour,) = captured.hours("delay")
    assert (hour.requests, hour.effort) == (2, Effort(1, 1, 0.01, {"w1": 5}))


def test_rows_whose_first_was_erased_took_no_request(captured: Captured, request_of: Make) -> None:
    two = {"distance": [1.0, 2.0], "carrier": ["UA", "DL"]}
    with CaptureLog(captured.root, Deployment("delay"), "w1", memory=lambda: 7) as log:
        log.add([at(request_of, 1, 0, 10, inputs=two, outputs={"predict": [0, 1]}, rows=2)])
        log.flush()
        (path,) = captured.place("delay").segments()
        table = read_segment(path)
    assert table is not None
    second = table.slice(1)
    assert effort_of_rows(second, second.slice(0, 0)) == Effort(0, 1, 0.0, {"w1": 7})
