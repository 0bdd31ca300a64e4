"""From an event to a promotion with nobody there: a real pipeline trains, real schedules do the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.core.actions import Order
from nbmlops.core.clock import CLOCK, RehearsalClock, microseconds
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.serving.capture.labels import Labels
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.deployments.challenge import Contest
from nbmlops.serving.deployments.contest import ChallengeAction
from nbmlops.serving.records import Deployment

BEGIN = datetime(2026, 6, 1, 6, tzinfo=UTC)
RULES = {"least": "2d", "within": "10d", "every": "1d", "measure": "brier"}
HOURS = pd.DataFrame({"hour": [6.0, 9.0, 18.0, 20.0]})
TRAIN = """\
import pandas as pd
from sklearn.linear_model import LogisticRegression

X = pd.DataFrame({"hour": [6.0, 9.0, 18.0, 20.0]})
model = LogisticRegression(C=strength).fit(X, [0, 0, 1, 1])
"""
GATE = """
[tool.nbmlops.gates.delay]
holdout = "known"
target = "late"
metric = "roc_auc"
floor = {floor}
"""


def notebook() -> str:
    cells = [
        ("parameters", "strength: float = 1.0"),
        ("train", TRAIN),
        ("save", "%ml model save model delay --example X"),
    ]
    load = {"cell_type": "code", "id": "load", "metadata": {}, "source": "%load_ext nbmlops", "outputs": []}
    made = [load, *({**load, "id": name, "source": source} for name, source in cells)]
    made[1] = {**made[1], "metadata": {"tags": ["parameters"]}}
    for cell in made:
        cell["execution_count"] = None
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RehearsalClock:
    """The time of all processes, kernels as well."""
    made = RehearsalClock(tmp_path / "clock")
    made.set(BEGIN)
    monkeypatch.setenv(CLOCK, str(made.path))
    return made


@pytest.fixture
def workspace(tmp_path: Path, clock: RehearsalClock) -> Iterator[Workspace]:
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "notebooks" / "train.ipynb").write_text(notebook())
    text = '[tool.nbmlops.pipelines]\ntrain = ["notebooks/train.ipynb"]\n' + GATE.format(floor=0.6)
    (root / "pyproject.toml").write_text(text)
    with Workspace.init(root) as made:
        made.data.save(HOURS.assign(late=[0, 0, 1, 1]), "known")
        made.model.save(LogisticRegression(C=0.001).fit(HOURS, [0, 0, 1, 1]), "delay", example=HOURS)
        made.model.promote("delay@v1")
        yield made


class Trains:
    """In the place of a pipeline, where what is tested is what comes after it: trains here and now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def named(self, target: str) -> str:
        return target

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        pass

    def ran(self, target: str, parameters: Mapping[str, Any], order: Order) -> Any:
        model = LogisticRegression(C=parameters.get("strength", 1.0)).fit(HOURS, [0, 0, 1, 1])
        made = self._workspace.model.save(model, "delay", example=HOURS).ref
        return SimpleNamespace(run=SimpleNamespace(name="train-1"), steps=[SimpleNamespace(outputs=("known@v1", made))])


@pytest.fixture
def quick(workspace: Workspace) -> Workspace:
    """A workspace whose pipelines take no time."""
    own = workspace.deployment, workspace.model, workspace.schedule
    action = ChallengeAction(*own, Trains(workspace), workspace.clock)  # type: ignore[arg-type]
    workspace.schedule.actions.register("challenge", action)
    return workspace


def fire(workspace: Workspace) -> None:
    """Let the daemon do all that is due."""
    while workspace.schedule.run(once=True).ended:
        pass


def answer(workspace: Workspace, at: datetime, *, better: float) -> None:
    """Let both versions answer the requests of an hour, the challenger in shadow, and let the labels come."""
    random = np.random.default_rng(int(at.timestamp()))
    late, requests = random.integers(0, 2, 400), []
    for number, truth in enumerate(late):
        said = random.normal(0.5, 0.1)
        sides = ((1, "served", said), (2, "shadow", said + (better if truth else -better) + random.normal(0, 0.02)))
        for version, role, chance in sides:
            outputs = {"predict": [int(chance > 0.5)], "proba:0": [1 - chance], "proba:1": [chance]}
            named = f"{at:%d}-{number}"
            requests.append(
                CapturedRequest(named, microseconds(at), version, role, outputs=outputs, inputs={"hour": [6.0]})  # type: ignore[arg-type]
            )
    with CaptureLog(workspace.marker.state / "capture", Deployment("delay"), f"w{at:%d}") as log:
        log.add(requests)
    labels = Labels(workspace.deployment.captured, workspace.clock)
    labels.add(Deployment("delay"), pa.table({"_id": [f"{at:%d}-{n}" for n in range(400)], "label": late}))


