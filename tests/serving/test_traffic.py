from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbmlops import Workspace
from nbmlops.core.clock import microseconds
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render.dispatch import text
from nbmlops.serving.capture.labels import Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment

X = pd.DataFrame({"distance": [100.0, 200.0, 800.0, 900.0], "hour": [6.0, 9.0, 18.0, 20.0]})


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        for penalty in (1.0, 0.01):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty)).fit(X, [0, 0, 1, 1])
            made.model.save(model, "delay", example=X)
        yield made


def serve(workspace: Workspace, *requests: CapturedRequest, deployment: Deployment | None = None) -> None:
    with CaptureLog(workspace.marker.state / "capture", deployment or Deployment("delay"), "w1") as log:
        log.add(requests)


def asked(workspace: Workspace, number: int, version: int = 1, **said: object) -> CapturedRequest:
    row = X.iloc[[number % 4]]
    model = workspace.model.load(f"delay@v{version}")
    chance = model.predict_proba(row)[0]
    outputs = {"predict": [int(model.predict(row)[0])], "proba:0": [chance[0]], "proba:1": [chance[1]]}
    given = {"inputs": {key: row[key].tolist() for key in row}, "outputs": outputs, **said}
    return CapturedRequest(f"r{number}", microseconds(datetime.now(UTC)), version, **given)  # type: ignore[arg-type]


def test_a_request_is_answered_again_step_by_step(workspace: Workspace) -> None:
    serve(workspace, asked(workspace, 2))
    replay = workspace.deployment.replay("r2")
    assert replay.is_same
    assert replay.ref == "delay@v1"
    assert [step.name for step in replay.steps] == ["standardscaler", "logisticregression"]
    scaled = StandardScaler().fit(X).transform(X)[2]
    assert list(replay.steps[0].values.values()) == pytest.approx(scaled)
    assert "the same answer" in text(replay)


def test_an_answer_that_does_not_come_again_is_told(workspace: Workspace) -> None:
    serve(workspace, asked(workspace, 2, outputs={"predict": [0]}))
    replay = workspace.deployment.replay("r2")
    assert not replay.is_same
    assert (replay.then["predict"], replay.now["predict"]) == (0, 1)


def test_a_row_of_several_is_named_by_its_place(workspace: Workspace) -> None:
    three = {key: X[key].tolist()[:3] for key in X}
    serve(workspace, asked(workspace, 1, inputs=three, outputs={"predict": [0, 0, 1]}, rows=3))
    assert workspace.deployment.replay("r1").request == "r1#0"
    assert workspace.deployment.replay("r1#2").now["predict"] == 1


