"""The tutorials as they are stored, and what comes of them when the project's own pipeline runs them."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbmlops.demo.project import make_project

STORED = Path(__file__).parents[2] / "notebooks"
STEPS = ["1_ingest", "2_validate", "3_features", "4_train", "5_evaluate"]
NOT_YET_KNOWN = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum", "late", "time_hour"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|tmp|work|mnt|opt|usr|var)/|\b[A-Za-z]:\\")

of_every_notebook = pytest.mark.parametrize("path", sorted(STORED.glob("*.ipynb")), ids=lambda path: path.stem)


def command(workspace: Path, *words: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=workspace, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def nbmlops(workspace: Path, *words: str) -> Any:
    return json.loads(command(workspace, "nbmlops", *words, "--json"))


def papermill(workspace: Path, notebook: str, *words: str) -> nbformat.NotebookNode:
    """The notebook as papermill leaves it, run by our engine."""
    places = (f"notebooks/{notebook}.ipynb", f"{notebook}-out.ipynb")
    command(workspace, "papermill", "--engine", "nbmlops", "--no-progress-bar", *places, *words)
    return nbformat.read(workspace / places[1], as_version=4)


def alone(folder: Path, monkeypatch: pytest.MonkeyPatch, notebook: str) -> None:
    """Put a tutorial that makes its own project into a folder without one; what it makes is in ``temporary``."""
    (folder / "notebooks").mkdir()
    shutil.copy(STORED / f"{notebook}.ipynb", folder / "notebooks")
    (folder / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "temporary"))


def printed(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """All text that the cell `cell_id` put out."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(out.get("text", "") + out.get("data", {}).get("text/plain", "") for out in cell.outputs)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("delays") / "project"
    make_project(folder).close()
    return folder


@pytest.fixture(scope="module")
def winter(project: Path) -> dict[str, Any]:
    """The pipeline's run on January to March."""
    done: dict[str, Any] = nbmlops(project, "pipeline", "run", "delays")
    return done


@pytest.fixture(scope="module")
def april(project: Path, winter: dict[str, Any]) -> dict[str, Any]:
    """Its run on January to April, after that on January to March."""
    done: dict[str, Any] = nbmlops(project, "pipeline", "run", "delays", "-p", "until=4")
    return done


def metrics(run: dict[str, Any], step: str) -> dict[str, float]:
    (found,) = (each for each in run["steps"] if each["name"] == step)
    logged: dict[str, float] = found["metrics"]
    return logged


# --- as stored --------------------------------------------------------------------------------


def test_the_tour_the_five_steps_and_the_stories_are_there() -> None:
    stories = ["checks", "data_versioning", "delivery", "features", "governance", "monitoring", "pipelines", "tracking"]
    assert sorted(path.stem for path in STORED.glob("*.ipynb")) == ["0_tour", *STEPS, *stories]


@of_every_notebook
def test_a_notebook_is_stored_without_outputs_and_counts(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@of_every_notebook
def test_a_notebook_runs_on_any_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    assert not MACHINE_PATH.search(path.read_text())


@of_every_notebook
def test_cells_have_ids_that_read_well_and_one_idea_each(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert len({cell.id for cell in cells}) == len(cells)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id) for cell in cells)
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert max(len(cell.source.splitlines()) for cell in cells) <= 26


