"""How often monitors call a calm window wrong, and how often they see what is wrong.

``python benchmarks/alarms.py`` prints the table of ``docs/monitoring.md``; ``--times 100`` draws fewer windows. Calm
latency and throughput have the cycle of the day and hours that resemble their neighbours; calm workers fill, stay and
begin anew; calm errors come in bursts; calm quality is labelled rows of one and the same world. The exit code is 1
when more than 2 % of calm windows of a row are called.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from nbmlops.checks.records import Outcome
from nbmlops.monitoring.effort import memory, throughput
from nbmlops.monitoring.estimation.confidence import ConfidenceEstimator
from nbmlops.monitoring.estimation.direct_loss import LossEstimator
from nbmlops.monitoring.estimation.measured import measured_class, measured_loss
from nbmlops.monitoring.hourly import steadied
from nbmlops.monitoring.kinds.calibration import is_off
from nbmlops.monitoring.kinds.performance import RISE, errors, leak, step
from nbmlops.monitoring.kinds.quality import is_worse
from nbmlops.serving.capture.effort import Effort

START = datetime(2026, 7, 1, tzinfo=UTC)
BOUND = 0.02
Draw = Callable[[Any, bool], bool]


def _hours(random: Any, count: int, alike: float, noise: float) -> dict[datetime, float]:
    """Latencies by hour: a cycle of the day, and hours that resemble their neighbours."""
    drawn = random.normal(size=count)
    for place in range(1, count):
        drawn[place] = alike * drawn[place - 1] + (1 - alike**2) ** 0.5 * drawn[place]
    begin = START + timedelta(hours=int(random.integers(24)))
    times = [begin + timedelta(hours=place) for place in range(count)]
    cycle = [0.3 * np.sin(2 * np.pi * time.hour / 24) for time in times]
    return {time: 10 * float(np.exp(c + noise * d)) for time, c, d in zip(times, cycle, drawn, strict=True)}


def _creeps(was: dict[datetime, float], now: dict[datetime, float]) -> bool:
    ratio = steadied(was, now)
    return leak(np.array(list(now.values())) if ratio is None else ratio).status == "failed"


def latency(alike: float, noise: float, window: int) -> Draw:
    """A window of latency against the same hours of the day before; when it is not calm half as much again."""

    def draw(random: Any, calm: bool) -> bool:
        back = -(-window // 24) * 24
        every = list(_hours(random, back + window, alike, noise).items())
        was, now = dict(every[:window]), dict(every[back:])
        if not calm:
            now = {time: value * 1.5 for time, value in now.items()}
        return step(was, now).status == "failed" or (calm and _creeps(was, now))

    return draw


def creeping(alike: float, noise: float, window: int) -> Draw:
    """The same, with a leak that doubles latency within the window."""

    def draw(random: Any, calm: bool) -> bool:
        every = list(_hours(random, 2 * window, alike, noise).items())
        was, now = dict(every[:window]), dict(every[window:])
        slope = np.zeros(window) if calm else np.linspace(0, 1, window)
        now = {time: value * (1 + more) for (time, value), more in zip(now.items(), slope, strict=True)}
        return _creeps(was, now)

    return draw


def _failed(outcomes: Iterable[Outcome], *names: str) -> bool:
    return any(one.status == "failed" for one in outcomes if one.check in names)


def answering(alike: float, noise: float, window: int) -> Draw:
    """Busy time of a window against the same hours of the day before, by callers who send unlike many rows at once.

    When it is not calm each row takes half as much again.
    """

    def efforts(random: Any, hours: dict[datetime, float], slower: float) -> dict[datetime, Effort]:
        found = {}
        for time, cost in hours.items():
            requests = int(random.integers(200, 2_000))
            rows = int(requests * random.uniform(1, 4))
            found[time] = Effort(requests, rows, slower * cost * (requests + rows) / 2e3)
        return found

    def draw(random: Any, calm: bool) -> bool:
        back = -(-window // 24) * 24
        every = list(_hours(random, back + window, alike, noise).items())
        was, now = efforts(random, dict(every[:window]), 1), efforts(random, dict(every[back:]), 1 if calm else 1.5)
        names = ("throughput", "slow fall of throughput") if calm else ("throughput",)
        return _failed(throughput(was, now, RISE), *names)

    return draw


def _living(random: Any, hours: int, workers: int, lives: int, unlike: float, growth: float) -> list[dict[str, int]]:
    """Memory of workers by hour: each life begins at another level, fills in its first hours, and then is nearly even.

    `growth` is the share that it grows by each hour, as a leak does.
    """
    found: list[dict[str, int]] = [{} for _ in range(hours)]
    for worker in range(workers):
        age, level, shift = int(random.integers(lives)), random.normal(), 0.0
        for hour in range(hours):
            shift = 0.7 * shift + 0.01 * random.normal()
            filled = 1 - 0.3 * float(np.exp(-2 * age))
            held = 500e6 * float(np.exp(unlike * level + shift)) * filled * (1 + growth * age)
            found[hour][f"{worker}-{(hour - age) // lives}-{level:.6f}"] = int(held)
            age += 1
            if age >= lives:
                age, level, shift = 0, random.normal(), 0.0
    return found


def remembering(workers: int, lives: int, unlike: float, *, leaking: bool) -> Draw:
    """Memory of a day against the day before; when it is not calm a leak of 8 % an hour, or half as much again."""

    def efforts(found: list[dict[str, int]], begin: datetime, more: float = 1.0) -> dict[datetime, Effort]:
        held = [{worker: int(more * size) for worker, size in each.items()} for each in found]
        return {begin + timedelta(hours=hour): Effort(1, 1, 1.0, each) for hour, each in enumerate(held)}

    def draw(random: Any, calm: bool) -> bool:
        was = efforts(_living(random, 24, workers, lives, unlike, 0), START)
        growth = 0.08 if leaking and not calm else 0.0
        found = _living(random, 24, workers, lives, unlike, growth)
        now = efforts(found, START + timedelta(days=1), 1.0 if calm or leaking else 1.5)
        names = ("memory", "slow leak of memory") if calm else ("slow leak of memory" if leaking else "memory",)
        return _failed(memory(was, now, RISE), *names)

    return draw


def failing(share: float, rows: int, bursts: float) -> Draw:
    """Errors of a day against those of the day before; when it is not calm three times as many."""

    def draw(random: Any, calm: bool) -> bool:
        days = []
        for more in (1, 1 if calm else 3):
            rates = share * more * (random.gamma(1 / bursts, bursts, 24) if bursts else np.ones(24))
            days.append(np.column_stack([random.binomial(rows, np.minimum(rates, 1)), np.full(24, rows)]))
        before, after = (day.astype(float) for day in days)
        return errors(before, after).status == "failed"

    return draw


def measured(metric: str, before: int, rows: int, wrong: float) -> Draw:
    """A metric by labels against that of before; when it is not calm a tenth of the labels is turned."""

    def some(random: Any, count: int, turned: float) -> tuple[Any, ...]:
        said = random.beta(0.5, 0.5, count) if wrong > 0.05 else np.where(random.random(count) < 0.5, wrong, 1 - wrong)
        chance = np.where(random.random(count) < turned, 1 - said, said)
        return (random.random(count) < chance).astype(float), said, (said >= 0.5).astype(float)

    def draw(random: Any, calm: bool) -> bool:
        was = measured_class(metric, *some(random, before, 0))
        return is_worse(measured_class(metric, *some(random, rows, 0 if calm else 0.1)), was)

    return draw


def meaning(rows: int) -> Draw:
    """Labels of probabilities that are off by 0.04, which the bound allows; when it is not calm by 0.15."""

    def draw(random: Any, calm: bool) -> bool:
        said = random.random(rows)
        real = np.clip(said - np.sign(said - 0.5) * (0.04 if calm else 0.15), 0, 1)
        return is_off((random.random(rows) < real).astype(float), said)

    return draw


def lost(metric: str, before: int, rows: int) -> Draw:
    """The same of a regressor whose errors have long tails; when it is not calm they are half as large again."""

    def draw(random: Any, calm: bool) -> bool:
        was, now = (random.standard_t(4, count) for count in (before, rows))
        now = now if calm else now * 1.5
        later, earlier = (measured_loss(metric, each, np.zeros(len(each))) for each in (now, was))
        return is_worse(later, earlier)

    return draw


def estimated(metric: str, before: int, rows: int) -> Draw:
    """A metric estimated before labels come, against that of before; when it is not calm the model is less sure."""

    def draw(random: Any, calm: bool) -> bool:
        said = random.beta(0.5, 0.5, before)
        true = (random.random(before) < said).astype(float)
        answered = (said >= 0.5).astype(float)
        now = random.beta(*((0.5, 0.5) if calm else (3, 3)), rows)
        seen = ConfidenceEstimator.fit(true, said, answered)
        was = seen.estimate(said, answered, [metric])[metric]
        return is_worse(seen.estimate(now, (now >= 0.5).astype(float), [metric])[metric], was)

    return draw


def foreseen(metric: str, before: int, rows: int) -> Draw:
    """A loss estimated before labels come; when it is not calm, the rows are those that are hard."""

    def draw(random: Any, calm: bool) -> bool:
        x = random.random((before, 3))
        true = x[:, 0] + (0.1 + x[:, 1]) * random.normal(size=before)
        inputs = pd.DataFrame(x, columns=list("abc"))
        seen = LossEstimator.fit(inputs, true, x[:, 0], [metric])
        y = random.random((rows, 3))
        y[:, 1] = y[:, 1] if calm else 0.8 + 0.2 * y[:, 1]
        now = seen.estimate(pd.DataFrame(y, columns=list("abc")), y[:, 0], [metric])[metric]
        return is_worse(now, seen.estimate(inputs, x[:, 0], [metric])[metric])

    return draw


ROWS: dict[str, tuple[Draw, int]] = {
    "latency, 24 h, independent hours": (latency(0.0, 0.2, 24), 1),
    "latency, 24 h, hours alike (0.7)": (latency(0.7, 0.1, 24), 1),
    "latency, 12 h, hours alike (0.7)": (latency(0.7, 0.1, 12), 1),
    "slow leak, 24 h, hours alike (0.7)": (creeping(0.7, 0.1, 24), 1),
    "throughput, 24 h, hours alike (0.7)": (answering(0.7, 0.1, 24), 1),
    "throughput, 12 h, independent hours": (answering(0.0, 0.2, 12), 1),
    "memory, 1 worker that lives a week": (remembering(1, 168, 0.03, leaking=False), 1),
    "memory, 4 workers that live 6 h": (remembering(4, 6, 0.05, leaking=False), 1),
    "memory leak, 1 worker that lives a week": (remembering(1, 168, 0.03, leaking=True), 1),
    "memory leak, 2 workers that live 6 h": (remembering(2, 6, 0.05, leaking=True), 1),
    "errors, 0.2 % of 2,000 an hour": (failing(0.002, 2_000, 0.0), 1),
    "errors in bursts, 1 % of 200 an hour": (failing(0.01, 200, 1.0), 1),
    "errors in bursts, 0.5 % of 20,000 an hour": (failing(0.005, 20_000, 0.5), 1),
    "accuracy, 1,000 labels and 1,000 before": (measured("accuracy", 1_000, 1_000, 0.1), 1),
    "accuracy 0.99, 100 labels and 100 before": (measured("accuracy", 100, 100, 0.01), 1),
    "accuracy 0.99, 5,000 labels and 100 before": (measured("accuracy", 100, 5_000, 0.01), 1),
    "roc_auc, 300 labels and 300 before": (measured("roc_auc", 300, 300, 0.1), 1),
    "calibration, 300 labels": (meaning(300), 1),
    "calibration, 3,000 labels": (meaning(3_000), 1),
    "mae, long tails, 100 labels and 100 before": (lost("mae", 100, 100), 1),
    "rmse, long tails, 300 labels and 3,000 before": (lost("rmse", 3_000, 300), 1),
    "accuracy estimated on 1,000, 300 labels before": (estimated("accuracy", 300, 1_000), 2),
    "roc_auc estimated on 1,000, 1,000 labels before": (estimated("roc_auc", 1_000, 1_000), 2),
    "accuracy estimated on 20,000, 300 labels before": (estimated("accuracy", 300, 20_000), 4),
    "mae estimated on 1,000, 300 labels before": (foreseen("mae", 300, 1_000), 10),
}
"""What is watched: how a window is drawn and judged, and by how much fewer are drawn since one takes long."""


def main() -> int:
    """Print the table, and give 0 when false alarms are where they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2_000, help="windows for each row")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    asked = parser.parse_args()
    print("| calm windows that are called | of | share | windows that are not calm, called |")
    print("|---|--:|--:|--:|")
    good = True
    for name, (draw, dear) in ROWS.items():
        if asked.only not in name:
            continue
        times = max(20, asked.times // dear)
        random = np.random.default_rng([7, *name.encode()])
        calm = float(np.mean([draw(random, True) for _ in range(times)]))
        seen = float(np.mean([draw(random, False) for _ in range(max(20, times // 10))]))
        # What so few windows leave open, two standard errors, is allowed.
        good &= calm <= BOUND + 2 * (BOUND * (1 - BOUND) / times) ** 0.5
        print(f"| {name} | {times:,} | {calm:.2%} | {seen:.0%} |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
