"""The endpoint described for programs, as OpenAPI 3.1, and for people, as a page that needs nothing from elsewhere."""

from __future__ import annotations

import html
import json
from typing import Any

from nbmlops.core.version import __version__
from nbmlops.serving.endpoint.samples import as_csv, as_invocation, as_tensors
from nbmlops.serving.endpoint.served import Served

__all__ = ["document", "page"]

_REFUSED = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "hint": {"type": ["string", "null"]},
        "faults": {"type": "array", "items": {"type": "object"}},
        "more": {"type": "integer"},
    },
}
_DATATYPES = "BOOL INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 FP16 FP32 FP64 BYTES".split()
_STATUSES = {
    "400": "The request does not parse",
    "401": "The token is missing, or is another",
    "403": "The Host or the Origin is another's",
    "404": "There is no such model or version",
    "405": "The method is none of the route",
    "408": "The body has not arrived in time",
    "413": "The request is too large",
    "415": "The body's type is not read",
    "422": "The rows do not fit the signature; each fault names its row and column",
    "429": "Too many requests at a time",
}

_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "Whether to tell what each input added to each prediction",
    "schema": {"type": "boolean"},
}
_EXPLAINED_REF = {"$ref": "#/components/schemas/Explanation"}


def document(served: Served) -> dict[str, Any]:
    """Describe the endpoint of the version that answers now."""
    base = f"/v2/models/{served.name}"
    answers = _answers()
    infer = {
        "parameters": [_EXPLAIN],
        "requestBody": {
            "required": True,
            "content": _bodies("InferenceRequest", as_tensors(served.intake), as_csv(served.intake)),
        },
        "responses": answers({"$ref": "#/components/schemas/InferenceResponse"}),
    }
    invoke = {
        "parameters": [_EXPLAIN],
        "requestBody": {
            "required": True,
            "content": _bodies("Invocation", as_invocation(served.intake), as_csv(served.intake)),
        },
        "responses": answers(
            {"type": "object", "required": ["predictions"], "properties": {"explanation": _EXPLAINED_REF}}
        ),
    }
    facts = answers({"type": "object"})
    paths: dict[str, Any] = {
        "/v2": {"get": {"summary": "What serves", "responses": facts}},
        "/v2/health/live": {"get": {"summary": "Whether it lives", "security": [], "responses": facts}},
        "/v2/health/ready": {"get": {"summary": "Whether it answers", "security": [], "responses": facts}},
        base: {"get": {"summary": "What the model takes and gives", "responses": facts}},
        f"{base}/ready": {"get": {"summary": "Whether the model answers", "responses": facts}},
        f"{base}/infer": {"post": {"summary": "Predict", **infer}},
        "/invocations": {"post": {"summary": "Predict, in MLflow's forms", **invoke}},
    }
    served_as = {"enum": [str(served.version), f"v{served.version}"]}
    version = {"name": "version", "in": "path", "required": True, "schema": served_as}
    for tail, verb in (("", "get"), ("/ready", "get"), ("/infer", "post")):
        described = {**paths[f"{base}{tail}"][verb]}
        paths[f"{base}/versions/{{version}}{tail}"] = {"parameters": [version], verb: described}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{served.name}", "version": f"v{served.version}", "description": f"nbmlops {__version__}"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_schemas(served), "Explanation": _explanation(served), "Refused": _REFUSED},
        },
    }


def _answers() -> Any:
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}
    rest = {status: {"description": why, "content": refused} for status, why in _STATUSES.items()}

    def answers(schema: dict[str, Any]) -> dict[str, Any]:
        return {"200": {"description": "The answer", "content": {"application/json": {"schema": schema}}}, **rest}

    return answers


def _bodies(name: str, sample: dict[str, Any], lines: str) -> dict[str, Any]:
    return {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": sample},
        "text/csv": {"schema": {"type": "string"}, "example": lines},
        "application/vnd.apache.arrow.stream": {"schema": {}},
    }


