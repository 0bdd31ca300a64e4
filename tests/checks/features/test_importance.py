"""Columns of noise are found to add nothing, those that tell something are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.features.importance import dropped, permuted
from nbmlops.checks.features.worth import judge
from nbmlops.checks.model.case import Asked, Case, Opened, inputs_of
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

REAL, NOISE = {"a", "b"}, {"n1", "n2", "n3"}


def table(seed: int, rows: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    made = pd.DataFrame({name: random.normal(size=rows) for name in sorted(REAL | NOISE)})
    return made.assign(y=(1.5 * made.a + made.b + random.normal(size=rows) > 0).astype(int))


def case(model: Any = None, train: pd.DataFrame | None = None, held: pd.DataFrame | None = None) -> Case:
    train, held = table(1) if train is None else train, table(2) if held is None else held
    fitted = (model or LogisticRegression()).fit(train.drop(columns="y"), train.y)
    return Case(Opened("model", fitted, inputs_of(fitted)), held, "y", Asked(), None, train)


def adding(gains: Any) -> set[str]:
    return {gain.column for gain in gains if gain.adds}


@pytest.mark.parametrize("how", [permuted, dropped])
def test_noise_adds_nothing_and_what_tells_something_does(how: Any) -> None:
    gains = how(case())
    assert adding(gains) == REAL
    for gain in gains:
        assert gain.low < gain.gain < gain.high
        assert gain.column in NOISE or gain.low > 0


def test_what_a_model_learnt_by_heart_of_noise_adds_nothing_to_rows_it_has_not_seen() -> None:
    assert adding(permuted(case(DecisionTreeClassifier(random_state=0)))) <= REAL


def test_a_feature_that_another_one_repeats_adds_nothing_when_trained_anew() -> None:
    train, held = (each.assign(again=each.a + 1e-9) for each in (table(1), table(2)))
    assert adding(dropped(case(train=train, held=held))) == {"b"}


def test_numbers_are_judged_by_r2() -> None:
    train, held = (each.assign(y=2 * each.a + each.b) for each in (table(1, 200), table(2, 200)))
    model = LinearRegression().fit(train[["a", "b", "n1"]], train.y)
    gains = permuted(Case(Opened("model", model, inputs_of(model)), held, "y"))
    assert adding(gains) == {"a", "b"}
    assert [gain.column for gain in gains] == ["a", "b", "n1"]


def of_levels(*seeds: int) -> Case:
    """A pipeline that names its columns, one of them of levels."""
    train, held = (each.assign(a=np.where(each.a > 0, "up", "down")) for each in map(table, seeds))
    columns = make_column_transformer((OneHotEncoder(), ["a"]), remainder="passthrough")
    return case(make_pipeline(columns, LogisticRegression()), train, held)


def test_of_many_pipelines_what_is_real_is_found_and_noise_as_seldom_as_is_said() -> None:
    found = [adding(permuted(of_levels(seed, seed + 1))) for seed in range(100, 116, 2)]
    assert all(each >= REAL for each in found)
    # One of 20 noise columns may be; more than this are by chance in one of 10,000 runs.
    assert sum(len(each & NOISE) for each in found) <= binom.isf(1e-4, len(found) * len(NOISE), 0.05)


def test_a_pipeline_that_names_its_columns_and_an_array_are_judged_too() -> None:
    assert adding(dropped(of_levels(1, 4))) == REAL
    plain = table(1)
    model = LogisticRegression().fit(plain.drop(columns="y").to_numpy(), plain.y)
    assert adding(permuted(Case(Opened("model", model, inputs_of(model)), table(2), "y"))) == REAL


def test_the_verdict_is_the_same_each_time_and_the_tables_are_not_changed() -> None:
    one, other = case(DecisionTreeClassifier()), case(DecisionTreeClassifier())
    before = one.table.copy()
    assert dropped(one) == dropped(one)
    assert permuted(one) == permuted(one)
    pd.testing.assert_frame_equal(one.table, before)
    assert len(dropped(other)) == 5


def told(**asked: Any) -> tuple[Outcome, ...]:
    return judge(case(), asked.get("costs", {}), asked.get("origins", {}), asked.get("told"))


def test_a_feature_that_adds_nothing_warns_and_the_table_tells_gain_and_cost() -> None:
    signs: list[Any] = []
    outcomes = told(
        costs={"a": lambda frame: frame.a * 2, "n1": lambda frame: frame.n1},
        origins={"a": "delays@v2"},
        told=lambda *sign: signs.append(sign),
    )
    overview = outcomes[0]
    assert (overview.status, overview.figure, overview.number) == ("passed", "2 of 5", 3.0)
    (evidence,) = overview.evidence
    assert isinstance(evidence, TableEvidence)
    assert evidence.columns[-3:] == ("nulls", "ms per 1,000 rows", "last changed by")
    assert (evidence.cells[0][0], evidence.cells[0][-1]) == ("a", "delays@v2")
    by = {(each.check, each.column): each for each in outcomes}
    assert by["permutation importance", "n1"].status == by["drop-column importance", "n1"].status == "warned"
    assert by["permutation importance", "a"].status == by["drop-column importance", "b"].status == "passed"
    assert by["cost", "a"].status == "passed"
    assert by["cost", "n1"].status == "warned"
    assert "adds nothing" in by["permutation importance", "n1"].detail
    assert signs[0] == ("a", 0, 5)


@pytest.mark.parametrize(
    ("costs", "said"),
    [({"z": len}, "no column of the table"), ({"a": lambda frame: frame.missing}, "what computes the feature failed")],
)
def test_a_cost_that_cannot_be_taken_is_refused(costs: Any, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        told(costs=costs)


def test_a_model_of_texts_and_one_without_training_rows_are_refused() -> None:
    with pytest.raises(InvalidError, match="no training rows"):
        dropped(Case(case().opened, table(2), "y"))
    texts = Case(Opened("model", case().model, lambda rows, _: ["text"] * len(rows)), table(2), "y")
    with pytest.raises(InvalidError, match="takes texts"):
        permuted(texts)


def test_an_interrupt_passes() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        permuted(case(), interrupt)
