"""A real Feast applies what is exported, and gives the same values, joined and online."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest  # noqa: TC002 - fixtures are annotated with it

from nbmlops.workspace import Workspace
from tests.features.conftest import flights
from tests.features.online.views import define_delays, define_speed

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-feast" / "bin" / "python"
NAMES = ["mean_delay", "flown", "size", "speed", "late"]


def size(flights):  # type: ignore[no-untyped-def]
    """How many flights a carrier has, whenever one asks."""
    return flights.groupby("carrier", as_index=False).agg(size=("dep_delay", "size"))


def late(mean_delay, distance):  # type: ignore[no-untyped-def]
    """Of a view and of the request."""
    return mean_delay + distance / 1000


def test_feast_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PYTHON.exists(), "there is no environment with Feast: make test-system makes it"
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(flights(), "flights")
        define_delays(workspace)
        define_speed(workspace)
        workspace.feature.define(size, entity="carrier", from_="flights")
        workspace.feature.define(late, on_demand=True, inputs=["delays:mean_delay", "distance"])
        workspace.feature.service("inputs", ["delays", "size", "speed", "late"])
        spine = flights(150, seed=9)[["carrier", "dep_time", "distance", "air_time"]]
        spine["dep_time"] += pd.Timedelta(hours=3)
        spine = spine.astype({"distance": float, "air_time": float})
        table = workspace.feature.training(spine, ["inputs"], time="dep_time", name="rows")
        ours = workspace.data.load(table.ref)
        workspace.feature.materialize()
        keys = spine.head(20)[["carrier", "distance", "air_time"]]
        online = workspace.feature.online(keys, "inputs")
        made = workspace.feature.export(feast=tmp_path / "repository")
    folder = tmp_path / "feast"
    folder.mkdir()
    spine.assign(row=range(len(spine))).rename(columns={"dep_time": "event_timestamp"}).to_parquet(
        folder / "spine.parquet"
    )
    (folder / "keys.json").write_text(keys.to_json(orient="records"))
    script = ROOT / "tests" / "system" / "feast_repository.py"
    done = subprocess.run([PYTHON, script, made.folder, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    joined = pd.read_parquet(folder / "historical.parquet").sort_values("row")
    theirs = json.loads((folder / "online.json").read_text())
    for name in NAMES:
        np.testing.assert_allclose(joined[name].astype(float), ours[name].astype(float), rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(theirs[name], online.values[name], rtol=1e-12, err_msg=name)
