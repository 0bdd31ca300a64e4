"""How much a model loses from the rows it was trained on to rows that it has not seen, with an interval.

The two sets of rows are resampled apart (Efron & Tibshirani 1993, two-sample bootstrap).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks import models
from nbmlops.checks.model.case import Case
from nbmlops.checks.models import RESAMPLES, ROWS, Metric, resampled
from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import InvalidError

__all__ = ["judge"]

_USUAL = 0.1
_SCALED = frozenset({"log_loss", "rmse", "mae"})
_SEED = 20_240_229


def judge(case: Case) -> Iterator[Outcome]:
    """Compare the figure on the training rows with that on the judged rows.

    Without a bound that is asked for, a loss that is shown to be above 0.1 (for a metric without an upper end: above
    a tenth of the figure) gives a warning: many a good model knows its training rows by heart.
    """
    if case.train is None:
        raise InvalidError("there are no training rows")
    train = case.train[case.train[case.target].notna()]
    metric = case.metric
    seen = models.truth(metric, case.model, train[case.target]), case.answers(case.opened, train)
    before, after = models.figure(metric, *seen), models.figure(metric, case.known, case.given)
    sign = 1 if metric.higher_is_better else -1
    loss = sign * (before - after)
    spread = _spread(metric, *seen, _SEED) - _spread(metric, case.known, case.given, _SEED + 1)
    low, high = (loss + float(each) for each in _ends(sign * spread, case.asked.risk))
    usual = _USUAL * (abs(after) if metric.name in _SCALED else 1)
    bound = usual if case.asked.overfit is None else case.asked.overfit
    worst: Status = "warned" if case.asked.overfit is None else "failed"
    yield Outcome(
        check=f"{metric.name} lost since training",
        column=None,
        status=worst if low > bound else "passed",
        figure=f"{loss:+.4f} ({before:.4f} on {len(train):,} training rows, {after:.4f} on {len(case.table):,})",
        bound=f"≤ {bound:.4g}",
        detail=f"{100 - 200 * case.asked.risk:.4g}% interval {low:+.4f} to {high:+.4f}, {RESAMPLES:,} resamples",
        number=loss,
    )


def _spread(metric: Metric, known: Any, given: Any, seed: int) -> Any:
    """By how much the figure departs from itself over resamples, shape ``(RESAMPLES,)``."""
    import numpy as np

    random = np.random.default_rng(seed)
    total = len(known)
    taken = np.sort(random.choice(total, ROWS, replace=False)) if total > ROWS else np.arange(total)
    figures = metric.prepare(known[taken], given[taken])
    whole = float(figures(np.ones((1, len(taken))))[0])
    found = np.concatenate([figures(weights) for weights in resampled(random, len(taken))])
    return (found - whole) * (len(taken) / total) ** 0.5


def _ends(spread: Any, risk: float) -> Any:
    import numpy as np

    return np.nanpercentile(spread, [100 * risk, 100 - 100 * risk])