def event(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"seen": [datetime.now(UTC).timestamp()]}), "seen")


def notes(workspace: Workspace, schedule: str) -> list[str]:
    return [f"{one.state}: {one.note}" for one in reversed(workspace.schedule.history(schedule))]


@pytest.fixture
def challenged(quick: Workspace) -> Workspace:
    """A workspace in which an event has let a challenger be trained."""
    return begun(quick)


def begun(workspace: Workspace) -> Workspace:
    workspace.deployment.challenge("delay", "train@working", {"strength": 100.0}, on="data:seen", **RULES)
    event(workspace)
    fire(workspace)
    return workspace


def test_an_event_trains_a_challenger_that_answers_in_shadow_and_is_promoted_when_it_is_better(
    workspace: Workspace, clock: RehearsalClock
) -> None:
    challenged = begun(workspace)
    deployment = challenged.deployment.show("delay")
    assert (deployment.shadow, deployment.split) == (("v2",), ())
    assert challenged.model.show("delay@challenger").ref == "delay@v2"
    assert challenged.model.show("delay@production").ref == "delay@v1"
    change = challenged.deployment.history("delay")[0]
    assert change.verb == "challenge"
    assert "after seen@v1" in change.detail["why"]
    for day in (1, 2, 3):
        answer(challenged, BEGIN + timedelta(days=day, hours=-1), better=0.05)
        clock.set(BEGIN + timedelta(days=day, minutes=1))
        fire(challenged)
    looks = notes(challenged, "delay_contest")
    assert looks[0].startswith("completed: better, and tested for less than 2d: brier")
    assert looks[1].startswith("completed: delay@v2 promoted: better: brier")
    assert len(looks) == 2
    assert challenged.model.show("delay@production").ref == "delay@v2"
    assert challenged.deployment.show("delay").shadow == ()
    assert challenged.deployment.history("delay")[0].verb == "promote"
    with pytest.raises(NotFoundError):
        challenged.schedule.show("delay_contest")
    story = challenged.story("delay").moments
    assert [one.what for one in story if one.kind != "verdict"] == [
        "v1 saved",
        "v1 promoted to production",
        "challenge delay started",
        "v2 trained",
        "v2 promoted to challenger",
        "a challenger is tested in shadow",
        "v2 promoted to production",
        "test over: the challenger is promoted",
    ]
    (trained,) = (one for one in story if one.what == "v2 trained")
    assert trained.who == "schedule delay_challenge"
    assert "new data seen@v1, in pipeline run train-1" in trained.told
    assert story[-1].told[0].startswith("better: brier")


def test_a_challenger_that_is_worse_is_dropped_and_the_next_event_may_train_another(
    challenged: Workspace, clock: RehearsalClock
) -> None:
    event(challenged)
    fire(challenged)
    assert notes(challenged, "delay_challenge")[1] == "completed: delay@v2 is still tested: nothing was trained"
    answer(challenged, BEGIN + timedelta(days=2, hours=-1), better=-0.05)
    clock.set(BEGIN + timedelta(days=2, minutes=1))
    fire(challenged)
    assert notes(challenged, "delay_contest")[-1].startswith("completed: delay@v2 dropped: worse: brier")
    assert challenged.model.show("delay@production").ref == "delay@v1"
    assert challenged.deployment.show("delay").shadow == ()
    challenged.model.promote("delay@v2")
    event(challenged)
    fire(challenged)
    assert notes(challenged, "delay_challenge")[-1].endswith("delay@v2 learnt the same as delay@v2: nothing to test")


