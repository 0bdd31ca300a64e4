"""What the body of a request says, whichever of the forms it is written in.

JSON of the Open Inference Protocol v2, the JSON forms of MLflow's ``/invocations``, CSV, and an Arrow stream. Each
becomes columns, or rows without names; nothing is guessed from the bytes, the content type and the keys say it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from nbmlops.serving.endpoint.fields import said
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.rows import Columns, Intake, Matrix

__all__ = ["Asked", "from_csv", "invocation", "json_object", "tensors"]

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_DATATYPES = frozenset(
    "BOOL INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 FP16 FP32 FP64 BYTES".split()  # of the protocol
)


@dataclass(slots=True)
class Asked:
    """What a request asks: rows, which outputs, and the id that it gave itself."""

    rows: Columns | Matrix
    outputs: tuple[str, ...] | None = None
    id: str | None = None


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a body as one JSON object."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is no JSON: {error}"[:300]) from None
    if type(document) is not dict:
        raise Refusal(400, f"the body is {said(document)}, not a JSON object")
    return document


def tensors(document: dict[str, Any], intake: Intake) -> Asked:
    """Read a request of the Open Inference Protocol v2.

    An input of the model's name for a column holds that column, with the shape [n] or [n, 1]; one input of another
    name, or several columns in one, holds rows with the shape [n, columns].
    """
    inputs = document.get("inputs")
    if type(inputs) is not list or not inputs:
        raise Refusal(400, "the request has no list of inputs", 'send {"inputs": [{"name": …, "shape": …, "data": …}]}')
    if len(inputs) > len(intake.names) + 20:
        raise Refusal(422, f"the request has {len(inputs)} inputs, and the model takes {len(intake.names)}")
    given_id = document.get("id")
    if given_id is not None and type(given_id) is not str:
        raise Refusal(400, f"the id is {said(given_id)}, no text")
    columns: dict[str, Sequence[Any]] = {}
    whole: list[Any] | None = None
    for tensor in inputs:
        name, shape, data = _tensor(tensor)
        if name in columns:
            raise Refusal(422, f"the input {name[:60]} is there twice")
        if len(inputs) == 1 and (len(shape) == 2 and (shape[1] != 1 or name not in intake.known)):
            whole = [data[at : at + shape[1]] for at in range(0, len(data), shape[1])] if shape[1] else []
        columns[name] = data
    outputs = document.get("outputs")
    return Asked(Matrix(whole) if whole is not None else columns, _names(outputs), given_id)


def _tensor(tensor: Any) -> tuple[str, list[int], list[Any]]:
    if type(tensor) is not dict or type(tensor.get("name")) is not str:
        raise Refusal(400, "each of the inputs is an object with a name, a shape, a datatype and data")
    name = tensor["name"]
    shape, data, datatype = tensor.get("shape"), tensor.get("data"), tensor.get("datatype")
    shown = name[:60]
    if type(shape) is not list or not 1 <= len(shape) <= 2 or any(type(n) is not int or n < 0 for n in shape):
        raise Refusal(400, f"the shape of the input {shown} is none: [rows] or [rows, columns] is")
    if type(datatype) is not str or datatype not in _DATATYPES:
        raise Refusal(400, f"the datatype of the input {shown} is {said(datatype)}", f"one of {_listed(_DATATYPES)}")
    if type(data) is not list:
        raise Refusal(400, f"the data of the input {shown} is {said(data)}, no list")
    if data and type(data[0]) is list:  # the protocol allows nested lists too
        if any(type(row) is not list for row in data):
            raise Refusal(400, f"the data of the input {shown} is in part nested")
        if len(shape) != 2 or len(data) != shape[0] or any(len(row) != shape[1] for row in data):
            raise Refusal(422, f"the data of the input {shown} is not of the shape {shape}")
        data = [value for row in data for value in row]
    if len(data) != shape[0] * (shape[1] if len(shape) == 2 else 1):
        raise Refusal(422, f"the input {shown} has {len(data)} values, not those of the shape {shape}")
    return name, shape, data


def _names(outputs: Any) -> tuple[str, ...] | None:
    if outputs is None:
        return None
    named = type(outputs) is list and all(type(each) is dict and type(each.get("name")) is str for each in outputs)
    if not named or not 1 <= len(outputs) <= 20:
        raise Refusal(400, 'the outputs are no list such as [{"name": "predict"}]')
    return tuple(dict.fromkeys(each["name"] for each in outputs))


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def invocation(document: dict[str, Any]) -> Asked:
    """Read one of MLflow's JSON forms; ``params`` may name the `method`."""
    forms = [form for form in _FORMS if form in document]
    unknown = document.keys() - {*_FORMS, "params"}
    if len(forms) != 1 or unknown:
        raise Refusal(400, f"the body has {_listed(k[:40] for k in document) or 'no keys'}", f"send {_either()}")
    params = document.get("params")
    if params is not None and (type(params) is not dict or params.keys() - {"method"}):
        raise Refusal(400, "of the params, only method is known", '"params": {"method": "predict_proba"}')
    method = (params or {}).get("method")
    if method is not None and type(method) is not str:
        raise Refusal(400, f"the method is {said(method)}, no text")
    value = document[forms[0]]
    rows = _split(value) if forms[0] == "dataframe_split" else _records(value, forms[0])
    return Asked(rows, None if method is None else (method,))


