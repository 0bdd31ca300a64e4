"""What a model check is given: the model, the rows, and what is asked of it.

The package `checks` lies below `models`, so a model, its champion and their inputs come here as plain
objects: whoever can load them hands them down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from nbmlops.checks import models
from nbmlops.checks.models import METRICS, Metric
from nbmlops.core.errors import InvalidError, NbmlopsError, nearest
from nbmlops.core.keywords import check_known

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Asked", "Case", "Opened", "called", "inputs_of"]

Inputs = Callable[["pd.DataFrame", str], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a model; everything has a default.

    Parameters
    ----------
    metric : str or None
        One of `nbmlops.checks.models.METRICS`. By default ROC AUC for two classes, accuracy for more, r2 for
        numbers.
    floor, ceiling : float or None
        The worst figure that may pass: a floor for a score, a ceiling for a loss.
    tolerance : float
        How much worse than the champion it may be, in the metric's own unit.
    risk : float
        The chance, on each side of an interval, of a verdict that the rows alone made: 0.025 for intervals
        of 95%.
    slices : tuple of str
        Columns whose parts must not be weak. The weakest parts of the other columns only give a warning.
    sensitive : str or None
        The column whose groups must be treated alike.
    fairness : float
        The largest difference between groups that may pass, from 0 to 1.
    calibration : float
        The largest expected calibration error that may pass, from 0 to 1.
    overfit : float or None
        The largest loss from the training rows to these that may pass, in the metric's own unit.
    change : float or None
        How far noise may move answers: the share of rows of another class, or standard deviations of numbers.
    latency, batch_latency : float or None
        Milliseconds that one row, and a batch of up to 1,000, may take.
    memory, size : float or None
        Megabytes (of 1,000,000 bytes) that a batch may allocate, and that the saved model may have.
    max_age : float or None
        Days that a version may be old.
    lost : float or None
        What it may lose against the newest version, in the metric's own unit.
    """

    metric: str | None = None
    floor: float | None = None
    ceiling: float | None = None
    tolerance: float = 0.0
    risk: float = 0.025
    slices: tuple[str, ...] = ()
    sensitive: str | None = None
    fairness: float = 0.1
    calibration: float = 0.05
    overfit: float | None = None
    change: float | None = None
    latency: float | None = None
    batch_latency: float | None = None
    memory: float | None = None
    size: float | None = None
    max_age: float | None = None
    lost: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take keywords, and leave out what is None.

        Raises
        ------
        InvalidError
            When a keyword is unknown, a number is out of its range, or a bound does not fit the metric.
        """
        check_known(cls, values, "a model check takes no")
        given = {key: value for key, value in values.items() if value is not None}
        slices = given.get("slices", ())
        given["slices"] = tuple(slices.split(",") if isinstance(slices, str) else slices)
        asked = cls(**given)
        asked._refuse()
        return asked

    def _refuse(self) -> None:
        if self.metric is not None and self.metric not in METRICS:
            raise InvalidError(
                f"there is no metric {self.metric!r}",
                hint=nearest(self.metric, METRICS) or f"the metrics are {', '.join(METRICS)}",
            )
        if self.floor is not None and self.ceiling is not None:
            raise InvalidError("there are a floor and a ceiling", hint="a score has a floor, a loss has a ceiling")
        if not 0 < self.risk < 0.5:
            raise InvalidError(f"the risk is {self.risk:g}, and must lie between 0 and 0.5", hint="--risk 0.025")
        for name, value in (("fairness", self.fairness), ("calibration", self.calibration)):
            if not 0 <= value <= 1:
                raise InvalidError(f"the bound of {name} is {value:g}, and must lie between 0 and 1")
        for name in ("change", "latency", "batch_latency", "memory", "size", "max_age", "lost"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise InvalidError(f"the bound of {name} is {value:g}, and must be 0 or more")
        if self.tolerance < 0:
            raise InvalidError(f"the tolerance is {self.tolerance:g}, below 0", hint="--tolerance 0.002")

    def bound(self, metric: Metric) -> float | None:
        """The worst figure of the metric that may pass.

        Raises
        ------
        InvalidError
            When a score has a ceiling, or a loss a floor.
        """
        right, wrong = ("floor", "ceiling") if metric.higher_is_better else ("ceiling", "floor")
        if (value := getattr(self, wrong)) is not None:
            better = "higher" if metric.higher_is_better else "lower"
            raise InvalidError(
                f"{metric.name} is given a {wrong}, but its {better} values are better", hint=f"--{right} {value:g}"
            )
        bound: float | None = getattr(self, right)
        return bound


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that was opened, by whatever means.

    Parameters
    ----------
    name : str
        Its reference, such as ``delay@v3``, or the name of its class.
    model : estimator
        The model itself.
    inputs : callable
        Gives what the model takes, of a table and the name of the table's column with the truth.
    versions : tuple of str
        The version that it is, as ``model:ID`` with its id in the catalog; empty for an object.
    reload : callable or None
        Writes a model in the format of the registry, and builds it again from that.
    size : int or None
        Bytes of the saved version.
    age : float or None
        Days since it was saved.
    history : callable or None
        Opens the versions of its name, the newest first, as many as can be opened.
    """

    name: str
    model: Any
    inputs: Inputs
    versions: tuple[str, ...] = ()
    reload: Callable[[Any], Any] | None = None
    size: int | None = None
    age: float | None = None
    history: Callable[[], Sequence[Opened]] | None = None


