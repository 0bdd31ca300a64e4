"""What the verbs really keep is what the score reads: a model that people look after by hand and by its gate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.monitoring.score.records import ScoreSheet
from nbmlops.workspace import layout
from tests.monitoring.conftest import Later, Traffic

SETTINGS = """\
[tool.nbmlops.policy.denied]
delay = ["tailnum"]

[tool.nbmlops.gates.delay]
holdout = "held_out"
target = "late"
metric = "roc_auc"
floor = 0.6
checks = ["baseline", "training", "staleness"]
slices = ["part"]
sensitive = "part"
fairness = 0.5
suites = ["held_out.suite"]
"""
EARNED = {
    **dict.fromkeys(
        ("Data 1", "Model 4", "Model 5", "Model 6", "Model 7", "Infrastructure 2", "Infrastructure 4"), 1.0
    ),
    **dict.fromkeys(("Data 2", "Data 3", "Data 4", "Data 5", "Data 6"), 0.5),
    **dict.fromkeys(("Infrastructure 1", "Infrastructure 3", "Data 7", "Model 1", "Model 2", "Model 3"), 0.0),
    **dict.fromkeys(("Infrastructure 5", "Infrastructure 6", "Infrastructure 7"), 0.5),
    **dict.fromkeys(("Monitoring 2", "Monitoring 4", "Monitoring 5", "Monitoring 6", "Monitoring 7"), 0.5),
}


def table(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.random(rows) * 0.6 + 0.2
    return pd.DataFrame(
        {"x": x, "part": random.choice(["a", "b"], rows), "late": (random.random(rows) < x).astype(int)}
    )


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScoreSheet]:
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text(SETTINGS)
    (root / "held_out.suite").write_text("x: number, between(0, 1), no nulls\n")
    Workspace.init(root).close()
    marker, clock = layout.locate(root), Later()
    with Workspace(marker, layout.settings_of(root), clock) as workspace, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(root)
        yield looked_after(workspace, clock, root)


def looked_after(workspace: Workspace, clock: Later, root: Path) -> ScoreSheet:
    workspace.data.save(table(600, 2), "held_out")
    traffic = Traffic(workspace)
    workspace.data.save(table(800, 1), "seen")
    for rows in (600, 800):
        seen = workspace.data.load("seen").head(rows)
        workspace.model.save(LogisticRegression().fit(seen[["x"]], seen["late"]), "delay", example=seen[["x"]])
    workspace.deployment.shadow("delay", "v1")
    clock.at += timedelta(hours=2)
    traffic.send(1)
    for ref in ("delay@v2", "delay@v1"):
        assert workspace.model.promote(ref).moved
    judged_by_hand(workspace)
    for _ in range(3):
        clock.at += timedelta(hours=1)
        traffic.send(0, 120)
    traffic.label()
    workspace.deployment.replay("r3")
    clock.at += timedelta(minutes=30)
    for kind in ("invariants", "staleness", "stability", "performance", "quality"):
        reference = {"reference": str(root / "held_out.suite")} if kind == "invariants" else {}
        workspace.monitor.add(kind, "delay", kind, window="3h", **reference)
    workspace.monitor.run()
    return workspace.score("delay")


def judged_by_hand(workspace: Workspace) -> None:
    held_out = workspace.data.load("held_out")
    workspace.check.importance("delay@v1", "held_out", "late", costs={"x": lambda rows: rows["x"] * 2})
    workspace.check.policy("delay@v1", kind="model")
    workspace.check.policy("seen")
    workspace.model.drill("delay", on=held_out)


@pytest.mark.parametrize(("name", "points"), EARNED.items())
def test_what_verbs_keep_earns_its_points(sheet: ScoreSheet, name: str, points: float) -> None:
    test = sheet.test(name)
    assert (test.points, test.why) == (points, test.why if points < 1 else "")


def test_what_counts_is_about_the_version_that_is_served(sheet: ScoreSheet) -> None:
    assert (sheet.ref, sheet.is_served) == ("delay@v1", True)
    counting = {one.ref for test in sheet.tests for one in test.evidence if one.counts}
    # The feature that it takes came to production with the other version.
    assert counting == {"delay@v1", "delay", "seen@v1", "delay@v2"}
    assert [test.id for test in sheet.tests if any(one.ref == "delay@v2" and one.counts for one in test.evidence)] == [
        "Data 6"
    ]


def test_levels_name_what_is_missing(sheet: ScoreSheet) -> None:
    microsoft, google = sheet.maturity
    assert [microsoft.level.number, google.level.number] == [0, 0]
    assert "version control" in microsoft.missing[0].what
    assert any("pipeline" in one.what for one in google.missing)
