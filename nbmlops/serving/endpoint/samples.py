"""A request to copy, in each of the forms that people type: made from the signature alone, of no row that is known."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from nbmlops.serving.endpoint.answers import datatype

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.rows import Intake

__all__ = ["as_csv", "as_invocation", "as_tensors"]

_TYPES = {bool: "BOOL", int: "INT64", float: "FP64"}


def as_tensors(intake: Intake) -> dict[str, Any]:
    """One row as tensors of the Open Inference Protocol."""
    tensors = []
    for column in intake.columns:
        value = column.sample()
        # A column of categories has arrays of objects, and its values a type of their own.
        kind = datatype(str(column.dtype)) if column.categories is None else _TYPES.get(type(value), "BYTES")
        tensors.append({"name": column.name, "shape": [1], "datatype": kind, "data": [value]})
    return {"inputs": tensors}


def as_invocation(intake: Intake) -> dict[str, Any]:
    """One row in MLflow's form with the names of its columns."""
    row = [column.sample() for column in intake.columns]
    return {"dataframe_split": {"columns": list(intake.names), "data": [row]}}


def as_csv(intake: Intake) -> str:
    """One row below a line of names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(intake.names)
    writer.writerow([_written(column.sample()) for column in intake.columns])
    return text.getvalue()


def _written(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
