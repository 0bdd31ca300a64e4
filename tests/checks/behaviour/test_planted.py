"""Each planted fault is found by the check that looks for it; sound models pass them all."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from nbmlops.checks.behaviour import budgets, determinism, robustness, stability, staleness, stress, training
from nbmlops.checks.behaviour.attempts import attempt
from nbmlops.checks.behaviour.budgets import Budgets
from nbmlops.checks.behaviour.staleness import Aged
from nbmlops.checks.behaviour.trial import Trial, differing, moved
from nbmlops.checks.models import METRICS
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from tests.checks.behaviour import planted

ROWS = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 3)), columns=["a", "b", "c"])
TRUTH = ROWS.sum(axis=1).to_numpy() * 2.0


def trial(model: Any, **given: Any) -> Trial:
    return Trial(model.fit(ROWS, TRUTH), ROWS, TRUTH, **given)


def by_name(outcomes: Any) -> dict[str, Outcome]:
    return {outcome.check: outcome for outcome in outcomes}


def troubles(outcomes: Any) -> list[str]:
    return [outcome.check for outcome in outcomes if outcome.status != "passed"]


def everything(tried: Trial) -> list[Outcome]:
    return [
        *robustness.judge(tried),
        *stability.judge(tried),
        *determinism.judge(tried),
        *budgets.judge(tried, size=1_000),
        *training.judge(tried),
        *stress.judge(tried, many=5_000),
    ]


def test_a_sound_model_passes_everything() -> None:
    assert troubles(everything(trial(planted.Plain(), reload=copy.deepcopy))) == []


@pytest.mark.parametrize(
    "model",
    [LinearRegression(), RandomForestRegressor(n_estimators=5, random_state=0)],
    ids=["linear", "forest"],
)
def test_models_of_scikit_learn_pass_everything(model: Any) -> None:
    found = everything(trial(model, reload=copy.deepcopy))
    assert [outcome for outcome in found if outcome.status in ("failed", "errored")] == []


def test_a_classifier_of_categories_passes_and_warns_of_what_it_refuses() -> None:
    rows = ROWS.assign(carrier=np.where(ROWS.a > 0.3, "UA", "AA"))
    late = (ROWS.a + ROWS.b > 0).to_numpy()
    encode = make_column_transformer((OneHotEncoder(), ["carrier"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=10, random_state=0)).fit(rows, late)
    found = everything(Trial(model, rows, late))
    assert [outcome for outcome in found if outcome.status in ("failed", "errored")] == []
    unseen = by_name(found)["categories never seen"]
    assert (unseen.status, unseen.figure) == ("warned", "0 of 1 answered, 1 refused")


@pytest.mark.parametrize(
    ("model", "module", "check"),
    [
        (planted.Moody(), determinism, "two predictions"),
        (planted.Unseeded(), determinism, "two fits"),
        (planted.Gaps(), stability, "answers"),
        (planted.ByPosition(), robustness, "rows in another order"),
        (planted.BatchMean(), robustness, "rows by themselves"),
        (planted.ByPlace(), robustness, "columns in another order"),
        (planted.OneRow(), stress, "one row"),
        (planted.Deaf(), training, "learning ten rows"),
        (planted.Leaks(), budgets, "memory kept"),
        (planted.Shares(), stress, "8 callers at once"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_planted_fault_is_found(model: Any, module: Any, check: str) -> None:
    found = by_name(module.judge(trial(model)))
    assert found[check].status == "failed", found[check]


def test_a_slow_model_exceeds_its_budget_and_a_quick_one_does_not() -> None:
    slow = by_name(budgets.judge(trial(planted.Slow()), Budgets(latency=5)))["latency of one row"]
    assert (slow.status, slow.bound) == ("failed", "≤ 5 ms")
    quick = by_name(budgets.judge(trial(planted.Plain()), Budgets(latency=60_000, memory=10**9, size=10), size=11))
    assert [name for name, outcome in quick.items() if outcome.status == "failed"] == ["size"]


def test_memory_is_that_of_the_answers_and_not_of_the_process() -> None:
    ballast = bytearray(50_000_000)
    found = by_name(budgets.judge(trial(planted.Plain()), Budgets(memory=1_000_000)))["memory for 120 rows"]
    assert found.status == "passed"
    assert len(ballast) == 50_000_000


def test_a_model_that_never_answers_is_given_up() -> None:
    tried = trial(planted.Hangs(), seconds=0.5)
    with pytest.raises(InvalidError, match="no answer in time"):
        list(stability.judge(tried))
    assert attempt(lambda: None).ended


def test_a_model_that_is_another_once_it_is_read_back_is_found() -> None:
    def reload(model: Any) -> Any:
        other = copy.deepcopy(model)
        other.coef_ = other.coef_ * 1.01
        return other

    found = by_name(determinism.judge(trial(planted.Forgets(), reload=reload)))["reading back"]
    assert (found.status, found.figure) == ("failed", "120 of 120 answers differ")


def test_weights_that_are_no_numbers_are_named() -> None:
    model = LinearRegression().fit(ROWS, TRUTH)
    model.coef_ = np.array([1.0, np.nan, np.inf])
    (line, *_) = stability.judge(Trial(model, ROWS))
    assert (line.status, line.detail) == ("failed", "coef_")
    assert line.figure.startswith("2 of")


def test_fits_that_differ_for_want_of_a_seed_only_warn() -> None:
    late = TRUTH > 0
    model = RandomForestRegressor(n_estimators=2).fit(ROWS, TRUTH)
    found = by_name(determinism.judge(Trial(model, ROWS, late.astype(float))))["two fits"]
    assert (found.status, found.detail) == ("warned", "random_state is not set; with it the fits are equal")


def test_noise_is_bounded_only_when_asked() -> None:
    tried = trial(planted.Plain())
    assert by_name(robustness.judge(tried))["rows with noise"].status == "passed"
    assert by_name(robustness.judge(tried, change=1e-6))["rows with noise"].status == "failed"


def test_the_truth_must_have_something_to_learn() -> None:
    with pytest.raises(InvalidError, match="always the same"):
        list(training.judge(Trial(planted.Plain().fit(ROWS, TRUTH), ROWS, np.ones(120))))


def test_the_loss_of_a_classifier_falls_with_its_rounds() -> None:
    model = LogisticRegression(max_iter=50).fit(ROWS, TRUTH > 0)
    found = by_name(training.judge(Trial(model, ROWS, TRUTH > 0)))["loss by rounds"]
    assert found.status == "passed"
    assert found.number is not None
    assert math.log(2) > found.number > 0


def test_age_is_judged_in_days_and_in_what_is_lost() -> None:
    rmse, near, far = METRICS["rmse"], TRUTH + 0.1, TRUTH + np.random.default_rng(1).normal(size=120)
    versions = [Aged("m@v2", 1.0, near), Aged("m@v1", 31.0, far)]
    age, lost = staleness.judge(rmse, TRUTH, versions, "m@v1", days=30, lost=0.2)
    assert (age.status, age.figure) == ("failed", "31.0 days")
    assert lost.status == "failed"
    assert "30.0 days newer" in lost.figure
    fresh = list(staleness.judge(rmse, TRUTH, versions, "m@v2", days=30, lost=0.2))
    assert troubles(fresh) == []
    assert lost.evidence[0].cells[0][0] == "m@v2"  # type: ignore[union-attr]


def test_answers_are_compared_as_numbers_or_as_they_are() -> None:
    assert len(differing(np.array([1.0, np.nan]), np.array([1.0 + 1e-9, np.nan]))) == 0
    assert differing(np.array(["a", "b"]), np.array(["a", "c"])).tolist() == [1]
    assert len(differing(np.zeros(3), np.zeros(2))) == 3
    assert moved(planted.Plain(), np.ones(3), np.ones(3)) == 0


def test_many_callers_leave_the_filters_of_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    found = by_name(stress.judge(trial(planted.Slow()), many=1_000))
    assert found["8 callers at once"].status == "passed"
    assert warnings.filters == before
