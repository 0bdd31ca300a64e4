"""Throughput and memory of a window, judged against what they were; and whether they become worse within it.

Throughput is told by its inverse: the busy time of a worker against what as many requests and rows took before, by
non-negative least squares on the hours of before. Callers who send more rows at once, or fewer, are not taken for a
slower model: a step counts only when a busy second has both fewer rows and fewer requests. Busy time is that with at
least one request, so a night without callers changes nothing.

Memory is the least that a worker held in each hour. A leak is looked for within workers, whose hours are not compared
with those of another one: a worker that begins anew begins lower. Its first hour is left out, and what rises at first
only, as caches fill, is no leak: the later half of each worker's hours has to rise half as much. Workers differ by
themselves, so where several are known a step has to be larger than that, by a t-test of their levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Status
from nbmlops.monitoring.hourly import (
    FEWEST_SLOPE,
    FEWEST_STEP,
    SURE,
    array_of,
    shifted,
    slope_of,
    steadied,
    steepness,
)
from nbmlops.render.units import count, size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from nbmlops.serving.capture.effort import Effort

    Array = npt.NDArray[np.float64]
    Efforts = Mapping[datetime, Effort]

__all__ = ["judged", "memory", "throughput"]

_AGREED = 0.01
"""How likely by chance a step of memory may be by the levels of workers, which are few."""
_FEWEST_OF_WORKER = 3
"""Hours of a worker, after its first, from which it tells of leaks."""
_OLD = "what was captured before this was noted tells nothing"


def throughput(was: Efforts, now: Efforts, rise: float) -> Iterator[Outcome]:
    """Whether answers take more of a worker's time than they did, and whether they do more and more."""
    before, after = _answering(was), _answering(now)
    weights = _weights(before if len(before) >= FEWEST_STEP else after)
    then, here = _costs(before, weights), _costs(after, weights)
    yield _slower((before, after), then, here, rise)
    yield _slowing(then, here, rise)


def memory(was: Efforts, now: Efforts, rise: float) -> Iterator[Outcome]:
    """Whether workers hold more memory than they did, and whether each holds more and more."""
    yield _larger(was, now, rise)
    yield _growing(now, rise)


def _answering(efforts: Efforts) -> dict[datetime, Effort]:
    """The hours in which something was answered."""
    return {start: one for start, one in efforts.items() if one.rows and one.busy_seconds > 0}


def _weights(efforts: Efforts) -> tuple[float, float]:
    """How many busy seconds a request takes, and each row of it."""
    import numpy as np
    from scipy.optimize import nnls

    if not efforts:
        return 0.0, 1.0
    # Each hour counts the same: what is made small is the relative difference.
    shares = [(one.requests / one.busy_seconds, one.rows / one.busy_seconds) for one in efforts.values()]
    request, row = nnls(np.array(shares), np.ones(len(shares)))[0]
    return float(request), float(row)


def _costs(efforts: Efforts, weights: tuple[float, float]) -> dict[datetime, float]:
    """Busy time of each hour against what its requests and rows are to take."""
    request, row = weights
    return {start: one.busy_seconds / (one.requests * request + one.rows * row) for start, one in efforts.items()}


def _slower(
    efforts: tuple[Efforts, Efforts], was: Mapping[datetime, float], now: Mapping[datetime, float], rise: float
) -> Outcome:
    bound = f"at most {rise:.0%} more time"
    shift = shifted(was, now)
    if shift is None:
        return _few("throughput", bound, len(now), FEWEST_STEP, f" against {len(was)}")
    rows, requests = ([_rate(each, of) for each in efforts] for of in ("rows", "requests"))
    # Larger requests are fewer a second, and smaller ones have fewer rows: a slower worker has fewer of both.
    fewer = rows[1] < rows[0] and requests[1] < requests[0]
    figure = f"{rows[0]:.3g} → {rows[1]:.3g} rows a busy second"
    told = "" if fewer or shift.more <= rise else f", but {requests[0]:.3g} → {requests[1]:.3g} requests"
    return judged("throughput", figure, bound, shift.more if fewer else min(shift.more, 0.0), shift.p, rise, told)


def _rate(efforts: Efforts, of: str) -> float:
    import numpy as np

    return float(np.median([getattr(one, of) / one.busy_seconds for one in efforts.values()]))


def _slowing(was: Mapping[datetime, float], now: Mapping[datetime, float], rise: float) -> Outcome:
    import numpy as np

    name, bound = "slow fall of throughput", f"rises by at most {rise:.0%}"
    ratio = steadied(was, now)
    values = array_of(now) if ratio is None else ratio
    slope = slope_of((np.arange(len(values), dtype=np.float64), values))
    if slope is None:
        return _few(name, bound, len(values), FEWEST_SLOPE)
    more = slope.over(len(values))
    return judged(name, f"{more:+.0%} time over {len(values)} hours", bound, more, slope.p, rise)


