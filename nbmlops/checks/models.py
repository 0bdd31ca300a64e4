"""Checks of models on plain objects: a figure reaches its bound, and is no worse than another model's.

Formulas. ROC AUC is the Mann-Whitney statistic with ties counted half (Hanley & McNeil 1982); average
precision is ``Σ (Rₙ - Rₙ₋₁) Pₙ`` over distinct scores, as in scikit-learn; the Brier score is
``mean((p - y)²)`` (Brier 1950). Every metric is written for weighted rows and for many weightings at once, so
a bootstrap is the metric itself on a matrix of counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Figures = Callable[[Array], Array]

__all__ = [
    "METRICS",
    "Comparison",
    "Metric",
    "answers",
    "compare",
    "figure",
    "not_worse",
    "reaches",
    "resampled",
    "truth",
]

RESAMPLES = 1_000
ROWS = 5_000
RISK = 0.025
_SEED = 20_240_229
_BLOCK = 50


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a model on rows whose truth is known.

    `prepare` takes truth and answers of ``n`` rows and gives a function from weights of shape ``(k, n)`` to
    ``k`` figures. `needs` says what the answers are: labels, scores of the second of two classes, its
    probability, the probability of the true class, or values.
    """

    name: str
    needs: Literal["labels", "scores", "probability", "likelihood", "values"]
    higher_is_better: bool
    prepare: Callable[[Any, Any], Figures]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same rows.

    `gain` is how much better the first is, above 0 when it is, in the metric's own unit; `low` and `high`
    are the ends of its interval, of 95% by default; `resampled` of `rows` rows went into the interval.
    """

    first: float
    second: float
    gain: float
    low: float
    high: float
    rows: int
    resampled: int


def _mean(
    loss: Callable[[Any, Any], Any], finish: Callable[[Any], Any] = lambda value: value
) -> Callable[[Any, Any], Figures]:
    def prepare(known: Any, given: Any) -> Figures:
        losses = loss(known, given)
        return lambda weights: finish(weights @ losses / weights.sum(axis=1))

    return prepare


def _groups(known: Any, given: Any, *, rising: bool) -> tuple[Any, Any, Any]:
    """Order of the rows by score, their truth in it, and where each run of equal scores begins."""
    import numpy as np

    order = np.argsort(given if rising else -given, kind="stable")
    ranked = given[order]
    return order, known[order].astype(np.float64), np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])


def _roc_auc(known: Any, given: Any) -> Figures:
    import numpy as np

    order, positive, starts = _groups(known, given, rising=True)

    def figures(weights: Array) -> Array:
        ranked = weights[:, order]
        up = np.add.reduceat(ranked * positive, starts, axis=1)
        down = np.add.reduceat(ranked * (1 - positive), starts, axis=1)
        below = np.cumsum(down, axis=1) - down / 2
        with np.errstate(invalid="ignore"):  # a resample of one class has no AUC: NaN
            result: Array = (up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1))
        return result

    return figures


def _average_precision(known: Any, given: Any) -> Figures:
    import numpy as np

    order, positive, starts = _groups(known, given, rising=False)

    def figures(weights: Array) -> Array:
        ranked = weights[:, order]
        found = np.add.reduceat(ranked * positive, starts, axis=1)
        taken = np.cumsum(np.add.reduceat(ranked, starts, axis=1), axis=1)
        precision = np.cumsum(found, axis=1) / np.where(taken > 0, taken, 1)
        with np.errstate(invalid="ignore"):
            result: Array = (found * precision).sum(axis=1) / found.sum(axis=1)
        return result

    return figures


def _r2(known: Any, given: Any) -> Figures:
    import numpy as np

    residual = (known - given) ** 2

    def figures(weights: Array) -> Array:
        total = weights.sum(axis=1)
        spread = weights @ known**2 - (weights @ known) ** 2 / total
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Array = 1 - (weights @ residual) / spread
        return result

    return figures


def _log(given: Any) -> Any:
    import numpy as np

    return -np.log(np.clip(given, np.finfo(np.float64).eps, 1))


def _metrics() -> dict[str, Metric]:
    def equal(known: Any, given: Any) -> Any:
        return (known == given).astype(float)

    def squared(known: Any, given: Any) -> Any:
        return (known - given) ** 2

    made = (
        Metric("roc_auc", "scores", True, _roc_auc),
        Metric("average_precision", "scores", True, _average_precision),
        Metric("accuracy", "labels", True, _mean(equal)),
        Metric("brier", "probability", False, _mean(squared)),
        Metric("log_loss", "likelihood", False, _mean(lambda _, given: _log(given))),
        Metric("r2", "values", True, _r2),
        Metric("rmse", "values", False, _mean(squared, lambda value: value**0.5)),
        Metric("mae", "values", False, _mean(lambda known, given: abs(known - given))),
    )
    return {metric.name: metric for metric in made}


METRICS: Mapping[str, Metric] = MappingProxyType(_metrics())
"""The metrics by name."""


def truth(metric: Metric, model: Any, column: Any) -> Any:
    """The truth of each row, shape ``(n,)``, as the metric takes it: for two classes, whether it is the second.

    Raises
    ------
    InvalidError
        When it has gaps, or values that the model does not know.
    """
    import numpy as np
    import pandas as pd

    known = np.asarray(column)
    gaps = int(pd.isna(column).sum())
    if gaps:
        raise InvalidError(f"{gaps:,} of {len(known):,} held-out rows have no truth", hint="drop them from the table")
    if metric.needs == "values":
        return known.astype(np.float64)
    classes = _classes(metric, model)
    strange = ~np.isin(known, classes)
    if strange.any():
        raise InvalidError(
            f"the truth holds {known[strange][0]!r}, which is none of the model's classes {classes.tolist()}"
        )
    return known == classes[1] if metric.needs in ("scores", "probability") else known


def _classes(metric: Metric, model: Any) -> Any:
    classes = getattr(model, "classes_", None)
    if classes is None:
        raise InvalidError(
            f"{metric.name} needs a classifier, and {type(model).__name__} is none",
            hint="a regressor has r2, rmse, mae",
        )
    if metric.needs in ("scores", "probability") and len(classes) != 2:
        raise InvalidError(
            f"{metric.name} needs two classes, and the model has {len(classes)}", hint='metric = "log_loss"'
        )
    return classes


def answers(metric: Metric, model: Any, rows: Any, column: Any) -> Any:
    """What the model answers for each row, shape ``(n,)``, as the metric takes it.

    Raises
    ------
    InvalidError
        When the model cannot answer, or answers with gaps.
    """
    import numpy as np

    if metric.needs in ("labels", "values"):
        given = np.asarray(model.predict(rows))
    elif metric.needs == "scores" and not hasattr(model, "predict_proba"):
        given = np.asarray(model.decision_function(rows))
    elif hasattr(model, "predict_proba"):
        given = np.asarray(model.predict_proba(rows))
        if metric.needs == "likelihood":
            place = {value: index for index, value in enumerate(model.classes_)}
            given = given[np.arange(len(given)), [place[value] for value in np.asarray(column)]]
        else:
            given = given[:, 1]
    else:
        raise InvalidError(f"{metric.name} needs probabilities, and {type(model).__name__} gives none")
    if metric.needs != "labels":
        given = given.astype(np.float64)
        if not np.isfinite(given).all():
            raise InvalidError(f"{int((~np.isfinite(given)).sum()):,} answers are no numbers")
    return given


def figure(metric: Metric, known: Any, given: Any) -> float:
    """The metric on all rows, each once.

    Raises
    ------
    InvalidError
        When it is not defined on these rows, as the ROC AUC is not on one class.
    """
    import numpy as np

    value = float(metric.prepare(known, given)(np.ones((1, len(known))))[0])
    if not np.isfinite(value):
        raise InvalidError(f"{metric.name} is not defined on these rows: the truth is always the same")
    return value


def compare(metric: Metric, known: Any, first: Any, second: Any, *, rows: int = ROWS, risk: float = RISK) -> Comparison:
    """How much better `first` answers than `second`, on the same rows, with a paired bootstrap interval.

    The interval leaves out the share `risk` on each side, so that it is one of 95% by default.

    The rows are resampled together for both, `RESAMPLES` times (Efron & Tibshirani 1993, percentile
    interval). Beyond `rows` rows a fixed random sample of them is resampled, and the deviations are scaled by
    ``√(rows / n)``, since the spread of these figures falls with the root of the number of rows.
    """
    import numpy as np

    sign = 1 if metric.higher_is_better else -1
    ours, theirs = figure(metric, known, first), figure(metric, known, second)
    random = np.random.default_rng(_SEED)
    total = len(known)
    taken = np.sort(random.choice(total, rows, replace=False)) if total > rows else np.arange(total)
    size = len(taken)
    mine, other = (metric.prepare(known[taken], given[taken]) for given in (first, second))
    spread = np.concatenate([sign * (mine(weights) - other(weights)) for weights in resampled(random, size)])
    whole = np.ones((1, size))
    spread = (spread - sign * float((mine(whole) - other(whole))[0])) * (size / total) ** 0.5
    gain = sign * (ours - theirs)
    low, high = (gain + float(value) for value in np.nanpercentile(spread, [100 * risk, 100 - 100 * risk]))
    return Comparison(ours, theirs, gain, low, high, total, size)


def resampled(random: np.random.Generator, size: int) -> Iterator[Array]:
    """How often each row is drawn in `RESAMPLES` resamples, in blocks of shape ``(50, size)``."""
    import numpy as np

    for _ in range(RESAMPLES // _BLOCK):
        drawn = random.integers(0, size, (_BLOCK, size)) + np.arange(_BLOCK)[:, None] * size
        yield np.bincount(drawn.ravel(), minlength=_BLOCK * size).reshape(_BLOCK, size).astype(np.float64)


def reaches(metric: Metric, found: float, bound: float, rows: int) -> Outcome:
    """Whether a figure reaches its floor, or stays below its ceiling."""
    sign = "≥" if metric.higher_is_better else "≤"
    passed = found >= bound if metric.higher_is_better else found <= bound
    return Outcome(
        check=metric.name,
        column=None,
        status="passed" if passed else "failed",
        figure=f"{found:.4f}",
        bound=f"{sign} {bound:g}",
        detail=f"on {rows:,} held-out rows",
    )


def not_worse(metric: Metric, found: Comparison, tolerance: float, other: str) -> Outcome:
    """Whether the first of two models is no worse than the second by more than a tolerance."""
    sample = f"{found.resampled:,} of {found.rows:,}" if found.resampled < found.rows else f"{found.rows:,}"
    return Outcome(
        check=f"{metric.name} against {other}",
        column=None,
        status="passed" if found.gain >= -tolerance else "failed",
        figure=f"{found.gain:+.4f} ({found.first:.4f} against {found.second:.4f})",
        bound=f"≥ {0 - tolerance:g}",
        detail=f"95% interval {found.low:+.4f} to {found.high:+.4f}, {RESAMPLES:,} paired resamples of {sample} rows; "
        "above 0 is better",
    )
