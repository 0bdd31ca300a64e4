"""What an xgboost model's JSON holds, judged before xgboost sees it.

xgboost's compiled code follows the indices of a tree without looking, as scikit-learn's does, and takes sizes from
the file. So each of them is held against what it points into; and the text must be the one that we write for what was
read, so that another reader of JSON cannot find something else in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nbmlops.core.errors import CorruptError, UnsupportedError, UntrustedError
from nbmlops.models.formats.boosting_facts import KEY, checked
from nbmlops.models.formats.documents import parsed

__all__ = ["ESTIMATORS", "screened", "written"]

ESTIMATORS = frozenset(
    f"xgboost.sklearn.{name}" for name in "XGBClassifier XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor".split()
)
_LEARNER = frozenset("attributes feature_names feature_types gradient_booster learner_model_param objective".split())
_ATTRIBUTES = frozenset({KEY, "best_iteration", "best_score", "scikit_learn"})
_TREES = frozenset("cats gbtree_model_param iteration_indptr tree_info trees".split())
_NODES = tuple(
    "base_weights default_left left_children loss_changes parents right_children split_conditions split_indices "
    "split_type sum_hessian".split()
)
_TREE = frozenset(
    {*_NODES, "categories", "categories_nodes", "categories_segments", "categories_sizes", "id", "tree_param"}
)
_WORD = re.compile(r"[a-z]{1,20}(:[a-z0-9_]{1,30})?")
_NONE = 2**31 - 1  # the parent of the first node, and the column of one that was deleted
_OLDEST = 2
_MOST_COLUMNS, _MOST_CLASSES = 1_000_000, 100_000


def written(document: dict[str, Any]) -> bytes:
    """A document as text: one for each content."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def screened(content: bytes) -> dict[str, Any]:
    """Facts of a file, once all of it has been judged.

    Raises
    ------
    CorruptError
        When it is no model of xgboost as we write it, or an index or a size in it does not hold.
    UntrustedError
        When it brings settings of its own.
    UnsupportedError
        When it needs what is not looked at here, or is of a later version.
    """
    document = parsed(content, "a model of xgboost")
    if written(document) != content:
        raise _broken("it is written in another way than nbmlops does")
    try:
        return _judged(document)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise _broken(f"{type(error).__name__}: {str(error)[:80]}") from None


def _judged(document: dict[str, Any]) -> dict[str, Any]:
    if set(document) != {"learner", "version"} or [type(part) for part in document["version"]] != [int] * 3:
        raise _broken("it has other parts")
    if document["version"][0] < _OLDEST:
        raise _broken(f"it is of xgboost {document['version'][0]}")
    learner = document["learner"]
    attributes = learner["attributes"]
    if set(learner) != _LEARNER or not set(attributes) <= _ATTRIBUTES:
        raise UntrustedError(
            "the model's file brings settings that no model of xgboost needs that nbmlops saves",
            hint="do not use this file",
        )
    if not all(isinstance(value, str) for value in attributes.values()):
        raise _broken("an attribute is no text")
    if "best_iteration" in attributes and not 0 <= int(attributes["best_iteration"]) < 2**31:
        raise _broken("the best iteration is none")
    objective = learner["objective"]
    if not _WORD.fullmatch(objective["name"]):
        raise _broken("its objective is none")
    size = {name: int(learner["learner_model_param"][name]) for name in ("num_class", "num_feature", "num_target")}
    columns, groups = size["num_feature"], max(1, size["num_class"], size["num_target"])
    if not 1 <= columns <= _MOST_COLUMNS or min(size.values()) < 0 or groups > _MOST_CLASSES:
        raise _broken("it has no columns, or too many classes")
    _texts(learner["feature_names"], columns)
    _texts(learner["feature_types"], columns)
    _booster(learner["gradient_booster"], columns, groups)
    told = checked(json.loads(attributes[KEY]), ESTIMATORS, columns)
    classes = told["classes"]
    if classes is not None and classes != list(range(max(2, groups))):
        raise _broken("it has other classes than its objective")
    return told


def _texts(values: Any, columns: int) -> None:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise _broken("the names of its columns are no texts")
    if values and len(values) != columns:
        raise _broken("it names another number of columns")


