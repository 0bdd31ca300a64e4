"""Model checks by name: each is run or says why not, and what is asked is read strictly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from nbmlops.checks.model.case import Asked, Case, Opened, inputs_of
from nbmlops.checks.model.named import CHECKS, judge
from nbmlops.core.errors import InvalidError


def table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(rows, 2)), columns=["a", "b"])
    frame["late"] = np.where(frame.a + frame.b + generator.normal(size=rows) > 0, "yes", "no")
    return frame


def opened(model: Any, name: str = "delay@v2") -> Opened:
    return Opened(name, model, inputs_of(model))


def fitted() -> LogisticRegression:
    train = table(seed=1)
    return LogisticRegression().fit(train[["a", "b"]], train.late)


class Broken(LogisticRegression):
    """A model that raises when it is asked."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - as scikit-learn calls it
        raise RuntimeError("the disk is full")


def test_labels_may_be_texts_and_a_figure_without_a_bound_is_only_told() -> None:
    (outcome,) = judge(Case(opened(fitted()), table(), "late"), ["floor"])
    assert (outcome.check, outcome.status, outcome.bound) == ("roc_auc", "passed", "")
    assert "no bound is asked for" in outcome.detail


def test_each_check_gives_a_sign_of_life_when_it_begins_and_when_it_ends() -> None:
    signs: list[tuple[str, str]] = []
    case = Case(opened(fitted()), table(), "late")
    judge(case, ["floor", "calibration"], lambda sign: signs.append((sign.step, sign.state)))
    assert signs == [
        ("floor", "running"),
        ("floor", "completed"),
        ("calibration", "running"),
        ("calibration", "completed"),
    ]


def test_a_floor_that_is_not_reached_fails() -> None:
    case = Case(opened(fitted()), table(), "late", Asked(metric="accuracy", floor=0.99))
    (outcome,) = judge(case, ["floor"])
    assert (outcome.check, outcome.status, outcome.bound) == ("accuracy", "failed", "≥ 0.99")


def test_more_classes_are_measured_by_accuracy_and_numbers_by_r2() -> None:
    rows = table()
    rows["three"] = np.array(["x", "y", "z"])[np.arange(len(rows)) % 3]
    many = LogisticRegression().fit(rows[["a", "b"]], rows.three)
    line = LinearRegression().fit(rows[["a"]], rows.b)
    assert judge(Case(opened(many), rows, "three"), ["floor"])[0].check == "accuracy"
    assert judge(Case(opened(line), rows, "b"), ["floor"])[0].check == "r2"


def test_a_model_that_raises_is_errored_and_the_other_checks_still_run() -> None:
    train = table(seed=1)
    model = Broken().fit(train[["a", "b"]], train.late)
    found = judge(Case(opened(model), table(), "late", champion=opened(fitted())))
    assert {outcome.status for outcome in found} <= {"errored", "passed", "warned", "failed"}
    floor = next(outcome for outcome in found if outcome.check == "floor")
    assert floor.status == "errored"
    assert floor.detail == "delay@v2 cannot answer the rows: RuntimeError: the disk is full"
    assert len(found) > 1


def test_a_check_that_lacks_something_runs_only_when_named_and_then_says_what() -> None:
    case = Case(opened(fitted()), table(), "late")
    assert not [outcome for outcome in judge(case) if "champion" in outcome.check]
    (outcome,) = judge(case, ["champion"])
    assert (outcome.status, outcome.detail) == ("errored", "there is no champion; name one with --champion")


@pytest.mark.parametrize("name", CHECKS)
def test_truth_with_gaps_or_of_one_class_or_one_row_is_a_report_and_no_traceback(name: str) -> None:
    gaps = table()
    gaps.loc[3, "late"] = None
    model, other = fitted(), opened(fitted(), "delay@v1")
    for rows in (gaps, table()[lambda each: each.late == "yes"], table().head(1), table().head(3)):
        asked = Asked(slices=("a",), sensitive="b")
        found = judge(Case(opened(model), rows, "late", asked, other, table(seed=1)), [name])
        assert found
        assert all(outcome.detail for outcome in found if outcome.status == "errored")
        assert "Traceback" not in str(found)


def test_what_cannot_be_judged_at_all_is_refused_with_the_nearest_names() -> None:
    case = Case(opened(fitted()), table(), "lat")
    with pytest.raises(InvalidError, match="no column 'lat'") as error:
        judge(case)
    assert error.value.hint == "did you mean late, a?"
    with pytest.raises(InvalidError, match="no rows"):
        judge(Case(opened(fitted()), table().head(0), "late"))
    with pytest.raises(InvalidError, match="no model check 'flor'") as error:
        judge(Case(opened(fitted()), table(), "late"), ["flor"])
    assert error.value.hint == "did you mean floor?"
    with pytest.raises(InvalidError, match="no column 'c'"):
        judge(Case(opened(fitted()), table(), "late", Asked(sensitive="c")))
    with pytest.raises(InvalidError, match="the training table has no column 'late'"):
        judge(Case(opened(fitted()), table(), "late", train=table().drop(columns="late")))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"flor": 1}, "takes no 'flor'"),
        ({"metric": "auc"}, "no metric 'auc'"),
        ({"risk": 0.5}, "the risk is 0.5"),
        ({"fairness": 2}, "bound of fairness is 2"),
        ({"tolerance": -1}, "the tolerance is -1"),
        ({"floor": 1, "ceiling": 1}, "a floor and a ceiling"),
    ],
)
def test_what_is_asked_is_read_strictly(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        Asked.of(values)


def test_what_is_asked_may_leave_out_anything() -> None:
    assert Asked.of({"metric": None, "slices": "a,b"}) == Asked(slices=("a", "b"))


def test_a_loss_has_a_ceiling() -> None:
    (outcome,) = judge(Case(opened(fitted()), table(), "late", Asked(metric="brier", floor=0.2)), ["floor"])
    assert (outcome.status, outcome.detail) == (
        "errored",
        "brier is given a floor, but its lower values are better",
    )


def test_an_estimator_takes_the_columns_that_it_was_fitted_on() -> None:
    rows = table()
    by_array = DummyClassifier().fit(rows[["a", "b"]].to_numpy(), rows.late)
    assert inputs_of(by_array)(rows, "late").shape == (400, 2)
    assert list(inputs_of(fitted())(rows.assign(more=1), "late").columns) == ["a", "b"]
    with pytest.raises(InvalidError, match="takes 2 columns, and the table has 3 besides late"):
        inputs_of(by_array)(rows.assign(more=1), "late")
    with pytest.raises(InvalidError, match="lacks columns that the model takes: b"):
        inputs_of(fitted())(rows[["a", "late"]], "late")
