"""Metrics by labels, each with its standard error: what an estimate is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.estimation.confidence import METRICS, realised
from nbmlops.monitoring.estimation.direct_loss import LOSSES
from nbmlops.monitoring.estimation.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["measured_class", "measured_loss"]


def measured_class(metric: str, true: Array, said: Array | None, answered: Array) -> Estimate:
    """A metric of a classifier of two classes, from labels and answers, 0 or 1, and probabilities.

    Raises
    ------
    InvalidError
        When ROC AUC is asked for and there are no probabilities.
    """
    if METRICS[metric] is None and said is None:
        raise InvalidError("ROC AUC needs probabilities, and none were captured", hint="--metric accuracy")
    value, error = realised(metric, true, answered if said is None else said, answered)
    return Estimate(metric, value, error, len(true), most=1.0)


def measured_loss(metric: str, true: Any, answered: Any) -> Estimate:
    """A metric of a regressor, from labels and answers."""
    import numpy as np

    off = np.asarray(true, np.float64) - np.asarray(answered, np.float64)
    losses = abs(off) if LOSSES[metric] == "absolute" else off**2
    mean, error = float(losses.mean()), float(losses.std()) / len(losses) ** 0.5
    if metric != "rmse":
        return Estimate(metric, mean, error, len(losses))
    return Estimate(metric, mean**0.5, error / (2 * mean**0.5) if mean else 0.0, len(losses))