def test_one_that_is_not_told_apart_in_time_is_dropped(challenged: Workspace, clock: RehearsalClock) -> None:
    clock.set(BEGIN + timedelta(days=3))
    fire(challenged)
    assert notes(challenged, "delay_contest")[-1].startswith("completed: undecided: nothing that delay answered")
    clock.set(BEGIN + timedelta(days=11))
    fire(challenged)
    assert "dropped: not told apart within 10d" in notes(challenged, "delay_contest")[-1]
    assert challenged.deployment.show("delay").shadow == ()


def test_who_takes_the_challenger_away_ends_its_test(challenged: Workspace, clock: RehearsalClock) -> None:
    challenged.deployment.shadow("delay", off=True)
    clock.set(BEGIN + timedelta(days=1, minutes=1))
    fire(challenged)
    assert notes(challenged, "delay_contest")[-1].endswith("answers nobody any more: its test has ended")
    with pytest.raises(NotFoundError):
        challenged.schedule.show("delay_contest")


def test_a_challenger_with_a_share_that_fails_is_taken_from_its_callers(
    quick: Workspace, clock: RehearsalClock
) -> None:
    quick.deployment.challenge("delay", "train@working", on="data:seen", share=10, **RULES)
    event(quick)
    fire(quick)
    assert quick.deployment.show("delay").split == (("v2", 10.0),)
    at = microseconds(BEGIN + timedelta(minutes=5))
    for version, failed in ((1, 0), (2, 60)):
        with CaptureLog(quick.marker.state / "capture", Deployment("delay"), f"w{version}") as log:
            log.add(
                CapturedRequest(f"{version}-{n}", at, version, status=500 if n < failed else 200) for n in range(300)
            )
    clock.set(BEGIN + timedelta(days=1, minutes=1))
    fire(quick)
    assert "delay@v2 dropped: errors: 20.0% against 0.0%" in notes(quick, "delay_contest")[-1]
    assert quick.deployment.show("delay").split == ()


def test_a_gate_that_says_no_drops_it_before_anybody_is_answered(quick: Workspace) -> None:
    settings = quick.marker.root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("floor = 0.6", "floor = 1.1"))
    quick.deployment.challenge("delay", "train@working", on="data:seen", **RULES)
    event(quick)
    fire(quick)
    (told,) = notes(quick, "delay_challenge")
    assert told.startswith("completed: delay@v2 dropped: its gate says no: roc_auc: 1")
    assert quick.deployment.show("delay").shadow == ()
    assert quick.deployment.history("delay")[0].verb == "drop"


def test_what_is_no_challenge_is_refused_before_anything_waits(workspace: Workspace) -> None:
    challenge = workspace.deployment.challenge
    with pytest.raises(InvalidError, match="is none"):
        challenge("delay", "train@working", on="data:seen", least="2w", within="1w")
    with pytest.raises(InvalidError, match="no share for a challenger"):
        challenge("delay", "train@working", on="data:seen", share=100)
    with pytest.raises(InvalidError, match="measure cannot be 'auc'"):
        challenge("delay", "train@working", on="data:seen", measure="auc")
    with pytest.raises(InvalidError, match="no event named 'monitr'"):
        challenge("delay", "train@working", on="monitr:good")
    with pytest.raises(InvalidError, match="a challenge has no 'leats'"):
        challenge("delay", "train@working", on="data:seen", leats="1w")
    with pytest.raises(NotFoundError):
        challenge("delya", "train@working", on="data:seen")
    with pytest.raises(NotFoundError, match="no frozen version"):
        challenge("delay", "train", on="data:seen")
    with pytest.raises(InvalidError, match="strenght"):
        challenge("delay", "train@working", {"strenght": 2}, on="data:seen")
    assert workspace.schedule.list() == []
    challenge("delay", "train@working", on="data:seen")
    with pytest.raises(ConflictError):
        challenge("delay", "train@working", on="data:seen")
    with pytest.raises(InvalidError, match="needs a pipeline"):
        workspace.schedule.add("delay", name="other", action="challenge", on="data:seen")
    with pytest.raises(InvalidError, match="a contest needs challenger, began"):
        workspace.schedule.add("delay", name="other", action="contest", every="1d", params={"pipeline": "train"})


def test_rules_are_read_as_they_were_written() -> None:
    said = Contest("train", {"month": "due-1d:%m"}, share=10, measure="brier")
    assert Contest.of(said.to_json()) == said
