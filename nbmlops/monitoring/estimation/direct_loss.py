"""Direct loss estimation (DLE): how far off a regressor is where no labels are, learnt from where it was off before.

A second regressor learns, on a reference with labels, the loss of each row from the model's inputs and its answer:
``|y - ŷ|`` for MAE, ``(y - ŷ)²`` for MSE and RMSE. Of rows without labels, the mean of what it says is the estimate.
It sees where the model is weak; what it cannot see is that inputs have begun to mean something else.

On the rows that it was fitted on it would say too little. So `ConfidenceEstimator`'s rule holds here as well: the
reference is no training data, and `reference` gives the figure that the labels of the reference tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.monitoring.estimation.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Array = npt.NDArray[np.float64]

__all__ = ["LOSSES", "LossEstimator"]

LOSSES = MappingProxyType({"mae": "absolute", "mse": "squared", "rmse": "squared"})
"""Metrics that can be estimated, and the loss that is learnt for each."""
_FEWEST = 50
_LEVELS = 250
"""Levels of a text column that are told apart; the rarer ones are one."""
_ANSWER = "answer of the model"
_SEED = 7


class LossEstimator:
    """Estimates the metrics of a regressor; made by `fit`.

    Parameters
    ----------
    columns : mapping of str to list or None
        The inputs, in order; of a text column the levels that are told apart.
    learnt : mapping of str to estimator
        Loss -> what says it of a row.
    losses : mapping of str to array
        Loss -> what it was on the reference.
    """

    def __init__(self, columns: dict[str, list[Any] | None], learnt: dict[str, Any], losses: dict[str, Array]) -> None:
        self._columns = columns
        self._learnt = learnt
        self._losses = losses

    @classmethod
    def fit(
        cls,
        inputs: pd.DataFrame,
        true: Any,
        answered: Any,
        metrics: Sequence[str] = tuple(LOSSES),
        estimator: Any = None,
    ) -> Self:
        """Learn from a reference with labels, which the model was not trained on.

        Parameters
        ----------
        inputs : pandas.DataFrame
            The model's inputs, n rows.
        true, answered : array of shape (n,)
            Labels, and what the model answered.
        metrics : sequence of str
            Which of `LOSSES` will be asked for.
        estimator : regressor, optional
            What learns the losses; histogram gradient boosting by default. It is cloned.

        Raises
        ------
        InvalidError
            When the lengths differ, a label or an answer is no number, rows are too few, or a metric is unknown.
        """
        from sklearn.base import clone

        for metric in metrics:
            check_one_of("metric", metric, tuple(LOSSES))
        labels, answers = _numbers(true, "label"), _numbers(answered, "answer")
        if not len(inputs) == len(labels) == len(answers):
            raise InvalidError(f"{len(inputs)} rows have {len(labels)} labels and {len(answers)} answers")
        if len(labels) < _FEWEST:
            raise InvalidError(
                f"{len(labels)} rows with labels are too few to learn the loss from",
                hint=f"a reference of at least {_FEWEST} rows; some thousands are good",
            )
        columns = {str(name): _levels(inputs[name]) for name in inputs.columns}
        table = _table(inputs, answers, columns)
        off = labels - answers
        wanted = {LOSSES[metric] for metric in metrics}
        losses = {loss: abs(off) if loss == "absolute" else off**2 for loss in sorted(wanted)}
        plain = _default() if estimator is None else estimator
        return cls(columns, {loss: clone(plain).fit(table, each) for loss, each in losses.items()}, losses)

    def estimate(
        self, inputs: pd.DataFrame, answered: Any, metrics: Sequence[str] = tuple(LOSSES)
    ) -> dict[str, Estimate]:
        """Estimate metrics of rows without labels.

        Raises
        ------
        InvalidError
            When there are no rows, an input is missing, an answer is no number, or a metric was not learnt.
        """
        answers = _numbers(answered, "answer")
        if len(answers) == 0 or len(inputs) != len(answers):
            raise InvalidError(f"there are {len(inputs)} rows with {len(answers)} answers to estimate anything of")
        if missing := [name for name in self._columns if name not in inputs.columns]:
            raise InvalidError(f"the input {missing[0]!r} is missing, and the loss was learnt from it")
        table = _table(inputs, answers, self._columns)
        return {metric: self._of(metric, self._said(metric, table), len(table)) for metric in metrics}

    def reference(self, metric: str) -> Estimate:
        """What a metric was on the reference, by its labels."""
        losses = self._losses[self._loss(metric)]
        return self._of(metric, float(losses.mean()), len(losses))

    def _of(self, metric: str, loss: float, rows: int) -> Estimate:
        losses = self._losses[self._loss(metric)]
        if metric != "rmse":
            return Estimate(metric, loss, float(losses.std()) / rows**0.5, rows)
        # The delta method: sqrt has the slope 1 / (2 sqrt(mean)).
        mean = float(losses.mean())
        error = float(losses.std()) / (2 * (rows * mean) ** 0.5) if mean else 0.0
        return Estimate(metric, loss**0.5, error, rows)

    def _loss(self, metric: str) -> str:
        check_one_of("metric", metric, tuple(name for name, loss in LOSSES.items() if loss in self._losses))
        return LOSSES[metric]

    def _said(self, metric: str, table: pd.DataFrame) -> float:
        import numpy as np

        # No loss is below 0, whatever trees add up to.
        return float(np.maximum(self._learnt[self._loss(metric)].predict(table), 0).mean())


def _default() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=_SEED)


def _levels(column: pd.Series) -> list[Any] | None:
    """The levels of a column that has no numbers, the frequent ones; None for numbers."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return None
    return sorted(column.dropna().astype(str).value_counts().index[:_LEVELS])


def _table(inputs: pd.DataFrame, answers: Array, columns: dict[str, list[Any] | None]) -> pd.DataFrame:
    """What the loss is learnt from: inputs as numbers and categories, and the answer."""
    import pandas as pd

    made: dict[str, Any] = {}
    for name, levels in columns.items():
        column = inputs[name].reset_index(drop=True)
        if levels is None:
            made[name] = pd.to_numeric(column, errors="coerce").astype(float)
        else:
            texts = column.where(column.isna(), column.astype(str))
            made[name] = pd.Categorical(texts.where(texts.isin(levels)), categories=levels)
    made[_ANSWER] = answers
    return pd.DataFrame(made)


def _numbers(values: Any, what: str) -> Array:
    import numpy as np

    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"a {what} is no number", hint="direct loss estimation is for regressors") from error
    if not np.isfinite(array).all():
        raise InvalidError(f"a {what} is no finite number", hint="leave such rows out")
    return array
