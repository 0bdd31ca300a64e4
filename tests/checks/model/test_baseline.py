"""A model has to be better than simple ones, and an overfit is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from nbmlops.checks.model.case import Asked, Case, Opened, inputs_of
from nbmlops.checks.model.named import judge
from nbmlops.checks.records import Outcome


def table(seed: int, rows: int = 600) -> pd.DataFrame:
    """The truth is in the product of two columns, which no line and no single column tells."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(rows, 2)), columns=["a", "b"])
    frame["kind"] = generator.choice(["x", "y", None], rows)
    frame["late"] = np.where(frame.a * frame.b + generator.normal(0, 0.3, rows) > 0, "yes", "no")
    return frame


def case(model: Any, rows: pd.DataFrame, train: pd.DataFrame | None = None, **asked: Any) -> Case:
    return Case(Opened("delay", model, inputs_of(model)), rows, "late", Asked(**asked), train=train)


def by_name(outcomes: tuple[Outcome, ...]) -> dict[str, str]:
    return {outcome.check.rpartition("against ")[2].partition(" on ")[0]: outcome.status for outcome in outcomes}


def forest(train: pd.DataFrame) -> RandomForestClassifier:
    return RandomForestClassifier(20, random_state=0).fit(train[["a", "b"]], train.late)


def test_a_model_that_knows_more_than_a_line_passes_all() -> None:
    train = table(0)
    for given in (None, train):
        found = judge(case(forest(train), table(1), given), ["baseline"])
        assert by_name(found) == {"a constant": "passed", "one column": "passed", "a linear model": "passed"}


def test_a_constant_model_fails_against_a_constant_and_a_line_that_does_as_well_warns() -> None:
    rows = table(2)
    rows["late"] = np.where(rows.a > 0, "yes", "no")
    constant = DummyClassifier().fit(rows[["a", "b"]], rows.late)
    assert by_name(judge(case(constant, rows), ["baseline"]))["a constant"] == "failed"
    noisy, held = (table(seed).assign(late=lambda each: np.where(each.a + each.b > 0, "yes", "no")) for seed in (5, 6))
    line = LogisticRegression().fit(noisy[["a", "b"]], noisy.late)
    found = by_name(judge(case(line, held, noisy), ["baseline"]))
    assert (found["a constant"], found["a linear model"]) == ("passed", "warned")


def test_a_model_that_is_worse_than_one_column_fails() -> None:
    rows = table(3)
    rows["late"] = np.where(rows.a + np.random.default_rng(0).normal(0, 0.5, 600) > 0, "yes", "no")
    asked = case(DecisionTreeClassifier(max_depth=1).fit(rows[["a", "b"]].assign(a=0), rows.late), rows)
    assert by_name(judge(asked, ["baseline"]))["one column"] == "failed"


def test_regressors_have_baselines_too() -> None:
    generator = np.random.default_rng(0)
    rows = pd.DataFrame({"a": generator.normal(size=300)})
    rows["late"] = rows.a * 2 + generator.normal(size=300)
    model = LinearRegression().fit(rows[["a"]], rows.late)
    found = judge(case(model, rows, metric="rmse"), ["baseline"])
    assert by_name(found)["a constant"] == "passed"
    assert "rmse against one column on a" in {outcome.check for outcome in found}


@pytest.mark.parametrize(
    ("asked", "status"), [({}, "warned"), ({"overfit": 0.1}, "failed"), ({"overfit": 0.6}, "passed")]
)
def test_a_model_that_knows_its_training_rows_by_heart_is_told(asked: dict[str, float], status: str) -> None:
    rows = table(4)
    rows["late"] = np.where(rows.a + np.random.default_rng(0).normal(0, 2, 600) > 0, "yes", "no")
    train, held = rows.head(300), rows.tail(300)
    model = DecisionTreeClassifier(random_state=0).fit(train[["a", "b"]], train.late)
    (outcome,) = judge(case(model, held, train, **asked), ["overfit"])
    assert outcome.status == status
    loss = 1 - roc_auc_score(held.late == "yes", model.predict_proba(held[["a", "b"]])[:, 1])
    assert outcome.number == pytest.approx(loss, abs=1e-12)


def test_a_model_that_loses_nothing_is_not_said_to() -> None:
    train, held = table(0), table(1)
    model = LogisticRegression().fit(train[["a", "b"]], train.late)
    (outcome,) = judge(case(model, held, train), ["overfit"])
    assert outcome.status == "passed"


@pytest.mark.parametrize("telling", ["n4", "k"])
def test_of_many_columns_of_levels_and_numbers_the_one_that_tells_most_is_taken(telling: str) -> None:
    generator = np.random.default_rng(8)
    rows = pd.DataFrame({f"k{place}": generator.choice([*"abcdefgh"], 400) for place in range(6)})
    rows = rows.assign(
        k=generator.choice([*"xyz"], 400), **{f"n{place}": generator.normal(size=400) for place in range(5)}
    )
    truth = rows.k == "x" if telling == "k" else rows.n4 > 0
    rows["late"] = np.where(truth ^ (generator.random(400) < 0.1), "yes", "no")

    class Guess(DummyClassifier):
        """Takes every column."""

    columns = [name for name in rows.columns if name != "late"]
    found = judge(case(Guess().fit(rows[columns], rows.late), rows), ["baseline"])
    assert [one.status for one in found] == ["failed"] * 3
    assert f"roc_auc against one column on {telling}" in {one.check for one in found}
