"""The rows that a model was fitted on, and what it answers to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ROWS", "Answers", "Sample", "answers", "overwrites", "sample"]

ROWS = 10_000
"""Measures are computed on so many rows at most, evenly spread over all of them."""

_OVERWRITING = frozenset({"copy", "copy_X", "copy_x"})


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of the input, what is known of them, their weights; `places` says which, None for all `rows` of them."""

    X: Any
    y: Any
    weight: Any
    rows: int
    columns: int
    places: Any = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a classifier or regressor answers to rows whose truth is known.

    `numbers` says that they are a regressor's. `probabilities` has a column for each of `classes`; `scores` is what a
    curve of two classes is drawn from, larger for the second. Either is None when the model has no such thing.
    """

    truth: Any
    given: Any
    weight: Any
    numbers: bool = False
    classes: Any = None
    probabilities: Any = None
    scores: Any = None


def sample(given: Mapping[str, Any]) -> Sample | None:
    """The rows that a call of ``fit`` was given, or None when they were no table, text or array.

    Parameters
    ----------
    given : mapping
        Arguments of the call by the names of the parameters, ``self`` first.
    """
    import numpy as np
    from sklearn.utils import _safe_indexing
    from sklearn.utils.validation import _num_samples

    table = next((value for name, value in given.items() if name != "self"), None)
    if table is None or hasattr(table, "__next__"):
        return None
    rows = int(_num_samples(table))
    shape = getattr(table, "shape", None) or np.shape(table[:1])
    extra = {name: value for each in given.values() if isinstance(each, Mapping) for name, value in each.items()}
    y, weight = given.get("y", given.get("Y")), given.get("sample_weight", extra.get("sample_weight"))
    columns = int(shape[1]) if len(shape) > 1 else 1
    if rows <= ROWS:
        return Sample(table, y, weight, rows, columns)
    places = np.linspace(0, rows - 1, ROWS).astype(int)
    few, some, weights = (None if part is None else _safe_indexing(part, places) for part in (table, y, weight))
    return Sample(few, some, weights, rows, columns, places)


def overwrites(estimator: Any) -> bool:
    """Whether its ``fit`` may have written into its input, which then is not what it was fitted on."""
    settings = estimator.get_params(deep=True)
    return any(value is False and name.rpartition("__")[2] in _OVERWRITING for name, value in settings.items())


def answers(model: Any, rows: Sample) -> Answers | None:
    """What a fitted classifier or regressor answers, or None for other models and without a truth.

    Rows that have no label, as semi-supervised learning marks them, are left out.
    """
    import numpy as np
    from sklearn.base import is_classifier, is_regressor

    if rows.y is None or not hasattr(model, "predict") or not (is_classifier(model) or is_regressor(model)):
        return None
    truth, given = _flat(rows.y), _flat(model.predict(rows.X))
    weight = None if rows.weight is None else np.asarray(rows.weight)
    classes = getattr(model, "classes_", None)
    if is_regressor(model) or not isinstance(classes, np.ndarray) or truth.ndim != 1 or given.ndim != 1:
        return Answers(truth, given, weight, numbers=is_regressor(model))
    probabilities = model.predict_proba(rows.X) if hasattr(model, "predict_proba") else None
    scores = None
    if len(classes) == 2 and probabilities is not None:
        scores = probabilities[:, 1]
    elif len(classes) == 2 and hasattr(model, "decision_function"):
        scores = np.ravel(model.decision_function(rows.X))
    known = np.isin(truth, classes)

    def labelled(part: Any) -> Any:
        return None if part is None else part[known]

    probabilities, scores = labelled(probabilities), labelled(scores)
    return Answers(truth[known], given[known], labelled(weight), False, classes, probabilities, scores)


def _flat(values: Any) -> Any:
    import numpy as np

    array = values.toarray() if hasattr(values, "toarray") else np.asarray(values)
    return array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array
