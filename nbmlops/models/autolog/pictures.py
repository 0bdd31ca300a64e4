"""Pictures of a fitted model, drawn without pyplot, whose state is the notebook's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbmlops.models.autolog.sample import Answers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["pictures"]

_BARS = 20
_CLASSES = 30
_DOTS = 2_000
_BINS = 10
_CURVES = 10


def pictures(answered: Answers | None, important: tuple[str, Mapping[str, float]] | None) -> Iterator[Any]:
    """The pictures that make sense: names of files, and what draws each.

    The confusion matrix is that of `sklearn.metrics.confusion_matrix`, in shares of the true class; the ROC curve is
    `sklearn.metrics.roc_curve`, of more than two classes one against the rest; calibration is
    `sklearn.calibration.calibration_curve` in ten bins.

    Parameters
    ----------
    answered : Answers or None
        What a classifier or regressor answers to rows whose truth is known.
    important : pair of str and mapping, or None
        What the figures of the columns are, and the figures.
    """
    import_module("matplotlib.figure")  # when it is missing, that is said once, not for each picture
    if important:
        yield "feature_importances.png", lambda: _importances(*important)
    if answered is None:
        return
    if answered.numbers and answered.truth.shape == answered.given.shape:
        yield "residuals.png", lambda: _residuals(answered)
    if answered.classes is None:
        return
    if len(answered.classes) <= _CLASSES:
        yield "confusion_matrix.png", lambda: _confusion(answered)
    if answered.truth.ndim != 1 or len(set(answered.truth.tolist())) < 2:
        return
    if answered.scores is not None:
        yield "roc_curve.png", lambda: _roc({"": (answered.classes[1], answered.scores)}, answered)
        if answered.probabilities is not None:
            yield "calibration.png", lambda: _calibration(answered)
    elif answered.probabilities is not None and len(answered.classes) <= _CURVES:
        columns = zip(answered.classes, answered.probabilities.T, strict=True)
        yield "roc_curve.png", lambda: _roc({str(each): (each, column) for each, column in columns}, answered)


def _canvas(title: str, across: str, up: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), dpi=100)
    axes = figure.subplots()
    axes.set(title=title, xlabel=across, ylabel=up)
    return figure, axes


def _importances(what: str, values: Mapping[str, float]) -> Figure:
    shown = list(values.items())[:_BARS][::-1]
    rest = len(values) - len(shown)
    figure, axes = _canvas(f"{len(shown)} columns of {len(values)}" if rest else "columns", what, "")
    # Bars by place: two columns may be cut to the same name.
    axes.barh(range(len(shown)), [value for _, value in shown])
    axes.set_yticks(range(len(shown)), [_literal(name[:40]) for name, _ in shown])
    return figure


def _confusion(found: Answers) -> Figure:
    from sklearn.metrics import confusion_matrix

    shares = confusion_matrix(found.truth, found.given, labels=found.classes, normalize="true")
    figure, axes = _canvas("confusion matrix, shares of the true class", "predicted", "true")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_literal(str(each)[:20]) for each in found.classes]
    axes.set_xticks(range(len(names)), names, rotation=45 if len(names) > 4 else 0)
    axes.set_yticks(range(len(names)), names)
    if len(names) <= _BINS:
        for (row, column), share in _cells(shares):
            axes.text(column, row, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.5 else "black")
    return figure


def _cells(table: Any) -> Iterator[tuple[tuple[int, int], float]]:
    import numpy as np

    for (row, column), value in np.ndenumerate(table):
        yield (row, column), float(value)


def _roc(curves: Mapping[str, tuple[Any, Any]], found: Answers) -> Figure:
    """A curve for each name: of which class, by which scores."""
    from sklearn.metrics import roc_curve

    figure, axes = _canvas("ROC curve", "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    for name, (positive, scores) in curves.items():
        false, true, _ = roc_curve(found.truth == positive, scores, sample_weight=found.weight)
        axes.plot(false, true, label=_literal(name[:20]))
    if len(curves) > 1:
        axes.legend()
    return figure


def _calibration(found: Answers) -> Figure:
    from sklearn.calibration import calibration_curve

    truth = (found.truth == found.classes[1]).astype(int)
    true, said = calibration_curve(truth, found.scores, n_bins=_BINS)
    figure, axes = _canvas("calibration", "predicted probability", "share that is true")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.plot(said, true, marker="o")
    return figure


def _residuals(found: Answers) -> Figure:
    import numpy as np

    truth, given = np.ravel(found.truth), np.ravel(found.given)
    few = np.linspace(0, len(truth) - 1, min(len(truth), _DOTS)).astype(int)
    figure, axes = _canvas("residuals", "predicted", "true less predicted")
    axes.axhline(0, color="grey", linestyle=":")
    axes.scatter(given[few], truth[few] - given[few], s=8, alpha=0.6)
    return figure


def _literal(text: str) -> str:
    """Text in which a dollar sign does not begin a formula."""
    return text.replace("$", r"\$")