def _schemas(served: Served) -> dict[str, Any]:
    columns = served.intake.columns
    row = {
        "type": "object",
        "properties": {column.name: column.schema() for column in columns},
        "required": [column.name for column in columns],
        "additionalProperties": False,
    }
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
            "datatype": {"enum": _DATATYPES},
            "data": {"type": "array"},
        },
    }
    output = {"type": "object", "required": ["name"], "properties": {"name": {"enum": list(served.outputs)}}}
    return {
        "Row": row,
        "Tensor": tensor,
        "InferenceRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": ["string", "null"]},
                "inputs": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Tensor"}},
                "outputs": {"type": ["array", "null"], "items": output, "minItems": 1, "maxItems": 20},
            },
        },
        "InferenceResponse": {
            "type": "object",
            "required": ["model_name", "model_version", "id", "outputs"],
            "properties": {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "outputs": {"type": "array", "items": {"$ref": "#/components/schemas/Tensor"}},
                "explanation": _EXPLAINED_REF,
            },
        },
        "Invocation": {
            "oneOf": [
                _form(served, "dataframe_split", _split(served)),
                _form(
                    served,
                    "dataframe_records",
                    {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1},
                ),
                _form(served, "instances", {"type": "array", "minItems": 1}),
                _form(served, "inputs", {"type": ["array", "object"]}),
            ]
        },
    }


def _explanation(served: Served) -> dict[str, Any]:
    names = [column.name for column in served.intake.columns]
    by_column = {"type": "object", "properties": {name: {"type": "number"} for name in names}, "required": names}
    row = {
        "class": {"description": "whose probability is explained; null where a number is"},
        "prediction": {"type": "number"},
        "base_value": {"type": "number", "description": "the mean prediction for the background"},
        "contributions": {**by_column, "description": "with base_value they add up to prediction"},
        "standard_errors": by_column,
    }
    return {
        "type": "object",
        "required": ["output", "method", "permutations", "background", "rows"],
        "properties": {
            "output": {"type": "string"},
            "method": {"enum": ["exact", "permutations"]},
            "permutations": {"type": ["integer", "null"]},
            "background": {
                "type": "object",
                "required": ["ref", "rows"],
                "properties": {"ref": {"type": "string"}, "rows": {"type": "integer"}},
            },
            "rows": {"type": "array", "items": {"type": "object", "required": [*row], "properties": row}},
        },
    }


def _split(served: Served) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "columns": {
                "type": ["array", "null"],
                "items": {"enum": [column.name for column in served.intake.columns]},
                "uniqueItems": True,
            },
            "index": {},
            "data": {"type": "array", "items": {"type": "array"}, "minItems": 1},
        },
        "additionalProperties": False,
    }


def _form(served: Served, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    methods = {"method": {"enum": [*served.outputs, None]}}
    method = {"type": ["object", "null"], "properties": methods, "additionalProperties": False}
    return {
        "type": "object",
        "required": [name],
        "properties": {name: schema, "params": method},
        "additionalProperties": False,
    }


def page(served: Served) -> str:
    """The same for people: routes, columns, and a request to copy."""
    described = document(served)
    routes = "".join(
        f"<tr><td>{verb.upper()}</td><td><code>{html.escape(path)}</code></td>"
        f"<td>{html.escape(operation.get('summary', ''))}</td></tr>"
        for path, verbs in described["paths"].items()
        for verb, operation in verbs.items()
        if verb in {"get", "post"}
    )
    columns = "".join(
        f"<tr><td><code>{html.escape(column.name)}</code></td><td>{html.escape(column.type)}</td>"
        f"<td>{'' if column.nullable else 'no nulls'}</td></tr>"
        for column in served.intake.columns
    )
    copied = json.dumps(as_invocation(served.intake), ensure_ascii=False)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{html.escape(served.name)}</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td{padding:.2rem .8rem;border-bottom:1px solid #ccc}</style>"
        f"<h1>{html.escape(served.name)} v{served.version}</h1>"
        f"<h2>Routes</h2><table>{routes}</table><h2>What it takes</h2><table>{columns}</table>"
        f"<h2>A request to copy</h2><p><code>POST /invocations</code></p><pre>{html.escape(copied)}</pre>"
        '<p>All of it for programs: <a href="/openapi.json">openapi.json</a>. Each request carries '
        "<code>Authorization: Bearer TOKEN</code>.</p></html>"
    )
