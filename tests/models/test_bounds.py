"""Indices that point outside their arrays are found before the model is handed out."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from nbmlops.core.errors import UntrustedError
from nbmlops.models import bounds

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(200, 3))
Y = X[:, 0] + X[:, 1] > 0
KINDS = pd.DataFrame({"a": X[:, 0], "kind": pd.Categorical(GENERATOR.choice(list("xyz"), 200))})
KINDED = (KINDS.kind == "x") ^ (KINDS.a > 0)


def tree() -> Any:
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)


def change_nodes(model: Any, field: str, number: int) -> None:
    state = model.tree_.__getstate__()
    state["nodes"][field][0] = number
    model.tree_.__setstate__(state)


def histogram() -> Any:
    return HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype").fit(KINDS, KINDED)


def change_predictor(model: Any, field: str, number: int, *, split: str | None = None) -> None:
    nodes = model._predictors[0][0].nodes
    place = 0 if split is None else int(np.flatnonzero(nodes[split])[0])
    nodes[field][place] = number


def neighbours(algorithm: str) -> Any:
    return KNeighborsClassifier(algorithm=algorithm, leaf_size=5).fit(X, Y)


def change_index(model: Any, item: int, change: Callable[[Any], Any]) -> None:
    state = list(model._tree.__getstate__())
    state[item] = change(np.array(state[item]) if isinstance(state[item], np.ndarray) else state[item])
    model._tree.__setstate__(tuple(state))


def with_row(order: np.ndarray) -> np.ndarray:
    order[0] = 10_000
    return order


def with_end(nodes: np.ndarray) -> np.ndarray:
    nodes["idx_end"][0] = 10_000
    return nodes


@pytest.mark.parametrize(
    "model",
    [
        tree(),
        RandomForestClassifier(3).fit(X, Y),
        BaggingClassifier(tree(), n_estimators=2, max_features=0.7).fit(X, Y),
        GradientBoostingClassifier(n_estimators=3).fit(X, Y),
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=3)).fit(X, Y),
        histogram(),
        neighbours("kd_tree"),
        neighbours("ball_tree"),
        SplineTransformer().fit(X),
        SVC().fit(csr_matrix(X), Y),
        DecisionTreeClassifier(),
        HistGradientBoostingClassifier(),
        GradientBoostingClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_scikit_learn_made_is_in_bounds(model: Any) -> None:
    bounds.check(model)


@pytest.mark.parametrize("number", [-2, 0, 1_000_000])
@pytest.mark.parametrize("field", ["left_child", "right_child"])
def test_a_child_outside_the_tree_or_before_its_parent_is_found(field: str, number: int) -> None:
    model = tree()
    change_nodes(model, field, number)
    with pytest.raises(UntrustedError, match="DecisionTreeClassifier whose indices point outside"):
        bounds.check(make_pipeline(model))


@pytest.mark.parametrize("number", [-1, 3, 1_000_000])
def test_a_feature_that_the_data_does_not_have_is_found(number: int) -> None:
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    change_nodes(model.estimators_[1], "feature", number)
    with pytest.raises(UntrustedError):
        bounds.check(model)


def test_a_count_of_nodes_beyond_the_nodes_is_found() -> None:
    model = tree()
    model.tree_.node_count = 1_000_000
    with pytest.raises(UntrustedError):
        bounds.check(model)


def test_a_stage_of_boosting_with_other_columns_is_found() -> None:
    model = GradientBoostingClassifier(n_estimators=3).fit(X, Y)
    model.estimators_[1, 0].n_features_in_ = 1_000
    with pytest.raises(UntrustedError, match="GradientBoostingClassifier"):
        bounds.check(model)


@pytest.mark.parametrize(("field", "number"), [("left", 0), ("right", 10_000), ("feature_idx", 2), ("feature_idx", -1)])
def test_a_histogram_tree_that_leaves_its_arrays_is_found(field: str, number: int) -> None:
    model = histogram()
    change_predictor(model, field, number)
    with pytest.raises(UntrustedError, match="HistGradientBoostingClassifier"):
        bounds.check(model)


def test_a_category_set_that_is_not_there_is_found() -> None:
    model = histogram()
    change_predictor(model, "bitset_idx", 99, split="is_categorical")
    with pytest.raises(UntrustedError):
        bounds.check(model)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(("item", "change"), [(1, with_row), (2, with_end), (3, lambda kept: kept[:, :2].copy())])
def test_a_neighbour_index_that_leaves_its_arrays_is_found(
    algorithm: str, item: int, change: Callable[[Any], Any]
) -> None:
    model = neighbours(algorithm)
    change_index(model, item, change)
    with pytest.raises(UntrustedError, match="Tree whose indices"):
        bounds.check(model)


def test_a_sparse_matrix_that_leaves_its_arrays_is_found() -> None:
    model = SVC().fit(csr_matrix(X), Y)
    model.support_vectors_.indices[0] = 1_000_000
    with pytest.raises(UntrustedError, match="csr_matrix"):
        bounds.check(model)


def test_a_spline_without_its_coefficients_is_found() -> None:
    model = SplineTransformer().fit(X)
    model.bsplines_[0].c = model.bsplines_[0].c[:1].copy()
    with pytest.raises(UntrustedError, match="BSpline"):
        bounds.check(model)


def test_a_spline_that_leaves_its_work_to_something_else_is_found() -> None:
    model = SplineTransformer().fit(X)
    spline = model.bsplines_[0]
    spline.__dict__["_delegate_to"] = SimpleNamespace(t=spline.t, c=spline.c, k=spline.k)
    with pytest.raises(UntrustedError, match="BSpline"):
        bounds.check(model)


def test_a_part_that_lacks_what_its_class_has_is_found() -> None:
    model = tree()
    del model.n_features_in_
    with pytest.raises(UntrustedError):
        bounds.check(model)
