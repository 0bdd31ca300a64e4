"""The columns that a model's answers become: ``predict``, ``proba_CLASS``, ``transform_0``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.models.records import ModelSignature, Output
    from nbmlops.serving.endpoint.served import Answer

__all__ = ["columns_of", "fields_of"]

_TABLE = 2
"""How many dimensions an answer has at most: rows, and columns."""


def fields_of(signature: ModelSignature, ref: str) -> list[pa.Field]:
    """The columns that the answers of a model become, as its signature tells of them.

    Raises
    ------
    InvalidError
        When it tells of none, or of what is no column.
    """
    import pyarrow as pa

    if not signature.inputs or not signature.outputs:
        raise InvalidError(
            f"{ref} has no signature to hold rows against",
            hint="save it with an example: `ml model save ESTIMATOR NAME --example X`",
        )
    fields = []
    for output in signature.outputs:
        if len(output.shape) > _TABLE:
            raise InvalidError(f"what {output.method} of {ref} gives for a row is no row of columns: {output.shape}")
        kind = _type(output)
        fields += [pa.field(name, kind) for name in _names(output)]
    return fields


def columns_of(
    signature: ModelSignature, answer: Answer, places: np.ndarray[Any, Any] | None, fields: Sequence[pa.Field]
) -> list[pa.Array]:
    """The answers as columns; where `places` are given, they say where the answer to each row is, and -1 is null."""
    import pyarrow as pa

    arrays: list[np.ndarray[Any, Any]] = []
    for output in signature.outputs:
        values = answer[output.method]
        arrays += [values] if len(output.shape) < _TABLE else list(values.T)
    columns = [_array(values, field.type) for values, field in zip(arrays, fields, strict=True)]
    if places is None:
        return columns
    where = pa.array(places, mask=places < 0)
    return [column.take(where) for column in columns]


def _names(output: Output) -> list[str]:
    if len(output.shape) < _TABLE:
        return [output.method]
    lead = "proba" if output.method == "predict_proba" else output.method
    width = output.shape[1] or 0
    known = output.classes if output.classes is not None and len(output.classes) == width else range(width)
    return [f"{lead}_{name}" for name in known]


def _type(output: Output) -> pa.DataType:
    import pyarrow as pa

    dtype = np.dtype(output.type)
    if dtype.kind in "fiub":
        return pa.from_numpy_dtype(dtype)
    if dtype.kind == "M":
        return pa.timestamp("us")
    if output.classes and output.method == "predict":
        own = {type(value) for value in output.classes}
        for kind, found in ((bool, pa.bool_()), (int, pa.int64()), (float, pa.float64())):
            if own == {kind}:
                return found
    return pa.string()


def _array(values: np.ndarray[Any, Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if values.dtype.kind in "fiubM":
        return pa.array(values).cast(kind)
    plain = values.tolist()
    return pa.array([str(each) for each in plain] if pa.types.is_string(kind) else plain, kind)