def _booster(booster: dict[str, Any], columns: int, groups: int) -> None:
    name = booster["name"]
    if name == "gblinear" and set(booster) == {"model", "name"}:
        if (
            set(booster["model"]) != {"boosted_rounds", "weights"}
            or not 0 <= booster["model"]["boosted_rounds"] < 2**31
        ):
            raise _broken("its linear model has other parts")
        if _numbers(booster["model"]["weights"]).shape != ((columns + 1) * groups,):
            raise _broken("it has another number of weights")
    elif name == "gbtree" and set(booster) == {"model", "name"}:
        _forest(booster["model"], columns, groups)
    elif name == "dart" and set(booster) == {"gbtree", "name", "weight_drop"} and booster["gbtree"]["name"] == "gbtree":
        if set(booster["gbtree"]) != {"model", "name"}:
            raise _broken("its trees have other parts")
        _forest(booster["gbtree"]["model"], columns, groups)
        if _numbers(booster["weight_drop"]).shape != (len(booster["gbtree"]["model"]["trees"]),):
            raise _broken("it has another number of weights")
    else:
        raise _broken("it is no booster that is known here")


def _forest(forest: dict[str, Any], columns: int, groups: int) -> None:
    if not set(forest) <= _TREES:
        raise _broken("its trees have other parts")
    if any(any(part) for part in forest.get("cats", {}).values()):
        raise UnsupportedError(
            "the model keeps categories of its own, which nbmlops does not look into",
            hint="fit it on numbers: a OneHotEncoder or OrdinalEncoder makes them of categories",
        )
    trees, sizes = forest["trees"], forest["gbtree_model_param"]
    if int(sizes["num_trees"]) != len(trees) or not 1 <= int(sizes["num_parallel_tree"]) <= max(1, len(trees)):
        raise _broken("it has another number of trees")
    bounds = _whole(forest["iteration_indptr"])
    if bounds[0] != 0 or bounds[-1] != len(trees) or (bounds[1:] < bounds[:-1]).any():
        raise _broken("its iterations are not those of its trees")
    group = _whole(forest["tree_info"])
    if len(group) != len(trees) or (group < 0).any() or (group >= groups).any():
        raise _broken("a tree is of no class")
    for number, tree in enumerate(trees):
        if set(tree) != _TREE or tree["id"] != number:
            raise _broken("a tree has other parts")
        _tree(tree, columns)


def _tree(tree: dict[str, Any], columns: int) -> None:
    import numpy as np

    told = {name: int(value) for name, value in tree["tree_param"].items()}
    if set(told) != {"num_deleted", "num_feature", "num_nodes", "size_leaf_vector"}:
        raise _broken("a tree has other sizes")
    if told["size_leaf_vector"] not in {0, 1} or any(tree[name] for name in tree if name.startswith("categories")):
        raise UnsupportedError(
            "the model has trees that nbmlops does not look into: of categories, or with more than one answer",
            hint="fit it on numbers, with multi_strategy='one_output_per_tree'",
        )
    nodes = told["num_nodes"]
    if nodes < 1 or told["num_feature"] != columns or any(len(tree[name]) != nodes for name in _NODES):
        raise _broken("a tree has other sizes than it says")
    left, right = _whole(tree["left_children"]), _whole(tree["right_children"])
    feature, kind = _whole(tree["split_indices"]), _whole(tree["split_type"])
    for name in ("base_weights", "split_conditions", "loss_changes", "sum_hessian", "default_left", "parents"):
        _numbers(tree[name])
    inner, deleted = left != -1, feature == _NONE
    at, children = np.arange(nodes), np.concatenate([left[inner], right[inner]])
    if ((right != -1) != inner).any() or (inner & deleted).any() or deleted.sum() != told["num_deleted"]:
        raise _broken("a node of a tree has one child, or was deleted and has some")
    # Each node but the first is the child of one before it, or it was deleted.
    if not np.array_equal(np.sort(np.concatenate([children, at[deleted]])), at[1:]):
        raise _broken("a node of a tree is the child of none, or of two")
    parent = _whole(tree["parents"])
    if (children <= np.tile(at[inner], 2)).any() or (parent[children] != np.tile(at[inner], 2)).any():
        raise _broken("a node of a tree is not behind the one whose child it is")
    if parent[0] != _NONE or (parent[1:] < 0).any() or (parent[1:] >= nodes).any():
        raise _broken("a node of a tree has a parent that is not there")
    if (feature < 0).any() or (feature[~deleted] >= columns).any() or kind.any():
        raise _broken("a tree asks for a column that is not there")


def _whole(values: Any) -> Any:
    import numpy as np

    found = np.array(values, dtype=np.int64)
    if found.ndim != 1 or any(type(value) is not int for value in values):
        raise _broken("there is something else where numbers are")
    return found


def _numbers(values: Any) -> Any:
    import numpy as np

    found = np.array(values, dtype=np.float64)
    if found.ndim != 1 or not {type(value) for value in values} <= {int, float}:
        raise _broken("there is something else where numbers are")
    return found


def _broken(why: str) -> CorruptError:
    return CorruptError(f"the model's file is no model of xgboost that nbmlops saves: {why}", hint="`ml store verify`")
