"""Figures of models equal scikit-learn's, and the paired interval covers as it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from nbmlops.checks.models import METRICS, answers, compare, figure, not_worse, reaches, truth
from nbmlops.core.errors import InvalidError

ORACLES: dict[str, Any] = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "brier": metrics.brier_score_loss,
    "r2": metrics.r2_score,
    "rmse": metrics.root_mean_squared_error,
    "mae": metrics.mean_absolute_error,
}


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=60).filter(
        lambda rows: len({known for known, _ in rows}) == 2
    ),
    name=st.sampled_from(sorted(ORACLES)),
)
def test_figures_equal_those_of_scikit_learn_ties_and_all(rows: list[tuple[bool, int]], name: str) -> None:
    known = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows]) / 10
    if METRICS[name].needs == "values":
        known = known + scores**2
        known[0] += 0.5
    assert figure(METRICS[name], known, scores) == pytest.approx(ORACLES[name](known, scores), rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=40),
    name=st.sampled_from(["roc_auc", "average_precision", "brier", "rmse", "mae"]),
)
def test_a_weight_is_a_row_that_many_times(rows: list[tuple[bool, int, int]], name: str) -> None:
    known, scores, times = (np.array(column) for column in zip(*rows, strict=True))
    many = np.repeat(np.arange(len(rows)), times)
    if len(set(known[many])) < 2:
        return
    metric = METRICS[name]
    weighted = metric.prepare(known, scores / 10)(times[None, :].astype(float))[0]
    assert weighted == pytest.approx(figure(metric, known[many], scores[many] / 10))


def rows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    signal = generator.normal(size=count)
    known = signal + generator.normal(size=count) > 0
    return known, signal + generator.normal(size=count), signal + generator.normal(size=count)


def test_a_model_against_itself_gains_nothing() -> None:
    known, scores, _ = rows(500)
    found = compare(METRICS["roc_auc"], known, scores, scores)
    assert (found.gain, found.low, found.high, found.rows) == (0, 0, 0, 500)


def test_a_gain_of_a_loss_is_positive_when_the_loss_is_lower() -> None:
    known, _, _ = rows(400)
    better, worse = np.where(known, 0.9, 0.1), np.where(known, 0.6, 0.4)
    found = compare(METRICS["brier"], known, better, worse)
    assert found.gain == pytest.approx(0.15)
    assert found.low > 0


def test_the_interval_is_the_same_every_time() -> None:
    known, first, second = rows(800)
    metric = METRICS["average_precision"]
    assert compare(metric, known, first, second) == compare(metric, known, first, second)


def test_the_interval_covers_no_difference_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(120):
        known, first, second = rows(300, seed)
        found = compare(METRICS["roc_auc"], known, first, second)
        covered += found.low <= 0 <= found.high
    print(f"95% interval covered the truth in {covered} of 120 simulations")
    assert 107 <= covered <= 119


def test_a_sample_of_the_rows_gives_about_the_same_interval() -> None:
    known, first, second = rows(20_000)
    whole = compare(METRICS["roc_auc"], known, first, second, rows=20_000)
    part = compare(METRICS["roc_auc"], known, first, second, rows=4_000)
    assert (part.gain, part.resampled) == (whole.gain, 4_000)
    assert part.high - part.low == pytest.approx(whole.high - whole.low, rel=0.15)


@pytest.mark.parametrize(
    ("name", "found", "bound", "status", "text"),
    [
        ("roc_auc", 0.61, 0.6, "passed", "≥ 0.6"),
        ("roc_auc", 0.59, 0.6, "failed", "≥ 0.6"),
        ("brier", 0.19, 0.2, "passed", "≤ 0.2"),
        ("brier", 0.21, 0.2, "failed", "≤ 0.2"),
    ],
)
def test_a_bound_is_reached_or_not(name: str, found: float, bound: float, status: str, text: str) -> None:
    outcome = reaches(METRICS[name], found, bound, 1_000)
    assert (outcome.status, outcome.bound, outcome.figure) == (status, text, f"{found:.4f}")
    assert outcome.detail == "on 1,000 held-out rows"


def test_no_worse_means_within_the_tolerance() -> None:
    known, first, second = rows(500)
    found = compare(METRICS["roc_auc"], known, first, second)
    worse = found.gain if found.gain < 0 else compare(METRICS["roc_auc"], known, second, first).gain
    pair = (first, second) if found.gain < 0 else (second, first)
    compared = compare(METRICS["roc_auc"], known, *pair)
    assert not_worse(METRICS["roc_auc"], compared, 0.0, "delay@v1").status == "failed"
    assert not_worse(METRICS["roc_auc"], compared, -worse, "delay@v1").status == "passed"
    assert not_worse(METRICS["roc_auc"], compared, 0.0, "delay@v1").bound == "≥ 0"


def test_answers_are_what_the_metric_takes() -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    late = pd.Series(["no", "no", "yes", "yes"])
    model = LogisticRegression().fit(frame, late)
    assert answers(METRICS["accuracy"], model, frame, late).tolist() == late.tolist()
    assert truth(METRICS["roc_auc"], model, late).tolist() == [False, False, True, True]
    np.testing.assert_array_equal(answers(METRICS["brier"], model, frame, late), model.predict_proba(frame)[:, 1])
    likely = answers(METRICS["log_loss"], model, frame, late)
    assert figure(METRICS["log_loss"], late, likely) == pytest.approx(
        metrics.log_loss(late, model.predict_proba(frame))
    )
    margin = LinearSVC().fit(frame, late)
    np.testing.assert_array_equal(answers(METRICS["roc_auc"], margin, frame, late), margin.decision_function(frame))


def test_what_cannot_be_measured_says_why() -> None:
    frame, late = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]}), pd.Series([0, 0, 1, 1])
    model, line = LogisticRegression().fit(frame, late), LinearRegression().fit(frame, late)
    three = LogisticRegression().fit(frame, pd.Series([0, 1, 2, 2]))
    with pytest.raises(InvalidError, match="needs a classifier, and LinearRegression is none"):
        truth(METRICS["roc_auc"], line, late)
    with pytest.raises(InvalidError, match="needs two classes, and the model has 3"):
        truth(METRICS["brier"], three, late)
    with pytest.raises(InvalidError, match="2 of 4 held-out rows have no truth"):
        truth(METRICS["roc_auc"], model, pd.Series([0, None, None, 1]))
    with pytest.raises(InvalidError, match="none of the model's classes"):
        truth(METRICS["roc_auc"], model, pd.Series([0, 1, 2, 1]))
    with pytest.raises(InvalidError, match="needs probabilities, and LinearSVC gives none"):
        answers(METRICS["brier"], LinearSVC().fit(frame, late), frame, late)
    with pytest.raises(InvalidError, match="the truth is always the same"):
        figure(METRICS["roc_auc"], np.ones(4, dtype=bool), np.arange(4.0))