@dataclass(frozen=True)
class Case:
    """A model, rows whose truth is known, and what is asked.

    Parameters
    ----------
    opened : Opened
        The model that is judged.
    table : pandas.DataFrame
        Rows that no training has seen, with the truth.
    target : str
        The column of the table with the truth.
    asked : Asked
        What is asked.
    champion : Opened or None
        The model that it must not be worse than.
    train : pandas.DataFrame or None
        The rows that it was trained on, with the truth.
    """

    opened: Opened
    table: pd.DataFrame
    target: str
    asked: Asked = field(default_factory=Asked)
    champion: Opened | None = None
    train: pd.DataFrame | None = None

    @property
    def model(self) -> Any:
        """The model that is judged."""
        return self.opened.model

    @property
    def classes(self) -> Any:
        """The classes that it tells apart; None when it is no classifier."""
        return getattr(self.model, "classes_", None)

    @cached_property
    def metric(self) -> Metric:
        """The metric that is asked for, or the one that fits the model."""
        if self.asked.metric is not None:
            return METRICS[self.asked.metric]
        if self.classes is None:
            return METRICS["r2"]
        scored = hasattr(self.model, "predict_proba") or hasattr(self.model, "decision_function")
        return METRICS["roc_auc" if len(self.classes) == 2 and scored else "accuracy"]

    @cached_property
    def rows(self) -> Any:
        """What the model takes of the table."""
        return self.opened.inputs(self.table, self.target)

    @cached_property
    def known(self) -> Any:
        """The truth of each row as the metric takes it, shape ``(n,)``."""
        return models.truth(self.metric, self.model, self.table[self.target])

    @cached_property
    def given(self) -> Any:
        """The model's answers as the metric takes them, shape ``(n,)``."""
        return self.answers(self.opened, self.table)

    @cached_property
    def labels(self) -> Any:
        """What ``predict`` answers, shape ``(n,)``."""
        import numpy as np

        return np.asarray(called(self.opened.name, self.model.predict, self.rows))

    @cached_property
    def probabilities(self) -> Any:
        """What ``predict_proba`` answers, shape ``(n, number of classes)``; None when the model has none."""
        import numpy as np

        if not hasattr(self.model, "predict_proba"):
            return None
        return np.asarray(called(self.opened.name, self.model.predict_proba, self.rows), dtype=np.float64)

    def answers(self, opened: Opened, table: pd.DataFrame) -> Any:
        """What a model answers on rows, as the metric takes it, shape ``(n,)``."""
        rows = opened.inputs(table, self.target)
        return called(opened.name, models.answers, self.metric, opened.model, rows, table[self.target])

    def refuse(self) -> None:
        """Raise when nothing could be judged.

        Raises
        ------
        InvalidError
            When the table has no row, or a column that is named is not in it.
        """
        if not len(self.table):
            raise InvalidError("the table has no rows")
        named = (self.target, *self.asked.slices, *([self.asked.sensitive] if self.asked.sensitive else []))
        for table in (self.table,) if self.train is None else (self.table, self.train):
            for name in named if table is self.table else (self.target,):
                if name not in table.columns:
                    there = [str(each) for each in table.columns]
                    raise InvalidError(
                        f"the {'table' if table is self.table else 'training table'} has no column {name!r}",
                        hint=nearest(name, there) or f"it has {', '.join(there[:20])}",
                    )


def called(name: str, method: Callable[..., Any], *arguments: Any) -> Any:
    """Call what belongs to a model, which may raise anything.

    Raises
    ------
    InvalidError
        When it raises.
    """
    try:
        return method(*arguments)
    except NbmlopsError:
        raise
    except Exception as error:
        raise InvalidError(f"{name} cannot answer the rows: {type(error).__name__}: {error}") from error


def inputs_of(model: Any) -> Inputs:
    """What an estimator without a signature takes: the columns it was fitted on, or all but the truth as an array."""

    def inputs(table: pd.DataFrame, target: str) -> Any:
        names = getattr(model, "feature_names_in_", None)
        others = [column for column in table.columns if column != target]
        if names is not None:
            if missing := [name for name in names if name not in table.columns]:
                raise InvalidError(f"the table lacks columns that the model takes: {', '.join(map(str, missing))}")
            return table[list(names)]
        taken = getattr(model, "n_features_in_", None)
        if taken is None:
            return table[others[0]].tolist() if len(others) == 1 else table[others]
        if taken != len(others):
            raise InvalidError(f"the model takes {taken} columns, and the table has {len(others)} besides {target}")
        return table[others].to_numpy()

    return inputs
