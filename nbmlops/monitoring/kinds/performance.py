"""Latency and errors: a step against the same hours before, a slow leak within the window, and clocks that differ.

A step is looked for among the hours: the 95th percentile of latency of each hour of this window against those of the
window before, by the Mann-Whitney test, which an hour that was slow by itself does not move. Callers come by day and
not by night, so the window before is whole days earlier where so much is known. A leak is a trend within the window:
Theil and Sen's slope, which is real when the Mann-Kendall test says so, of latency against that of the same hour of the
day before. Both tests count hours as independent; where neighbours are alike they are trusted less. Errors are compared
as two shares, whose variance is that among hours where it is larger than by chance (quasi-binomial). Each is called
only when chance does not explain it (p at most 0.01) and it is large enough to matter: a fifth, unless the bound says
another share. `benchmarks/alarms.py` prints how often calm windows are called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome
from nbmlops.monitoring.clocks import clocks
from nbmlops.monitoring.watching import NoDataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from nbmlops.monitoring.watching import Watched
    from nbmlops.serving.capture.hours import Hour

    Array = npt.NDArray[np.float64]

__all__ = ["ALPHA", "RISE", "errors", "judge", "leak", "steadied", "step"]

ALPHA = 0.01
RISE = 0.2
"""By which share latency may rise."""
_SHARE = 0.95
_FEWEST_STEP, _FEWEST_LEAK = 4, 8
"""Hours below which even the largest step, or the steadiest leak, could be chance."""
_NEAREST = 0.7
"""A correlation beyond that is what a leak itself looks like."""
_DAY = timedelta(days=1)


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes of the step, the leak and the errors, and of clocks that differ."""
    rise = RISE if watched.monitor.bound is None else watched.monitor.bound
    hours, earlier = watched.hours(), _earlier(watched)
    was, now = _latencies(earlier), _latencies(hours)
    found = [step(_array(was), _array(now), rise), leak(steadied(was, now), rise)]
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
        if len({hour.start for hour in found}) >= _FEWEST_STEP or back == watched.monitor.window:
            return found
    return []


def _latencies(hours: Sequence[Hour]) -> dict[datetime, float]:
    """The 95th percentile of latency in each hour, in order, of all versions together."""
    import math

    by_start: dict[datetime, Hour] = {}
    for hour in hours:
        known = by_start.get(hour.start)
        by_start[hour.start] = hour if known is None else known.merge(hour)
    found = {start: hour.latency_ms(_SHARE) for start, hour in sorted(by_start.items())}
    return {start: value for start, value in found.items() if math.isfinite(value)}


def _array(values: Mapping[datetime, float]) -> Array:
    import numpy as np

    return np.array(list(values.values()), np.float64)


def _counts(hours: Sequence[Hour]) -> Array:
    """Errors and requests of each hour, of shape ``(hours, 2)``."""
    import numpy as np

    by_start: dict[datetime, list[int]] = {}
    for hour in hours:
        known = by_start.setdefault(hour.start, [0, 0])
        known[0] += hour.errors
        known[1] += hour.requests
    return np.array(list(by_start.values()), np.float64).reshape(-1, 2)


def steadied(was: Mapping[datetime, float], now: Mapping[datetime, float]) -> Array:
    """Latency of each hour without the cycle of the day, where that is known of enough hours of the days before."""
    import numpy as np

    by_hour: dict[int, list[float]] = {}
    for start, value in was.items():
        by_hour.setdefault(start.hour, []).append(value)
    usual = {hour: float(np.median(values)) for hour, values in by_hour.items()}
    both = [(value, usual[start.hour]) for start, value in now.items() if usual.get(start.hour, 0) > 0]
    if len(both) < max(_FEWEST_LEAK, len(now) - 1):
        return _array(now)
    middle = float(np.median([each for _, each in both]))
    return np.array([value / each * middle for value, each in both], np.float64)


