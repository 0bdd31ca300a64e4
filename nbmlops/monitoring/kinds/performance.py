"""Latency, throughput, memory and errors: a step against the same hours before, and a slow leak within the window.

Latency is the 95th percentile of each hour; throughput and memory are what `nbmlops.monitoring.effort` makes of the
hours. How a step and a leak are told from chance, `nbmlops.monitoring.hourly` says. Errors are compared as two shares,
whose variance is that among hours where it is larger than by chance (quasi-binomial). Each is called only when chance
does not explain it (p at most 0.001, of errors 0.01) and it is large enough to matter: a fifth, unless the bound says
another share. Clocks that differ are told of. `benchmarks/alarms.py` prints how often calm windows are called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Status
from nbmlops.monitoring.clocks import clocks
from nbmlops.monitoring.effort import judged, memory, throughput
from nbmlops.monitoring.hourly import FEWEST_SLOPE, FEWEST_STEP, array_of, shifted, slope_of, steadied
from nbmlops.monitoring.watching import NoDataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from nbmlops.monitoring.watching import Watched
    from nbmlops.serving.capture.effort import Effort
    from nbmlops.serving.capture.hours import Hour

    Array = npt.NDArray[np.float64]

__all__ = ["ALPHA", "RISE", "errors", "judge", "leak", "step"]

ALPHA = 0.01
RISE = 0.2
"""By which share latency, the time that a row takes, memory and errors may rise."""
_SHARE = 0.95
_DAY = timedelta(days=1)


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes of steps and leaks of latency, throughput and memory, of errors, and of clocks that differ."""
    rise = RISE if watched.monitor.bound is None else watched.monitor.bound
    hours, earlier = watched.hours(), _earlier(watched)
    by_start, before = _by_start(hours), _by_start(earlier)
    was, now = _latencies(before), _latencies(by_start)
    ratio = steadied(was, now)
    found = [step(was, now, rise), leak(array_of(now) if ratio is None else ratio, rise)]
    then, here = _efforts(before), _efforts(by_start)
    found += [*throughput(then, here, rise), *memory(then, here, rise)]
    return [*found, errors(_counts(earlier), _counts(hours), rise), *clocks(watched)]


def _earlier(watched: Watched) -> list[Hour]:
    """The same hours of days before, or where too few are known those just before."""
    days = -(-watched.monitor.window // _DAY) * _DAY
    for back in dict.fromkeys((days, watched.monitor.window)):
        # The last hour of a window is its end's: the window before ends where this one begins.
        end = watched.since if back == watched.monitor.window else watched.until - back
        try:
            found = watched.hours(watched.since - back, end)
        except NoDataError:
            continue
        if len({hour.start for hour in found}) >= FEWEST_STEP or back == watched.monitor.window:
            return found
    return []


def _by_start(hours: Sequence[Hour]) -> dict[datetime, Hour]:
    """All versions of an hour together, in order, without their profiles."""
    found: dict[datetime, Hour] = {}
    for hour in hours:
        known, plain = found.get(hour.start), replace(hour, profile=None)
        found[hour.start] = plain if known is None else known.merge(plain)
    return dict(sorted(found.items()))


def _latencies(hours: Mapping[datetime, Hour]) -> dict[datetime, float]:
    """The 95th percentile of latency in each hour."""
    import math

    found = {start: hour.latency_ms(_SHARE) for start, hour in hours.items()}
    return {start: value for start, value in found.items() if math.isfinite(value)}


def _efforts(hours: Mapping[datetime, Hour]) -> dict[datetime, Effort]:
    """What answers cost in each hour of which that was noted."""
    return {start: hour.effort for start, hour in hours.items() if hour.effort is not None}


def _counts(hours: Sequence[Hour]) -> Array:
    """Errors and requests of each hour, of shape ``(hours, 2)``."""
    import numpy as np

    by_start: dict[datetime, list[int]] = {}
    for hour in hours:
        known = by_start.setdefault(hour.start, [0, 0])
        known[0] += hour.errors
        known[1] += hour.requests
    return np.array(list(by_start.values()), np.float64).reshape(-1, 2)


def step(was: Mapping[datetime, float], now: Mapping[datetime, float], rise: float = RISE) -> Outcome:
    """Whether latency is higher than it was; both by hour, in milliseconds."""
    import numpy as np

    bound = f"at most {rise:.0%} more"
    shift = shifted(was, now)
    if shift is None:
        told = f"{len(now)} hours against {len(was)}: of fewer than {FEWEST_STEP} nothing can be told"
        return Outcome("latency", None, "passed", "not judged", bound, told)
    middle, after = (float(np.median(array_of(each))) for each in (was, now))
    figure = f"p95 {middle:.3g} → {after:.3g} ms"
    return judged("latency", figure, bound, shift.more, shift.p, rise)


def leak(values: Array, rise: float = RISE) -> Outcome:
    """Whether latency creeps up, hour by hour; of shape ``(hours,)``, in order, in any unit."""
    import numpy as np

    bound = f"rises by at most {rise:.0%}"
    slope = slope_of((np.arange(len(values), dtype=np.float64), values))
    if slope is None:
        told = f"of {len(values)} hours nothing can be told: {FEWEST_SLOPE} are needed"
        return Outcome("slow leak", None, "passed", "not judged", bound, told)
    more = slope.over(len(values))
    figure = f"{more:+.0%} over {len(values)} hours"
    return judged("slow leak", figure, bound, more, slope.p, rise)


def errors(before: Array, now: Array, rise: float = RISE) -> Outcome:
    """Whether more requests were refused, or failed, than before; both of shape ``(hours, 2)``: errors, requests."""
    import numpy as np
    from scipy.stats import norm

    from nbmlops.checks.drift.verdict import compare_categories

    (bad_before, all_before), (bad, all_) = (each.sum(axis=0) if len(each) else np.zeros(2) for each in (before, now))
    share = float(bad / all_) if all_ else 0.0
    if not all_before or not all_:
        words = "nothing was captured before: not compared"
        return Outcome("errors", None, "passed", f"{share:.2%} of requests", "", words, number=share)
    was = float(bad_before / all_before)
    exact = compare_categories(np.array([bad_before, all_before - bad_before]), np.array([bad, all_ - bad])).p
    pooled = (bad_before + bad) / (all_before + all_)
    scale = (pooled * (1 - pooled) * (1 / all_before + 1 / all_)) ** 0.5
    spread = _spread(before)
    rough = float(norm.sf((share - was) / (scale * spread**0.5))) if scale else 1.0
    p = max(exact, rough)
    failed = p <= ALPHA and share > was * (1 + rise)
    figure = f"{was:.2%} → {share:.2%} of requests"
    bound, told = f"at most {rise:.0%} more than before", f"p = {p:.2g}, hours vary {spread:.1f} times as by chance"
    status: Status = "failed" if failed else "passed"
    return Outcome("errors", None, status, figure, bound, told, number=share, band=(None, was * (1 + rise)))


def _spread(counts: Array) -> float:
    """How much shares vary among hours, against chance: Pearson's statistic by its degrees of freedom, at least 1."""
    kept = counts[counts[:, 1] > 0]
    share = kept[:, 0].sum() / kept[:, 1].sum()
    if len(kept) < FEWEST_STEP or not 0 < share < 1:
        return 1.0
    expected = kept[:, 1] * share
    statistic = ((kept[:, 0] - expected) ** 2 / (expected * (1 - share))).sum()
    return max(1.0, float(statistic / (len(kept) - 1)))
