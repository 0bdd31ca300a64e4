"""Rows are told apart as scikit-learn would measure it, and the verdict is wrong as often as it says."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from nbmlops.checks.drift.classifier import FOLDS, LEARNT, importance, tell_apart
from nbmlops.checks.drift.verdict import ALPHA

TIMES = int(os.environ.get("NBMLOPS_SOAK_JOINT", "200"))


def rows(seed: Any, size: int, hang: float = 0.8) -> Any:
    one = seed.normal(size=size)
    other = hang * one + (1 - hang**2) ** 0.5 * seed.normal(size=size)
    holed = np.where(seed.random(size) < 0.2, np.nan, seed.lognormal(size=size))
    return np.column_stack((one, other, holed, seed.integers(0, 20, size), seed.zipf(1.5, size) == 1))


def test_the_effect_is_the_auc_that_scikit_learn_finds_out_of_fold() -> None:
    seed = np.random.default_rng(1)
    told = tell_apart(rows(seed, 400), rows(seed, 400, 0.0))
    folds = PredefinedSplit(told.fold)
    scores = cross_val_predict(told.models[0], told.rows, told.current, cv=folds, method="predict_proba")[:, 1]
    assert told.scores == pytest.approx(scores)
    aucs = [roc_auc_score(told.current[told.fold == each], scores[told.fold == each]) for each in range(FOLDS)]
    assert told.auc == pytest.approx(np.mean(aucs))
    assert told.p < ALPHA


def test_each_fold_is_told_by_models_of_others_and_has_its_share_of_both_tables() -> None:
    seed = np.random.default_rng(2)
    told = tell_apart(rows(seed, 103), rows(seed, 52))
    for each in range(FOLDS):
        assert np.sum((told.fold == each) & ~told.current) in (20, 21)
        assert np.sum((told.fold == each) & told.current) in (10, 11)
    assert tell_apart(told.rows[~told.current], told.rows[told.current]).p == told.p


def test_what_a_column_tells_is_its_permutation_importance() -> None:
    seed = np.random.default_rng(3)
    before, after = rows(seed, 400), rows(seed, 400)
    after[:, 3] += 8
    told = tell_apart(before, after)
    lost = importance(told)
    theirs = np.mean(
        [
            permutation_importance(
                model,
                told.rows[told.fold == each],
                told.current[told.fold == each],
                scoring="roc_auc",
                n_repeats=3,
                random_state=0,
            ).importances_mean
            for each, model in enumerate(told.models)
        ],
        axis=0,
    )
    assert np.argmax(lost) == 3
    assert lost == pytest.approx(theirs, abs=0.05)


def test_a_model_that_tells_rows_worse_than_chance_has_found_nothing() -> None:
    seed = np.random.default_rng(4)
    same = rows(seed, 200)
    assert tell_apart(same, same).p > 0.5
    nothing = np.zeros((30, 1))
    assert (tell_apart(nothing, nothing).p, tell_apart(nothing, nothing).auc) == (1.0, 0.5)


def test_of_many_rows_some_are_told_apart() -> None:
    seed = np.random.default_rng(5)
    told = tell_apart(seed.normal(size=(LEARNT + 1_000, 1)), seed.normal(1, size=(500, 1)))
    assert (np.sum(~told.current), np.sum(told.current)) == (LEARNT, 500)
    assert told.found < told.auc


def by_neighbours(values: Any, current: Any) -> Any:
    return KNeighborsClassifier(5).fit(np.nan_to_num(values), current)


def holds(found: list[float]) -> bool:
    """Whether of tables without drift as few are called drifted as it says; by chance it is not in 1 of 10,000."""
    within = []
    for level, lowest, highest in ((ALPHA, 0.004, 0.02), (0.1, 0.07, 0.13)):
        alarms = sum(p <= level for p in found)
        within.append(stats.binom.ppf(1e-4, len(found), lowest) <= alarms <= stats.binom.isf(1e-4, len(found), highest))
    return all(within)


@pytest.mark.parametrize(("before", "after"), [(50, 50), (400, 60)])
def test_tables_without_drift_are_called_drifted_as_seldom_as_it_says_whatever_the_model(
    before: int, after: int
) -> None:
    seed = np.random.default_rng([before, after])
    tables = [(np.nan_to_num(rows(seed, before)), np.nan_to_num(rows(seed, after))) for _ in range(TIMES)]
    assert holds([tell_apart(*each, by_neighbours).p for each in tables])


def test_tables_without_drift_are_called_drifted_as_seldom_as_it_says_by_trees() -> None:
    seed = np.random.default_rng(6)
    assert holds([tell_apart(rows(seed, 100), rows(seed, 50)).p for _ in range(TIMES // 25)])
