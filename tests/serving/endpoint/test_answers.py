"""What an endpoint answers is what the model gives, in whichever form it is asked."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from nbmlops import Workspace
from tests.serving.endpoint.places import Client, flights

if TYPE_CHECKING:
    import pandas as pd

ROWS = flights(5)
INFER = "/v2/models/delay/infer"


def protocol(frame: pd.DataFrame) -> dict[str, Any]:
    kinds = {"f": "FP64", "i": "INT64"}
    return {
        "inputs": [
            {"name": str(name), "shape": [len(frame)], "datatype": kinds[column.dtype.kind], "data": column.tolist()}
            for name, column in frame.items()
        ]
    }


def probabilities(answer: dict[str, Any]) -> np.ndarray[Any, Any]:
    (found,) = (each for each in answer["outputs"] if each["name"] == "predict_proba")
    assert found["parameters"] == {"classes": ["late", "on time"]}
    return np.array(found["data"]).reshape(found["shape"])


def arrow(frame: pd.DataFrame, compression: str | None = None) -> bytes:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def test_the_open_inference_protocol_gives_every_output_of_the_model(workspace: Workspace, client: Client) -> None:
    model = workspace.model.load("delay@v1")
    found = client.ask(INFER, {**protocol(ROWS), "id": "mine"})
    assert found.status == 200, found.body
    assert (found.json["model_name"], found.json["model_version"], found.json["id"]) == ("delay", "1", "mine")
    assert found.headers["x-model-version"] == "1"
    assert found.headers["x-request-id"] == "mine"
    np.testing.assert_array_equal(probabilities(found.json), model.predict_proba(ROWS))
    assert found.json["outputs"][0]["data"] == model.predict(ROWS).tolist()


def test_only_the_outputs_that_are_asked_for_are_given(client: Client) -> None:
    found = client.ask(INFER, {**protocol(ROWS), "outputs": [{"name": "predict_proba"}]}).json
    assert [each["name"] for each in found["outputs"]] == ["predict_proba"]


def test_one_tensor_of_rows_is_the_same_as_one_for_each_column(client: Client) -> None:
    whole = {"name": "input", "shape": [5, 4], "datatype": "FP64", "data": ROWS.to_numpy().tolist()}
    assert client.ask(INFER, {"inputs": [whole]}).json["outputs"] == client.ask(INFER, protocol(ROWS)).json["outputs"]


@pytest.mark.parametrize(
    "form",
    [
        lambda rows: {"dataframe_split": rows.to_dict(orient="split")},
        lambda rows: {"dataframe_records": rows.to_dict(orient="records")},
        lambda rows: {"instances": rows.to_dict(orient="records")},
        lambda rows: {"instances": rows.to_numpy().tolist()},
        lambda rows: {"inputs": rows.to_dict(orient="list")},
    ],
    ids=["split", "records", "instances", "lists", "inputs"],
)
def test_the_forms_of_mlflow_give_the_models_predictions(
    workspace: Workspace, client: Client, form: Callable[[pd.DataFrame], dict[str, Any]]
) -> None:
    model = workspace.model.load("delay@v1")
    found = client.ask("/invocations", form(ROWS))
    assert found.json["predictions"] == model.predict(ROWS).tolist()
    again = client.ask("/invocations", {**form(ROWS), "params": {"method": "predict_proba"}})
    np.testing.assert_array_equal(again.json["predictions"], model.predict_proba(ROWS))


@pytest.mark.parametrize("path", [INFER, "/invocations"])
def test_csv_and_arrow_say_the_same_as_json(client: Client, path: str) -> None:
    body = {"dataframe_records": ROWS.to_dict(orient="records")} if path == "/invocations" else protocol(ROWS)
    wanted = {key: value for key, value in client.ask(path, body).json.items() if key != "id"}
    for content_type, content in (
        ("text/csv; charset=utf-8", ROWS.to_csv(index=False).encode()),
        ("application/vnd.apache.arrow.stream", arrow(ROWS)),
    ):
        found = client.ask(path, content, content_type=content_type)
        assert found.status == 200, found.body
        assert {key: value for key, value in found.json.items() if key != "id"} == wanted


def test_each_of_many_callers_gets_its_own_rows(workspace: Workspace, client: Client) -> None:
    rows = flights(200)
    wanted = workspace.model.load("delay@v1").predict_proba(rows)

    def ask(number: int) -> np.ndarray[Any, Any]:
        part = rows.iloc[number * 2 : number * 2 + 1 + number % 2]
        return probabilities(client.ask(INFER, protocol(part)).json)

    with ThreadPoolExecutor(24) as pool:
        found = list(pool.map(ask, range(100)))
    for number, answer in enumerate(found):
        np.testing.assert_allclose(answer, wanted[number * 2 : number * 2 + 1 + number % 2], rtol=1e-12)


def test_the_model_describes_itself(client: Client) -> None:
    found = client.ask("/v2/models/delay").json
    assert found["versions"] == ["1"]
    assert found["inputs"][3] == {"name": "distance", "datatype": "INT64", "shape": [-1]}
    assert found["outputs"][1] == {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}
    assert client.ask("/v2/models/delay/versions/1/ready").json["ready"] is True
    assert client.ask("/v2").json["name"] == "nbmlops"


def test_a_version_that_is_not_served_is_not_answered_by_another(client: Client) -> None:
    assert client.ask("/v2/models/delay/versions/1/infer", protocol(ROWS)).status == 200
    assert client.ask("/v2/models/delay/versions/2/infer", protocol(ROWS)).status == 404
    assert client.ask("/v2/models/other/infer", protocol(ROWS)).status == 404


def test_the_figures_count_what_was_answered_and_name_the_version(client: Client) -> None:
    def count() -> float:
        text = client.ask("/metrics").body.decode()
        line = next(
            (line for line in text.splitlines() if 'route="infer",status="200",version="1"' in line),
            "nothing 0",
        )
        return float(line.rpartition(" ")[2])

    before = count()
    client.ask(INFER, protocol(ROWS))
    assert count() == before + 1
    assert 'nbmlops_model_version{model="delay"} 1.0' in client.ask("/metrics").body.decode()


def test_the_page_of_the_endpoint_needs_nothing_from_elsewhere(client: Client) -> None:
    found = client.ask("/docs")
    assert found.status == 200
    assert b"<script" not in found.body
    assert b"//" not in found.body.replace(b"<!doctype", b"")
