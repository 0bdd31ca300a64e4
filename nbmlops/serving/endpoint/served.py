"""One version of a model as it answers: its rows made into what it takes, its answers made of what it gives.

An answer has every output that the signature promises. For classifiers whose `predict` is the most probable class the
probabilities are computed once and the class is read off them, except where two are equal: there the model is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nbmlops.serving.endpoint.fields import Unseen
from nbmlops.serving.endpoint.rows import Columns, Intake, Matrix, Rows

if TYPE_CHECKING:
    from nbmlops.models.records import ModelSignature
    from nbmlops.serving.endpoint.fetching import Fetched, Fetcher

__all__ = ["Answer", "Arrays", "Served"]

Arrays = list[np.ndarray[Any, Any]]
"""The rows that are asked: a column for each input."""
Answer = dict[str, np.ndarray[Any, Any]]
"""What each output gives for the rows that were asked."""

_MOST_PROBABLE = frozenset(
    {
        "DecisionTreeClassifier",
        "ExtraTreesClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "LogisticRegression",
        "MLPClassifier",
        "RandomForestClassifier",
    }
)

_WIDEST = 100
"""Columns of one output that are captured; an embedding has more, and no monitor reads it."""


@dataclass(slots=True, eq=False)
class Served:
    """A version of a model in memory.

    Attributes
    ----------
    name : str
        The model's name.
    version : int
        Its number.
    id : int
        Its row in the catalog.
    digest : str
        Its identity.
    signature : ModelSignature
        What it takes and gives.
    model : estimator
        What predicts.
    unseen : {"refuse", "null", "pass"}
        What becomes of categories that it has not seen.
    most : int
        How many rows a request may have.
    fetcher : Fetcher, optional
        What finds features by the entities of a request; None for a model that was trained on none.
    explained_by : callable, optional
        Gives rows that its answers are explained against, when somebody asks for that.
    """

    name: str
    version: int
    id: int
    digest: str
    signature: ModelSignature
    model: Any
    unseen: Unseen = "refuse"
    most: int = 10_000
    fetcher: Fetcher | None = None
    explained_by: Rows | None = None
    intake: Intake = field(init=False)
    outputs: tuple[str, ...] = field(init=False)
    _frame: Callable[[Arrays], Any] = field(init=False)
    _reads_class: bool = field(init=False)
    _captured: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.intake = Intake(self.signature, self.unseen, self.most, () if self.fetcher is None else self.fetcher.noted)
        names = tuple(each.method for each in self.signature.outputs)
        self.outputs = names or tuple(name for name in ("predict", "predict_proba") if hasattr(self.model, name))
        self._frame = _frame_of(self.intake)
        self._reads_class = {"predict", "predict_proba"} <= set(self.outputs) and _takes_most_probable(self.model)

    def take(self, given: Columns | Matrix) -> tuple[Arrays, Fetched | None]:
        """The arrays that the model takes of a request, and what was fetched for it.

        Raises
        ------
        Refusal
            When the request does not fit, or features that it lacks cannot be had.
        """
        if self.fetcher is None or isinstance(given, Matrix) or not self.fetcher.wants(given):
            return self.intake.take(given), None
        fetched = self.fetcher.complete(given)
        return self.intake.take(fetched.columns), fetched

    @property
    def _texts(self) -> bool:
        return self.signature.form == "texts"

    def classes(self, output: str) -> list[Any] | None:
        """What the columns of an output stand for."""
        found = next((each.classes for each in self.signature.outputs if each.method == output), None)
        return None if found is None else list(found)

    def captured_as(self, output: str, width: int) -> list[str]:
        """What the columns of a wide output are called in the log: ``proba:CLASS``, or by their number."""
        known = self._captured.get(output)
        if known is None:
            kind = "proba" if output == "predict_proba" else output
            classes = None if output == "predict" else self.classes(output)
            known = [f"{kind}:{one}" for one in (range(width) if classes is None else classes)][:_WIDEST]
            self._captured[output] = known
        return known

    def answer(self, arrays: Arrays, outputs: Sequence[str]) -> Answer:
        """Predict rows; raises what the model raises."""
        rows = self._frame(arrays)
        if self._reads_class and "predict" in outputs:
            return self._read(rows, outputs)
        return {name: np.asarray(getattr(self.model, name)(rows)) for name in outputs}

    def _read(self, rows: Any, outputs: Sequence[str]) -> Answer:
        if "predict_proba" not in outputs:
            return {"predict": np.asarray(self.model.predict(rows))}
        proba = self.model.predict_proba(rows)
        best = proba.argmax(axis=1)
        tied = (proba == proba[np.arange(len(proba)), best][:, None]).sum(axis=1) != 1
        label = self.model.classes_.take(best)
        if tied.any():
            some = [row for row, is_tied in zip(rows, tied, strict=True) if is_tied] if self._texts else rows[tied]
            label[tied] = self.model.predict(some)
        return {name: label if name == "predict" else proba for name in outputs}


def _takes_most_probable(model: Any) -> bool:
    last = model.steps[-1][1] if type(model).__module__ == "sklearn.pipeline" and hasattr(model, "steps") else model
    classes = getattr(last, "classes_", None)
    own = type(last).__module__.startswith("sklearn.") and type(last).__name__ in _MOST_PROBABLE
    return own and isinstance(classes, np.ndarray) and classes.ndim == 1


def _frame_of(intake: Intake) -> Callable[[Arrays], Any]:
    """How arrays become what the model takes; a table of one type is one block, which takes pandas no time."""
    if intake.form == "texts":
        return lambda arrays: arrays[0].tolist()
    if intake.form == "array":
        # With columns of text among them the array is one of objects, as the model's own was.
        return lambda arrays: np.column_stack(arrays) if len(arrays) > 1 else arrays[0].reshape(-1, 1)
    import pandas as pd

    names = pd.Index(intake.names)
    known = {
        column.name: pd.CategoricalDtype(list(column.categories))
        for column in intake.columns
        if column.categories is not None
    }
    numbers = not known and len({column.dtype for column in intake.columns if column.is_number}) == 1

    def frame(arrays: Arrays) -> Any:
        kinds = {array.dtype for array in arrays}
        if numbers and len(kinds) == 1 and next(iter(kinds)).kind in "fiu":
            return pd.DataFrame(np.array(arrays).T, columns=names, copy=False)
        columns: dict[str, Any] = {}
        for name, array in zip(intake.names, arrays, strict=True):
            dtype = known.get(name)
            columns[name] = array if dtype is None else _categorical(array, dtype)
        return pd.DataFrame(columns, columns=names)

    return frame


def _categorical(values: np.ndarray[Any, Any], dtype: Any) -> Any:
    import pandas as pd

    strange = [value for value in dict.fromkeys(values) if value is not None and value not in dtype.categories]
    return pd.Categorical(values, dtype=pd.CategoricalDtype([*dtype.categories, *strange]) if strange else dtype)
