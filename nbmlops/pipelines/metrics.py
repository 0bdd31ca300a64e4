"""Metrics of a pipeline run: what its steps logged, under names that cannot hide one another.

One rule: a metric that one step logs keeps its name; one that several steps log is called ``STEP.NAME``.
Two runs are compared by ``STEP.NAME`` throughout, since a name may be unique in one of them only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

__all__ = ["by_step", "of_run"]

StepMetrics = Mapping[str, Mapping[str, float]]


def of_run(steps: StepMetrics) -> dict[str, float]:
    """Metrics as the pipeline run keeps them, from those of each step.

    Examples
    --------
    >>> of_run({"fit": {"auc": 0.8, "rows": 9}, "score": {"auc": 0.7}})
    {'fit.auc': 0.8, 'rows': 9, 'score.auc': 0.7}
    """
    times = Counter(name for metrics in steps.values() for name in metrics)
    return {
        name if times[name] == 1 else f"{step}.{name}": value
        for step, metrics in steps.items()
        for name, value in metrics.items()
    }


def by_step(steps: StepMetrics) -> dict[str, float]:
    """Metrics as two runs are compared by.

    Examples
    --------
    >>> by_step({"fit": {"auc": 0.8}})
    {'fit.auc': 0.8}
    """
    return {f"{step}.{name}": value for step, metrics in steps.items() for name, value in metrics.items()}
