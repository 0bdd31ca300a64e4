"""A model that was trained on features is asked by entity: what it is given is what its training set had."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.workspace.served_features import fetcher_of, made_again
from tests.features.conftest import flights
from tests.features.online.views import define_delays, define_speed
from tests.serving.endpoint.places import Client

INPUTS = ["mean_delay", "flown", "speed"]


def trained(workspace: Workspace) -> pd.DataFrame:
    """Train on the service; gives the training set."""
    workspace.data.save(flights(), "flights")
    define_delays(workspace)
    define_speed(workspace)
    workspace.feature.service("inputs", ["delays", "speed"])
    spine = flights(200, seed=5)
    spine["dep_time"] += timedelta(days=90)
    table = workspace.feature.training(spine, ["inputs"], time="dep_time", label="dep_delay", name="rows")
    rows: pd.DataFrame = workspace.data.load(table.ref)
    model = LinearRegression().fit(rows[INPUTS], rows["dep_delay"])
    workspace.model.save(model, "delay", example=rows[INPUTS])
    workspace.model.promote("delay@v1")
    return rows


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("featured")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with Workspace.init(folder) as made:
            yield made


@pytest.fixture(scope="module")
def rows(workspace: Workspace) -> pd.DataFrame:
    return trained(workspace)


@pytest.fixture(scope="module")
def client(workspace: Workspace, rows: pd.DataFrame) -> Iterator[Client]:
    endpoint = workspace.serve("delay@production")
    assert isinstance(endpoint, Endpoint)
    yield Client.of(endpoint)
    workspace.serve(stop=True)


def asked(rows: pd.DataFrame, names: list[str]) -> dict[str, Any]:
    return {"inputs": {name: rows[name].tolist() for name in names}}


def test_a_request_with_keys_is_answered_as_one_with_features(
    workspace: Workspace, rows: pd.DataFrame, client: Client
) -> None:
    keys = ["carrier", "distance", "air_time"]
    early = client.ask("/invocations", asked(rows, keys))
    assert early.status == 503
    assert "delays@v1 is not online" in early.body.decode()
    assert "feature materialize delays@v1" in early.body.decode()
    workspace.feature.materialize()
    plain = client.ask("/invocations", asked(rows, INPUTS))
    by_key = client.ask("/invocations", asked(rows, keys))
    assert (plain.status, by_key.status) == (200, 200)
    assert by_key.json["predictions"] == plain.json["predictions"]
    tensors = [
        {"name": name, "shape": [1], "datatype": "BYTES" if name == "carrier" else "INT64", "data": [value]}
        for name, value in zip(keys, [rows.carrier[0], int(rows.distance[0]), int(rows.air_time[0])], strict=True)
    ]
    one = client.ask("/v2/models/delay/infer", {"inputs": tensors})
    assert one.status == 200
    assert one.json["outputs"][0]["data"] == [plain.json["predictions"][0]]
    again = client.ask("/invocations", asked(rows, keys))
    workspace.feature.materialize(again=True)
    assert client.ask("/invocations", asked(rows, keys)).json["predictions"] == again.json["predictions"]


@pytest.mark.parametrize(
    ("inputs", "status", "said"),
    [
        ({"carrier": ["AA"], "distance": [5]}, 422, "the request lacks this column, by which features are found"),
        ({"carrier": ["AA"], "distance": [5], "air_time": [1], "x": [1]}, 422, "the model takes no such column"),
        ({"carrier": ["AA", "DL"], "distance": [5], "air_time": [1]}, 422, "the columns are of unequal lengths"),
        ({"carrier": ["ZZ"], "distance": [5], "air_time": [1]}, 422, ""),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    workspace: Workspace, client: Client, inputs: dict[str, Any], status: int, said: str
) -> None:
    workspace.feature.materialize()
    answer = client.ask("/invocations", {"inputs": inputs})
    assert answer.status == status
    assert said in answer.body.decode()


def test_what_was_served_is_logged_with_its_keys_and_times(
    workspace: Workspace, rows: pd.DataFrame, client: Client
) -> None:
    workspace.feature.materialize()
    few = rows.head(20)
    assert client.ask("/invocations", asked(few, ["carrier", "distance", "air_time"]), x_request_id="few").status == 200
    newest = flights().groupby("carrier")["dep_time"].max()
    for _ in range(100):
        kept = workspace.deployment.captured.rows("delay").collect().to_pandas()
        kept = kept[kept["_id"].str.startswith("few#")]
        if len(kept) == 20:
            break
    kept = kept.sort_values("_id", key=lambda ids: ids.str.removeprefix("few#").astype(int))
    assert kept["in:carrier"].tolist() == few["carrier"].tolist()
    assert kept["feature:delays@v1"].tolist() == newest[few["carrier"]].tolist()
    np.testing.assert_array_equal(kept["in:speed"], few["speed"])
    np.testing.assert_array_equal(kept["in:mean_delay"], few["mean_delay"])


def twice(mean_delay):  # type: ignore[no-untyped-def]
    return mean_delay * 2


def long_delays(flights):  # type: ignore[no-untyped-def]
    return flights.assign(mean_delay=1_000.0)[["carrier", "dep_time", "mean_delay"]]


def test_what_a_function_takes_of_a_view_is_of_the_version_that_the_model_was_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(flights(), "flights")
        define_delays(workspace)
        workspace.feature.define(twice, on_demand=True, inputs=["delays:mean_delay"])
        spine = flights(50, seed=5).assign(dep_time=lambda frame: frame["dep_time"] + timedelta(days=90))
        table = workspace.feature.training(spine, ["twice"], time="dep_time", label="dep_delay", name="rows")
        assert table.tags["inputs"] == "delays = delays@v1"
        assert workspace.feature.usage("delays")[0].training == ("rows@v1",)
        rows = workspace.data.load("rows")
        model = LinearRegression().fit(rows[["twice"]], rows["dep_delay"])
        workspace.model.save(model, "delay", example=rows[["twice"]])
        workspace.feature.materialize()
        workspace.feature.define(
            long_delays, "delays", entity="carrier", from_="flights", time="dep_time"
        )  # the same feature, and it is something else
        workspace.feature.materialize()
        fetcher = fetcher_of(workspace, "delay@v1", workspace.model.show("delay@v1").signature)
        assert fetcher is not None
        assert fetcher.views == ("delays@v1",)
        given = fetcher.complete({"carrier": rows["carrier"].tolist()})
        np.testing.assert_allclose(given.columns["twice"], rows["twice"])
        assert list(given.times) == ["delays@v1"]
        online = workspace.feature.online({"carrier": ["AA"]}, "twice")
        assert online.values["twice"] == [2_000.0]  # who asks by the bare name gets the newest
        asked = pd.DataFrame({"_at": rows["dep_time"], "carrier": rows["carrier"]})
        np.testing.assert_allclose(made_again(workspace, "delay@v1", asked)["twice"], rows["twice"])


def test_a_model_is_served_also_when_its_training_set_or_its_view_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as workspace:
        trained(workspace)
        signature = workspace.model.show("delay@v1").signature
        workspace.data.delete("rows", unlock=True)
        kept = fetcher_of(workspace, "delay@v1", signature)
        assert kept is not None
        assert kept.keys == ("carrier", "distance", "air_time")
        monkeypatch.setattr(type(workspace.feature), "users", lambda *_: [])
        workspace.feature.delete("delays")
        assert fetcher_of(workspace, "delay@v1", signature) is None
