"""Planted weak slices are found, and where there is none, none is reported."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.model.case import Asked, Case, Opened
from nbmlops.checks.model.named import judge
from nbmlops.checks.model.parts import parts_of
from nbmlops.checks.model.slices import RISK, losses, weakest

SIMULATIONS = int(os.environ.get("NBMLOPS_SOAK_SLICES", "60"))


def table(rows: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "delay": generator.normal(size=rows),
            "distance": generator.exponential(size=rows),
            "carrier": generator.choice(list("ABCDEFGH"), rows),
            "origin": generator.choice(["EWR", "JFK", None], rows),
            "dark": generator.random(rows) < 0.4,
        }
    )


def test_a_weak_carrier_is_found_first() -> None:
    rows = table(2_000, 0)
    lost = np.random.default_rng(1).random(2_000) < np.where(rows.carrier == "C", 0.4, 0.15)
    found = weakest(rows, lost.astype(float), list(rows.columns), pairs=True)
    assert found[0].name == "carrier = C"
    assert found[0].rows == (rows.carrier == "C").sum()
    assert found[0].loss == pytest.approx(lost[rows.carrier == "C"].mean())
    assert found[0].others == pytest.approx(lost[rows.carrier != "C"].mean())
    assert found[0].chance <= RISK


def test_a_weak_pair_is_found_where_neither_column_alone_tells() -> None:
    rows = table(4_000, 0)
    weak = (rows.origin == "JFK") & rows.dark
    lost = np.random.default_rng(1).random(4_000) < np.where(weak, 0.5, 0.15)
    assert weakest(rows, lost.astype(float), list(rows.columns), pairs=True)[0].name == "origin = JFK and dark = True"


def test_rows_without_a_value_and_ends_of_a_number_are_slices_too() -> None:
    rows = table(3_000, 0)
    for weak, name in ((rows.origin.isna(), "origin is null"), (rows.delay > rows.delay.quantile(0.8), "delay > ")):
        lost = np.random.default_rng(1).random(3_000) < np.where(weak, 0.4, 0.15)
        assert weakest(rows, lost.astype(float), list(rows.columns), pairs=False)[0].name.startswith(name)


def test_random_slices_are_reported_about_as_seldom_as_the_risk_says() -> None:
    false = 0
    for seed in range(SIMULATIONS):
        rows = table(400, seed)
        # Skewed losses: a bound from the normal distribution would be passed more often.
        lost = np.random.default_rng(10_000 + seed).exponential(size=400) ** 2
        false += bool(weakest(rows, lost, list(rows.columns), pairs=True))
    print(f"a slice was reported in {false} of {SIMULATIONS} tables without any, at a risk of {RISK}")
    assert false <= SIMULATIONS * RISK + 3 * (SIMULATIONS * RISK) ** 0.5


def test_few_rows_equal_losses_and_constant_columns_have_no_weak_slice() -> None:
    rows = table(400, 0)
    assert weakest(rows.head(40), np.arange(40.0), list(rows.columns), pairs=True) == []
    assert weakest(rows, np.ones(400), list(rows.columns), pairs=True) == []
    assert weakest(rows.assign(one=1)[["one"]], np.arange(400.0), ["one"], pairs=True) == []
    assert weakest(rows, np.arange(400.0), [], pairs=True) == []


class Answers:
    """Answers a column of the table."""

    def __init__(self, *classes: Any) -> None:
        if classes:
            self.classes_ = np.array(classes)

    def predict(self, rows: Any) -> Any:
        return rows.answer.to_numpy()


def case(rows: pd.DataFrame, model: Any, **asked: Any) -> Case:
    return Case(Opened("m", model, lambda frame, _: frame), rows, "truth", Asked(**asked))


def test_asked_slices_fail_and_found_ones_only_warn() -> None:
    rows = table(2_000, 0)
    generator = np.random.default_rng(1)
    rows["truth"] = generator.choice(["no", "yes"], 2_000)
    wrong = generator.random(2_000) < np.where(rows.carrier == "C", 0.4, 0.1)
    rows["answer"] = np.where(wrong, "no", rows.truth)
    model = Answers("no", "yes")
    asked, found = judge(case(rows, model, slices=("carrier",), metric="accuracy"), ["slices"])
    assert (asked.check, asked.status, found.check, found.status) == ("slices", "failed", "weakest slices", "warned")
    assert asked.figure.startswith("carrier = C")
    (evidence,) = asked.evidence
    assert isinstance(evidence, TableEvidence)
    assert evidence.cells[0][:2] == ("carrier = C", int((rows.carrier == "C").sum()))
    (alone,) = judge(case(rows, model, slices=("origin",), metric="accuracy"), ["slices"])[:1]
    assert alone.status == "passed"


def test_numbers_lose_their_squared_error_and_classes_what_their_metric_says() -> None:
    rows = pd.DataFrame({"truth": [1.0, 2.0], "answer": [1.5, 0.0]})
    lost, unit = losses(case(rows, Answers()))
    assert (lost.tolist(), unit) == ([0.25, 4.0], "squared error")
    lost, unit = losses(case(rows.astype(str), Answers("1.0", "2.0"), metric="accuracy"))
    assert (lost.tolist(), unit) == ([1.0, 1.0], "share of wrong answers")


def test_each_row_is_in_one_part_and_parts_of_a_number_are_about_as_large() -> None:
    rows = table(1_000, 0)
    rows["when"] = pd.date_range("2013-01-01", periods=1_000, freq="h")
    rows.loc[5:9, "distance"] = np.nan
    rows["many"] = np.arange(1_000).astype(str)
    for name in rows.columns:
        found = parts_of(rows[name])
        assert found.codes.min() >= 0
        assert found.codes.max() < len(found.names)
        assert len(set(found.names)) == len(found.names)
    assert np.bincount(parts_of(rows["when"]).codes).tolist() == [200] * 5
    assert parts_of(rows["many"]).names[-1] == "many is any other"
    assert parts_of(rows["distance"]).names[-1] == "distance is null"


def test_what_is_personal_is_masked_in_the_name_of_a_slice() -> None:
    names = parts_of(pd.Series(["ann.lee@example.org"] * 40 + ["UA"] * 40, name="contact")).names
    assert not any("ann.lee" in name for name in names)
    assert parts_of(pd.Series(["F", "M"], name="sex")).names == ("sex = F", "sex = M")
