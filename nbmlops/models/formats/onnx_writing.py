"""scikit-learn estimators written as ONNX by skl2onnx, and compared with what they were made from.

skl2onnx follows the estimator in single or in double precision, from one array or from named columns, and what
it can write and what the runtime can read differs by estimator. Each way is tried; the first whose answers are
within the bound is taken, so that what is written is decided by answers and not by a table of classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nbmlops.core.errors import InvalidError, UnsupportedError
from nbmlops.models.formats.onnx_model import BOUND, OnnxModel, opened
from nbmlops.models.formats.onnx_screening import KEY
from nbmlops.models.records import ModelSignature, SignatureField
from nbmlops.models.signature import head, infer

__all__ = ["written"]

_INTEGERS = frozenset("int8 int16 int32 int64 uint8 uint16 uint32".split())


def written(estimator: Any, example: Any) -> bytes:
    """ONNX file of a fitted estimator.

    Raises
    ------
    InvalidError
        When there is no example, or its answers on it are not within `BOUND` of the estimator's.
    UnsupportedError
        When skl2onnx cannot write it.
    """
    learnt, rows = infer(estimator, example), head(example)
    if not hasattr(estimator, "predict"):
        raise UnsupportedError(f"{type(estimator).__name__} does not predict", hint="save it without --format onnx")
    reasons, farthest = [], None
    for stacked, floating in _ways(learnt):
        try:
            content, distance = _tried(estimator, learnt, rows, stacked, floating)
        except UnsupportedError as error:
            reasons.append(error.message)
            continue
        if distance <= BOUND:
            return content
        farthest = distance if farthest is None else min(farthest, distance)
    if farthest is not None:
        raise InvalidError(
            f"the answers of {type(estimator).__name__} as ONNX differ by {farthest:.3g} from its own on the example; "
            f"at most {BOUND:g} may be",
            hint="save it without --format onnx, or give rows that the model was fitted on as the example",
        )
    raise UnsupportedError(
        f"{type(estimator).__name__} cannot be written as ONNX: {reasons[0]}", hint="save it without --format onnx"
    )


def _tried(estimator: Any, learnt: ModelSignature, rows: Any, stacked: bool, floating: str) -> tuple[bytes, float]:
    try:
        content = _converted(estimator, learnt, stacked, floating)
        return content, _distance(estimator, opened(content), rows)
    except Exception as error:  # converters and the runtime raise what they like for what they do not know
        raise UnsupportedError(f"{type(error).__name__}: {error}".splitlines()[0][:200]) from error


def _ways(learnt: ModelSignature) -> Iterator[tuple[bool, str]]:
    kinds = {_kind(field, "float32") for field in learnt.inputs}
    if learnt.form == "texts":
        raise UnsupportedError("a model of texts is not written as ONNX", hint="save it without --format onnx")
    numbers = "string" not in kinds
    for stacked in (True, False) if numbers else (False,):
        if stacked or learnt.form == "table":
            yield from ((stacked, floating) for floating in ("float32", "float64"))


def _kind(field: SignatureField, floating: str) -> str:
    if "string" in field.type or (field.categories and isinstance(field.categories[0], str)):
        return "string"
    if field.type in _INTEGERS:
        return "int64"
    if field.type == "bool":
        return "bool"
    if field.type in {"float", "double", "halffloat"} or field.type.startswith("float"):
        return floating
    raise UnsupportedError(
        f"the column {field.name} of type {field.type} cannot be an input of an ONNX model",
        hint="save it without --format onnx",
    )


def _converted(estimator: Any, learnt: ModelSignature, stacked: bool, floating: str) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common import data_types as types
    from sklearn.base import is_classifier

    tensors = {
        "float32": types.FloatTensorType,
        "float64": types.DoubleTensorType,
        "int64": types.Int64TensorType,
        "bool": types.BooleanTensorType,
        "string": types.StringTensorType,
    }
    kinds = [(field.name, floating if stacked else _kind(field, floating)) for field in learnt.inputs]
    if stacked:
        taken = [("X", tensors[floating]([None, len(kinds)]))]
    else:
        taken = [(name, tensors[kind]([None, 1])) for name, kind in kinds]
    judges = is_classifier(estimator)
    model = convert_sklearn(
        estimator,
        initial_types=taken,
        options={"zipmap": False} if judges and hasattr(estimator, "predict_proba") else None,
        custom_conversion_functions=dict(_histogram_boosting()),
    )
    labels = np.asarray(estimator.classes_) if judges else None
    told = {
        "form": 1,
        "estimator": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "inputs": kinds,
        "stacked": stacked,
        "classes": None if labels is None else labels.tolist(),
        "labels": None if labels is None else labels.dtype.str,
        "rows": learnt.form,
        "proba": judges and hasattr(estimator, "predict_proba"),
    }
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(told, sort_keys=True)
    model.doc_string = ""
    return bytes(model.SerializeToString(deterministic=True))


def _histogram_boosting() -> Iterator[tuple[type, Any]]:
    """Converters of skl2onnx that hand onnx numbers of Python: they give it numpy's, which onnx 1.23 refuses."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    for kind in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        convert = get_converter(sklearn_operator_name_map[kind])

        def plainly(scope: Any, operator: Any, container: Any, convert: Any = convert) -> None:
            convert(scope, operator, _PlainNumbers(container))

        yield kind, plainly


class _PlainNumbers:
    """A container of nodes that takes lists of numpy's numbers as lists of Python's."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *names: Any, **attributes: Any) -> None:
        plain = {name: _plain(value) if isinstance(value, list) else value for name, value in attributes.items()}
        self._container.add_node(*names, **plain)


def _plain(values: Sequence[Any]) -> list[Any]:
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    return [int(value) for value in found] if any(isinstance(value, bool) for value in found) else found


def _distance(estimator: Any, model: OnnxModel, rows: Any) -> float:
    """How far the answers are apart; infinite when a class or a shape differs."""
    return max(
        apart(getattr(estimator, method)(rows), getattr(model, method)(rows))
        for method in ("predict", "predict_proba")
        if hasattr(model, method)
    )


def apart(ours: Any, theirs: Any) -> float:
    """Largest difference of two answers, in proportion where numbers are larger than one."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        return float("inf")
    if ours.dtype.kind != "f":
        return 0.0 if np.array_equal(ours, theirs) else float("inf")
    gap = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
    return float("inf") if np.isnan(gap).any() else float(gap.max(initial=0.0))
