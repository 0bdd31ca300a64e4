"""What lines of features read and write, and a step that makes a training set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbmlops.pipelines.scan import scan
from nbmlops.workspace import Workspace
from tests.features.conftest import flights
from tests.features.test_defining import SAID, carrier_delay, homes
from tests.pipelines.test_scan import notebook, places


def test_a_definition_reads_its_sources_and_a_training_set_is_written() -> None:
    found = scan(
        notebook(
            "%%ml feature delay --entity carrier --from flights --from weather@v2 --time at\ndef delay(a, b): ...",
            "%ml data load events -o spine\n%ml feature training spine delay:mean --label late",
            "%ml feature training events inputs --name train",
            "%ml feature compute delay",
        )
    )
    assert [ref for _, ref, _, _ in places(found, "reads")] == ["flights", "weather@v2", "events", "events"]
    assert [ref for _, ref, _, _ in places(found, "writes")] == ["training.delay", "train", "feature.delay"]


def test_the_same_is_told_of_python() -> None:
    found = scan(
        notebook(
            "from nbmlops import ml",
            '@ml.feature(entity="carrier", from_=["flights", "weather"], time="at")\ndef delay(a, b): ...',
            'ml.feature.define(delay, from_="flights", entity="carrier")',
            'ml.feature.training("events", ["delay", "speed"])\nml.feature.training(spine, "delay", name="train")',
            'ml.feature.table("delay@v1")\nml.feature.training(spine, names)',
        )
    )
    assert [ref for _, ref, _, _ in places(found, "reads")] == ["flights", "weather", "flights", "events"]
    assert [ref for _, ref, _, _ in places(found, "writes")] == ["training.delay", "train", "feature.delay"]
    assert [(one.relation, one.line) for one in found.dynamic] == [("writes", 2)]


@pytest.mark.notebook
def test_a_step_makes_a_training_set_anew_when_a_view_that_it_uses_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\ntrain = ["train.ipynb"]\n')
    source = "%load_ext nbmlops\n%ml feature training spine carrier_delay --name train"
    cell = {"cell_type": "code", "id": "one", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "train.ipynb").write_text(json.dumps(content))
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(flights(), "flights")
        workspace.data.save(flights(50, seed=1)[["carrier", "dep_time"]], "spine")
        workspace.feature.define(carrier_delay, **SAID)
        workspace.feature.define(homes, entity="carrier", from_="flights")
        statuses = []
        for view in (None, None, "carrier_delay"):
            if view:
                workspace.feature.define(carrier_delay, **{**SAID, "ttl": "1d"})
            done = workspace.pipeline.run("train")
            statuses.append([step.status for step in done.steps])
        assert statuses == [["completed"], ["skipped"], ["completed"]]
        assert workspace.data.load("train").mean_delay_7d.notna().any()
        assert workspace.feature.usage("carrier_delay")[0].pipelines == ("train",)
        assert workspace.feature.usage("carrier_delay")[0].training == ("train@v1", "train@v2")
