"""Packages, upstream columns and their source are compared with those of the version that is served."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.checks.records import Outcome
from nbmlops.serving.capture.environments import EnvironmentNote
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


def noted(workspace: Workspace, worker: str, *, python: str | None = None, **packages: str) -> EnvironmentNote:
    """A worker that runs on the packages of here, but for some."""
    here = environment.installed()
    distributions = {**here["distributions"], **{name.replace("_", "-"): version for name, version in packages.items()}}
    note = EnvironmentNote(workspace.deployment.captured.place("delay"), worker)
    note.write(workspace.clock.now(), [2], {"python": python or here["python"], "distributions": distributions})
    return note


def test_the_packages_of_the_endpoint_count_and_not_those_of_the_monitor(trained: Workspace, monkeypatch: Any) -> None:
    here = environment.installed()
    with closing(noted(trained, "host-1")):
        monkeypatch.setattr(environment, "installed", lambda: {**here, "distributions": {}})
        assert {one.status for one in looked(trained).values()} == {"passed"}
    monkeypatch.undo()
    with closing(noted(trained, "host-1", scikit_learn="9.9.9", click="0.1", python="3.99")):
        found = looked(trained)
    assert found["package", "scikit-learn"].figure.endswith("→ 9.9.9")
    assert found["package", "python"].figure.endswith("→ 3.99")
    assert "→ 0.1" in found["other packages", None].detail
    assert found["surroundings", None].figure == "1 worker, all alike"


def test_workers_that_differ_are_told_by_name(trained: Workspace) -> None:
    with closing(noted(trained, "host-1")), closing(noted(trained, "host-2", scikit_learn="9.9.9")):
        found = looked(trained)
    assert found["package", "scikit-learn"].figure.endswith("→ 9.9.9 (host-2)")
    outcome = found["surroundings", None]
    assert (outcome.status, outcome.figure) == ("warned", "2 workers, 2 kinds")
    assert outcome.detail == "host-1 and host-2"


def test_an_endpoint_that_ended_is_told_by_what_it_noted_last(trained: Workspace) -> None:
    noted(trained, "host-1", scikit_learn="9.9.9").close()
    found = looked(trained)
    assert found["package", "scikit-learn"].status == "failed"
    assert found["surroundings", None].detail.startswith("none answers; as host-1 noted")


def test_a_worker_that_has_not_the_version_in_memory_is_told(trained: Workspace) -> None:
    data = trained.data.load("seen")
    trained.model.save(LogisticRegression(C=3).fit(data, data["x"] > 0.5), "delay", example=data)
    trained.model.promote("delay@v3", to="production")
    with closing(noted(trained, "host-1")):
        outcome = looked(trained)["surroundings", None]
    assert (outcome.status, outcome.detail) == ("warned", "v3 is not in the memory of host-1")
