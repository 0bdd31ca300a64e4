"""Latency and errors: a step against the same hours before, a slow leak within the window, and clocks that differ.

The 95th percentile of latency of each hour is looked at. Callers come by day and not by night, so each hour is judged
against the same hour of the days before where so much is known, and the window against the one before where not. A step
is told by the signed-rank test, or by Mann and Whitney's where hours cannot be paired; an hour that was slow by itself
moves neither. A leak is a trend within the window: Theil and Sen's slope, which is real when the Mann-Kendall test says
so. These tests count hours as independent; a t-test with a robust spread, which allows for hours that are like their
neighbours, has to agree. Errors are compared as two shares, whose variance is that among hours where it is larger than
by chance (quasi-binomial). Each is called only when chance does not explain it (p at most 0.01, of latency 0.001) and
it is large enough to matter: a fifth, unless the bound says another share. `benchmarks/alarms.py` prints how often calm
windows are called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Status
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
_SURE = 0.001
"""Of latency: how alike hours are is not known well, and it is looked at in two ways."""
RISE = 0.2
"""By which share latency may rise."""
_SHARE = 0.95
_FEWEST_STEP, _FEWEST_LEAK = 4, 8
"""Hours below which even the largest step, or the steadiest leak, could be chance."""
_NEAREST = 0.8
"""A correlation beyond that is what a leak itself looks like."""
_EFFICIENCY = 1.05
"""How much larger the variance of these medians is than that of means, of normal values: π / 3."""
_DAY = timedelta(days=1)


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes of the step, the leak and the errors, and of clocks that differ."""
    rise = RISE if watched.monitor.bound is None else watched.monitor.bound
    hours, earlier = watched.hours(), _earlier(watched)
    was, now = _latencies(earlier), _latencies(hours)
    ratio = steadied(was, now)
    found = [step(was, now, rise), leak(_array(now) if ratio is None else ratio, rise)]
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


def steadied(was: Mapping[datetime, float], now: Mapping[datetime, float]) -> Array | None:
    """Latency of each hour against that of the same hour of the days before; None where too few hours are known."""
    import numpy as np

    by_hour: dict[int, list[float]] = {}
    for start, value in was.items():
        by_hour.setdefault(start.hour, []).append(value)
    usual = {hour: float(np.median(values)) for hour, values in by_hour.items()}
    both = [value / usual[start.hour] for start, value in now.items() if usual.get(start.hour, 0) > 0]
    if len(both) < max(_FEWEST_STEP, len(now) - 1) or min(both) <= 0:
        return None
    return np.array(both, np.float64)


def _alike(parts: Sequence[Array], fitted: int) -> float:
    """By how much less hours tell that are like their neighbours: ``(1 + r) / (1 - r)`` of the lag-one correlation r.

    Of residuals, without the bias of short series (Yue & Wang 2004; Marriott & Pope 1954).
    """
    spread = sum(float(part @ part) for part in parts)
    hours = sum(map(len, parts))
    if not spread or hours <= fitted + 2 * len(parts):
        return 1.0
    near = sum(float(part[1:] @ part[:-1]) for part in parts) / spread
    near = min(_NEAREST, max(0.0, (hours * near + fitted) / (hours - fitted - 2 * len(parts))))
    return (1 + near) / (1 - near)


def _chance(shift: float, scale: float, *parts: Array, fitted: int = 1) -> float:
    """How likely a shift is by chance, given residuals: a t-test with a spread that single hours do not move.

    `scale` is the standard error of the shift where hours are independent and of spread 1, `fitted` how many numbers
    were taken off each part.
    """
    import numpy as np
    from scipy.stats import t

    joined = np.concatenate(parts)
    spread = float(np.median(np.abs(joined))) * 1.4826
    if not spread or not scale:
        return 0.0 if shift > 0 else 1.0
    alike = _alike(parts, fitted * len(parts))
    free = max(4.0, (len(joined) - fitted * len(parts)) / alike)
    return float(t.sf(shift / (spread * scale * (_EFFICIENCY * alike) ** 0.5), free))


