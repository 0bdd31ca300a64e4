"""A planted leak of each kind is found, and data without one passes."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.metrics import roc_auc_score

from nbmlops.checks.features.alone import label_of, strength
from nbmlops.checks.features.leakage import Question, find
from nbmlops.checks.frames import table_of
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

ROWS = 2_000


def clean(seed: int = 1, rows: int = ROWS) -> pd.DataFrame:
    """Two features that tell something, two that tell nothing, customers and a time of the event."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    carrier = random.choice(["UA", "AA", "DL"], rows)
    late = (x + (carrier == "UA") + random.normal(size=rows) > 0.5).astype(int)
    start = datetime(2013, 1, 1) + timedelta(days=100 * (seed - 1))
    return pd.DataFrame(
        {
            "x": x,
            "carrier": carrier,
            "noise": random.normal(size=rows),
            "code": random.integers(0, 500, rows),
            "customer": [f"c{seed}-{number}" for number in random.integers(0, 300, rows)],
            "at": [start + timedelta(minutes=int(minute)) for minute in np.sort(random.integers(0, 100_000, rows))],
            "late": late,
        }
    )


def found(table: pd.DataFrame, target: str = "late", **asked: Any) -> list[tuple[str, str | None]]:
    """Check and column of what did not pass."""
    return [(each.check, each.column) for each in outcomes(table, target, **asked) if each.status != "passed"]


def outcomes(table: pd.DataFrame, target: str = "late", **asked: Any) -> tuple[Outcome, ...]:
    if "test" in asked:
        asked["test"] = table_of(asked["test"])
    return find(Question(table_of(table), target, **asked))


@pytest.mark.parametrize("seed", range(1, 6))
def test_clean_data_passes_every_check(seed: int) -> None:
    assert found(clean(seed), time="at", group="customer", test=clean(seed + 1)) == []


@pytest.mark.parametrize("load", [load_breast_cancer, load_diabetes, load_wine])
def test_no_wolf_is_cried_on_real_tables(load: Any) -> None:
    assert found(load(as_frame=True).frame, "target") == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda table: table.late * 10 + 5,
        lambda table: table.late.map({0: "on time", 1: "late"}),
        lambda table: 1 - table.late,
        lambda table: table.late == 1,
    ],
    ids=["scaled", "as text", "turned round", "as truth"],
)
def test_a_copy_of_the_label_is_found_under_any_name(leak: Any) -> None:
    table = clean().assign(status=leak)
    assert ("copy of the target", "status") in found(table)


@pytest.mark.parametrize(
    "leak",
    [lambda table: 3 * table.y - 7, lambda table: np.exp(table.y), lambda table: -table.y],
    ids=["scaled", "bent", "turned round"],
)
def test_a_copy_of_a_number_is_found_on_any_scale(leak: Any) -> None:
    table = clean().assign(y=lambda frame: frame.x * 2 + frame.noise).drop(columns="late")
    assert ("copy of the target", "z") in found(table.assign(z=leak), "y")


def test_a_column_that_tells_the_label_alone_is_found() -> None:
    random = np.random.default_rng(3)
    delay = clean().late * 30 + random.uniform(-14, 15, ROWS)
    assert found(clean().assign(delay=delay)) == [("alone", "delay")]


def test_a_column_whose_gaps_tell_the_label_is_found() -> None:
    random = np.random.default_rng(3)
    arrived = pd.Series(random.normal(size=ROWS)).mask(clean().late == 1)
    assert found(clean().assign(arrived=arrived)) == [("alone", "arrived")]


def test_a_column_that_tells_a_number_alone_is_found() -> None:
    angle = np.random.default_rng(6).uniform(-3, 3, ROWS)
    table = clean().assign(angle=angle, y=lambda frame: np.cos(angle) + 0.01 * frame.noise).drop(columns="late")
    assert found(table, "y") == [("alone", "angle")]


def test_a_leak_of_one_class_among_hundreds_of_rows_is_found() -> None:
    random = np.random.default_rng(4)
    rare = (random.uniform(size=20_000) < 0.002).astype(int)
    table = pd.DataFrame(
        {"late": rare, "leak": rare + random.uniform(-0.4, 0.4, 20_000), "x": random.normal(size=20_000)}
    )
    assert found(table) == [("alone", "leak")]