def _larger(was: Efforts, now: Efforts, rise: float) -> Outcome:
    import numpy as np

    bound = f"at most {rise:.0%} more"
    before, after = (_held(efforts) for efforts in (was, now))
    # Memory does not follow the day: hours are not paired, so that a worker of another hour counts as well.
    shift = shifted(before, after, paired=False)
    if shift is None:
        return _few("memory", bound, len(after), FEWEST_STEP, f" against {len(before)}")
    levels = [_levels(efforts) for efforts in (was, now)]
    p = max(shift.p, _apart(*levels))
    sizes = [size(int(np.median(array_of(each)))) for each in (before, after)]
    workers = f", of {len(levels[0])} and {count(len(levels[1]), 'worker')}"
    return judged("memory", f"{sizes[0]} → {sizes[1]} a worker", bound, shift.more, p, rise, workers)


def _held(efforts: Efforts) -> dict[datetime, float]:
    """What a worker held in each hour: the middle of those that told."""
    import numpy as np

    return {start: float(np.median(list(one.memory.values()))) for start, one in efforts.items() if one.memory}


def _hours_of(efforts: Efforts) -> dict[str, tuple[Array, Array]]:
    """Hours and bytes of each worker, in order."""
    import numpy as np

    by_worker: dict[str, list[tuple[float, float]]] = {}
    for start, one in efforts.items():
        for worker, least in one.memory.items():
            by_worker.setdefault(worker, []).append((start.timestamp() / 3600, float(least)))
    columns = {worker: np.array(rows).T for worker, rows in by_worker.items()}
    return {worker: (at, held) for worker, (at, held) in columns.items()}


def _levels(efforts: Efforts) -> Array:
    """The logarithm of what each worker held, in the middle of its hours."""
    import numpy as np

    return np.array([np.log(np.median(held)) for _, held in _hours_of(efforts).values()], np.float64)


def _apart(before: Array, after: Array) -> float:
    """How likely it is by chance that workers hold more than those of before; 0 where too few tell, to hold nothing up.

    Scaled so that `SURE` is reached where Student's test is at 0.01.
    """
    import numpy as np
    from scipy.stats import t

    free = len(before) + len(after) - 2
    if free < 2:
        return 0.0
    spread = (float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()) / free) ** 0.5
    away = float(after.mean() - before.mean())
    scale = spread * (1 / len(before) + 1 / len(after)) ** 0.5
    p = float(t.sf(away / scale, free)) if scale else float(np.where(away > 0, 0.0, 1.0))
    return p * SURE / _AGREED


def _growing(now: Efforts, rise: float) -> Outcome:
    name, bound = "slow leak of memory", f"rises by at most {rise:.0%}"
    # The first hour of a worker is that in which it fills.
    lived = [(at[1:], held[1:]) for at, held in _hours_of(now).values() if len(at) > _FEWEST_OF_WORKER]
    parts = [(at, held / float(_middle(held))) for at, held in lived]
    slope = slope_of(*parts)
    if slope is None:
        return _few(name, bound, sum(len(at) for at, _ in parts), FEWEST_SLOPE)
    later = [(at[len(at) // 2 :], held[len(at) // 2 :]) for at, held in parts]
    span = max(float(at[-1] - at[0]) for at, _ in parts)
    more, still = slope.each_hour * span, 2 * steepness(*later) * span
    figure = f"{more:+.0%} over {span:.0f} hours"
    told = f", within {count(len(parts), 'worker')}" + (", and no more of late" if still <= rise < more else "")
    return judged(name, figure, bound, min(more, max(still, 0.0)), slope.p, rise, told)


def _middle(values: Array) -> float:
    import numpy as np

    return float(np.median(values))


def judged(name: str, figure: str, bound: str, more: float, p: float, rise: float, told: str = "") -> Outcome:
    """Whether a figure rose by a share that is beyond the bound, and that chance does not explain."""
    status: Status = "failed" if p <= SURE and more > rise else "passed"
    return Outcome(name, None, status, figure, bound, f"p = {p:.2g}{told}", number=more, band=(None, rise))


def _few(name: str, bound: str, hours: int, fewest: int, against: str = "") -> Outcome:
    words = f"{hours} hours{against}: of fewer than {fewest} nothing can be told"
    return Outcome(name, None, "passed", "not judged", bound, words if hours else f"0 hours: {_OLD}")