def _less_sure(p: float, *parts: Array) -> float:
    """A p-value of a test that takes hours for independent, given the residuals that it was made of.

    Neighbours that are alike tell less: the variance of the statistic is ``(1 + r) / (1 - r)`` as large, r being the
    lag-one correlation, here without the bias of short series (Yue & Wang 2004; Marriott & Pope 1954).
    """
    import numpy as np
    from scipy.stats import norm

    spread = sum(float(part @ part) for part in parts)
    hours = sum(map(len, parts))
    if not spread or hours <= _FEWEST_STEP:
        return p
    near = sum(float(part[1:] @ part[:-1]) for part in parts) / spread
    near = min(_NEAREST, max(0.0, (hours * near + len(parts)) / (hours - 3 * len(parts))))
    return float(norm.sf(norm.isf(np.clip(p, 1e-300, 1.0)) / ((1 + near) / (1 - near)) ** 0.5))


def step(before: Array, now: Array, rise: float = RISE) -> Outcome:
    """Whether latency is higher than it was; both of shape ``(hours,)`` in milliseconds."""
    import numpy as np
    from scipy.stats import mannwhitneyu

    bound = f"at most {rise:.0%} more"
    if min(len(before), len(now)) < _FEWEST_STEP:
        told = f"{len(now)} hours against {len(before)}: of fewer than {_FEWEST_STEP} nothing can be told"
        return Outcome("latency", None, "passed", "not judged", bound, told)
    was, is_ = float(np.median(before)), float(np.median(now))
    p = float(mannwhitneyu(now, before, alternative="greater").pvalue)
    p = _less_sure(p, np.log(before / was), np.log(now / is_)) if min(*before, *now) > 0 else p
    more = is_ / was - 1 if was else 0.0
    failed = p <= ALPHA and more > rise
    figure = f"p95 {was:.3g} → {is_:.3g} ms"
    return Outcome(
        "latency", None, "failed" if failed else "passed", figure, bound, f"p = {p:.2g}", number=more, band=(None, rise)
    )


def leak(values: Array, rise: float = RISE) -> Outcome:
    """Whether latency creeps up, hour by hour; of shape ``(hours,)``, in order."""
    import numpy as np
    from scipy.stats import kendalltau, theilslopes

    bound = f"rises by at most {rise:.0%}"
    if len(values) < _FEWEST_LEAK:
        told = f"of {len(values)} hours nothing can be told: {_FEWEST_LEAK} are needed"
        return Outcome("slow leak", None, "passed", "not judged", bound, told)
    at = np.arange(len(values), dtype=np.float64)
    slope, base, *_ = theilslopes(values, at)
    p = 1.0 if np.ptp(values) == 0 else float(kendalltau(at, values, alternative="greater").pvalue)
    p = _less_sure(p, values - (base + slope * at))
    more = float(slope * at[-1] / base) if base > 0 else 0.0
    failed = p <= ALPHA and more > rise
    figure = f"{more:+.0%} over {len(values)} hours"
    return Outcome(
        "slow leak",
        None,
        "failed" if failed else "passed",
        figure,
        bound,
        f"p = {p:.2g}",
        number=more,
        band=(None, rise),
    )


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
    status = "failed" if failed else "passed"
    return Outcome("errors", None, status, figure, bound, told, number=share, band=(None, was * (1 + rise)))  # type: ignore[arg-type]


def _spread(counts: Array) -> float:
    """How much shares vary among hours, against chance: Pearson's statistic by its degrees of freedom, at least 1."""
    kept = counts[counts[:, 1] > 0]
    share = kept[:, 0].sum() / kept[:, 1].sum()
    if len(kept) < _FEWEST_STEP or not 0 < share < 1:
        return 1.0
    expected = kept[:, 1] * share
    statistic = ((kept[:, 0] - expected) ** 2 / (expected * (1 - share))).sum()
    return max(1.0, float(statistic / (len(kept) - 1)))
