"""Predictions as they are sent: tensors of the Open Inference Protocol v2, or MLflow's list of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.serving.endpoint.served import Answer, Served

__all__ = ["datatype", "predictions", "tensors"]

_NAMES = {
    "float64": "FP64",
    "float32": "FP32",
    "float16": "FP16",
    "bool": "BOOL",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def datatype(dtype: str) -> str:
    """What the protocol calls a numpy type.

    Examples
    --------
    >>> datatype("float64"), datatype("<U3"), datatype("uint8")
    ('FP64', 'BYTES', 'UINT8')
    """
    return _NAMES.get(dtype, "BYTES")


def tensors(served: Served, answer: Answer, request_id: str, more: Mapping[str, Any]) -> bytes:
    """An answer of the protocol; what columns of probabilities stand for is among the tensor's parameters.

    `more` is what was asked for besides.
    """
    outputs = []
    for name, values in answer.items():
        tensor: dict[str, Any] = {"name": name, "shape": list(values.shape), "datatype": datatype(str(values.dtype))}
        if values.ndim > 1 and (classes := served.classes(name)) is not None:
            tensor["parameters"] = {"classes": classes}
        tensor["data"] = _plain(values.ravel())
        outputs.append(tensor)
    return orjson.dumps(
        {
            "model_name": served.name,
            "model_version": str(served.version),
            "id": request_id,
            "outputs": outputs,
            **more,
        }
    )


def predictions(served: Served, answer: Answer, request_id: str, more: Mapping[str, Any]) -> bytes:
    """What MLflow's clients read, the version beside it, and what was asked for besides."""
    (values,) = answer.values()
    return orjson.dumps(
        {"predictions": _plain(values), "model_version": str(served.version), "id": request_id, **more},
    )


def _plain(values: np.ndarray[Any, Any]) -> list[Any]:
    """Values that JSON has; NaN is null there."""
    if values.dtype.kind in "OM":
        return [each if isinstance(each, str | int | float | bool | None) else str(each) for each in values.tolist()]
    found: list[Any] = values.tolist()
    return found