def step(was: Mapping[datetime, float], now: Mapping[datetime, float], rise: float = RISE) -> Outcome:
    """Whether latency is higher than it was; both by hour, in milliseconds."""
    import numpy as np

    bound, before, after = f"at most {rise:.0%} more", _array(was), _array(now)
    if min(len(before), len(after)) < _FEWEST_STEP:
        told = f"{len(after)} hours against {len(before)}: of fewer than {_FEWEST_STEP} nothing can be told"
        return Outcome("latency", None, "passed", "not judged", bound, told)
    ratio = steadied(was, now)
    middle = float(np.median(before))
    more = float(np.median(after)) / middle - 1 if middle else 0.0
    if ratio is not None:
        more = float(np.median(ratio)) - 1
    p = _risen(before, after) if ratio is None else _above(ratio)
    status: Status = "failed" if p <= _SURE and more > rise else "passed"
    figure = f"p95 {middle:.3g} → {float(np.median(after)):.3g} ms"
    return Outcome("latency", None, status, figure, bound, f"p = {p:.2g}", number=more, band=(None, rise))


def _above(ratio: Array) -> float:
    """How likely it is by chance that ratios are above 1, by the signed ranks and by the middle of their logarithms."""
    import numpy as np
    from scipy.stats import wilcoxon

    logs = np.log(ratio)
    if not logs.any():
        return 1.0
    middle = float(np.median(logs))
    p = float(wilcoxon(logs, alternative="greater").pvalue)
    return max(p, _chance(middle, len(logs) ** -0.5, logs - middle))


def _risen(before: Array, after: Array) -> float:
    """The same of hours that cannot be paired, by the Mann-Whitney test and by Hodges and Lehmann's shift."""
    import numpy as np
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(after, before, alternative="greater").pvalue)
    if min(*before, *after) <= 0:
        return p
    then, here = np.log(before), np.log(after)
    shift = float(np.median(here[:, None] - then[None, :]))
    scale = (1 / len(then) + 1 / len(here)) ** 0.5
    return max(p, _chance(shift, scale, then - np.median(then), here - np.median(here)))


def leak(values: Array, rise: float = RISE) -> Outcome:
    """Whether latency creeps up, hour by hour; of shape ``(hours,)``, in order, in any unit."""
    import numpy as np
    from scipy.stats import kendalltau, theilslopes

    bound = f"rises by at most {rise:.0%}"
    if len(values) < _FEWEST_LEAK:
        told = f"of {len(values)} hours nothing can be told: {_FEWEST_LEAK} are needed"
        return Outcome("slow leak", None, "passed", "not judged", bound, told)
    at = np.arange(len(values), dtype=np.float64)
    slope, base, *_ = theilslopes(values, at)
    p = 1.0 if np.ptp(values) == 0 else float(kendalltau(at, values, alternative="greater").pvalue)
    p = max(p, _chance(float(slope), 1 / float(np.linalg.norm(at - at.mean())), values - (base + slope * at), fitted=2))
    more = float(slope * at[-1] / base) if base > 0 else 0.0
    failed = p <= _SURE and more > rise
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
    status: Status = "failed" if failed else "passed"
    return Outcome("errors", None, status, figure, bound, told, number=share, band=(None, was * (1 + rise)))


def _spread(counts: Array) -> float:
    """How much shares vary among hours, against chance: Pearson's statistic by its degrees of freedom, at least 1."""
    kept = counts[counts[:, 1] > 0]
    share = kept[:, 0].sum() / kept[:, 1].sum()
    if len(kept) < _FEWEST_STEP or not 0 < share < 1:
        return 1.0
    expected = kept[:, 1] * share
    statistic = ((kept[:, 0] - expected) ** 2 / (expected * (1 - share))).sum()
    return max(1.0, float(statistic / (len(kept) - 1)))
