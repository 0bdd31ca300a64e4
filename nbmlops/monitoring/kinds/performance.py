"""Latency and errors: a step against the window before, and a slow leak within the window.

A step is looked for among the hours: the 95th percentile of latency of each hour of this window against those of the
window before, by the Mann-Whitney test, which an hour that was slow by itself does not move. A leak is a trend within
the window: Theil and Sen's slope, which is real when the Mann-Kendall test says so. Errors are compared as two shares.
Each is called only when chance does not explain it (p at most 0.01) and it is large enough to matter: a fifth, unless
the bound says another share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome
from nbmlops.monitoring.watching import NoDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from nbmlops.monitoring.watching import Watched
    from nbmlops.serving.capture.hours import Hour

    Array = npt.NDArray[np.float64]

__all__ = ["ALPHA", "RISE", "judge", "leak", "step"]

ALPHA = 0.01
RISE = 0.2
"""By which share latency may rise."""
_SHARE = 0.95
_FEWEST_STEP, _FEWEST_LEAK = 4, 8
"""Hours below which even the largest step, or the steadiest leak, could be chance."""


def judge(watched: Watched) -> list[Outcome]:
    """Outcomes of the step, the leak and the errors."""
    rise = RISE if watched.monitor.bound is None else watched.monitor.bound
    hours = watched.hours()
    now = _latencies(hours)
    try:
        earlier = watched.hours(watched.before, watched.since)
    except NoDataError:
        earlier = []
    return [step(_latencies(earlier), now, rise), leak(now, rise), _errors(earlier, hours)]


def _latencies(hours: Sequence[Hour]) -> Array:
    """The 95th percentile of latency in each hour, in order, of all versions together."""
    import numpy as np

    by_start: dict[object, Hour] = {}
    for hour in hours:
        known = by_start.get(hour.start)
        by_start[hour.start] = hour if known is None else known.merge(hour)
    found = np.array([hour.latency_ms(_SHARE) for hour in by_start.values()], np.float64)
    return found[np.isfinite(found)]


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


def _errors(before: Sequence[Hour], now: Sequence[Hour]) -> Outcome:
    """Whether more requests were refused, or failed, than before."""
    from nbmlops.checks.drift.verdict import compare_categories

    counts = [(sum(hour.errors for hour in each), sum(hour.requests for hour in each)) for each in (before, now)]
    (bad_before, all_before), (bad, all_) = counts
    share = bad / all_ if all_ else 0.0
    if not all_before:
        words = "nothing was captured before: not compared"
        return Outcome("errors", None, "passed", f"{share:.2%} of requests", "", words, number=share)
    was = bad_before / all_before
    import numpy as np

    p = compare_categories(*(np.array([wrong, every - wrong]) for wrong, every in counts)).p
    failed = p <= ALPHA and share > was
    figure, told = f"{was:.2%} → {share:.2%} of requests", f"p = {p:.2g}"
    return Outcome("errors", None, "failed" if failed else "passed", figure, "not more than before", told, number=share)
