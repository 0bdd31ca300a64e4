"""The demo's training notebook, executed again: the same, and what is another is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.demo.notebooks import tutorials
from nbmlops.workspace import Workspace

# The notebook draws 3,000 rows of the last quarter.
ROWS = 12_400


def flights(seed: int) -> pd.DataFrame:
    """A small table with the columns that the notebook learns from."""
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=ROWS) for name in ("distance", "weekday", "temp", "wind_speed", "rain_3h")}
    hours = pd.date_range("2013-01-01", periods=ROWS, freq="h", tz="America/New_York")
    texts = {name: rng.choice(["a", "b", "c"], size=ROWS) for name in ("carrier", "origin", "dest")}
    late = (numbers["rain_3h"] + rng.normal(size=ROWS) > 0.5).astype("int64")
    return pd.DataFrame({"time_hour": hours, **texts, **numbers, "late": late})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A project in which the training notebook has run once, on the first of two versions of its data."""
    root = tmp_path_factory.mktemp("demo")
    (root / "notebooks").mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\ntrain = ["notebooks/4_train.ipynb"]\n')
    (notebook,) = (file for file in tutorials() if file.name == "4_train.ipynb")
    (root / "notebooks" / notebook.name).write_bytes(notebook.read_bytes())
    with Workspace.init(root) as made:
        made.data.save(flights(1), "delays_train")
        made.pipeline.run("train", {"max_iter": 5})
        made.data.save(flights(2), "delays_train")
        yield made


def test_it_is_identical_though_its_data_has_a_newer_version_by_now(workspace: Workspace) -> None:
    done = workspace.reproduce("4_train")
    assert (done.verdict, done.reasons) == ("identical", ())
    compared = {one.check for one in done.results}
    assert {"model delay is reproduced", "metric validation_roc_auc is reproduced", "cell outputs"} <= compared
    assert [model.ref for model in workspace.model.history("delay")] == ["delay@v1"]


def test_another_parameter_is_named(workspace: Workspace) -> None:
    done = workspace.reproduce("4_train", {"max_iter": "6"})
    assert done.verdict == "differs"
    assert {"param max_iter", "model delay is reproduced"} <= {one.check for one in done.reasons}


def test_another_version_of_its_data_is_named(workspace: Workspace) -> None:
    done = workspace.reproduce("4_train", data=["delays_train@v2"])
    assert done.verdict == "differs"
    assert "data delays_train is what was read" in {one.check for one in done.reasons}


def test_another_line_is_named(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "4_train.ipynb"
    shutil.copy(workspace.marker.root / "notebooks" / path.name, path)
    content = json.loads(path.read_text())
    (cell,) = (one for one in content["cells"] if "min_samples_leaf=50" in "".join(one["source"]))
    cell["source"] = "".join(cell["source"]).replace("min_samples_leaf=50", "min_samples_leaf=40")
    path.write_text(json.dumps(content))
    done = workspace.reproduce("4_train", notebook=path)
    assert done.verdict == "differs"
    number = content["cells"].index(cell) + 1
    assert [one.figure for one in done.reasons if one.check == f"cell {number}"] == ["min_samples_leaf=40,"]
