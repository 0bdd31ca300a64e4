"""How a model leans is asked of rows that were captured; a model that cannot answer them breaks no monitor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from tests.monitoring.conftest import Traffic


def test_the_weight_says_the_importance_that_the_answers_show(workspace: Workspace, traffic: Traffic) -> None:
    random = np.random.default_rng(2)
    data = pd.DataFrame({"x": random.random(2_000), "y": random.random(2_000)})
    model = LogisticRegression(C=100).fit(data, 2 * data["x"] + data["y"] > 1.5)
    workspace.data.save(data, "two")
    workspace.model.save(model, "delay", example=data)
    workspace.model.promote("delay", to="production")
    traffic.each(2, [{"inputs": {"x": [float(x)], "y": [float(y / 2)]}} for x, y in random.random((200, 2))])
    workspace.monitor.add("moved", "delay", "drift", reference="two")
    workspace.monitor.run()
    (alert,) = workspace.monitor.alerts()
    importance = float(alert.why.partition("importance is ")[2].partition(";")[0])
    assert 0.1 < importance < 0.6


def test_a_model_that_raises_leaves_its_importance_unknown(
    workspace: Workspace, traffic: Traffic, monkeypatch: Any
) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("no such day")

    traffic.send(2, 300, shift=0.15)
    workspace.monitor.add("moved", "delay", "drift", reference="seen")
    monkeypatch.setattr(LogisticRegression, "predict_proba", refuse)
    workspace.monitor.run()
    (alert,) = workspace.monitor.alerts()
    assert "is not known, since delay@v1 does not answer what was captured: ValueError: no such day" in alert.why
    assert alert.told_at is not None
