"""Probabilities that no longer come true as often as they say are told, with their parts; chance alone is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from nbmlops import Workspace
from nbmlops.checks.evidence import CurvesEvidence
from nbmlops.checks.records import Report
from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.kinds.calibration import calibration_error, is_off
from tests.monitoring.conftest import Traffic


def drawn(seed: int, rows: int, off: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Truths and probabilities; the truth is drawn from ones that are so much nearer to a half."""
    random = np.random.default_rng([5, seed])
    said = random.random(rows)
    real = np.clip(said - np.sign(said - 0.5) * off, 0, 1)
    return (random.random(rows) < real).astype(float), said


@pytest.mark.parametrize("rows", [100, 1_000])
def test_calm_windows_are_called_no_more_often_than_chance_allows(rows: int) -> None:
    windows = 200
    called = sum(is_off(*drawn(seed, rows, off=0.04)) for seed in range(windows))
    assert called <= binom.ppf(0.999, windows, 0.01)


def test_what_is_right_has_an_error_of_nothing_on_average_and_what_is_not_its_own() -> None:
    right = [calibration_error(*drawn(seed, 300)).value for seed in range(400)]
    assert abs(np.mean(right)) < 4 * np.std(right) / 20
    wrong = [calibration_error(*drawn(seed, 5_000, off=0.1)).value for seed in range(20)]
    # At the ends, where nothing is nearer to a half than a half, and in the bins about it, less.
    assert np.mean(wrong) == pytest.approx(0.1, abs=0.015)
    assert all(is_off(*drawn(seed, 5_000, off=0.1)) for seed in range(20))


def test_rows_without_a_surprise_are_not_taken_for_certain() -> None:
    said = np.where(np.arange(100) % 2 == 0, 0.02, 0.98)
    true = said.round()
    true[0] = 1
    assert not is_off(true, said, bound=0.0)


def looked(workspace: Workspace, **asked: object) -> Report:
    workspace.monitor.add("honest", "delay", "calibration", **asked)
    (report,) = workspace.monitor.run("honest")
    return report


def test_labels_tell_that_probabilities_moved_and_the_picture_shows_from_where(
    workspace: Workspace, traffic: Traffic
) -> None:
    traffic.send(30, 400)
    traffic.label()
    traffic.send(2, 400)
    traffic.label(hours=3)
    passed = looked(workspace)
    assert passed.passed
    traffic.send(2, 1_600)
    traffic.label(hours=3, wrong=1.0)
    (report,) = workspace.monitor.run("honest")
    (outcome,) = report.failures
    assert (outcome.check, outcome.column, outcome.band) == ("calibration error", None, (None, 0.05))
    assert "of 2,000 labels" in outcome.detail
    (picture,) = outcome.evidence
    assert isinstance(picture, CurvesEvidence)
    assert [name for name, _ in picture.curves] == ["window", "before", "perfect"]
    assert [one.cause for one in workspace.monitor.alerts()] == ["answers"]
    (line,) = workspace.monitor.show("honest").lines
    assert (len(line.points), line.high) == (2, 0.05)


def answered(workspace: Workspace, traffic: Traffic, group: str, said: float, true: float) -> None:
    first, rows = traffic.number, 400
    outputs = {"predict": [int(said >= 0.5)], "proba:0": [1 - said], "proba:1": [said]}
    traffic.each(2, [{"inputs": {"x": [0.8], "group": [group]}, "outputs": outputs}] * rows)
    late = (np.arange(rows) < true * rows).astype(int)
    workspace.monitor.labels("delay", pd.DataFrame({"_id": [f"r{first + row}" for row in range(rows)], "late": late}))


def test_parts_that_are_off_in_opposite_directions_are_told_though_the_whole_is_well(
    workspace: Workspace, traffic: Traffic
) -> None:
    for group, true in {"a": 0.45, "b": 0.75, "c": 0.6}.items():
        answered(workspace, traffic, group, 0.6, true)
    report = looked(workspace, column="group")
    assert {one.column for one in report.failures} == {"group = a", "group = b"}
    told = {one.column: one.detail for one in report.outcomes}
    assert told["group = a"].startswith("60.0% said, 45.0% came true")


def test_of_more_classes_the_most_probable_one_is_judged(workspace: Workspace, traffic: Traffic) -> None:
    outputs = {"predict": ["b"], "proba:a": [0.2], "proba:b": [0.7], "proba:c": [0.1]}
    first, rows = traffic.number, 300
    traffic.each(2, [{"inputs": {"x": [0.8]}, "outputs": outputs}] * rows)
    ids = [f"r{first + row}" for row in range(rows)]
    labels = np.where(np.arange(rows) < 210, "b", "a")
    workspace.monitor.labels("delay", pd.DataFrame({"_id": ids, "late": labels}))
    (outcome,) = looked(workspace).outcomes
    assert (outcome.status, outcome.detail) == ("passed", "70.0% said, 70.0% came true, of 300 labels")


def test_rows_without_probabilities_are_left_out_and_models_without_any_refused(
    workspace: Workspace, traffic: Traffic
) -> None:
    traffic.send(2, 300)
    traffic.send(2, 20, outputs={"predict": [1]})
    traffic.label(hours=3)
    workspace.monitor.labels("delay", pd.DataFrame({"_id": [f"r{row}" for row in range(300, 320)], "late": 1}))
    (outcome,) = looked(workspace).outcomes
    assert outcome.detail.endswith("of 300 labels, 20 without a probability left out")


def test_a_model_that_gives_no_probabilities_is_said(workspace: Workspace, traffic: Traffic) -> None:
    traffic.each(2, [{"inputs": {"x": [0.8]}, "outputs": {"predict": [1]}}] * 150)
    workspace.monitor.labels("delay", pd.DataFrame({"_id": [f"r{row}" for row in range(150)], "late": 1}))
    (outcome,) = looked(workspace).outcomes
    assert (outcome.status, outcome.check) == ("errored", "calibration")
    assert outcome.detail.startswith("no probabilities were captured")


@pytest.mark.parametrize("asked", [{"bound": 1.5}, {"metric": "accuracy"}, {"code": "own.py:make"}])
def test_rules_that_it_has_not_are_refused(workspace: Workspace, asked: dict[str, object]) -> None:
    with pytest.raises(InvalidError, match="calibration"):
        looked(workspace, **asked)
