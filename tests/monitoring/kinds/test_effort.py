"""A slower worker and a leak are told; other callers, workers that begin anew, and what fills once are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from nbmlops import Workspace
from nbmlops.checks.records import Outcome
from nbmlops.monitoring.effort import memory, throughput
from nbmlops.serving.capture.effort import Effort
from tests.monitoring.conftest import Traffic

START = datetime(2026, 7, 1, tzinfo=UTC)
RISE = 0.2
Day = dict[datetime, Effort]


def asked(random: np.random.Generator, day: int = 0, slower: float = 1.0, rows_each: float = 2.0) -> Day:
    """A day in which a request takes 2 ms and each row 1 ms, with a noise of a tenth."""
    found = {}
    for hour in range(24):
        requests = int(random.integers(500, 2_000))
        rows = int(requests * rows_each)
        busy = slower * (2e-3 * requests + 1e-3 * rows) * float(np.exp(0.1 * random.normal()))
        found[START + timedelta(days=day, hours=hour)] = Effort(requests, rows, busy)
    return found


def held(day: int, of: Callable[[int], dict[str, float]]) -> Day:
    """A day in which workers hold so many megabytes, by hour."""
    return {
        START + timedelta(days=day, hours=hour): Effort(
            1, 1, 1.0, {worker: int(1e6 * size) for worker, size in of(hour).items()}
        )
        for hour in range(24)
    }


def failed(outcomes: list[Outcome]) -> list[str]:
    return [one.check for one in outcomes if one.status == "failed"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [({}, []), ({"slower": 1.5}, ["throughput"]), ({"rows_each": 6.0}, []), ({"rows_each": 1.0}, [])],
)
def test_a_slower_worker_is_told_and_other_sizes_of_requests_are_not(
    now: dict[str, float], expected: list[str]
) -> None:
    random = np.random.default_rng(3)
    assert failed([*throughput(asked(random), asked(random, 1, **now), RISE)]) == expected


def test_calm_days_are_called_no_more_often_than_chance_allows() -> None:
    days, called = 150, 0
    for seed in range(days):
        random = np.random.default_rng([11, seed])
        levels = random.normal(size=8)

        def worker(hour: int, drawn: np.ndarray = levels, noise: np.random.Generator = random) -> dict[str, float]:
            return {f"w{hour // 6}": 500 * float(np.exp(0.03 * drawn[hour // 6] + 0.01 * noise.normal()))}

        found = [*throughput(asked(random), asked(random, 1), RISE), *memory(held(0, worker), held(1, worker), RISE)]
        called += bool(failed(found))
    # One in a hundred is meant; of so many days no more than this, but for one test run in a thousand.
    assert called <= binom.ppf(0.999, days, 0.01)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        pytest.param(lambda hour: {"a": 300.0 + hour % 2}, [], id="even"),
        pytest.param(lambda hour: {"a": 450.0 + hour % 2}, ["memory"], id="step"),
        pytest.param(lambda hour: {"a": 300.0 + 5 * hour}, ["slow leak of memory"], id="leak"),
        pytest.param(lambda hour: {f"w{hour // 8}": 250 + 25.0 * (hour % 8)}, ["slow leak of memory"], id="restarts"),
        pytest.param(lambda hour: {f"w{hour // 8}": 300.0 - hour % 8 / 9}, [], id="restarts of an even one"),
        pytest.param(lambda hour: {"a": 320.0 - 150 * float(np.exp(-hour / 2))}, [], id="fills once"),
        pytest.param(lambda hour: {f"w{hour}": 300.0 + 5 * hour}, [], id="lives an hour"),
        pytest.param(lambda hour: {}, [], id="tells nothing"),
    ],
)
def test_a_leak_is_within_workers_and_a_step_between_days(
    of: Callable[[int], dict[str, float]], expected: list[str]
) -> None:
    before = held(0, lambda hour: {"before": 300.0 + hour % 3})
    assert failed([*memory(before, held(1, of), RISE)]) == expected


def test_workers_that_differ_by_themselves_have_to_differ_by_more() -> None:
    def unlike(sizes: list[float]) -> Callable[[int], dict[str, float]]:
        return lambda hour: {f"w{place}-{size}": size + hour % 2 for place, size in enumerate(sizes)}

    before = held(0, unlike([200, 300, 420]))
    assert failed([*memory(before, held(1, unlike([260, 380, 500])), RISE)]) == []
    alike = held(0, unlike([290, 300, 310]))
    assert failed([*memory(alike, held(1, unlike([380, 390, 400])), RISE)]) == ["memory"]


def test_what_an_endpoint_captured_is_judged_and_drawn(workspace: Workspace, traffic: Traffic) -> None:
    for hour in range(1, 13):
        traffic.send(hour + 12, 40, worker="host-1", memory=300_000_000 + hour)
        traffic.send(hour, 40, worker="host-2", memory=480_000_000 - 15_000_000 * hour)
    workspace.monitor.add("slow", "delay", "performance", window="12h")
    (report,) = workspace.monitor.run("slow")
    found = {one.check: one for one in report.outcomes}
    assert failed(list(report.outcomes)) == ["memory", "slow leak of memory"]
    assert found["memory"].figure == "300 MB → 382 MB a worker"
    assert found["throughput"].figure.endswith("rows a busy second")
    lines = {one.label: one for one in workspace.monitor.show("slow").lines}
    assert lines["memory"].high == lines["throughput"].high == RISE


def test_of_what_was_captured_before_it_was_noted_nothing_is_told(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 10)
    workspace.monitor.add("slow", "delay", "performance")
    (report,) = workspace.monitor.run("slow")
    found = {one.check: one for one in report.outcomes}
    assert found["memory"].figure == "not judged"
    assert found["memory"].detail.startswith("0 hours: what was captured before")
