"""How good the answers are: by labels where enough have come, else estimated from what was labelled before.

By labels a metric has an interval of three standard errors; it fails when all of that is beyond the bound, so chance
alone does not. Without a bound it is judged against the rows that were labelled before the window, and fails when it is
worse by more than three standard errors of the difference; so are parts of an input, by four. While fewer than `ENOUGH`
labels have come, the metric is estimated on all rows of the window, and judged against the same estimate of the rows
before: `nbmlops.monitoring.estimation` says how, and what it cannot see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Band, Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.monitoring.answers import answers_of, is_class, positive_class, probabilities
from nbmlops.monitoring.estimation.confidence import METRICS, ConfidenceEstimator
from nbmlops.monitoring.estimation.direct_loss import LOSSES, LossEstimator
from nbmlops.monitoring.estimation.estimates import WIDE
from nbmlops.monitoring.estimation.measured import measured_class, measured_loss
from nbmlops.monitoring.slices import WIDE_OF_PARTS, labelled_parts
from nbmlops.monitoring.watching import INPUT, NoDataError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from nbmlops.monitoring.estimation.estimates import Estimate
    from nbmlops.monitoring.watching import Watched

__all__ = ["ENOUGH", "METRIC", "is_worse", "judge", "known_metrics"]

ENOUGH = 100
"""Labels from which on a metric is measured and not estimated."""
METRIC = "accuracy"


def known_metrics() -> tuple[str, ...]:
    """Metrics that can be watched."""
    return (*METRICS, *LOSSES)


def judge(watched: Watched) -> list[Outcome]:
    """One outcome: the metric by labels, or its estimate."""
    metric = watched.monitor.metric or METRIC
    check_one_of("metric", metric, known_metrics())
    labelled, before = watched.labelled().collect(), watched.labelled(before=True).collect()
    if labelled.height >= ENOUGH:
        whole = _judged(metric, None, labelled, before, watched.monitor.bound)
        return [whole, *_by_slice(watched, metric, labelled, before)]
    if before.height < ENOUGH:
        raise NoDataError(
            f"{labelled.height:,} labels came in this window and {before.height:,} before: "
            f"{ENOUGH} are needed to measure, or to estimate from",
            hint="give labels, or let the monitor look at a longer window",
        )
    now, was = _estimated(before, watched.rows().collect(), metric)
    told = f"estimated on {now.rows:,} rows, from {before.height:,} labels before; {labelled.height:,} came since"
    return [_outcome(f"{metric}, estimated", now, was, watched.monitor.bound, told)]


def _judged(
    metric: str, part: str | None, labelled: pl.DataFrame, before: pl.DataFrame, bound: float | None, wide: float = WIDE
) -> Outcome:
    now = _measured(labelled, metric)
    was = _measured(before, metric) if before.height >= ENOUGH else None
    return replace(_outcome(metric, now, was, bound, f"{labelled.height:,} labels", wide), column=part)


def _by_slice(watched: Watched, metric: str, labelled: pl.DataFrame, before: pl.DataFrame) -> Iterator[Outcome]:
    """The same for each part of the input that the monitor names, of which enough labels came."""
    for name, rows, past in labelled_parts(watched, labelled, before):
        if rows.height >= ENOUGH and math.isfinite(_measured(rows, metric).value):
            yield _judged(metric, name, rows, past, watched.monitor.bound, WIDE_OF_PARTS)


def _outcome(
    metric: str, now: Estimate, was: Estimate | None, bound: float | None, told: str, wide: float = WIDE
) -> Outcome:
    good_is_high = now.most <= 1
    figure = f"{now.value:.4g}, between {now.low:.4g} and {now.high:.4g}"
    band: Band | None
    if bound is not None:
        wrong = now.value + _reach(now, wide) < bound if good_is_high else now.value - _reach(now, wide) > bound
        band = (bound, None) if good_is_high else (None, bound)
        words = f"{'at least' if good_is_high else 'at most'} {bound:g}"
    elif was is not None:
        wrong = is_worse(now, was, wide)
        away = math.hypot(_reach(now, wide), _reach(was, wide))
        band = (was.value - away, None) if good_is_high else (None, was.value + away)
        words = f"{'at least' if good_is_high else 'at most'} {band[0] or band[1] or 0:.4g}, as {was.value:.4g} before"
    else:
        wrong, words, band = False, "", None
        told = f"{told}; there is neither a bound nor a label from before"
    return Outcome(metric, None, "failed" if wrong else "passed", figure, words, told, number=now.value, band=band)


def is_worse(now: Estimate, was: Estimate, wide: float = WIDE) -> bool:
    """Whether a metric is worse than it was, by more than so many standard errors of the difference."""
    away = math.hypot(_reach(now, wide), _reach(was, wide))
    worse = was.value - now.value if now.most <= 1 else now.value - was.value
    return worse > away


def _reach(one: Estimate, wide: float) -> float:
    """So many standard errors, those of a share not below what as many rows leave open.

    Where no row is wrong, or none is right, the rows say nothing of their spread: as Agresti & Coull (1998), four rows
    are added, two of them wrong.
    """
    if one.most > 1 or not one.rows:
        return wide * one.error
    share = (one.value * one.rows + 2) / (one.rows + 4)
    least = max(0.0, share * (1 - share) / (one.rows + 4)) ** 0.5
    return float(wide * max(one.error, least if one.error == 0 else 0.0))


def _measured(rows: pl.DataFrame, metric: str) -> Estimate:
    if metric in LOSSES:
        return measured_loss(metric, rows["label"].to_numpy(), answers_of(rows).to_numpy())
    true, said, answered = _binary(rows)
    return measured_class(metric, true, said, answered)


def _estimated(before: pl.DataFrame, rows: pl.DataFrame, metric: str) -> tuple[Estimate, Estimate]:
    """The metric estimated on rows without labels, and in the same way on those before.

    Both have the bias of the estimator, so that it is not taken for a change.
    """
    if metric in LOSSES:
        was = _inputs(before), answers_of(before).to_numpy()
        losses = LossEstimator.fit(was[0], before["label"].to_numpy(), was[1], [metric])
        now = losses.estimate(_inputs(rows), answers_of(rows).to_numpy(), [metric])
        return now[metric], losses.estimate(*was, [metric])[metric]
    true, said, answered = _binary(before)
    if said is None:
        raise InvalidError(
            "without probabilities nothing can be estimated before labels come",
            hint="serve a classifier that has predict_proba, or give labels",
        )
    _, said_now, answers = _binary(rows)
    seen = ConfidenceEstimator.fit(true, said, answered)
    return seen.estimate(said_now, answers, [metric])[metric], seen.estimate(said, answered, [metric])[metric]


def _binary(rows: pl.DataFrame) -> tuple[Any, Any, Any]:
    """Labels, probabilities if there are any, and answers, of the class that comes last among the classes."""
    import numpy as np

    answers, said, positive = answers_of(rows), probabilities(rows), positive_class(rows)
    true = is_class(rows["label"], positive).astype(np.float64) if "label" in rows.columns else None
    return true, None if said is None else said.to_numpy(), is_class(answers, positive).astype(np.float64)


def _inputs(rows: pl.DataFrame) -> pd.DataFrame:
    found = rows.select(name for name in rows.columns if name.startswith(INPUT))
    return found.to_pandas()
