"""How good the answers are: by labels where enough have come, else estimated from what was labelled before.

By labels a metric has an interval of three standard errors; it fails when all of that is beyond the bound, so chance
alone does not. Without a bound it is judged against the rows that were labelled before the window, and fails when the
two intervals do not meet. While fewer than `ENOUGH` labels have come, the metric is estimated on all rows of the
window: `nbmlops.monitoring.estimation` says how, and what it cannot see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.monitoring.estimation.confidence import METRICS, ConfidenceEstimator
from nbmlops.monitoring.estimation.direct_loss import LOSSES, LossEstimator
from nbmlops.monitoring.estimation.measured import measured_class, measured_loss
from nbmlops.monitoring.watching import INPUT, OUTPUT

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from nbmlops.monitoring.estimation.estimates import Estimate
    from nbmlops.monitoring.watching import Watched

__all__ = ["ENOUGH", "METRIC", "judge", "known_metrics"]

ENOUGH = 100
"""Labels from which on a metric is measured and not estimated."""
METRIC = "accuracy"
_PREDICT, _PROBABILITY = f"{OUTPUT}predict", f"{OUTPUT}proba:"


def known_metrics() -> tuple[str, ...]:
    """Metrics that can be watched."""
    return (*METRICS, *LOSSES)


def judge(watched: Watched) -> list[Outcome]:
    """One outcome: the metric by labels, or its estimate."""
    metric = watched.monitor.metric or METRIC
    check_one_of("metric", metric, known_metrics())
    name = watched.monitor.deployment
    labelled = _answered(watched.captured.labelled(name, watched.since, watched.until)).collect()
    before = _answered(watched.captured.labelled(name, None, watched.since)).collect()
    if labelled.height >= ENOUGH:
        now = _measured(labelled, metric)
        was = _measured(before, metric) if before.height >= ENOUGH else None
        return [_outcome(metric, now, was, watched.monitor.bound, f"{labelled.height:,} labels")]
    if before.height < ENOUGH:
        raise InvalidError(
            f"{labelled.height:,} labels came in this window and {before.height:,} before: "
            f"{ENOUGH} are needed to measure, or to estimate from",
            hint="give labels, or let the monitor look at a longer window",
        )
    now = _estimated(before, _answered(watched.rows()).collect(), metric)
    told = f"estimated on {now.rows:,} rows, from {before.height:,} labels before; {labelled.height:,} came since"
    return [_outcome(f"{metric}, estimated", now, _measured(before, metric), watched.monitor.bound, told)]


def _answered(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    return rows.filter((pl.col("_role") == "served") & (pl.col("_status") < 400))


def _outcome(metric: str, now: Estimate, was: Estimate | None, bound: float | None, told: str) -> Outcome:
    good_is_high = now.most <= 1
    figure = f"{now.value:.4g}, between {now.low:.4g} and {now.high:.4g}"
    if bound is not None:
        wrong = now.high < bound if good_is_high else now.low > bound
        words = f"{'at least' if good_is_high else 'at most'} {bound:g}"
    elif was is not None:
        wrong = now.high < was.low if good_is_high else now.low > was.high
        words = f"not beyond {was.low:.4g} to {was.high:.4g}, as before"
    else:
        wrong, words = False, ""
        told = f"{told}; there is neither a bound nor a label from before"
    return Outcome(metric, None, "failed" if wrong else "passed", figure, words, told, number=now.value)


def _measured(rows: pl.DataFrame, metric: str) -> Estimate:
    if metric in LOSSES:
        return measured_loss(metric, rows["label"].to_numpy(), _column(rows, _PREDICT).to_numpy())
    true, said, answered = _binary(rows)
    return measured_class(metric, true, said, answered)


def _estimated(before: pl.DataFrame, rows: pl.DataFrame, metric: str) -> Estimate:
    if metric in LOSSES:
        estimator = LossEstimator.fit(
            _inputs(before), before["label"].to_numpy(), _column(before, _PREDICT).to_numpy(), [metric]
        )
        return estimator.estimate(_inputs(rows), _column(rows, _PREDICT).to_numpy(), [metric])[metric]
    true, said, answered = _binary(before)
    if said is None:
        raise InvalidError(
            "without probabilities nothing can be estimated before labels come",
            hint="serve a classifier that has predict_proba, or give labels",
        )
    _, now, answers = _binary(rows)
    return ConfidenceEstimator.fit(true, said, answered).estimate(now, answers, [metric])[metric]


def _binary(rows: pl.DataFrame) -> tuple[Any, Any, Any]:
    """Labels, probabilities if there are any, and answers, of the class that comes last among the classes."""
    names = sorted(name for name in rows.columns if name.startswith(_PROBABILITY))
    answers = _column(rows, _PREDICT)
    if names:
        if len(names) != 2:
            raise InvalidError(f"the model has {len(names)} classes: only two are watched")
        positive = names[-1].removeprefix(_PROBABILITY)
        said = rows[names[-1]].to_numpy()
    else:
        known = sorted({_text(value) for value in answers.drop_nulls().unique()})
        positive, said = (known[-1] if known else ""), None
    labels = rows["label"] if "label" in rows.columns else None
    true = None if labels is None else _is(labels, positive)
    return true, said, _is(answers, positive)


def _is(column: pl.Series, positive: str) -> Any:
    import numpy as np

    return np.array([_text(value) == positive for value in column], np.float64)


def _text(value: Any) -> str:
    """A class as text: a label 1.0 is the class 1, and True is it as well where classes are numbers."""
    if isinstance(value, bool):
        return str(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _column(rows: pl.DataFrame, name: str) -> pl.Series:
    if name not in rows.columns:
        raise InvalidError(f"{name} was not captured: there are no answers of predict")
    return rows[name]


def _inputs(rows: pl.DataFrame) -> pd.DataFrame:
    found = rows.select(name for name in rows.columns if name.startswith(INPUT))
    return found.to_pandas()