def test_what_chance_gives_in_few_rows_only_warns() -> None:
    table = pd.DataFrame({"late": [0, 0, 0, 1, 1] * 1, "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    (_, outcome) = outcomes(table)
    assert (outcome.check, outcome.status) == ("alone", "warned")
    assert "chance gives as much" in outcome.detail


def test_the_bound_can_be_set() -> None:
    assert ("alone", "x") in found(clean(), bound=0.6)
    with pytest.raises(InvalidError, match="must lie between 0 and 1"):
        found(clean(), bound=2)


def test_a_time_after_the_event_is_found_with_its_rows() -> None:
    table = clean().assign(scheduled=lambda frame: frame["at"] - timedelta(hours=1))
    assert found(table, time="at") == []
    observed = table["scheduled"].mask(table.index.isin([7, 40]), table["at"] + timedelta(minutes=5))
    told = outcomes(table.assign(observed=observed), time="at")
    (outcome,) = [each for each in told if each.status == "failed"]
    assert (outcome.check, outcome.column, outcome.rows) == ("after the event", "observed", (7, 40))
    assert outcome.figure == "2 of 2,000 rows"
    assert len(outcome.evidence) == 1


def test_test_rows_among_the_training_rows_are_found_whatever_their_label_and_types() -> None:
    train, test = clean(1), clean(2)
    copied = train.sample(20, random_state=1).assign(late=1, code=lambda frame: frame.code.astype(float))
    leaky = pd.concat([test, copied], ignore_index=True)
    assert found(train, test=leaky) == [("test rows in training", None)]
    (outcome,) = [each for each in outcomes(train, test=leaky) if each.status == "failed"]
    assert outcome.figure == "20 of 2,020 rows"
    assert "first of the test table: 2,000, 2,001" in outcome.detail


def test_rows_that_repeat_by_themselves_are_no_leak() -> None:
    random = np.random.default_rng(5)
    both = [
        pd.DataFrame({"a": random.integers(0, 9, 1_000), "b": random.integers(0, 9, 1_000), "late": [0, 1] * 500})
        for _ in range(2)
    ]
    assert found(both[0], test=both[1]) == []


def test_a_group_in_both_tables_is_found_and_not_named() -> None:
    train, test = clean(1), clean(2)
    test.loc[5, "customer"] = train.loc[0, "customer"]
    assert found(train, group="customer", test=test) == [("groups in both", "customer")]
    assert train.loc[0, "customer"] not in str(outcomes(train, group="customer", test=test))


def test_a_test_that_begins_before_training_ends_is_found() -> None:
    train = clean(1)
    test = clean(2).assign(at=lambda frame: frame["at"] - timedelta(days=60))
    assert found(train, time="at", test=test) == [("training before test", "at")]


def test_one_column_that_cannot_be_read_leaves_the_others_judged() -> None:
    table = clean(rows=200).assign(thing=[object() for _ in range(200)], many=[[1, 2]] * 200)
    told = [(each.column, each.status) for each in outcomes(table) if each.status != "passed"]
    assert told == [("thing", "errored"), ("many", "errored")]


@pytest.mark.parametrize("column", [[None] * 200, [float("nan")] * 200, [1] * 200, [float("inf")] * 200, [""] * 200])
def test_a_column_of_nothing_tells_nothing(column: list[Any]) -> None:
    assert found(clean(rows=200).assign(empty=column)) == []


@pytest.mark.parametrize(
    ("table", "asked", "said"),
    [
        (clean(rows=50), {"target": "lat"}, "no column 'lat'"),
        (clean(rows=50), {"time": "att"}, "no column 'att'"),
        (clean(rows=50).assign(late=1), {}, "no two different values"),
        (clean(rows=0), {}, "no two different values"),
        (clean(rows=50), {"target": "customer"}, "is no label"),
        (clean(rows=50), {"group": "customer"}, "compared with a test table"),
        (clean(rows=50), {"group": "customer", "test": clean(rows=50)[["x"]]}, "the test table has no column"),
    ],
)
def test_what_cannot_be_asked_is_refused(table: pd.DataFrame, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        outcomes(table, **{"target": "late", **asked})


def test_tables_that_cannot_be_compared_are_errored() -> None:
    told = outcomes(clean(rows=50), time="at", test=clean(rows=0))
    assert {each.check for each in told if each.status == "errored"} == {
        "test rows in training",
        "training before test",
    }
    (outcome,) = [each for each in outcomes(clean(rows=50), time="code") if each.check == "after the event"]
    assert outcome.status == "errored"


def test_the_figure_of_a_score_is_scikit_learns() -> None:
    table = clean()
    got = strength(
        table_of(table).frame(["x"]).collect()["c0"], label_of(table_of(table).frame(["late"]).collect()["c0"], "late")
    )
    assert got.figure == pytest.approx(roc_auc_score(table.late, table.x), rel=1e-12)
    assert got.low < got.figure


def test_a_column_of_many_levels_that_tells_nothing_stays_near_a_half() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = [each.number for each in outcomes(clean()) if each.column in {"code", "customer", "noise"}]
    assert all(figure is not None and figure < 0.56 for figure in figures)


def test_the_verdict_is_the_same_each_time() -> None:
    assert outcomes(clean(), time="at", test=clean(2)) == outcomes(clean(), time="at", test=clean(2))
