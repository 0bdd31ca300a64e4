"""A model of which everything is known that a dossier asks, made by the verbs themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.serving.endpoint.endpoints import Endpoints
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.workspace import layout
from tests.monitoring.conftest import Later, Traffic

__all__ = ["SETTINGS", "known", "table"]

SETTINGS = """\
[tool.nbmlops]
alerts = ["secret:ADDRESS"]

[tool.nbmlops.policy]
personal = "warn"

[tool.nbmlops.retention.all_data]
keep = "365d"

[tool.nbmlops.retention.models]
kind = "model"
last = 5

[tool.nbmlops.gates.delay]
holdout = "held_out"
target = "late"
metric = "roc_auc"
floor = 0.6
"""
POLICY = """\
[roles]
ann = "admin"
dora = ["engineer", "approver"]
ben = "scientist"
eve = "viewer"

[rules]
"model/delay@production" = { approvers = 1 }
"""
SAID = {
    "description": "late or not",
    "intended_use": "planning gates",
    "limits": "winter only",
    "owner": "the delays team",
    "licence": "internal",
}
_GIT = ("git", "-c", "user.name=ann", "-c", "user.email=ann@localhost")


def table(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.random(rows) * 0.6 + 0.2
    part, late = random.choice(["a", "b"], rows), (random.random(rows) < x).astype(int)
    return pd.DataFrame({"x": x, "part": part, "plane": np.arange(rows) % 7, "late": late})


@contextmanager
def known(root: Path) -> Iterator[Workspace]:
    """The workspace, open; an endpoint is announced as long as it is."""
    (root / "pyproject.toml").write_text(SETTINGS.replace('alerts = ["secret:ADDRESS"]', ""))
    (root / "nbmlops-policy.toml").write_text(POLICY)
    for words in (("init", "-q"), ("add", "pyproject.toml"), ("commit", "-qm", "begin")):
        subprocess.run([*_GIT, *words], cwd=root, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("NBMLOPS_USER", "ann")
        Workspace.init(root).close()
        marker, clock = layout.locate(root), Later()
        with Workspace(marker, layout.settings_of(root), clock) as workspace:
            _learnt(workspace, root, clock)
            _promoted(workspace, clock, patch)
            _judged(workspace)
            _watched(workspace, clock)
            (root / "pyproject.toml").write_text(SETTINGS)
            endpoints = Endpoints(marker.root, marker.state)
            with endpoints.announced(Endpoint("delay@production", "http://127.0.0.1:8000", 7, 2, None)):
                yield workspace


def _learnt(workspace: Workspace, root: Path, clock: Later) -> None:
    """Two versions, each in a run, of data whose rows were erased in part before."""
    with workspace.run("ingest"):
        workspace.data.save(table(800, 1), "seen", message="<b>winter</b>", tags={"licence": "CC0-1.0"})
    workspace.data.tag("seen", {"features": "speed@v1:x", "service": "inputs"})
    (root / "where.txt").write_text("plane = 3")
    workspace.data.erase("seen", where_file=root / "where.txt", yes=True)
    clock.at += timedelta(hours=1)
    for turn in (0.1, 1.0):
        again = {"reproduced": "same", "reproduced.at": "2026-11-01T09:00:00+00:00"}
        with workspace.run("train", params={"C": turn}, tags=again) as run:
            rows = workspace.data.load("seen")
            model = LogisticRegression(C=turn).fit(rows[["x"]], rows["late"])
            workspace.model.save(model, "delay", example=rows[["x"]])
            run.log(auc=0.7 + turn / 100)
        clock.at += timedelta(minutes=1)
    workspace.data.save(table(600, 2), "held_out")
    workspace.model.describe("delay", **SAID)


def _promoted(workspace: Workspace, clock: Later, patch: pytest.MonkeyPatch) -> None:
    """Asked for by one and approved by another, twice; then a move that only broken glass allowed."""
    workspace.store.policy("nbmlops-policy.toml")
    for ref in ("delay@v2", "delay@v1"):
        workspace.model.promote(ref, message="better than the pencil")
        patch.setenv("NBMLOPS_USER", "dora")
        clock.at += timedelta(minutes=1)
        workspace.model.approve("delay", message="looked at the card")
        patch.setenv("NBMLOPS_USER", "ann")
    patch.setenv("NBMLOPS_USER", "ben")
    workspace.store.break_glass("nobody is here")
    workspace.model.promote("delay@v2", to="challenger")
    patch.setenv("NBMLOPS_USER", "ann")
    clock.at += timedelta(minutes=1)


def _judged(workspace: Workspace) -> None:
    workspace.check.policy("seen")
    asked = {"target": "late", "slices": "part", "sensitive": "part"}
    workspace.check.model("delay@v1", "held_out", **asked)
    workspace.model.drill("delay", on=workspace.data.load("held_out"))
    workspace.store.hold("seen", reason="case 12")
    workspace.score("delay")


def _watched(workspace: Workspace, clock: Later) -> None:
    """A monitor that failed and was well again, silenced in between, and a schedule that runs it."""
    workspace.monitor.add("moved", "delay", "drift", reference="seen", owner="dora")
    workspace.schedule.add("all", action="monitor", every="1h", name="monitors")
    traffic = Traffic(workspace)
    for hours, shift in ((1, 0.15), (1, 0.0)):
        clock.at += timedelta(days=2)
        traffic.send(hours, shift=shift)
        workspace.monitor.run("moved")
        workspace.monitor.silence("moved", "1h")
    clock.at += timedelta(hours=3)
