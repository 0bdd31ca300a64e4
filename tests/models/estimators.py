"""One estimator of every class of scikit-learn that can be fitted on a small table, and the data for it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators, get_tags

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

__all__ = ["X", "every_estimator", "target"]

GENERATOR = np.random.default_rng(0)
X = np.abs(GENERATOR.normal(size=(40, 4))) + 0.1
CLASSES = (X[:, 0] + X[:, 1] > 1.6).astype(int)
NUMBERS = 1 + X[:, 0] * 2 + X[:, 1]
# Quick on few rows, and the same every time.
SETTINGS: dict[str, Any] = {
    "random_state": 0,
    "n_estimators": 3,
    "max_iter": 10,
    "min_samples_leaf": 1,
    "n_components": 1,
    "n_clusters": 2,
    "perplexity": 5,
    "n_init": 1,
    "min_bin_freq": 1,
    "batch_size": 20,
    "cv": 2,
    "n_resampling": 2,
    "n_alphas": 3,
}


def every_estimator() -> Iterator[tuple[str, BaseEstimator]]:
    """Names of classes, and an estimator of each that predicts, finds groups or outliers, or is a search.

    What only transforms is the step of a pipeline before one that predicts.
    """
    for name, owner in all_estimators():
        estimator = _made(owner)
        if estimator is None or not hasattr(estimator, "fit"):
            continue
        logged = any(hasattr(estimator, method) for method in ("predict", "fit_predict"))
        if not logged and hasattr(estimator, "transform"):
            last = KMeans(2, n_init=1, random_state=0) if get_tags(estimator).target_tags.one_d_labels else _last(name)
            estimator = make_pipeline(estimator, last)
        yield name, estimator


def _last(name: str) -> BaseEstimator:
    return Ridge() if "Regress" in name else LogisticRegression(max_iter=50)


def _made(owner: type) -> Any:
    wanted = inspect.signature(owner).parameters
    inner = _inner(owner.__name__)
    found: dict[str, Any] = {name: value for name, value in SETTINGS.items() if name in wanted}
    for name, parameter in wanted.items():
        required = parameter.default is inspect.Parameter.empty or name == "estimator"
        if not required:
            continue
        found[name] = {
            "estimator": inner,
            "base_estimator": inner,
            "estimators": [("one", inner), ("other", _inner(owner.__name__, alpha=2.0))],
            "param_grid": {"max_iter": [10, 20]},
            "param_distributions": {"max_iter": [10, 20]},
            "steps": [("scale", StandardScaler()), ("model", LogisticRegression())],
            "transformers": [("scale", StandardScaler(), [0, 1])],
            "transformer_list": [("scale", StandardScaler())],
            "dictionary": np.eye(4),
        }.get(name)
        if found[name] is None:
            return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return owner(**found)


def _inner(name: str, alpha: float = 1.0) -> BaseEstimator:
    by_numbers = any(part in name for part in ("Regress", "RANSAC")) and "Logistic" not in name
    return Ridge(alpha) if by_numbers else LogisticRegression(C=alpha, max_iter=50)


def target(estimator: BaseEstimator) -> Any:
    """What the estimator learns to predict."""
    tags = get_tags(estimator)
    kind = tags.estimator_type
    if tags.target_tags.multi_output and not tags.target_tags.single_output:
        return np.column_stack([CLASSES, 1 - CLASSES] if kind == "classifier" else [NUMBERS, NUMBERS + X[:, 3]])
    if kind == "regressor" or (isinstance(estimator, Pipeline) and isinstance(estimator[-1], Ridge)):
        return NUMBERS
    return CLASSES