def _either() -> str:
    return f"one of {', '.join(_FORMS)}"


def _split(value: Any) -> Columns | Matrix:
    if type(value) is not dict or type(value.get("data")) is not list or value.keys() - {"columns", "data", "index"}:
        raise Refusal(400, "dataframe_split is no object with columns and data")
    names, rows = value.get("columns"), value["data"]
    if names is None:
        return Matrix(rows)
    if type(names) is not list or any(type(name) is not str for name in names):
        raise Refusal(400, "the columns of dataframe_split are no list of texts")
    if len(set(names)) < len(names):
        raise Refusal(422, "a column is there twice")
    for number, row in enumerate(rows):
        if type(row) is not list or len(row) != len(names):
            raise Refusal(422, f"row {number} is no list of {len(names)} values, one for each column")
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


def _records(value: Any, form: str) -> Columns | Matrix:
    if form == "inputs" and type(value) is dict:
        if any(type(values) is not list for values in value.values()):
            return {name: [one] for name, one in value.items()}
        return value
    if type(value) is not list:
        raise Refusal(400, f"{form} is {said(value)}, no list of rows")
    if not value or type(value[0]) is not dict:
        if form == "dataframe_records" and value:
            raise Refusal(400, "the rows of dataframe_records are objects")
        return Matrix(value)
    names = value[0].keys()
    for number, row in enumerate(value):
        if type(row) is not dict or row.keys() != names:
            raise Refusal(422, f"row {number} has other columns than row 0", "send the same columns in each row")
    return {name: [row[name] for row in value] for name in names}


def from_csv(body: bytes, intake: Intake) -> Columns:
    """Read CSV with a line of names at its head; an empty value is a null."""
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names = next(lines, [])
        if len(set(names)) < len(names):
            raise Refusal(422, "a column is there twice")
        kept: list[list[str]] = []
        for row in lines:
            if not row:
                continue
            if len(row) != len(names):
                raise Refusal(422, f"line {lines.line_num} has {len(row)} values, and the head {len(names)} names")
            if len(kept) == intake.most:
                raise Refusal(413, f"the body has more than {intake.most:,} rows", "send them in parts")
            kept.append(row)
    except UnicodeDecodeError:
        raise Refusal(400, "the body is not UTF-8") from None
    except csv.Error as error:
        raise Refusal(400, f"the body is no CSV: {error}") from None
    values = zip(*kept, strict=True) if kept else iter([()] * len(names))
    found: dict[str, Sequence[Any]] = dict(zip(names, values, strict=True))
    for column in intake.columns:
        if column.name in found:
            found[column.name] = [column.of_text(value) for value in found[column.name]]
    return found
