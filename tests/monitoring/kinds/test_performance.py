"""What is calm is not called: the cycle of the day, hours that are alike, errors in bursts; clocks that differ are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from nbmlops import Workspace
from nbmlops.core.clock import microseconds
from nbmlops.monitoring.hourly import steadied
from nbmlops.monitoring.kinds.performance import errors, leak, step
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from tests.monitoring.conftest import Later, Traffic

START = datetime(2026, 7, 1, tzinfo=UTC)


def day(more: float = 0.0, begin: datetime = START) -> dict[datetime, float]:
    """A day that rises from 8 ms in the night to 16 ms in the evening, and by a share of `more` besides."""
    return {begin + timedelta(hours=hour): (8 + hour / 3) * (1 + more * hour / 24) for hour in range(24)}


def test_the_cycle_of_the_day_is_no_leak_and_what_comes_on_top_of_it_is() -> None:
    now = day(begin=START + timedelta(days=1))
    assert leak(np.array(list(now.values()))).status == "failed"
    ratio, worse = steadied(day(), now), steadied(day(), day(0.5, START + timedelta(days=1)))
    assert ratio is not None
    assert worse is not None
    assert leak(ratio).status == "passed"
    assert leak(worse).status == "failed"


def test_hours_that_are_like_their_neighbours_count_less() -> None:
    random = np.random.default_rng(1)
    more = 1.08 * np.exp(0.1 * np.sort(random.normal(size=12)))
    p = []
    for order in (np.arange(12), random.permutation(12)):
        hours = [START + timedelta(hours=hour) for hour in range(12)]
        now = {hour + timedelta(days=1): 10 * value for hour, value in zip(hours, more[order], strict=True)}
        p.append(float(step(dict.fromkeys(hours, 10.0), now).detail.removeprefix("p = ")))
    assert p[0] > p[1]


def test_latency_is_compared_with_the_same_hours_of_the_day_before(workspace: Workspace, traffic: Traffic) -> None:
    for hour in range(1, 13):
        traffic.send(hour + 24, 20, slow=2.0)
        traffic.send(hour + 12, 20)
        traffic.send(hour, 20, slow=2.0)
    workspace.monitor.add("slow", "delay", "performance", window="12h")
    (report,) = workspace.monitor.run()
    assert {one.check: one.status for one in report.outcomes}["latency"] == "passed"


def test_errors_in_bursts_are_called_only_beyond_what_bursts_do() -> None:
    calm = np.array([[0, 200], [12, 200], [0, 200], [1, 200], [9, 200], [0, 200]], float)
    again = np.array([[0, 200], [0, 200], [17, 200], [0, 200], [20, 200], [1, 200]], float)
    assert errors(calm, again).status == "passed"
    even = np.array([[4, 200]] * 6, float)
    assert errors(even, even * [2, 1]).status == "failed"
    assert errors(calm, again * [6, 1]).status == "failed"


def test_a_share_that_is_hardly_larger_is_no_alarm_however_many_requests_there_are() -> None:
    many = np.array([[1_000, 1_000_000]] * 6, float)
    assert errors(many, many * [1.1, 1]).status == "passed"
    assert errors(many, many * [1.3, 1]).status == "failed"


def test_a_clock_that_is_ahead_is_told_with_its_worker(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 20)
    traffic.send(-3, 20)
    workspace.monitor.add("slow", "delay", "performance")
    (report,) = workspace.monitor.run()
    (outcome,) = [one for one in report.outcomes if one.check == "clocks"]
    assert (outcome.status, outcome.figure) == ("warned", "20 rows up to 3 h 47 min ahead of now")
    assert "w40" in outcome.detail
    assert workspace.monitor.alerts() == []


def test_a_clock_that_is_behind_is_told_by_its_file(workspace: Workspace, clock: Later) -> None:
    captured = workspace.deployment.captured
    clock.at = datetime.now(UTC)
    answers = {"predict": [1], "proba:0": [0.2], "proba:1": [0.8]}
    logs = [CaptureLog(captured.root, Deployment("delay"), worker) for worker in ("right", "slow")]
    for log, behind in zip(logs, (0, 40), strict=True):
        at = microseconds(clock.at - timedelta(minutes=behind))
        log.add([CapturedRequest(f"r{behind}", at, 1, inputs={"x": [0.8]}, outputs=answers, latency_ms=3.0)])
        log.flush()
    workspace.monitor.add("slow", "delay", "performance")
    (report,) = workspace.monitor.run()
    for log in logs:
        log.close()
    (outcome,) = [one for one in report.outcomes if one.check == "clocks"]
    assert outcome.figure == "1 worker up to 40 min behind"
    assert outcome.detail.startswith("slow;")


@pytest.mark.parametrize("before", [[], [[0, 0]]])
def test_without_requests_before_errors_are_not_compared(before: list[list[float]]) -> None:
    outcome = errors(np.array(before, float).reshape(-1, 2), np.array([[3, 10]], float))
    assert (outcome.status, outcome.detail) == ("passed", "nothing was captured before: not compared")
