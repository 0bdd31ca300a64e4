"""Runs move into a real MLflow and out of it: its own client tells the same as ours, in both directions."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-mlflow" / "bin" / "python"


class Place:
    """A workspace and a database of MLflow, both used by the Python that has MLflow."""

    def __init__(self, folder: Path, uri: str) -> None:
        assert PYTHON.exists(), "there is no environment with MLflow: make test-system makes it"
        self.folder, self.uri = folder, uri
        folder.mkdir()
        self.ours("init")

    def client(self, verb: str, *arguments: str) -> Any:
        """What MLflow's own client says."""
        answer = self.folder / "answer.json"
        self._run(str(ROOT / "tests" / "system" / "mlflow_client.py"), verb, self.uri, str(answer), *arguments)
        return json.loads(answer.read_text())

    def ours(self, *words: str) -> Any:
        """What a line of ours says as JSON."""
        said = self._run("-m", "nbmlops", *words, "--json")
        return json.loads(said)

    def python(self, code: str) -> Any:
        """What some Python prints as JSON."""
        return json.loads(self._run("-c", f"import json, math; from nbmlops import ml\n{code}"))

    def run(self, ref: str) -> dict[str, Any]:
        """All that we know of a run."""
        return self.python(
            f"run = ml.run.show({ref!r})\n"
            "hist = {k: [(s, repr(v)) for s, v in ml.run.history(run.id, k)] for k in run.metrics}\n"
            "kept = {k: ml.objects.read(d).hex() for k, d in run.artifacts.items()}\n"
            "print(json.dumps({**{k: getattr(run, k) for k in ('id', 'name', 'status', 'parent_id', 'tags', 'source',"
            " 'diff', 'git', 'environment', 'error', 'notebook')}, 'params': dict(run.params), 'metrics': hist,"
            " 'artifacts': kept, 'started': str(run.started_at), 'ended': str(run.ended_at),"
            " 'cells': [repr(cell) for cell in run.cells]}))"
        )

    def _run(self, *arguments: str) -> str:
        # Two processors are all there is: arithmetic in threads would only take turns.
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        done = subprocess.run(
            [str(PYTHON), *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "project", f"sqlite:///{tmp_path}/mlflow.db")


def test_runs_of_mlflow_come_with_all_that_it_knows_of_them(place: Place, tmp_path: Path) -> None:
    made = place.client("make", str(tmp_path))
    came = place.ours("run", "import", f"mlflow:{place.uri}")
    assert (len(came["runs"]), came["points"], came["there"]) == (4, 2_506, 0)
    assert came["changed"] == ["the experiment /Users/ann/délay model is called Users-ann-délay-model here"]
    (run,) = [each for each in place.client("tell") if each["info"]["run_id"] == made["run"]]
    here = place.run(made["run"])
    plain = {"depth": 4, "rate": 0.1, "on": True, "none": None, "text": "007", "e": "1e5"}
    assert here["params"] == {**plain, "long": "v" * 6_000}
    written = {key: value if isinstance(value, str) else repr(value) for key, value in here["params"].items()}
    assert written == run["params"]
    assert here["artifacts"] == run["artifacts"]
    assert set(here["artifacts"]) == {"plot.txt", "deep/er/plot.txt"}
    own = {key: value for key, value in here["tags"].items() if key != "mlflow.experiment"}
    assert own == {key: value for key, value in run["tags"].items() if key != "mlflow.parentRunId"}
    # MLflow's store has the largest number where an infinity was logged.
    largest = {"inf": repr(1.7976931348623157e308), "-inf": repr(-1.7976931348623157e308)}
    for key, points in run["metrics"].items():
        ours = sorted((step, largest.get(value, value)) for step, value in here["metrics"][key])
        assert ours == sorted((step, value) for step, _, value in points), key
    assert here["metrics"]["loss"][0] == [-3, "inf"]
    assert here["metrics"]["low"] == [[0, "-inf"]]
    assert here["metrics"]["val/auc x"][-1] == [0, "0.75"]
    assert run["last"]["val/auc x"] == "0.75"
    assert math.isnan(float(dict(map(tuple, here["metrics"]["loss"]))[9_000]))
    assert (here["parent_id"], here["status"]) == (made["parent"], "finished")
    assert here["started"] == "2023-11-14 22:13:21+00:00"
    parent = place.run(made["parent"])
    assert (parent["status"], parent["tags"]["note"]) == ("killed", "# Why\nno reason")
    assert parent["ended"] == "2023-11-14 22:15:00.456000+00:00"
    assert place.run(made["failed"])["status"] == "failed"
    assert place.run(made["running"])["status"] == "running"
    # Again: nothing twice, and the run that went on is brought along.
    place.client("finish", made["running"])
    again = place.ours("run", "import", f"mlflow:{place.uri}", "--experiment", "/Users/ann/délay model")
    assert (len(again["runs"]), again["there"], again["points"]) == (1, 3, 2)
    running = place.run(made["running"])
    assert (running["status"], running["metrics"]["auc"]) == ("finished", [[0, "0.5"], [1, "0.75"]])
    assert place.ours("run", "import", f"mlflow:{place.uri}")["runs"] == []


FILL = """
from nbmlops.tracking import capture
with ml.run("search", tags={"owner": "ann é"}) as search:
    search.note("# Why")
    with ml.run("gbm", params={"depth": 4, "rate": 0.1, "text": "4", "grid": [1, None], "long": "v" * 9_000}) as run:
        capture.log.begin("a", "x = 1", 1)
        capture.log.end(True)
        run.param({"a=b é": "odd", "k" * 300: True})
        run.tag({"long": "t" * 9_000, "odd=tag": "x"})
        run.log({"loss": [step / 3 for step in range(1_500)], "val": {"auc": math.nan}, "up": math.inf})
        run.log({"odd=metric": -math.inf}, step=-7)
        run.artifact(b"raw", "deep/raw.bin")
        run.artifact({"a": 1}, "report")
try:
    with ml.run("gbm") as run:
        1 / 0
except ZeroDivisionError:
    pass
ml.run.start("gbm").finish("killed")
print("null")
"""


def test_runs_of_ours_are_in_mlflow_as_its_own_and_come_back_as_they_were(place: Place, tmp_path: Path) -> None:
    place.python(FILL)
    done = place.ours("run", "export", "--to", f"mlflow:{place.uri}")
    assert (len(done["runs"]), done["points"], done["artifacts"], done["running"]) == (4, 1_503, 2, [])
    assert [said for said in done["changed"] if "a=b" in said] == [
        "the param a=b é of gbm-1 is called a_b é-7a1e8d9e there"
    ]
    assert any("the param long of gbm-1 is cut there" in said for said in done["changed"])
    there = {run["tags"]["mlflow.runName"]: run for run in place.client("tell")}
    statuses = {"search-1": "FINISHED", "gbm-1": "FINISHED", "gbm-2": "FAILED", "gbm-3": "KILLED"}
    assert {name: run["info"]["status"] for name, run in there.items()} == statuses
    run, here = there["gbm-1"], place.run("gbm-1")
    assert (run["experiment"], run["tags"]["mlflow.parentRunId"]) == ("gbm", there["search-1"]["info"]["run_id"])
    assert there["search-1"]["tags"]["mlflow.note.content"] == "# Why"
    assert there["search-1"]["tags"]["owner"] == "ann é"
    plain = {key: run["params"][key] for key in ("depth", "rate", "text", "grid")}
    assert plain == {"depth": "4", "rate": "0.1", "text": "4", "grid": "[1, null]"}
    assert run["params"]["long"] == "v" * 6_000
    assert [(step, value) for step, _, value in run["metrics"]["loss"]] == [
        tuple(point) for point in here["metrics"]["loss"]
    ]
    assert run["last"]["val.auc"] == "nan"
    assert run["last"]["up"] == repr(1.7976931348623157e308)
    assert {name: run["artifacts"][name] for name in here["artifacts"]} == here["artifacts"]
    assert set(run["artifacts"]) - set(here["artifacts"]) == {"nbmlops/run.json"}
    # Again, there is nothing to do; and in another workspace they are what they were.
    assert place.ours("run", "export", "--to", f"mlflow:{place.uri}")["there"] == 4
    other = Place(tmp_path / "other", place.uri)
    came = other.ours("run", "import", f"mlflow:{place.uri}")
    assert (len(came["runs"]), came["points"], came["artifacts"]) == (4, 1_503, 2)
    for name in there:
        assert other.run(name) == place.run(name)
    assert place.ours("run", "import", f"mlflow:{place.uri}")["there"] == 4
    assert other.ours("run", "export", "--to", f"mlflow:{place.uri}")["there"] == 4