@of_every_notebook
def test_one_cell_holds_the_parameters_typed_and_with_literals(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", ()))
    statements = ast.parse(cell.source).body
    assert statements
    for statement in statements:
        assert isinstance(statement, ast.AnnAssign)
        assert isinstance(statement.annotation, ast.Name)
        assert statement.value is not None
        assert type(ast.literal_eval(statement.value)).__name__ == statement.annotation.id


@pytest.mark.parametrize(
    "target",
    [
        "delays",
        "notebooks/0_tour.ipynb",
        "notebooks/checks.ipynb",
        "notebooks/data_versioning.ipynb",
        "notebooks/delivery.ipynb",
        "notebooks/features.ipynb",
        "notebooks/governance.ipynb",
        "notebooks/monitoring.ipynb",
        "notebooks/pipelines.ipynb",
    ],
)
def test_lint_finds_nothing(target: str, project: Path) -> None:
    assert nbmlops(project, "lint", target) == []


def test_lint_finds_the_hidden_name_that_the_lab_notebook_is_about_and_nothing_else(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbmlops", "lint", "notebooks/tracking.ipynb", "--json"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    (found,) = json.loads(done.stdout)
    assert found["rule"] == "hidden-state"
    assert "threshold" in found["message"]


# --- as run -----------------------------------------------------------------------------------


@pytest.mark.notebook
@pytest.mark.slow
def test_the_pipeline_runs_all_five_steps_in_their_order(winter: dict[str, Any]) -> None:
    assert [step["name"] for step in winter["steps"]] == STEPS
    assert {step["status"] for step in winter["steps"]} == {"completed"}


@pytest.mark.notebook
@pytest.mark.slow
def test_the_model_beats_the_pencil_and_is_no_oracle(winter: dict[str, Any]) -> None:
    scores = metrics(winter, "5_evaluate")
    assert scores["pencil_roc_auc"] + 0.03 < scores["roc_auc"] < 0.85  # more would smell of leakage
    assert 0.3 < scores["average_precision"] < 0.7
    assert 0.1 < scores["brier"] < 0.22 * 0.78  # that of the base rate
    assert 0.4 < scores["warned_late"] < 0.9
    validation = metrics(winter, "4_train")
    assert 0.6 < validation["validation_roc_auc"] < 0.85
    assert validation["rows"] == 77_911


@pytest.mark.notebook
@pytest.mark.slow
def test_nothing_that_is_known_only_later_goes_into_the_model(project: Path, winter: dict[str, Any]) -> None:
    signature = nbmlops(project, "model", "show", "delay@v1")["signature"]
    inputs = {column["name"] for column in signature["inputs"]}
    assert {"carrier", "scheduled_minute", "rain_3h"} <= inputs
    assert not inputs & NOT_YET_KNOWN


@pytest.mark.notebook
@pytest.mark.slow
def test_the_checks_pass_and_are_stored(project: Path, winter: dict[str, Any]) -> None:
    reports = nbmlops(project, "check", "list")
    of = {
        (report["suite"].partition("@")[0], report["subject"].partition("@")[0]): report["status"] for report in reports
    }
    assert of == {
        ("flights", "flights"): "passed",
        ("weather", "weather"): "passed",
        ("policy", "flights"): "passed",
        ("drift from dataframe", "dataframe"): "warned",  # the timetable of May is not quite that of winter
        ("leakage", "delays_train"): "passed",
        ("model on delays_holdout", "delay"): "warned",  # a week of storms is where it is weakest
    }
    (judged,) = (report["id"] for report in reports if report["suite"] == "policy")
    assert nbmlops(project, "data", "show", "flights")["judged"] == [judged, "passed"]


@pytest.mark.notebook
@pytest.mark.slow
def test_april_runs_what_depends_on_it_and_is_judged_on_the_same_month(
    project: Path, winter: dict[str, Any], april: dict[str, Any]
) -> None:
    ran = {step["name"]: step["status"] for step in april["steps"]}
    assert ran == dict(zip(STEPS, ["skipped", "skipped", "completed", "completed", "completed"], strict=True))
    versions = nbmlops(project, "data", "history", "delays_holdout")
    assert len(versions) == 1, "the held-out table must not depend on the parameter until"
    assert len(nbmlops(project, "data", "history", "delays_train")) == 2
    assert metrics(april, "4_train")["rows"] == 105_475


@pytest.mark.notebook
@pytest.mark.slow
def test_training_twice_gives_the_same_model(project: Path, april: dict[str, Any]) -> None:
    before = nbmlops(project, "model", "show", "delay@v1")["digest"]
    again = nbmlops(project, "pipeline", "run", "delays", "--no-cache", "-p", "until=3")
    assert {step["status"] for step in again["steps"]} == {"completed"}
    assert nbmlops(project, "model", "show", "delay")["digest"] == before


@pytest.mark.notebook
def test_one_step_runs_under_papermill_and_is_recorded(tmp_path: Path) -> None:
    make_project(tmp_path / "project").close()
    notebook = papermill(tmp_path / "project", "1_ingest", "-p", "month", "2")
    assert "flights@v1" in printed(notebook, "save-flights")
    (run,) = nbmlops(tmp_path / "project", "run", "list")
    assert (run["status"], run["params"]) == ("finished", {"month": 2})
    shown = nbmlops(tmp_path / "project", "run", "show", run["name"])
    assert list(shown["artifacts"]) == ["1_ingest-out.ipynb"]
    assert {cell["status"] for cell in shown["cells"]} == {"completed"}


@pytest.mark.notebook
def test_the_tour_shows_each_thing_once(tmp_path: Path) -> None:
    make_project(tmp_path / "project").close()
    notebook = papermill(tmp_path / "project", "0_tour")
    assert "tour_flights@v1" in printed(notebook, "save-first")
    assert "tour_flights@v2" in printed(notebook, "save-second")
    assert "arr_delay" in printed(notebook, "infer")
    assert "roc_auc" in printed(notebook, "run")
    assert "True" in printed(notebook, "same")
    (tour,) = (run for run in nbmlops(tmp_path / "project", "run", "list") if run["experiment"] == "tour")
    assert 0.55 < tour["metrics"]["roc_auc"] < 0.8


@pytest.mark.notebook
def test_the_life_of_a_table_is_told_with_pictures(tmp_path: Path) -> None:
    make_project(tmp_path / "project").close()
    notebook = papermill(tmp_path / "project", "data_versioning")
    assert "606 removed" in printed(notebook, "diff-rows")
    assert "1,808 cells" in printed(notebook, "diff-cells")
    (blamed,) = nbmlops(tmp_path / "project", "data", "blame", "story_flights@v3", "--column", "dep_delay")
    assert (blamed["version"]["ref"], blamed["cells"]) == ("story_flights@v3", 1_808)
    assert "story_flights@v4" in printed(notebook, "save-fourth")
    assert "0 B new" in printed(notebook, "save-fourth")
    tree = printed(notebook, "lineage")
    assert all(f"story_flights@v{number}" in tree for number in (1, 2, 4))
    assert "story_flights@v3" not in tree, "the mistake did not go into it"
    (drawn,) = (cell.outputs[0]["data"]["text/html"] for cell in notebook.cells if cell.id == "lineage")
    assert "<svg" in drawn


def pictured(notebook: nbformat.NotebookNode, cell_id: str) -> bool:
    """Whether a cell showed a picture, drawn or as pixels."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    shown = [out.get("data", {}) for out in cell.outputs]
    return any("image/png" in data or "<svg" in data.get("text/html", "") for data in shown)


@pytest.mark.notebook
def test_the_lab_notebook_tells_of_runs_with_pictures(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_project(project).close()
    notebook = papermill(project, "tracking")
    assert all(pictured(notebook, cell) for cell in ("compare-curves", "artifacts", "parallel"))
    assert '+inputs = ["hour", "distance", "dep_delay"]' in printed(notebook, "compare")
    assert "run lab_delay-2" in printed(notebook, "best")
    assert "`threshold` comes from no cell that was recorded" in printed(notebook, "show-hidden")
    assert "^\nhint: did you mean metrics.r2?" in printed(notebook, "mistake")
    assert "killed" in printed(notebook, "killed")
    assert [step for step, _ in ast.literal_eval(printed(notebook, "resumed"))] == list(range(6))
    assert "median" in printed(notebook, "load-artifact")
    runs = {run["name"]: run for run in nbmlops(project, "run", "list", "--where", "experiment != 'delays'")}
    ended = {name: run["status"] for name, run in runs.items() if run["kind"] == "run"}
    assert {name for name, status in ended.items() if status != "finished"} == {"lab_delay-3"}
    assert runs["lab_delay-3"]["status"] == "failed"
    assert runs["lab_delay-3"]["metrics"] == {"tried": 1}
    assert runs["tracking-1"]["status"] == "finished", "the notebook is not failed by what it caught"
    assert len(nbmlops(project, "run", "show", "lab_search")["children"]) == 9
    assert runs["lab_delay-2"]["metrics"]["mae"] < 15 < runs["lab_delay-1"]["metrics"]["mae"]


@pytest.mark.notebook
def test_the_story_of_checks_is_told_with_pictures(tmp_path: Path) -> None:
    project = tmp_path / "project"
    make_project(project).close()
    notebook = papermill(project, "checks")
    assert "✗" not in printed(notebook, "first-suite")
    assert "2 of 28,594 values do not match" in printed(notebook, "failing-suite")
    assert "held out, passed 101 of 101" in printed(notebook, "infer")
    assert "101 passed" in printed(notebook, "check-april")
    assert "air_time expr: 7,977 of 27,564 rows untrue" in printed(notebook, "check-broken")
    assert "✗ dep_delay drift: 0.27 standard deviations, up" in printed(notebook, "drift")
    assert "✓ 8 passed" in printed(notebook, "no-drift"), "no false alarm"
    assert all(pictured(notebook, cell) for cell in ("drift", "check-model"))
    assert "roc_auc: 0.6267, bound ≥ 0.75" in printed(notebook, "refused")
    assert nbmlops(project, "model", "show", "check_delay")["aliases"] == []
    (refused, judged) = nbmlops(project, "check", "list", "--subject", "check_delay")
    assert (refused["suite"], refused["status"]) == ("promote production", "failed")
    assert {outcome["check"] for outcome in judged["outcomes"]} >= {"weakest slices", "calibration error"}


@pytest.mark.notebook
def test_the_story_of_pipelines_goes_from_a_mess_to_a_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, "pipelines")
    notebook = papermill(tmp_path, "pipelines", "-p", "months", "2")
    # A narrow listing leaves out the end of the longer words.
    for rule in ("install", "unversioned", "unseeded", "hidden-state"):
        assert rule in printed(notebook, "mess")
    assert "3 findings fixed, 3 left" in printed(notebook, "fix")
    ran = printed(notebook, "run-all")
    assert "6 steps run, 0 skipped" in ran
    assert "1_load[month=2]   completed" in ran
    assert "join-clean   completed" in ran
    assert "0 steps run, 6 skipped" in printed(notebook, "run-again")
    assert "parameter alpha is another: 1.0 → 10.0" in printed(notebook, "explain")
    assert "No such file or directory" in printed(notebook, "break-it")
    assert "(attempt 3 of 3)" in printed(notebook, "break-it")
    assert "finished" in printed(notebook, "resume")
    assert "production: nothing → trips@v1" in printed(notebook, "promote")
    assert "0 steps run, 3 skipped" in printed(notebook, "change"), "production is what was frozen"
    assert "06:00" in printed(notebook, "next-times")
    assert "trips-v1.pipeline.zip" in printed(notebook, "package")
    assert "trips@v1" in printed(notebook, "history")
    (made,) = (tmp_path / "temporary").glob("nbmlops-pipelines-*")
    (promoted,) = nbmlops(made, "pipeline", "history", "trips")
    assert promoted["aliases"] == ["production"]
    assert promoted["message"] == "the first that runs at night"


@pytest.mark.notebook
def test_the_story_of_delivery_moves_callers_to_a_better_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, "delivery")
    notebook = papermill(tmp_path, "delivery", "-p", "asked", "120")
    assert "'noon' is no whole number" in printed(notebook, "refused")
    assert printed(notebook, "ask-in-shadow").strip() == "{'1'}", "a shadow is not heard"
    assert "met a row  120" in printed(notebook, "labels")
    assert "brier" in printed(notebook, "test")
    assert all(version in printed(notebook, "ask-split") for version in ("v1", "v2"))
    assert all(pictured(notebook, cell) for cell in ("picture-move", "picture-latency"))
    assert "the same answer" in printed(notebook, "replay")
    (made,) = (tmp_path / "temporary").glob("nbmlops-delivery-*")
    assert nbmlops(made, "serve") == []
    (back,) = nbmlops(made, "model", "history", "late_flights")[1:]
    assert back["aliases"] == ["production"]


@pytest.mark.notebook
def test_the_story_of_features_refuses_a_leak_and_trains_on_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(tmp_path, monkeypatch, "features")
    notebook = papermill(tmp_path, "features", "-p", "months", "1")
    assert "usual_delay looks into the future" in printed(notebook, "leak")
    assert "training.delay_inputs@v1" in printed(notebook, "training")
    assert "feature carrier_delay@v1" in printed(notebook, "lineage")
    assert printed(notebook, "usage").count("late_flights") == 2
    assert "model late_flights@v1, which is production, uses it" in printed(notebook, "retire")
    assert "nothing is" in printed(notebook, "again")
    assert "expired" in printed(notebook, "online")
    assert "missing" in printed(notebook, "online")
    assert "carrier_d" in printed(notebook, "freshness")
    assert "'online keys of carrier_delay': 1" in printed(notebook, "erase")
    assert "['missing', 'expired']" in printed(notebook, "erased")
    (made,) = (tmp_path / "temporary").glob("nbmlops-features-*")
    assert {row["name"] for row in nbmlops(made, "feature", "list")} == {"carrier_delay", "delay_inputs", "haul"}


@pytest.mark.notebook
def test_the_story_of_governance_tells_who_may_and_who_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, "governance")
    notebook = papermill(tmp_path, "governance", "-p", "months", "1")
    assert "ben may not `data alias`: it needs operate" in printed(notebook, "refused")
    assert "ann is the author of delay@v1 and cannot approve it" in printed(notebook, "own")
    assert "nothing → delay@v1" in printed(notebook, "approve")
    assert "cannot be deleted: hold 1 of ann" in printed(notebook, "held")
    assert "chain unbroken" in printed(notebook, "verify")
    assert printed(notebook, "nothing") == "0"
    assert "owner=the delays team" in printed(notebook, "catalog")
    assert "since it learnt from flights@v1" in printed(notebook, "dossier")
    (made,) = (tmp_path / "temporary").glob("nbmlops-governance-*")
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    said = [event["action"] for event in nbmlops(made, "store", "audit")]
    assert said[:2] == ["data.erase", "store.release"]
    assert "access.refused" in said


@pytest.mark.notebook
def test_the_story_of_monitoring_says_when_the_model_got_worse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(tmp_path, monkeypatch, "monitoring")
    notebook = papermill(tmp_path, "monitoring")
    looks = {line.split()[0]: line.split()[1:] for line in printed(notebook, "table").splitlines()[1:]}
    assert looks["moved"] == ["failed"] * 5, "no month was like the winter"
    assert looks["good"][3] == "failed", "July"
    assert looks["sound"] == ["passed"] * 5
    assert all(pictured(notebook, cell) for cell in ("picture-decay", "drift", "picture-drift", "story"))
    assert "August, without its labels: 0.6" in printed(notebook, "estimate")
    assert "2013-08-01" in printed(notebook, "story")


@pytest.mark.notebook
def test_the_tour_makes_a_workspace_of_its_own_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(tmp_path, monkeypatch, "0_tour")
    papermill(tmp_path, "0_tour")
    assert not (tmp_path / "notebooks" / ".nbmlops").exists()
    (made,) = (tmp_path / "temporary").glob("nbmlops-tour-*")
    assert nbmlops(made, "model", "show", "tour_delay@production")["number"] == 1
