"""The callback takes what each library is documented to call it with."""

from __future__ import annotations

import sys
import warnings
from abc import ABC
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def test_keras_logs_each_epoch(workspace: Workspace) -> None:
    with workspace.run("net") as run:
        callback = run.callback()
        # What keras.callbacks.CallbackList calls in the course of a fit.
        callback.set_params({"epochs": 2})
        callback.set_model(object())
        callback.on_train_begin()
        for epoch in range(2):
            callback.on_epoch_begin(epoch)
            callback.on_train_batch_begin(0)
            callback.on_train_batch_end(0, logs={"loss": 9.0})
            callback.on_epoch_end(epoch, logs={"loss": np.float32(1 / (epoch + 1)), "val_loss": 2.0 - epoch})
        callback.on_train_end(logs={})
    assert workspace.run.history("net", "loss") == [(0, 1.0), (1, 0.5)]
    assert workspace.run.history("net", "val_loss") == [(0, 2.0), (1, 1.0)]
    assert callback.async_safe


class TrainingCallback(ABC):  # noqa: B024 - as it is in xgboost
    """What xgboost asks a callback to be an instance of."""


@pytest.fixture
def xgboost(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("xgboost.callback")
    module.TrainingCallback = TrainingCallback
    monkeypatch.setitem(sys.modules, "xgboost.callback", module)
    return module


def test_xgboost_logs_each_iteration(workspace: Workspace, xgboost: Any) -> None:
    with workspace.run("trees") as run:
        callback, model = run.callback(), object()
        assert isinstance(callback, xgboost.TrainingCallback)
        assert callback.before_training(model) is model
        log: dict[str, dict[str, list[Any]]] = {"train": {"rmse": []}, "valid": {"rmse": []}}
        for epoch in range(3):
            assert callback.before_iteration(model, epoch, log) is False
            log["train"]["rmse"].append(1.0 / (epoch + 1))
            log["valid"]["rmse"].append((2.0, 0.5))  # as in xgboost.cv
            assert callback.after_iteration(model, epoch, log) is False
        assert callback.after_training(model) is model
    assert [value for _, value in workspace.run.history("trees", "train.rmse")] == [1.0, 0.5, 1.0 / 3]
    assert workspace.run.history("trees", "valid.rmse.std") == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_lightgbm_logs_each_iteration_after_it(workspace: Workspace) -> None:
    with workspace.run("leaves") as run:
        callback = run.callback()
        # lightgbm.train sorts its callbacks so.
        callback.__dict__.setdefault("order", -1)
        assert not getattr(callback, "before_iteration", False)
        for iteration in range(2):
            found = [("valid", "auc", 0.5 + iteration / 4, True), ("cv", "auc", 0.5, True, 0.1)]
            callback(SimpleNamespace(iteration=iteration, evaluation_result_list=found))
        callback(SimpleNamespace(iteration=2, evaluation_result_list=[]))
    assert workspace.run.history("leaves", "valid.auc") == [(0, 0.5), (1, 0.75)]
    assert workspace.run.history("leaves", "cv.auc.std") == [(0, 0.1), (1, 0.1)]


class State(Enum):
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3


def test_optuna_makes_a_run_of_each_trial(workspace: Workspace) -> None:
    with workspace.run("study") as run:
        callback = run.callback()
        for number, (state, values) in enumerate([(State.COMPLETE, [0.3]), (State.PRUNED, None), (State.FAIL, None)]):
            steps = {0: 0.9, 1: 0.7} if state is not State.FAIL else {}
            trial = SimpleNamespace(
                number=number, state=state, values=values, params={"x": number}, intermediate_values=steps
            )
            callback(object(), trial)
    children = workspace.run.show("study").children
    assert [(child.status, child.tags["state"]) for child in children] == [
        ("finished", "complete"),
        ("finished", "pruned"),
        ("failed", "fail"),
    ]
    assert children[0].metrics["value"] == 0.3
    assert children[1].params == {"x": 1}
    assert workspace.run.history("study.trial-2", "intermediate") == [(0, 0.9), (1, 0.7)]


def test_training_goes_on_when_something_cannot_be_logged(workspace: Workspace) -> None:
    with workspace.run("net") as run:
        callback = run.callback()
        with pytest.warns(UserWarning, match="the run does not get everything: the metric loss must be a number"):
            callback.on_epoch_end(0, {"loss": "much"})
        callback.on_epoch_end(1, {"loss": "much"})
        callback.on_epoch_end(2, {"loss": 0.5})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.callback().on_epoch_end(3, {"loss": 0.4})
    assert workspace.run.history("net", "loss") == [(2, 0.5)]
