"""Estimates hold where they should, and say so where nothing can be estimated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.estimation.calibrating import calibrated
from nbmlops.monitoring.estimation.confidence import ConfidenceEstimator
from nbmlops.monitoring.estimation.direct_loss import LossEstimator


def drawn(rows: int, seed: int, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that mean what they say; in steps, many rows have the same one."""
    rng = np.random.default_rng(seed)
    said = rng.beta(1, 2, rows)
    if steps:
        said = np.round(said * steps) / steps
    return (rng.random(rows) < said).astype(int), said


def frame(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"x": rng.random(rows), "carrier": rng.choice(["UA", "AA", None], rows)})
    answers = inputs["x"].to_numpy() * 2
    wide = np.where(inputs["carrier"] == "UA", 3.0, 0.5)
    return inputs, answers + wide * rng.standard_normal(rows), answers


@pytest.mark.parametrize("metric", ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc"])
def test_of_200_windows_the_realised_metric_is_within_the_interval_in_all_but_a_few(metric: str) -> None:
    from sklearn import metrics

    estimator = ConfidenceEstimator.fit(*drawn(20_000, 0))
    score = {"specificity": lambda t, a: metrics.recall_score(t, a, pos_label=0)}.get(
        metric, None if metric == "roc_auc" else getattr(metrics, f"{metric}_score", None)
    )
    outside = 0
    for seed in range(1, 201):
        true, said = drawn(500, seed)
        found = estimator.estimate(said, metrics=[metric])[metric]
        real = roc_auc_score(true, said) if score is None else score(true, (said >= 0.5).astype(int))
        outside += not found.low <= real <= found.high
    assert outside <= 4


def test_rows_of_the_same_score_move_along_the_curve_together() -> None:
    estimator = ConfidenceEstimator.fit(*drawn(20_000, 0, steps=4))
    true, said = drawn(20_000, 1, steps=4)
    assert estimator.estimate(said)["roc_auc"].value == pytest.approx(roc_auc_score(true, said), abs=0.01)


def test_the_order_of_the_rows_makes_no_difference() -> None:
    estimator = ConfidenceEstimator.fit(*drawn(2_000, 0))
    _, said = drawn(500, 1, steps=10)
    assert estimator.estimate(said)["roc_auc"] == estimator.estimate(np.sort(said))["roc_auc"]


def test_probabilities_are_left_as_they_are_where_the_labels_are_of_one_class() -> None:
    said = np.linspace(0.1, 0.4, 100)
    made = calibrated(np.zeros(100), said)
    assert made.isotonic is None
    assert made(said) is said


def test_the_precision_of_no_yes_is_no_number() -> None:
    estimator = ConfidenceEstimator.fit(*drawn(2_000, 0))
    assert np.isnan(estimator.estimate(np.full(50, 0.2))["precision"].value)


@pytest.mark.parametrize(
    ("true", "said", "words"),
    [
        ([0, 1], [0.1, 0.2, 0.3], "2 labels for 3 probabilities"),
        ([0, 1] * 5, [0.5] * 10, "10 rows with labels are too few"),
        ([0, 2] * 50, [0.5] * 100, "neither 0 nor 1, but 2"),
        (["a", "b"] * 50, [0.5] * 100, "neither 0 nor 1"),
        ([0, 1] * 50, [0.5] * 99 + [1.5], "1.5 in row 99 is no probability"),
        ([0, 1] * 50, [np.nan] + [0.5] * 99, "nan in row 0 is no probability"),
    ],
)
def test_a_reference_that_cannot_be_is_refused(true: list[object], said: list[float], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        ConfidenceEstimator.fit(true, said)


def test_nothing_is_estimated_of_no_rows_nor_by_a_metric_that_is_unknown() -> None:
    estimator = ConfidenceEstimator.fit(*drawn(2_000, 0))
    with pytest.raises(InvalidError, match="no rows"):
        estimator.estimate([])
    with pytest.raises(InvalidError, match="metric cannot be 'acuracy'"):
        estimator.estimate([0.5], metrics=["acuracy"])


def test_the_loss_is_learnt_of_texts_too_and_of_levels_that_are_new() -> None:
    estimator = LossEstimator.fit(*frame(5_000, 0), metrics=["mae"])
    inputs, true, answers = frame(1_000, 1)
    united = inputs["carrier"] == "UA"
    found = estimator.estimate(inputs[united], answers[united], ["mae"])["mae"]
    assert found.value == pytest.approx(np.abs(true - answers)[united].mean(), abs=0.3)
    new = inputs.assign(carrier="ZZ")
    assert estimator.estimate(new, answers, ["mae"])["mae"].value < found.value


def test_the_reference_of_the_loss_is_that_of_its_labels() -> None:
    inputs, true, answers = frame(5_000, 0)
    estimator = LossEstimator.fit(inputs, true, answers)
    assert estimator.reference("rmse").value == pytest.approx(np.sqrt(((true - answers) ** 2).mean()))


def test_what_the_loss_cannot_be_learnt_or_told_from_is_refused() -> None:
    inputs, true, answers = frame(100, 0)
    with pytest.raises(InvalidError, match="99 labels"):
        LossEstimator.fit(inputs, true[:99], answers)
    with pytest.raises(InvalidError, match="too few"):
        LossEstimator.fit(inputs[:20], true[:20], answers[:20])
    with pytest.raises(InvalidError, match="no finite number"):
        LossEstimator.fit(inputs, np.where(true > 0, np.nan, true), answers)
    estimator = LossEstimator.fit(inputs, true, answers, metrics=["mae"])
    with pytest.raises(InvalidError, match="'carrier' is missing"):
        estimator.estimate(inputs[["x"]], answers, ["mae"])
    with pytest.raises(InvalidError, match="metric cannot be 'mse'"):
        estimator.estimate(inputs, answers, ["mse"])
