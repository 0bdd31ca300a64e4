"""Check what skops cannot: that the indices inside a built model stay inside its arrays.

Compiled code of scikit-learn follows node, feature and row indices without looking, so a file of plain
arrays could crash a process or read foreign memory at the first prediction
(https://github.com/scikit-learn/scikit-learn/pull/34558, the reason why skops distrusts trees). Everything
reachable from the model is looked at before it is handed out. This is a second fence behind the signature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbmlops.core.errors import UntrustedError
from nbmlops.models.reach import reachable

__all__ = ["check"]

Rule = Callable[[Any], bool]


def check(model: Any) -> None:
    """Do nothing when all indices inside `model` are in bounds.

    Raises
    ------
    UntrustedError
        When a tree, a nearest-neighbour index, a sparse matrix or a spline points outside its arrays.
    """
    rules = _rules()
    chosen: dict[type, Rule | None] = {}
    for part in reachable(model):
        kind = type(part)
        if kind not in chosen:
            chosen[kind] = next((rule for base, rule in rules if issubclass(kind, base)), None)
        rule = chosen[kind]
        if rule is not None and not _keeps(rule, part):
            raise UntrustedError(
                f"the model holds a {kind.__name__} whose indices point outside its arrays: "
                "predicting with it could crash the process or read foreign memory",
                hint="do not use this version; train the model again, or load an earlier one",
            )


def _keeps(rule: Rule, part: Any) -> bool:
    try:
        return rule(part)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False  # a part without what its class always has was not made by that class


def _rules() -> list[tuple[type, Rule]]:
    from scipy.interpolate import BSpline
    from scipy.sparse import sparray, spmatrix
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.neighbors import BallTree, KDTree
    from sklearn.tree import BaseDecisionTree

    return [
        (BaseDecisionTree, _tree),
        (BaseGradientBoosting, _boosting),
        (BaseHistGradientBoosting, _histogram_boosting),
        (KDTree, _neighbours),
        (BallTree, _neighbours),
        (BSpline, _spline),
        (spmatrix, _sparse),
        (sparray, _sparse),
    ]


def _tree(estimator: Any) -> bool:
    """Node fields as in sklearn/tree/_tree.pxd: children come after their parent, leaves have -1."""
    import numpy as np

    tree = getattr(estimator, "tree_", None)
    if tree is None:
        return True
    state = tree.__getstate__() if 0 < tree.node_count <= tree.capacity else None
    if state is None:
        return False
    nodes = state["nodes"]
    inner = nodes["left_child"] != -1
    return bool(
        _children(nodes["left_child"], nodes["right_child"], inner)
        and np.all(nodes["right_child"][~inner] == -1)
        and _within(nodes["feature"][inner], estimator.n_features_in_)
    )


def _boosting(ensemble: Any) -> bool:
    """Gradient boosting reaches into the trees of its stages with its own columns and outputs."""
    from sklearn.tree import DecisionTreeRegressor

    stages = getattr(ensemble, "estimators_", None)
    if stages is None:
        return True
    return (
        stages.ndim == 2
        and stages.shape[1] == ensemble.n_trees_per_iteration_
        and all(
            isinstance(stage, DecisionTreeRegressor)
            and stage.n_features_in_ == ensemble.n_features_in_
            and stage.tree_.n_outputs == 1
            for stage in stages.ravel()
        )
    )


def _histogram_boosting(ensemble: Any) -> bool:
    """Node fields as in sklearn/ensemble/_hist_gradient_boosting/common.pxd."""
    import numpy as np

    if not hasattr(ensemble, "_bin_mapper"):
        return not hasattr(ensemble, "_predictors")  # not fitted
    categorical = np.asarray(vars(ensemble)["_bin_mapper"].is_categorical_, dtype=bool)
    columns = min(ensemble.n_features_in_, categorical.size)
    for predictor in (predictor for iteration in vars(ensemble)["_predictors"] for predictor in iteration):
        nodes, sets = predictor.nodes, predictor.raw_left_cat_bitsets
        inner = nodes["is_leaf"] == 0
        fine = len(nodes) > 0 and _children(nodes["left"], nodes["right"], inner)
        fine = fine and _within(nodes["feature_idx"][inner], columns)
        by_set = inner & (nodes["is_categorical"] != 0)
        if fine and by_set.any():
            fine = sets.ndim == 2 and sets.shape[1] >= 8 and _within(nodes["bitset_idx"][by_set], len(sets))
            fine = fine and bool(categorical[nodes["feature_idx"][by_set]].all())
        if not fine:
            return False
    return True


def _neighbours(index: Any) -> bool:
    """State as in sklearn/neighbors/_binary_tree.pxi: node i has the children 2i + 1 and 2i + 2."""
    import numpy as np

    rows, order, nodes, bounds, _, _, count = index.__getstate__()[:7]
    total = len(nodes)
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return bool(
        count == total > 0
        and len(rows) == len(order)
        and np.array_equal(np.sort(order), np.arange(len(rows)))
        and np.all((nodes["idx_start"] >= 0) & (nodes["idx_start"] <= nodes["idx_end"]))
        and np.all(nodes["idx_end"] <= len(rows))
        and np.all(2 * inner + 2 < total)
        and bounds.shape[1:] == (total, rows.shape[1])
    )


def _spline(spline: Any) -> bool:
    from scipy.interpolate import BSpline

    try:
        sound = BSpline(spline.t, spline.c, spline.k)
    except (TypeError, ValueError):
        return False
    # From scipy 1.18 a part of it does the work, and a file could put any object in its place.
    return type(vars(spline).get("_delegate_to")) is type(vars(sound).get("_delegate_to"))


def _sparse(matrix: Any) -> bool:
    if not hasattr(matrix, "check_format"):
        return True  # formats other than CSR, CSC and BSR are indexed by numpy, which looks
    try:
        matrix.check_format(full_check=True)
    except (TypeError, ValueError):
        return False
    return True


def _children(left: Any, right: Any, inner: Any) -> bool:
    import numpy as np

    own = np.flatnonzero(inner)
    return all(bool(np.all((side[inner].astype(np.int64) > own) & (side[inner] < len(side)))) for side in (left, right))


def _within(indices: Any, limit: int) -> bool:
    return bool(((indices >= 0) & (indices < limit)).all())
