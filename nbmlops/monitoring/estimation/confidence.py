"""Confidence-based performance estimation (CBPE): how good a classifier of two classes is, from its probabilities.

Of rows without labels, a calibrated probability ``p`` says how often the answer *yes* would be true. So the expected
confusion matrix is known: ``TP = Σp`` and ``FP = Σ(1-p)`` over the rows that were answered with yes, ``FN = Σp`` and
``TN = Σ(1-p)`` over the others; and the ROC curve is drawn by moving the threshold along the raw scores. It holds while
what the inputs mean for the label has not changed (no concept drift): then only labels tell.

Sampling errors are those of a mean of as many rows, with the spread of the reference: of ROC AUC, by the
Mann-Whitney form of it, the spread of the share of negatives that each positive is above.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.monitoring.estimation.calibrating import Calibration, calibrated
from nbmlops.monitoring.estimation.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["METRICS", "ConfidenceEstimator", "realised"]

_THRESHOLD = 0.5
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class _Expected:
    """An expected confusion matrix."""

    tp: float
    fp: float
    fn: float
    tn: float


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


METRICS: MappingProxyType[str, Callable[[_Expected], float] | None] = MappingProxyType(
    {
        "accuracy": lambda m: _share(m.tp + m.tn, m.tp + m.fp + m.fn + m.tn),
        "precision": lambda m: _share(m.tp, m.tp + m.fp),
        "recall": lambda m: _share(m.tp, m.tp + m.fn),
        "specificity": lambda m: _share(m.tn, m.tn + m.fp),
        "f1": lambda m: _share(2 * m.tp, 2 * m.tp + m.fp + m.fn),
        "roc_auc": None,
    }
)
"""Metrics that can be estimated, and how each comes from the confusion matrix; ROC AUC comes from the whole curve."""


class ConfidenceEstimator:
    """Estimates the metrics of a classifier of two classes; made by `fit`.

    Parameters
    ----------
    calibration : Calibration
        What makes its probabilities mean what they say.
    threshold : float
        From which probability on the answer is yes.
    spread : mapping of str to (float, float)
        Metric -> standard deviation of one row's part in it, and the share of the rows that have a part.
    """

    def __init__(self, calibration: Calibration, threshold: float, spread: dict[str, tuple[float, float]]) -> None:
        self.calibration = calibration
        self.threshold = threshold
        self._spread = spread

    @classmethod
    def fit(cls, true: Any, said: Any, answered: Any = None, *, threshold: float = _THRESHOLD) -> Self:
        """Learn from a reference with labels, which the model was not trained on.

        Parameters
        ----------
        true, said : array of shape (n,)
            Labels, 0 or 1, and the probability of 1.
        answered : array of shape (n,), optional
            What the model answered, 0 or 1; by `threshold` where it is left out.
        threshold : float
            From which probability on the answer is yes.

        Raises
        ------
        InvalidError
            When the lengths differ, a label is neither 0 nor 1, a probability is none, or rows are too few.
        """
        labels, scores = _binary(true, "label"), _probabilities(said)
        if len(labels) != len(scores):
            raise InvalidError(f"there are {len(labels)} labels for {len(scores)} probabilities")
        if len(labels) < _FEWEST:
            raise InvalidError(
                f"{len(labels)} rows with labels are too few to estimate from",
                hint=f"a reference of at least {_FEWEST} rows; a thousand is good",
            )
        answers = _answers(scores, answered, threshold)
        return cls(calibrated(labels, scores), threshold, _spreads(labels, scores, answers))

    def estimate(self, said: Any, answered: Any = None, metrics: Sequence[str] = tuple(METRICS)) -> dict[str, Estimate]:
        """Estimate metrics of rows without labels.

        Parameters
        ----------
        said : array of shape (n,)
            The probability of 1.
        answered : array of shape (n,), optional
            What the model answered, 0 or 1.
        metrics : sequence of str
            Which of `METRICS`.

        Raises
        ------
        InvalidError
            When there are no rows, a probability is none, or a metric is unknown.
        """
        for metric in metrics:
            check_one_of("metric", metric, tuple(METRICS))
        scores = _probabilities(said)
        if len(scores) == 0:
            raise InvalidError("there are no rows of which anything could be estimated", hint="take a longer window")
        means = self.calibration(scores)
        matrix = _expected(means, _answers(scores, answered, self.threshold))
        found = {}
        for metric in metrics:
            of_matrix = METRICS[metric]
            value = _roc_auc(means, scores) if of_matrix is None else of_matrix(matrix)
            found[metric] = Estimate(metric, value, self._error(metric, len(scores)), len(scores), most=1.0)
        return found

    def _error(self, metric: str, rows: int) -> float:
        return _error(*self._spread[metric], rows)


def realised(metric: str, true: Array, said: Array, answered: Array) -> tuple[float, float]:
    """A metric by labels, 0 or 1, and its standard error: what is estimated where they are not."""
    of_matrix = METRICS[metric]
    # A label is a probability that is known.
    value = _roc_auc(true, said) if of_matrix is None else of_matrix(_expected(true, answered))
    return value, _error(*_spreads(true, said, answered)[metric], len(true))


def _error(spread: float, share: float, rows: int) -> float:
    return spread / float((rows * share) ** 0.5) if share else float("nan")


def _expected(means: Array, answers: Array) -> _Expected:
    yes = answers == 1
    tp, fn = float(means[yes].sum()), float(means[~yes].sum())
    return _Expected(tp, float(yes.sum()) - tp, fn, float((~yes).sum()) - fn)


def _roc_auc(means: Array, scores: Array) -> float:
    """The area below the expected ROC curve; rows of the same score move along it together."""
    import numpy as np

    _, place = np.unique(-scores, return_inverse=True)
    positive = np.concatenate(([0.0], np.cumsum(np.bincount(place, weights=means))))
    negative = np.concatenate(([0.0], np.cumsum(np.bincount(place, weights=1 - means))))
    if positive[-1] <= 0 or negative[-1] <= 0:
        return float("nan")
    return float(np.trapezoid(positive / positive[-1], negative / negative[-1]))


def _spreads(labels: Array, scores: Array, answers: Array) -> dict[str, tuple[float, float]]:
    """Of each metric, the standard deviation of one row's part in it, and the share of the rows that have one."""
    right = labels == answers
    parts = {
        "accuracy": right[labels >= 0],
        "precision": right[answers == 1],
        "recall": right[labels == 1],
        "specificity": right[labels == 0],
    }
    found = {
        name: (float(part.std()) if len(part) else float("nan"), len(part) / len(labels))
        for name, part in parts.items()
    }
    found["f1"] = _spread_of_f1(labels, answers)
    found["roc_auc"] = _spread_of_auc(labels, scores)
    return found


