"""Calibration equals scikit-learn's curve, its parts add up, and chance is not taken for a fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from nbmlops.checks.evidence import CurvesEvidence
from nbmlops.checks.model.calibration import binned, brier, by_chance
from nbmlops.checks.model.case import Case, Opened
from nbmlops.checks.model.named import judge


class Says:
    """A classifier that says what it was told to say."""

    def __init__(self, said: Any, classes: Any = (False, True)) -> None:
        self.classes_ = np.array(classes)
        self.said = said

    def predict_proba(self, _: Any) -> Any:
        return np.column_stack([1 - self.said, self.said]) if self.said.ndim == 1 else self.said

    def predict(self, rows: Any) -> Any:
        return self.classes_[self.predict_proba(rows).argmax(axis=1)]


def judged(said: Any, true: Any, classes: Any = (False, True)) -> Any:
    rows = pd.DataFrame({"x": np.arange(len(true)), "true": true})
    return judge(Case(Opened("m", Says(said, classes), lambda frame, _: frame), rows, "true"), ["calibration"])[0]


ROWS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=80).filter(
    lambda rows: len({true for true, _ in rows}) == 2
)


@settings(deadline=None)
@given(ROWS)
def test_bins_equal_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    true, said = (np.array(each) for each in zip(*rows, strict=True))
    found = binned(true.astype(float), said)
    share, mean = calibration_curve(true, said, n_bins=10)
    np.testing.assert_allclose(found.true, share, rtol=1e-12)
    np.testing.assert_allclose(found.said, mean, rtol=1e-12, atol=1e-15)
    assert 0 <= found.error <= 1


@settings(deadline=None)
@given(ROWS)
def test_the_parts_of_a_brier_score_add_up_to_scikit_learns(rows: list[tuple[bool, float]]) -> None:
    true, said = (np.array(each) for each in zip(*rows, strict=True))
    parts = brier(true.astype(float), said)
    assert parts.score == pytest.approx(brier_score_loss(true, said), rel=1e-12, abs=1e-15)
    whole = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert whole == pytest.approx(parts.score, rel=1e-12, abs=1e-12)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_what_bins_leave_over_is_nothing_when_each_bin_has_one_probability() -> None:
    generator = np.random.default_rng(0)
    said = generator.choice([0.05, 0.35, 0.85], 500)
    assert brier((generator.random(500) < said).astype(float), said).within == pytest.approx(0, abs=1e-12)


def test_the_error_of_a_model_that_is_right_is_seldom_called_a_fault_on_few_rows() -> None:
    failed = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        said = generator.random(80)
        failed += judged(said, generator.random(80) < said).status == "failed"
    print(f"{failed} of 150 well calibrated models failed on 80 rows, at a risk of 0.025")
    assert failed <= 10


def test_too_bold_a_model_fails_and_its_curve_is_the_evidence() -> None:
    generator = np.random.default_rng(0)
    odds = generator.random(1_000)
    outcome = judged(np.where(odds > 0.5, 0.97, 0.03), generator.random(1_000) < 0.25 + odds / 2)
    assert outcome.status == "failed"
    assert outcome.number > 0.2
    (curves,) = outcome.evidence
    assert isinstance(curves, CurvesEvidence)
    assert [name for name, _ in curves.curves] == ["model", "perfect"]


def test_more_classes_are_judged_by_the_answer() -> None:
    generator = np.random.default_rng(0)
    said = generator.dirichlet([1, 1, 1], 2_000)
    true = np.array([generator.choice(3, p=row) for row in said])
    assert judged(said, true, (0, 1, 2)).status == "passed"
    assert judged(np.roll(said, 1, axis=1), true, (0, 1, 2)).status == "failed"


def test_truth_of_one_class_is_judged_all_the_same_and_nonsense_is_errored() -> None:
    assert judged(np.full(100, 0.01), np.zeros(100, dtype=bool)).status == "passed"
    assert judged(np.full(3, 1.5), np.ones(3, dtype=bool)).status == "errored"
    assert judged(np.full(3, np.nan), np.ones(3, dtype=bool)).status == "errored"


def test_what_chance_gives_falls_with_the_root_of_the_rows() -> None:
    said = np.random.default_rng(0).random(400)
    few, many = np.median(by_chance(said)), np.median(by_chance(np.repeat(said, 16)))
    assert few / many == pytest.approx(4, rel=0.15)


def test_a_real_model_is_judged() -> None:
    generator = np.random.default_rng(0)
    rows = pd.DataFrame({"x": generator.normal(size=800)})
    rows["y"] = rows.x + generator.logistic(size=800) > 0
    model = LogisticRegression().fit(rows[["x"]], rows.y)
    case = Case(Opened("m", model, lambda frame, _: frame[["x"]]), rows, "y")
    assert judge(case, ["calibration"])[0].status == "passed"
