"""Labels come from data, files and tables, and each arrival is told in numbers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.serving.capture.labels import LabelIntake
from tests.monitoring.conftest import Traffic

KNOWN = {"_id": ["r0", "r1", "r2", "nobody"], "late": [0, 1, 1, 0]}


def given(kind: str, workspace: Workspace, folder: Path) -> Any:
    match kind:
        case "version":
            return workspace.data.save(pd.DataFrame(KNOWN), "outcomes").ref
        case "csv":
            pd.DataFrame(KNOWN).to_csv(folder / "o.csv", index=False)
            return folder / "o.csv"
        case "parquet":
            pd.DataFrame(KNOWN).to_parquet(folder / "o.parquet")
            return str(folder / "o.parquet")
        case "polars":
            return pl.DataFrame(KNOWN)
        case _:
            return pd.DataFrame(KNOWN)


@pytest.mark.parametrize("kind", ["version", "csv", "parquet", "pandas", "polars"])
def test_labels_come_from_data_files_and_tables(
    workspace: Workspace, traffic: Traffic, tmp_path: Path, kind: str
) -> None:
    traffic.send(1, 5)
    intake = workspace.monitor.labels("delay", given(kind, workspace, tmp_path))
    assert (intake.rows, intake.new, intake.matched, intake.unknown) == (4, 4, 3, 1)
    found = workspace.deployment.captured.labelled("delay").collect().sort("_id")
    assert dict(zip(found["_id"], found["label"], strict=True)) == {"r0": 0, "r1": 1, "r2": 1}


def test_what_is_known_in_conflict_or_late_is_told(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(60, 2)
    traffic.send(1, 2)
    workspace.monitor.add("good", "delay", "quality", window="2d")
    first = workspace.monitor.labels("delay", pd.DataFrame({"_id": ["r0", "r3"], "late": [1, 1]}))
    assert (first.new, first.late) == (2, 1)
    again = pd.DataFrame({"_id": ["r0", "r3", "r3"], "late": [1, 0, 0]})
    assert workspace.monitor.labels("delay", again) == LabelIntake(
        "delay", "_id", 3, new=0, same=1, conflicting=1, twice=1, matched=2, unknown=0, late=1, examples=("r3",)
    )


def test_labels_meet_rows_by_an_input_and_the_time_that_is_said(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(1, 2, inputs={"x": [0.25]})
    at = workspace.clock.now() - timedelta(days=1)
    table = pd.DataFrame({"x": [0.25], "seen": [at], "note": ["-"], "late": [1]})
    intake = workspace.monitor.labels("delay", table, key="x", label="late", at="seen")
    assert (intake.key, intake.matched) == ("x", 1)
    assert workspace.deployment.captured.labels("delay").collect()["at"].to_list() == [at]


def test_a_number_is_the_same_with_and_without_a_fraction(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(1, 1, inputs={"x": [0.5], "flight": [17]})
    assert workspace.monitor.labels("delay", pd.DataFrame({"flight": [17.0], "late": [1]}), key="flight").matched == 1
    assert workspace.monitor.labels("delay", pd.DataFrame({"flight": [17.5], "late": [1]}), key="flight").matched == 0


@pytest.mark.parametrize(
    ("name", "labels", "error", "words"),
    [
        ("dely", pd.DataFrame(KNOWN), NotFoundError, "dely"),
        ("delay", "nothing", NotFoundError, "nothing"),
        ("delay", "nothing.csv", NotFoundError, "no file"),
        ("delay", [1, 2], InvalidError, "a list holds no labels"),
        ("delay", pd.DataFrame({"a": [1], "b": [2]}), InvalidError, "no column _id|not said which column"),
    ],
)
def test_what_holds_no_labels_is_refused(
    workspace: Workspace, name: str, labels: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        workspace.monitor.labels(name, labels)


def test_the_shell_takes_a_file(
    workspace: Workspace, traffic: Traffic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic.send(1, 5)
    monkeypatch.chdir(workspace.marker.root)
    pd.DataFrame(KNOWN).to_csv("o.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        main(["monitor", "labels", "delay", "o.csv", "--key", "_id", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["matched"] == 3
