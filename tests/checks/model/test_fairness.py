"""Fairness equals fairlearn's figures; gaps are judged by intervals; proxies are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from scipy.stats.contingency import association as scipy_association

from nbmlops.checks.model.case import Asked, Case, Opened
from nbmlops.checks.model.fairness import rates
from nbmlops.checks.model.named import judge
from nbmlops.checks.model.proxies import association


def in_every_group(rows: list[tuple[bool, bool, int]]) -> bool:
    """Each group has rows of both truths: without them fairlearn and we mean different things by a rate."""
    groups = {group for *_, group in rows}
    return len(groups) > 1 and len({(true, group) for true, _, group in rows}) == 2 * len(groups)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), min_size=4, max_size=60).filter(in_every_group)
)
def test_figures_equal_those_of_fairlearn(rows: list[tuple[bool, bool, int]]) -> None:
    true, answer, group = (np.array(each) for each in zip(*rows, strict=True))
    names, codes = np.unique(group, return_inverse=True)
    found = rates(true, answer, codes, np.ones((1, len(true))))
    frame = MetricFrame(
        metrics={"selection": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=true,
        y_pred=answer,
        sensitive_features=group,
    ).by_group.loc[names]
    for ours, theirs in ((found.selection, "selection"), (found.true_positive, "tpr"), (found.false_positive, "fpr")):
        np.testing.assert_allclose(ours[0], frame[theirs], rtol=1e-12)
    parity = demographic_parity_difference(true, answer, sensitive_features=group)
    odds = equalized_odds_difference(true, answer, sensitive_features=group)
    assert found.parity[0] == pytest.approx(parity, rel=1e-12, abs=1e-15)
    assert found.odds[0] == pytest.approx(odds, rel=1e-12, abs=1e-15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=8, max_size=80))
def test_association_equals_scipys(rows: list[tuple[int, int]]) -> None:
    first, second = (np.unique(each, return_inverse=True)[1] for each in np.array(rows).T)
    if first.max() == 0 or second.max() == 0:
        assert association(first, second) == (0.0, 1.0)
        return
    counts = pd.crosstab(first, second).to_numpy()
    strength, chance = association(first, second)
    assert strength == pytest.approx(scipy_association(counts, method="cramer"), rel=1e-9, abs=1e-12)
    assert chance == pytest.approx(chi2_contingency(counts, correction=False).pvalue, rel=1e-9, abs=1e-12)


class Answers:
    """Answers a column of the table."""

    def __init__(self, *classes: Any) -> None:
        self.classes_ = np.array(classes)

    def predict(self, rows: Any) -> Any:
        return rows.answer.to_numpy()


def judged(chances: tuple[float, ...], rows: int = 1_000, seed: int = 0, **asked: Any) -> dict[str, Any]:
    """Groups whose answers are yes with these chances, whatever the truth."""
    generator = np.random.default_rng(seed)
    group = generator.integers(0, len(chances), rows)
    frame = pd.DataFrame({"group": np.array(list("ABCDEF"))[group], "x": generator.normal(size=rows)})
    frame["zone"] = np.where(generator.random(rows) < 0.9, group, 0)
    frame["answer"] = np.where(generator.random(rows) < np.array(chances)[group], "yes", "no")
    frame["truth"] = generator.choice(["no", "yes"], rows)
    model = Opened("m", Answers("no", "yes"), lambda each, _: each)
    case = Case(model, frame, "truth", Asked(sensitive="group", metric="accuracy", **asked))
    return {outcome.check: outcome for outcome in judge(case, ["fairness"])}


def test_a_large_gap_fails_a_small_one_passes() -> None:
    assert judged((0.3, 0.7))["demographic parity difference"].status == "failed"
    assert judged((0.5, 0.5), 4_000)["demographic parity difference"].status == "passed"
    assert judged((0.3, 0.7), fairness=0.6)["demographic parity difference"].status == "passed"


def test_a_gap_that_few_rows_made_only_warns() -> None:
    found = judged((0.5, 0.5, 0.5), 90, fairness=0.02)["demographic parity difference"]
    assert found.status == "warned"
    assert "do not show" in found.detail


def test_equal_groups_seldom_fail() -> None:
    failed = sum(
        judged((0.5,) * 4, 400, seed, fairness=0.0)["demographic parity difference"].status == "failed"
        for seed in range(25)
    )
    print(f"{failed} of 25 models that treat four groups alike failed at a bound of 0")
    assert failed <= 4


def test_columns_that_tell_the_group_are_named_and_others_are_not() -> None:
    found = judged((0.5, 0.5))["proxies"]
    assert found.status == "warned"
    assert "zone" in found.detail
    assert "x" not in found.detail.partition("group: ")[2]


def test_more_classes_are_judged_one_by_one() -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"group": generator.choice(["A", "B"], 600), "truth": generator.choice(list("xyz"), 600)})
    frame["answer"] = np.where(frame.group == "A", "x", frame.truth)
    case = Case(Opened("m", Answers("x", "y", "z"), lambda each, _: each), frame, "truth", Asked(sensitive="group"))
    found = {outcome.check: outcome.status for outcome in judge(case, ["fairness"])}
    assert found["demographic parity difference of x"] == "failed"
    assert len(found) == 7


def test_one_group_is_errored_with_the_reason() -> None:
    found = judged((0.5,))
    assert found["fairness"].status == "errored"
    assert "one group only" in found["fairness"].detail
