"""What is measured of a fitted model on the rows that it was fitted on, by its kind.

Every measure is a function of `sklearn.metrics`, weighted by ``sample_weight`` when the fit was, or an attribute that
the fit left:

================================ ===========================================================================
metric                           definition
================================ ===========================================================================
classifiers
train.accuracy                   ``accuracy_score``
train.f1, .precision, .recall    ``f1_score``, ``precision_score``, ``recall_score``, averaged by the weight
                                 of the classes (``average="weighted"``)
train.log_loss                   ``log_loss`` of ``predict_proba``
train.roc_auc                    ``roc_auc_score``; more than two classes one against the rest, by weight
regressors
train.r2, .mae, .rmse, .medae    ``r2_score``, ``mean_absolute_error``, ``root_mean_squared_error``,
                                 ``median_absolute_error``
clusterers
train.clusters                   how many labels there are besides -1, which stands for noise
train.silhouette                 ``silhouette_score`` on 2,000 rows at most
train.calinski_harabasz          ``calinski_harabasz_score``
train.davies_bouldin             ``davies_bouldin_score``
others
train.outliers                   share of rows that ``predict`` calls -1, by an outlier detector
train.log_likelihood             mean of ``score_samples``, of a density
the fit itself
train.rows, .columns             of the input
n_iter, inertia, loss, …         attributes, see `FITTED`; those that are lists become metrics by step
================================ ===========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbmlops.models.autolog.sample import Answers, Sample

__all__ = ["FITTED", "curves", "figures", "fitted"]

Figure = tuple[str, Callable[[], float]]

FITTED = {
    "best_score_": "best_score",
    "bound_": "bound",
    "inertia_": "inertia",
    "kl_divergence_": "kl_divergence",
    "loss_": "loss",
    "lower_bound_": "lower_bound",
    "n_iter_": "n_iter",
    "oob_score_": "oob_score",
    "reconstruction_err_": "reconstruction_error",
    "stress_": "stress",
}
"""Attributes of fitted models that are numbers, and the metrics that they become."""
_CURVES = {
    "loss_curve_": "loss_curve",
    "lower_bounds_": "lower_bounds",
    "train_score_": "train_score",
    "validation_score_": "validation_score",
    "validation_scores_": "validation_scores",
}
_POINTS = 10_000
_SILHOUETTE_ROWS = 2_000


def figures(model: Any, rows: Sample, answered: Answers | None) -> Iterator[Figure]:
    """The measures that make sense of a fitted model: names, and what computes each.

    Parameters
    ----------
    model : estimator
        The model.
    rows : Sample
        What it was fitted on.
    answered : Answers or None
        What it answers to them, of a classifier or regressor.
    """
    from sklearn.base import is_classifier, is_clusterer, is_outlier_detector

    if answered is not None:
        yield from (_of_classes if is_classifier(model) else _of_numbers)(answered)
    elif is_clusterer(model):
        yield from _of_clusters(model, rows)
    elif is_outlier_detector(model) and hasattr(model, "predict"):
        yield "train.outliers", lambda: float((model.predict(rows.X) == -1).mean())
    elif hasattr(model, "score_samples") and not is_outlier_detector(model):
        yield "train.log_likelihood", lambda: float(model.score_samples(rows.X).mean())


def _of_classes(found: Answers) -> Iterator[Figure]:
    from sklearn import metrics

    truth, given = found.truth, found.given
    weight = {"sample_weight": found.weight}
    averaged: dict[str, Any] = {"average": "weighted", "zero_division": 0, **weight}
    yield "train.accuracy", lambda: metrics.accuracy_score(truth, given, **weight)
    yield "train.f1", lambda: metrics.f1_score(truth, given, **averaged)
    yield "train.precision", lambda: metrics.precision_score(truth, given, **averaged)
    yield "train.recall", lambda: metrics.recall_score(truth, given, **averaged)
    several = len(set(truth.tolist())) > 1 if truth.ndim == 1 else False
    if found.probabilities is not None and several:
        yield "train.log_loss", lambda: metrics.log_loss(truth, found.probabilities, labels=found.classes, **weight)
    if found.scores is not None and several:
        yield "train.roc_auc", lambda: metrics.roc_auc_score(truth == found.classes[1], found.scores, **weight)
    elif found.probabilities is not None and len(set(truth.tolist())) == len(found.classes) > 2:
        settings: dict[str, Any] = {"multi_class": "ovr", "average": "weighted", "labels": found.classes, **weight}
        yield "train.roc_auc", lambda: metrics.roc_auc_score(truth, found.probabilities, **settings)


def _of_numbers(found: Answers) -> Iterator[Figure]:
    from sklearn import metrics

    truth, given, weight = found.truth, found.given, {"sample_weight": found.weight}
    if len(truth) > 1:
        yield "train.r2", lambda: metrics.r2_score(truth, given, **weight)
    yield "train.mae", lambda: metrics.mean_absolute_error(truth, given, **weight)
    yield "train.rmse", lambda: metrics.root_mean_squared_error(truth, given, **weight)
    yield "train.medae", lambda: metrics.median_absolute_error(truth, given, **weight)


def _of_clusters(model: Any, rows: Sample) -> Iterator[Figure]:
    import numpy as np
    from sklearn import metrics

    labels = getattr(model, "labels_", None)
    if labels is None:
        labels = model.predict(rows.X)
    elif rows.places is not None and len(labels) == rows.rows:
        labels = labels[rows.places]
    labels = np.asarray(labels)
    distinct = len(set(labels.tolist()))
    yield "train.clusters", lambda: distinct - int(-1 in labels)
    given = model.get_params(deep=False)
    by_distance = "precomputed" in (given.get("metric"), given.get("affinity"))
    if by_distance or len(labels) != getattr(rows.X, "shape", (0,))[0] or not 1 < distinct < len(labels):
        return
    few = np.linspace(0, len(labels) - 1, min(len(labels), _SILHOUETTE_ROWS)).astype(int)
    if 1 < len(set(labels[few].tolist())) < len(few):
        table = rows.X if hasattr(rows.X, "toarray") else np.asarray(rows.X)
        yield "train.silhouette", lambda: metrics.silhouette_score(table[few], labels[few])
    if not hasattr(rows.X, "toarray"):
        yield "train.calinski_harabasz", lambda: metrics.calinski_harabasz_score(rows.X, labels)
        yield "train.davies_bouldin", lambda: metrics.davies_bouldin_score(rows.X, labels)


def fitted(model: Any) -> dict[str, float]:
    """Numbers that the fit left as attributes."""
    import numpy as np

    found = {}
    for attribute, metric in FITTED.items():
        value: Any = getattr(model, attribute, None)
        if value is not None and np.size(value) == 1 and np.asarray(value).dtype.kind in "iuf":
            found[metric] = float(np.ravel(value)[0])
    return found


def curves(model: Any) -> dict[str, list[float]]:
    """Lists of numbers that the fit left as attributes, one for each step; the first 10,000 steps."""
    import numpy as np

    found = {}
    for attribute, metric in _CURVES.items():
        value: Any = getattr(model, attribute, None)
        if value is not None and np.ndim(value) == 1 and np.asarray(value).dtype.kind in "iuf":
            found[metric] = [float(each) for each in value[:_POINTS]]
    return found
