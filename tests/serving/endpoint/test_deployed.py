"""An endpoint does what its deployment says, follows it when it changes, and captures what it did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sklearn
from sqlalchemy import update

from nbmlops import Workspace
from nbmlops.render.dispatch import text
from nbmlops.serving.capture.environments import worker_environments
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.serving.records import Deployment, Traffic
from nbmlops.serving.routing import route
from nbmlops.store import schema
from tests.serving.endpoint.places import Answered, Client, flights, project
from tests.serving.endpoint.test_answers import INFER, ROWS, protocol
from tests.serving.endpoint.test_reload import eventually

ONE = flights(1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Workspace, Client]]:
    with project(tmp_path) as workspace:
        endpoint = workspace.serve("delay")
        assert isinstance(endpoint, Endpoint)
        yield workspace, Client.of(endpoint)
        workspace.serve(stop=True)


def rows_of(workspace: Workspace, least: int) -> pl.DataFrame:
    """What was captured, as soon as it is so many rows."""
    read: Callable[[], pl.DataFrame] = lambda: workspace.deployment.captured.rows("delay").collect()  # noqa: E731
    eventually(lambda: read().height >= least)
    return read()


def answered_by(client: Client, **headers: str) -> str:
    found = client.ask(INFER, protocol(ONE), **headers)
    assert found.status == 200, found.body
    assert found.headers["x-model-version"] == found.json["model_version"]
    return found.json["model_version"]


def test_every_row_that_is_asked_is_captured_with_its_answer(served: tuple[Workspace, Client]) -> None:
    workspace, client = served
    found = client.ask(INFER, {**protocol(ROWS), "id": "five"}).json
    client.ask("/invocations", {"dataframe_split": ONE.to_dict(orient="split")}, x_request_id="one")
    refused = client.ask(INFER, {"inputs": protocol(ONE)["inputs"][:2]}, x_request_id="bad")
    assert (refused.status, refused.headers["x-model-version"]) == (422, "1")
    captured = rows_of(workspace, 7)
    five = captured.filter(pl.col("_id").str.starts_with("five#"))
    assert five["_id"].to_list() == [f"five#{number}" for number in range(5)]
    for name, column in ROWS.items():
        assert five[f"in:{name}"].to_list() == column.tolist()
    assert five["out:predict"].to_list() == found["outputs"][0]["data"]
    probabilities = [value for row in five.select("^out:proba:.*$").rows() for value in row]
    assert probabilities == found["outputs"][1]["data"]
    # The caller wanted the prediction alone, and a monitor wants the probabilities.
    one = captured.row(by_predicate=pl.col("_id") == "one", named=True)
    assert one["out:proba:late"] + one["out:proba:on time"] == pytest.approx(1)
    noted = worker_environments(workspace.deployment.captured.place("delay"))
    assert {one.worker for one in noted} >= set(captured["_worker"])
    assert {(one.alive, one.versions, one.distributions["scikit-learn"]) for one in noted} == {
        (True, (1,), sklearn.__version__)
    }
    # A process with pandas in it is of that size at least.
    assert captured["_memory"].min() > 30_000_000  # type: ignore[operator]
    bad = captured.row(by_predicate=pl.col("_id") == "bad", named=True)
    assert (bad["_status"], bad["in:wind"], bad["out:predict"]) == (422, None, None)
    shown = workspace.deployment.show("delay")
    assert shown.traffic is not None
    (traffic,) = shown.traffic
    assert (traffic.version, traffic.role, traffic.rows, traffic.requests, traffic.errors) == (1, "served", 7, 3, 1)
    assert "last 24 hours" in text(shown)


def test_shares_and_shadows_are_followed_and_each_caller_keeps_its_version(served: tuple[Workspace, Client]) -> None:
    workspace, client = served
    workspace.deployment.split("delay", "v2=50", sticky="x-caller")
    workspace.deployment.shadow("delay", "v1")
    said = Deployment("delay", split=(("v2", 50.0),))
    wanted = {str(number): {"v2": "2", "production": "1"}[route(said, str(number))] for number in range(20)}
    eventually(lambda: answered_by(client, x_caller=next(key for key in wanted if wanted[key] == "2")) == "2")
    noted = worker_environments(workspace.deployment.captured.place("delay"))
    assert {one.versions for one in noted} == {(1, 2)}
    before = rows_of(workspace, 1).height
    for _ in range(2):
        assert {key: answered_by(client, x_caller=key) for key in wanted} == wanted
    second = Counter(wanted.values())["2"]
    captured = rows_of(workspace, before + 40 + 2 * second)
    heard = captured.filter(pl.col("_role") == "served", pl.col("_key").is_in(list(wanted)))
    assert {(row["_key"], row["_version"]) for row in heard.to_dicts()} >= {(k, int(v)) for k, v in wanted.items()}
    # A shadow is not asked what it has answered itself.
    both = captured.filter(pl.col("_id").is_in(captured.filter(pl.col("_role") == "shadow")["_id"].to_list()))
    assert both.group_by("_id").agg(pl.col("_version").n_unique())["_version"].to_list() == [2] * (both.height // 2)
    chance = workspace.model.load("delay@v1").predict_proba(ONE)[0, 0]
    shadow = captured.filter(pl.col("_role") == "shadow")
    assert shadow["_version"].unique().to_list() == [1]
    assert shadow["out:proba:late"].to_list() == pytest.approx([chance] * shadow.height)
    assert client.ask("/v2/models/delay").json["versions"] == ["1", "2"]
    assert client.ask("/v2/models/delay/versions/2/infer", protocol(ONE)).json["model_version"] == "2"


def test_a_column_chooses_the_share_and_its_rule_holds_for_the_key(served: tuple[Workspace, Client]) -> None:
    workspace, client = served
    workspace.deployment.set("delay", personal={"distance": "hash", "rain": "drop"})
    workspace.deployment.split("delay", "v2=50", sticky="distance")
    said = Deployment("delay", split=(("v2", 50.0),))

    def asked(distance: int, form: Callable[[Any], Any], path: str) -> Answered:
        return client.ask(path, form(ONE.assign(distance=distance)))

    other = next(number for number in range(100, 200) if route(said, str(number)) == "v2")
    forms: list[tuple[Callable[[Any], Any], str]] = [
        (protocol, INFER),
        (lambda rows: {"instances": rows.astype(object).to_numpy().tolist()}, "/invocations"),
    ]
    eventually(lambda: asked(other, *forms[0]).json["model_version"] == "2")
    for distance in range(100, 110):
        version = "2" if route(said, str(distance)) == "v2" else "1"
        assert [asked(distance, *form).json["model_version"] for form in forms] == [version, version]
    keyed = rows_of(workspace, 21).filter(pl.col("_key").is_not_null())
    assert keyed["_key"].to_list() == keyed["in:distance"].to_list()
    assert keyed["_key"].str.contains("^[0-9a-f]{32}$").all()
    assert keyed["in:rain"].null_count() == keyed.height if "in:rain" in keyed.columns else True


def spoil(workspace: Workspace, version: int) -> None:
    """Take a version's signature from it."""
    found = workspace.versions("model").resolve(f"delay@v{version}")
    forged = {**found.detail, "signed": {**found.detail["signed"], "value": "00" * 64}}
    change = update(schema.version).where(schema.version.c.id == found.id)
    workspace.catalog.transact(lambda connection: connection.execute(change.values(detail=forged)))