def test_what_was_not_captured_or_not_kept_is_not_answered_again(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no request r9 was captured"):
        workspace.deployment.replay("r9")
    serve(workspace, asked(workspace, 1), deployment=Deployment("delay", personal={"hour": "drop"}))
    with pytest.raises(InvalidError, match="hour was not kept"):
        workspace.deployment.replay("r1")
    serve(workspace, asked(workspace, 2, inputs=None, outputs=None, status=422))
    with pytest.raises(InvalidError, match="refused with the status 422"):
        workspace.deployment.replay("r2")


NOW = datetime.now(UTC).replace(minute=30)


def answered(version: int, number: int, right: bool, key: str | None = None) -> CapturedRequest:
    at = microseconds(NOW)
    return CapturedRequest(f"v{version}-{number}", at, version, key=key, outputs={"predict": [int(right)]}, inputs={})


def label(workspace: Workspace, ids: list[str]) -> None:
    labels = Labels(workspace.deployment.captured, workspace.clock)
    labels.add(Deployment("delay"), pa.table({"_id": ids, "label": [1] * len(ids)}))


def test_the_challenger_is_compared_on_what_has_a_label(workspace: Workspace) -> None:
    random = np.random.default_rng(0)
    requests = [answered(1, number, random.random() < 0.6) for number in range(1_500)]
    requests += [answered(2, number, random.random() < 0.9) for number in range(400)]
    serve(workspace, *requests)
    label(workspace, [one.id for one in requests[:-50]])
    trial = workspace.deployment.test("delay", champion="v1", challenger="v2")
    assert (trial.champion.sample.count, trial.challenger.sample.count) == (1_500, 350)
    assert (trial.measure, trial.outcome) == ("accuracy", "better")
    assert trial.verdict.low < 0.3 < trial.verdict.high
    assert "v2 is better" in text(trial)
    assert workspace.deployment.test("delay", champion="v2", challenger="v1").outcome == "worse"


def test_who_comes_again_counts_once(workspace: Workspace) -> None:
    requests = [answered(1, number, True, key=f"k{number % 10}") for number in range(200)]
    serve(workspace, *requests, *(answered(2, number, True, key="one") for number in range(50)))
    label(workspace, [one.id for one in requests] + [f"v2-{number}" for number in range(50)])
    trial = workspace.deployment.test("delay", champion="v1", challenger="v2")
    assert (trial.champion.sample.count, trial.challenger.sample.count) == (10, 1)
    assert trial.outcome == "undecided"
    assert "not told apart" in text(trial)


def test_an_easier_month_that_only_the_champion_knew_makes_it_no_better(workspace: Workspace) -> None:
    random = np.random.default_rng(0)
    earlier = microseconds(NOW - timedelta(days=30))
    easy = [CapturedRequest(f"e{n}", earlier, 1, outputs={"predict": [1]}, inputs={}) for n in range(2_000)]
    hard = [answered(1 + number % 2, number, random.random() < 0.6) for number in range(2_000)]
    serve(workspace, *easy, *hard)
    label(workspace, [one.id for one in (*easy, *hard)])
    trial = workspace.deployment.test("delay", champion="v1", challenger="v2")
    assert (trial.champion.sample.count, trial.challenger.sample.count) == (1_000, 1_000)
    assert trial.outcome == "undecided"


def test_versions_that_never_answered_in_one_hour_are_not_compared(workspace: Workspace) -> None:
    earlier = microseconds(NOW - timedelta(days=30))
    requests = [CapturedRequest("e", earlier, 1, outputs={"predict": [1]}, inputs={}), answered(2, 1, True)]
    serve(workspace, *requests)
    label(workspace, [one.id for one in requests])
    with pytest.raises(InvalidError, match="in no hour both v1 and v2"):
        workspace.deployment.test("delay", champion="v1", challenger="v2")


def test_a_challenger_in_shadow_is_compared_request_by_request(workspace: Workspace) -> None:
    random = np.random.default_rng(2)
    truth, requests = random.integers(0, 2, 600), []
    for number, late in enumerate(truth):
        said = random.normal(0.5, 0.2)
        for version, role, chance in ((1, "served", said), (2, "shadow", said + (0.05 if late else -0.05))):
            outputs = {"predict": [int(chance > 0.5)], "proba:0": [1 - chance], "proba:1": [chance]}
            requests.append(
                CapturedRequest(f"r{number}", microseconds(NOW), version, role, outputs=outputs, inputs={})  # type: ignore[arg-type]
            )
    serve(workspace, *requests)
    labels = Labels(workspace.deployment.captured, workspace.clock)
    labels.add(Deployment("delay"), pa.table({"_id": [f"r{n}" for n in range(600)], "label": truth.astype(float)}))
    trial = workspace.deployment.test("delay", champion="v1", challenger="v2", measure="brier")
    assert (trial.measure, trial.paired, trial.outcome) == ("brier", True, "better")
    chances = np.array([one.outputs["proba:1"][0] for one in requests if one.version == 1 and one.outputs])
    assert trial.champion.sample.mean == pytest.approx(((chances - truth) ** 2).mean())
    assert trial.champion.sample.count == trial.challenger.sample.count == 600
    assert "brier" in text(trial)
    assert "on 600 units" in trial.told
    assert workspace.deployment.test("delay", champion="v2", challenger="v1", measure="brier").outcome == "worse"
    with pytest.raises(InvalidError, match="measure cannot be 'brie'") as error:
        workspace.deployment.test("delay", champion="v1", challenger="v2", measure="brie")
    assert "brier" in str(error.value.hint)


def test_what_was_not_captured_cannot_be_measured(workspace: Workspace) -> None:
    serve(workspace, *(answered(1 + number % 2, number, True) for number in range(20)))
    label(workspace, [f"v{1 + number % 2}-{number}" for number in range(20)])
    with pytest.raises(InvalidError, match="no probabilities were captured"):
        workspace.deployment.test("delay", champion="v1", challenger="v2", measure="brier")


def test_errors_of_numbers_are_compared_by_their_size(workspace: Workspace, tmp_path: Path) -> None:
    for _ in range(2):
        workspace.model.save(LinearRegression().fit(X, [1.0, 2.0, 3.0, 4.0 + _]), "minutes")
    at = microseconds(NOW)
    off = {1: 5.0, 2: 1.0}
    random = np.random.default_rng(1)
    requests = [
        CapturedRequest(f"{v}-{n}", at, v, outputs={"predict": [off[v] * random.normal()]}, inputs={})
        for v in (1, 2)
        for n in range(500)
    ]
    serve(workspace, *requests, deployment=Deployment("minutes"))
    labels = Labels(workspace.deployment.captured, workspace.clock)
    labels.add(Deployment("minutes"), pa.table({"_id": [one.id for one in requests], "label": [0.0] * 1_000}))
    trial = workspace.deployment.test("minutes", champion="v1", challenger="v2")
    assert (trial.measure, trial.outcome) == ("absolute error", "better")


def test_a_test_of_nothing_says_what_is_missing(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="both version 1"):
        workspace.deployment.test("delay", champion="v1", challenger="v1")
    with pytest.raises(InvalidError, match="nothing that delay answered has a label"):
        workspace.deployment.test("delay", champion="v1", challenger="v2")
    with pytest.raises(NotFoundError):
        workspace.deployment.test("delay", champion="v1")
    with pytest.raises(InvalidError, match="is no risk"):
        workspace.deployment.test("delay", champion="v1", challenger="v2", risk=0)


def test_what_is_kept_is_set_and_what_is_not_given_stays(workspace: Workspace) -> None:
    workspace.deployment.set("delay", sampled=0.1, personal={"hour": "hash"})
    told = workspace.deployment.set("delay", unseen="null", personal={"distance": "drop"})
    assert (told.sampled, told.unseen) == (0.1, "null")
    assert told.personal == {"hour": "hash", "distance": "drop"}
    for wrong in ({"sampled": 2.0}, {"unseen": "guess"}, {"personal": {"hour": "burn"}}, {}):
        with pytest.raises(InvalidError):
            workspace.deployment.set("delay", **wrong)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        workspace.deployment.set("delay", alias="nowhere")
    assert workspace.deployment.show("delay") == told


def test_old_hours_are_forgotten_and_young_ones_stay(workspace: Workspace) -> None:
    now = datetime.now(UTC)
    old, young = (
        CapturedRequest(name, microseconds(now - timedelta(days=days)), 1, inputs={}, outputs={"predict": [1]})
        for name, days in (("old", 40), ("young", 2))
    )
    serve(workspace, old, young)
    forgotten = workspace.deployment.forget("delay", older="30d")
    assert forgotten.hours == 1
    assert forgotten.size > 0
    assert workspace.deployment.captured.rows("delay").collect()["_id"].to_list() == ["young"]
    assert workspace.deployment.history("delay")[0].verb == "forget"
    with pytest.raises(InvalidError):
        workspace.deployment.forget("delay", older="long ago")
