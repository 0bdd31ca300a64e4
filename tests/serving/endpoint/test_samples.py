"""The requests that the endpoint's document shows can be sent as they are."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from nbmlops.serving.endpoint import bodies
from nbmlops.serving.endpoint.document import document, page
from nbmlops.serving.endpoint.fields import Column
from nbmlops.serving.endpoint.served import Served
from tests.serving.endpoint.places import Client
from tests.serving.endpoint.test_explanation import LATE, RandomForestClassifier, forest, mixed, served_of


def content(described: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = described["paths"][path]["post"]["requestBody"]["content"]
    return found


@pytest.mark.parametrize(
    "path", ["/v2/models/delay/infer", "/invocations", "/v2/models/delay/versions/{version}/infer"]
)
@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_each_sample_is_answered(client: Client, path: str, kind: str) -> None:
    sample = content(client.ask("/openapi.json").json, path)[kind]["example"]
    body = sample.encode() if isinstance(sample, str) else sample
    assert client.ask(path.format(version=1), body, content_type=kind).status == 200


@pytest.fixture(scope="module")
def served() -> Served:
    return served_of(forest(RandomForestClassifier, LATE), mixed().head(40))


def test_columns_of_all_kinds_have_one(served: Served) -> None:
    described = document(served)
    tensors = content(described, "/v2/models/delay/infer")["application/json"]["example"]
    taken = [
        served.intake.take(bodies.tensors(tensors, served.intake).rows),
        served.intake.take(bodies.invocation(content(described, "/invocations")["application/json"]["example"]).rows),
        served.intake.take(
            bodies.from_csv(content(described, "/invocations")["text/csv"]["example"].encode(), served.intake)
        ),
    ]
    for arrays in taken:
        assert [array.tolist() for array in arrays] == [["text"], ["jet"], [1.5], [1], [True]]
    assert [tensor["datatype"] for tensor in tensors["inputs"]] == ["BYTES", "BYTES", "FP64", "INT64", "BOOL"]


@pytest.mark.parametrize("kind", ["float", "halffloat", "int8", "uint64", "bool", "string", "timestamp[ns]", "unknown"])
def test_a_sample_fits_its_own_column(kind: str) -> None:
    from nbmlops.models.records import SignatureField

    column, faults = Column(SignatureField("wind", kind, nullable=False)), []
    assert len(column.take([column.sample()], faults)) == 1
    assert faults == []


def test_no_value_that_the_model_was_saved_with_is_shown() -> None:
    people = pd.DataFrame({"name": ["Ann Example", "Bo Example"], "age": [41.0, 47.0]})

    class Oldest:
        def predict(self, rows: pd.DataFrame) -> Any:
            return rows["age"].to_numpy()

    shown = served_of(Oldest(), people)
    for text in (json.dumps(document(shown)), page(shown)):
        assert not {"Ann", "Bo Example", "41", "47"} & set(text.replace('"', " ").split())
        assert "Ann Example" not in text