def _spread_of_f1(labels: Array, answers: Array) -> tuple[float, float]:
    """F1 is the mean of ``c`` for each true positive and 0 for each error, ``c`` so that it is."""
    concerned = (labels == 1) | (answers == 1)
    hits = (labels == 1) & (answers == 1)
    if not concerned.any():
        return float("nan"), 0.0
    factor = concerned.sum() / ((concerned.sum() - hits.sum()) * 0.5 + hits.sum())
    return float((hits[concerned] * factor).std()), float(concerned.mean())


def _spread_of_auc(labels: Array, scores: Array) -> tuple[float, float]:
    """Of the rarer class, the spread of the share of the other that each of its rows is above."""
    import numpy as np
    from scipy.stats import rankdata

    if labels.mean() > _THRESHOLD:
        labels, scores = 1 - labels, 1 - scores
    rare = labels == 1
    if not rare.any() or rare.all():
        return float("nan"), 0.0
    above = rankdata(scores)[rare] - rankdata(scores[rare])
    return float(np.std(above / (~rare).sum())), float(rare.mean())


def _answers(scores: Array, answered: Any, threshold: float) -> Array:
    import numpy as np

    if answered is None:
        return np.asarray(scores >= threshold, np.float64)
    answers = _binary(answered, "answer")
    if len(answers) != len(scores):
        raise InvalidError(f"there are {len(answers)} answers for {len(scores)} probabilities")
    return answers


def _binary(values: Any, what: str) -> Array:
    import numpy as np

    array = np.asarray(values)
    try:
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"a {what} is neither 0 nor 1", hint="give 1 for the class that is looked for") from error
    wrong = ~np.isin(array, (0.0, 1.0))
    if wrong.any():
        raise InvalidError(
            f"a {what} is neither 0 nor 1, but {array[wrong][0]:g}", hint="give 1 for the class that is looked for"
        )
    return np.asarray(array, np.float64)


def _probabilities(values: Any) -> Array:
    import numpy as np

    array = np.asarray(values, np.float64)
    wrong = ~((array >= 0) & (array <= 1))
    if wrong.any():
        raise InvalidError(
            f"{array[wrong][0]:g} in row {int(np.argmax(wrong))} is no probability",
            hint="leave rows without an answer out",
        )
    return array
