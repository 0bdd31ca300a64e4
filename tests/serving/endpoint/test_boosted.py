"""Models of xgboost and lightgbm answer over HTTP what they answer in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import xgboost

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.serving.endpoint.served import Served
from tests.serving.endpoint.places import Client, flights
from tests.serving.endpoint.test_answers import ROWS, protocol

if TYPE_CHECKING:
    from pathlib import Path


def test_boosted_trees_are_served_as_they_were_saved(tmp_path: Path) -> None:
    frame = flights()
    late = frame["wind"] + frame["rain"] > 0
    extreme = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(frame, late.astype(int))
    light = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(frame, np.where(late, "late", "on time"))
    with Workspace.init(tmp_path) as workspace:
        for name, model in (("extreme", extreme), ("light", light)):
            workspace.model.save(model, name, example=frame.head(20))
            known = workspace.model.show(name)
            served = Served(name, 1, known.id, known.digest, known.signature, workspace.model.load(name))
            arrays = served.intake.take({column: ROWS[column].tolist() for column in ROWS})
            answer = served.answer(arrays, served.outputs)
            np.testing.assert_array_equal(answer["predict_proba"], model.predict_proba(ROWS))
            assert answer["predict"].tolist() == model.predict(ROWS).tolist()
        endpoint = workspace.serve("light@v1")
        assert isinstance(endpoint, Endpoint)
        found = Client.of(endpoint).ask("/v2/models/light/infer", protocol(ROWS))
        workspace.serve(stop=True)
    assert found.status == 200, found.body
    assert found.json["outputs"][0]["data"] == light.predict(ROWS).tolist()
