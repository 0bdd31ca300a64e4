"""Packages, upstream columns and their source are compared with those of the version that is served."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.checks.records import Outcome
from nbmlops.tracking import environment


@pytest.fixture
def trained(workspace: Workspace) -> Workspace:
    """A version whose run read data and recorded its environment."""
    with workspace.run.start("fit"):
        data = workspace.data.load("seen")
        workspace.model.save(LogisticRegression(C=2).fit(data, data["x"] > 0.5), "delay", example=data)
    workspace.model.promote("delay", to="production")
    workspace.monitor.add("deps", "delay", "dependencies")
    return workspace


def looked(workspace: Workspace) -> dict[tuple[str, str | None], Outcome]:
    (report,) = workspace.monitor.run("deps")
    return {(one.check, one.column): one for one in report.outcomes}


def test_the_environment_and_the_data_of_the_training_pass(trained: Workspace) -> None:
    found = looked(trained)
    assert {one.status for one in found.values()} == {"passed"}
    assert {("other packages", None), ("upstream columns", None), ("source", None)} <= set(found)
    assert found["package", "scikit-learn"].bound == "as when it was trained"


def test_another_version_of_a_package_is_told_of_with_both(trained: Workspace, monkeypatch: Any) -> None:
    here = environment.installed()
    changed = {**here["distributions"], "scikit-learn": "9.9.9", "click": "0.1"}
    changed.pop("numpy")
    monkeypatch.setattr(environment, "installed", lambda: {**here, "distributions": changed})
    found = looked(trained)
    assert found["package", "scikit-learn"].status == "failed"
    assert found["package", "scikit-learn"].figure.endswith("→ 9.9.9")
    assert found["package", "numpy"].figure.endswith("→ not there")
    assert found["other packages", None].status == "warned"
    assert "click" in found["other packages", None].detail


def test_columns_upstream_that_are_gone_or_of_another_type_fail_and_new_ones_warn(trained: Workspace) -> None:
    x = np.random.default_rng(1).random(10)
    trained.data.save(pd.DataFrame({"x": x.astype("float32"), "y": x}), "seen")
    found = looked(trained)
    assert found["upstream column", "x"].figure == "double → float"
    assert found["upstream column", "y"].status == "warned"
    trained.data.save(pd.DataFrame({"y": x}), "seen")
    assert looked(trained)["upstream column", "x"].figure == "double → missing"


def test_another_source_of_the_data_is_told_of(trained: Workspace, monkeypatch: Any) -> None:
    from dataclasses import replace

    moved = [replace(one, source="https://example.org/new.csv") for one in trained.data.history("seen")]
    monkeypatch.setattr(trained.data, "history", lambda name, limit: moved[:limit])
    outcome = looked(trained)["source", None]
    assert (outcome.status, outcome.figure) == ("failed", "no address → https://example.org/new.csv")


def test_of_a_version_without_a_run_is_said_what_is_not_known(workspace: Workspace) -> None:
    workspace.monitor.add("deps", "delay", "dependencies")
    found = looked(workspace)
    assert {found["other packages", None].figure, found["upstream", None].figure} == {"not known"}
    assert not [one for one in found.values() if one.status in {"failed", "errored"}]