def test_a_challenger_that_does_not_open_leaves_the_champion_and_counts_as_its_error(
    served: tuple[Workspace, Client],
) -> None:
    workspace, client = served
    spoil(workspace, 2)
    workspace.deployment.ramp("delay", "v2", step=50, to=50)
    eventually(lambda: client.ask("/v2/health/ready").json["degraded"])
    assert {answered_by(client, x_request_id=f"r{number}") for number in range(300)} == {"1"}
    ready = client.ask("/v2/models/delay/ready").json
    assert ready["ready"]
    assert "v2" in ready["missing"]
    assert 'nbmlops_version_missing{model="delay",ref="v2"} 1.0' in client.ask("/metrics").body.decode()
    rows_of(workspace, 400)
    told = workspace.deployment.ramp_on("delay", "v2", 50, 50)
    assert told.what == "stop", told
    assert "errors: 100.0%" in told.why
    eventually(lambda: not client.ask("/v2/health/ready").json["degraded"])


def test_what_is_kept_follows_the_deployment_and_capture_can_be_off(tmp_path: Path) -> None:
    with project(tmp_path) as workspace:
        workspace.deployment.set("delay", sampled=0.0)
        endpoint = workspace.serve("delay@production")
        assert isinstance(endpoint, Endpoint)
        client = Client.of(endpoint)
        for number in range(20):
            answered_by(client, x_request_id=f"r{number}")
        counted: Callable[[], tuple[Traffic, ...]] = lambda: workspace.deployment.show("delay").traffic or ()  # noqa: E731
        eventually(lambda: sum(one.requests for one in counted()) == 20)
        assert workspace.deployment.captured.rows("delay").collect().height == 0
        workspace.serve(stop=True)
        endpoint = workspace.serve("delay@production", capture=False)
        assert isinstance(endpoint, Endpoint)
        answered_by(Client.of(endpoint))
        workspace.serve(stop=True)
        time.sleep(0.3)
        assert sum(one.requests for one in counted()) == 20


def test_a_version_that_is_named_answers_alone_whatever_the_shares(tmp_path: Path) -> None:
    with project(tmp_path) as workspace:
        workspace.deployment.split("delay", "v1=100")
        endpoint = workspace.serve("delay@v2")
        assert isinstance(endpoint, Endpoint)
        assert {answered_by(Client.of(endpoint)) for _ in range(10)} == {"2"}
        workspace.serve(stop=True)
