"""What a file of xgboost or lightgbm does not say by itself: the class it was made from, its labels, its columns.

It is one JSON object under the name `KEY`, at a place where the library's own reader looks over it, so the file stays
one of that library.
"""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import CorruptError, InvalidError, UnsupportedError

__all__ = ["KEY", "checked", "labels_of", "told_of"]

KEY = "nbmlops"
_FORM = 1
_FACTS = frozenset({"classes", "columns", "estimator", "form", "labels"})
_LABELS = frozenset(
    "bool float16 float32 float64 int8 int16 int32 int64 object str uint8 uint16 uint32 uint64".split()  # of numpy
)


def told_of(estimator: Any) -> dict[str, Any]:
    """Facts about a fitted estimator.

    Raises
    ------
    InvalidError
        When its classes are no plain values.
    """
    classes = getattr(estimator, "classes_", None)
    labels = None if classes is None else "str" if classes.dtype.kind == "U" else str(classes.dtype)
    plain = classes is None or all(isinstance(each, str | int | float | bool) for each in classes.tolist())
    if not plain or (labels is not None and labels not in _LABELS):
        raise InvalidError(
            f"the classes of this {type(estimator).__name__} are of type {labels}, which its file cannot hold",
            hint="fit it on texts, whole numbers or booleans",
        )
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "classes": None if classes is None else classes.tolist(),
        "columns": None if names is None else [str(name) for name in names],
        "estimator": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "form": _FORM,
        "labels": labels,
    }


def checked(told: dict[str, Any], estimators: frozenset[str], columns: int) -> dict[str, Any]:
    """Give the facts of a file back when they can be meant.

    Raises
    ------
    CorruptError
        When they are not what `told_of` gives for one of `estimators` with so many columns.
    UnsupportedError
        When they are of a later form.
    """
    if type(told.get("form")) is int and told["form"] > _FORM:
        raise UnsupportedError(
            f"the model's file has form {told['form']}; this version reads {_FORM}",
            hint="pip install --upgrade nbmlops",
        )
    classes, names = told.get("classes"), told.get("columns")
    good = (
        set(told) == _FACTS
        and told["form"] == _FORM
        and isinstance(told["estimator"], str)
        and told["estimator"] in estimators
        and (names is None or (_texts(names) and len(names) == len(set(names)) == columns))
        and (classes is None) == (told["labels"] is None)
    )
    if good and classes is not None:
        good = (
            isinstance(told["labels"], str)
            and told["labels"] in _LABELS
            and isinstance(classes, list)
            and all(isinstance(each, str | int | float) for each in classes)
            and len(classes) == len(set(classes))
        )
    if not good:
        raise CorruptError("the model's file does not say what the model takes and gives", hint="`ml store verify`")
    return told


def labels_of(told: dict[str, Any]) -> Any:
    """The classes as the estimator had them.

    Raises
    ------
    CorruptError
        When they are not of the type that is told.
    """
    import numpy as np

    try:
        return np.array(told["classes"], dtype=str(told["labels"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise CorruptError(f"the model's file has classes of another type than it says: {error}") from None


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)
