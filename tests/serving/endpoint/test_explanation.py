"""What an endpoint says of why it answered so: true of models whose explanation is known, and within its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError
from nbmlops.models.signature import infer
from nbmlops.serving.endpoint.endpoints import Endpoint
from nbmlops.serving.endpoint.explanation import Background, Explanation, background, explained, needed
from nbmlops.serving.endpoint.served import Served
from nbmlops.workspace.backgrounds import background_of
from tests.serving.endpoint.places import Client, flights
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow, protocol
from tests.serving.endpoint.test_reload import eventually


def served_of(model: Any, example: Any) -> Served:
    return Served("delay", 1, 1, "0" * 64, infer(model, example), model)


def columns_of(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): column.astype(object).where(column.notna(), None).tolist() for name, column in frame.items()}


def explain(served: Served, rows: pd.DataFrame, against: pd.DataFrame) -> tuple[Explanation, Background]:
    by = background(served, "weather@v1", columns_of(against))
    arrays = served.intake.take(columns_of(rows))
    return explained(served, arrays, served.answer(arrays, needed(served)), by), by


def contributions(explanation: Explanation) -> np.ndarray[Any, Any]:
    return np.array([list(row.contributions.values()) for row in explanation.rows])


def assert_adds_up(explanation: Explanation) -> None:
    for row in explanation.rows:
        assert row.base + sum(row.contributions.values()) == pytest.approx(row.prediction, abs=1e-12)


def test_a_linear_models_contributions_are_its_coefficients_times_what_is_off_the_mean() -> None:
    frame = flights()
    model = LinearRegression().fit(frame, frame["wind"] * 3 - frame["rain"] + frame["distance"] / 100)
    found, _ = explain(served_of(model, frame.head(20)), ROWS, frame.head(80))
    assert (found.orders, found.background_rows, found.output) == (None, 80, "predict")
    wanted = model.coef_ * (ROWS - frame.head(80).mean()).to_numpy()
    np.testing.assert_allclose(contributions(found), wanted, atol=1e-9)
    assert_adds_up(found)


def test_so_they_are_for_more_columns_than_all_coalitions_are_asked_of() -> None:
    random = np.random.default_rng(3)
    wide = pd.DataFrame(random.normal(size=(120, 24)), columns=[f"c{number}" for number in range(24)])
    model = LinearRegression().fit(wide, wide.to_numpy() @ random.normal(size=24))
    found, _ = explain(served_of(model, wide.head(20)), wide.head(2), wide.head(100))
    assert found.orders is not None
    np.testing.assert_allclose(contributions(found), model.coef_ * (wide.head(2) - wide.head(100).mean()), atol=1e-9)
    assert max(row.errors[f"c{number}"] for row in found.rows for number in range(24)) < 1e-12


def mixed(rows: int = 200) -> pd.DataFrame:
    """Numbers with nulls among them, texts, categories and truth values."""
    random = np.random.default_rng(5)
    carriers = pd.Series(random.choice(["UA", "AA", "B6"], rows))
    return pd.DataFrame(
        {
            "carrier": carriers,
            "kind": pd.Categorical(random.choice(["jet", "prop"], rows), categories=["jet", "prop"]),
            "wind": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows)),
            "seats": random.integers(20, 300, rows),
            "night": random.random(rows) < 0.5,
        }
    )


def forest(kind: type[RandomForestClassifier | RandomForestRegressor], truth: Any) -> Any:
    ahead = make_column_transformer((OneHotEncoder(), ["carrier", "kind"]), remainder="passthrough")
    return make_pipeline(ahead, kind(n_estimators=12, max_depth=6, random_state=1)).fit(mixed(), truth)


LATE = np.where((mixed()["carrier"] == "UA") ^ (mixed()["seats"] > 150), "late", "on time")


@pytest.mark.parametrize(
    ("model", "output"),
    [
        (forest(RandomForestClassifier, LATE), "predict_proba"),
        (forest(RandomForestClassifier, mixed()["seats"] // 100), "predict_proba"),
        (forest(RandomForestRegressor, mixed()["seats"] * (1 + mixed()["night"])), "predict"),
    ],
    ids=["two classes", "three classes", "number"],
)
def test_a_pipeline_with_trees_is_explained_to_the_last_bit_of_its_answer(model: Any, output: str) -> None:
    served, rows = served_of(model, mixed().head(40)), mixed().tail(6)
    found, by = explain(served, rows, mixed().head(50))
    assert (found.output, found.background_rows) == (output, 50)
    assert_adds_up(found)
    answered = getattr(model, output)(rows)
    base = getattr(model, output)(mixed().head(50)).mean(axis=0)
    classes = list(getattr(model, "classes_", ()))
    for number, row in enumerate(found.rows):
        at = classes.index(row.label) if classes else ()
        assert row.prediction == pytest.approx(answered[number][at] if classes else answered[number], abs=1e-12)
        assert row.base == pytest.approx(base[at], abs=1e-12)
        assert row.label == (model.predict(rows)[number] if classes else None)
    assert by.rows == 50


def test_a_row_of_the_background_that_the_signature_refuses_is_left_out() -> None:
    frame = flights()
    served = served_of(LinearRegression().fit(frame, frame["wind"]), frame.head(20))
    table = columns_of(frame.head(4))
    table["distance"] = [None, "far", 500, 600]
    assert background(served, "weather@v1", table).rows == 2
    with pytest.raises(InvalidError, match=r"no row of weather@v1 fits"):
        background(served, "weather@v1", {name: values[:2] for name, values in table.items()})


@pytest.mark.parametrize(
    ("model", "example", "why"),
    [
        (LinearSVC().fit(flights(), flights()["wind"] > 0), flights(20), "neither one number"),
        (LinearRegression().fit(flights(), flights()[["wind", "rain"]]), flights(20), "neither one number"),
    ],
    ids=["classes without probabilities", "two numbers"],
)
def test_what_has_no_one_number_is_not_explained(model: Any, example: pd.DataFrame, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        needed(served_of(model, example))


@pytest.mark.parametrize("path", [INFER, "/invocations"])
@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/vnd.apache.arrow.stream"])
def test_an_answer_over_http_carries_the_contributions_of_each_row(
    workspace: Workspace, client: Client, path: str, kind: str
) -> None:
    model = workspace.model.load("delay@v1")
    body: Any = {"text/csv": ROWS.to_csv(index=False).encode(), "application/vnd.apache.arrow.stream": arrow(ROWS)}.get(
        kind, protocol(ROWS) if path == INFER else {"dataframe_split": ROWS.to_dict(orient="split")}
    )
    plain = client.ask(path, body, content_type=kind)
    assert "explanation" not in plain.json
    found = client.ask(f"{path}?explain=true", body, content_type=kind)
    assert found.status == 200, found.body
    told = found.json.pop("explanation")
    assert {**found.json, "id": ""} == {**plain.json, "id": "", "explanation": told}
    assert (told["method"], told["permutations"]) == ("exact", None)
    assert told["background"] == {"ref": "weather@v1", "rows": 60}
    chances = model.predict_proba(ROWS)
    for number, row in enumerate(told["rows"]):
        assert row["class"] == model.predict(ROWS)[number]
        assert row["prediction"] == pytest.approx(chances[number].max(), abs=1e-12)
        assert row["base_value"] + sum(row["contributions"].values()) == pytest.approx(row["prediction"], abs=1e-12)
        assert [*row["contributions"]] == [*row["standard_errors"]] == ["wind", "rain", "delay", "distance"]


@pytest.mark.parametrize(
    ("query", "rows", "status", "said"),
    [
        ("explain=yes", 1, 400, "explain is 'yes', and neither true nor false"),
        ("explain=", 1, 400, "explain is ''"),
        ("explain=true&explain=false", 1, 400, "'true' and 'false'"),
        ("explain=%00", 1, 400, "neither true nor false"),
        ("explain=true", 11, 413, "the request has 11 rows, and 10 are explained at most"),
        ("explain=true", 0, 422, "no rows"),
        ("explain=false", 17, 200, ""),
        ("explained=yes", 1, 200, ""),
    ],
)
def test_what_cannot_be_explained_is_refused(client: Client, query: str, rows: int, status: int, said: str) -> None:
    found = client.ask(f"{INFER}?{query}", protocol(flights(rows)))
    assert (found.status, said in found.json.get("error", "")) == (status, True)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Client]]:
    """A forest that takes a while to explain, made from its table in a run, and served without a word of that."""
    with Workspace.init(tmp_path_factory.mktemp("slow")) as workspace:
        workspace.data.save(flights(), "weather")
        workspace.data.save(flights(40), "holdout")
        with workspace.run("fit"):
            frame = workspace.data.load("weather")
            workspace.data.load("holdout")
            late = np.where(frame["wind"] + frame["rain"] > 0, "late", "on time")
            model = RandomForestClassifier(300, random_state=1).fit(frame, late)
            workspace.model.save(model, "delay", example=frame.head(20))
        endpoint = workspace.serve("delay@v1")
        assert isinstance(endpoint, Endpoint)
        yield workspace, Client.of(endpoint)
        workspace.serve(stop=True)


def test_by_default_it_is_the_table_that_the_version_was_made_from(slow: tuple[Workspace, Client]) -> None:
    found = slow[1].ask(f"{INFER}?explain=true", protocol(flights(1)))
    assert found.json["explanation"]["background"] == {"ref": "weather@v1", "rows": 100}


def test_others_are_answered_while_one_is_explained_and_too_many_are_told_to_wait(
    slow: tuple[Workspace, Client],
) -> None:
    client = slow[1]
    with ThreadPoolExecutor(8) as pool:
        explaining = [pool.submit(client.ask, f"{INFER}?explain=true", protocol(flights(2))) for _ in range(7)]
        answered = client.ask(INFER, protocol(ROWS))
        assert answered.status == 200
        assert not all(each.done() for each in explaining)
        found = [each.result() for each in explaining]
    assert {each.status for each in found} == {200, 429}
    assert all("Retry-After" in each.headers or "retry-after" in each.headers for each in found if each.status == 429)
    assert client.ask(f"{INFER}?explain=true", protocol(flights(1))).status == 200


def test_a_replay_tells_the_same_contributions_as_the_answer_did(slow: tuple[Workspace, Client]) -> None:
    workspace, client = slow
    told = client.ask(f"{INFER}?explain=true", protocol(flights(1)), x_request_id="why").json["explanation"]
    eventually(lambda: "why" in workspace.deployment.captured.rows("delay").collect()["_id"].to_list())
    replay = workspace.deployment.replay("why", explain=True)
    assert replay.is_same
    assert replay.explanation is not None
    assert replay.explanation.to_json() == told
    by = workspace.deployment.replay("why", background="holdout").explanation
    assert by is not None
    assert (by.background, by.background_rows) == ("holdout@v1", 40)
    assert workspace.deployment.replay("why").explanation is None


def test_a_model_that_was_made_from_no_table_says_what_to_name(tmp_path: Path) -> None:
    frame = flights()
    with Workspace.init(tmp_path) as workspace:
        workspace.model.save(LogisticRegression().fit(frame, frame["wind"] > 0), "delay", example=frame.head(20))
        endpoint = workspace.serve("delay@v1")
        assert isinstance(endpoint, Endpoint)
        found = Client.of(endpoint).ask(f"{INFER}?explain=true", protocol(flights(1)))
        workspace.serve(stop=True)
    assert found.status == 422
    assert "made from no table with its columns" in found.json["error"]
    assert "--background" in found.json["hint"]


def test_what_was_erased_is_in_no_explanation_after_that(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(flights(50), "weather")
        with workspace.run("fit"):
            frame = workspace.data.load("weather")
            workspace.model.save(LinearRegression().fit(frame, frame["wind"]), "delay", example=frame.head(20))
        version = workspace.model.show("delay")
        gone = int(frame["distance"].iloc[0])
        assert gone in background_of(workspace, version.ref, version.signature)[1]["distance"]
        (tmp_path / "condition").write_text(f"distance = {gone}")
        workspace.data.erase("weather", where_file=tmp_path / "condition", yes=True)
        assert gone not in background_of(workspace, version.ref, version.signature)[1]["distance"]
        array = replace(version.signature, form="array")
        assert len(background_of(workspace, version.ref, array, "weather")[1]["wind"]) < 50
