"""Whether the training routine trains: a copy of the model learns ten rows, and its loss falls with its rounds.

What cannot learn ten rows that it sees twenty times each will not learn ten thousand (Karpathy 2019, "A Recipe for
Training Neural Networks", overfits a single batch for the same reason). Rows are repeated so that a least number of
rows for a leaf does not forbid it. A model that is kept simple on purpose need not know them by heart, and only gets a
warning; one that is no better than a constant answer on any of three draws fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks.behaviour.attempts import attempt
from nbmlops.checks.behaviour.trial import Trial, take
from nbmlops.checks.evidence import CurvesEvidence
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

__all__ = ["judge"]

_ROWS, _REPEATED, _DRAWS, _FITTED = 10, 20, 3, 500
_ROUNDS = ("max_iter", "n_estimators")
_STEPS = (1, 4, 16, 64)
_SEED = 20_240_229
_KNOWN = 0.99


def judge(trial: Trial) -> Iterator[Outcome]:
    """Fit copies of the model; the given one stays as it is.

    Raises
    ------
    InvalidError
        When the truth is not known, is of one class, or the model cannot be fitted anew.
    """
    import numpy as np

    if trial.truth is None or not hasattr(trial.model, "fit"):
        raise InvalidError("it takes an estimator and rows whose truth is known", hint="name it with --target")
    if len(np.unique(np.asarray(trial.truth))) < 2:
        raise InvalidError("the truth is always the same, so there is nothing to learn")
    yield _tiny(trial)
    rounds = _round_parameter(trial.model)
    if rounds is not None:
        yield _falling(trial, rounds)


def _tiny(trial: Trial) -> Outcome:
    import numpy as np

    random, truth = np.random.default_rng(_SEED), np.asarray(trial.truth)
    best = -np.inf
    for _ in range(_DRAWS):
        places = _draw(trial, truth, random)
        given = _answers_after_fit(trial, np.tile(places, _REPEATED), places, {})
        best = max(best, _learnt(trial.model, truth[places], given))
    figure = f"{best:.0%} of what a constant answer leaves open, on {_ROWS} rows"
    asked = f"≥ {_KNOWN:.0%}"
    if best >= _KNOWN:
        return Outcome("learning ten rows", None, "passed", figure, asked, number=best)
    if best > 0:
        detail = "it learns, and is kept too simple to know ten rows by heart"
        return Outcome("learning ten rows", None, "warned", figure, asked, detail, number=best)
    detail = "it is no better than a constant answer on rows that it was fitted on: look at how features and truth meet"
    return Outcome("learning ten rows", None, "failed", figure, asked, detail, number=best)


def _draw(trial: Trial, truth: Any, random: Any) -> Any:
    """Positions of ten rows; of a classifier as many of each class as can be."""
    import numpy as np

    order = random.permutation(len(truth))
    if not hasattr(trial.model, "classes_"):
        return order[:_ROWS]
    turns = np.empty(len(order), dtype=int)
    for value in np.unique(truth):
        mine = np.flatnonzero(truth[order] == value)
        turns[mine] = np.arange(len(mine))
    return order[np.argsort(turns, kind="stable")][:_ROWS]


def _answers_after_fit(
    trial: Trial, fitted: Any, asked: Any, parameters: dict[str, Any], *, scores: bool = False
) -> Any:
    import numpy as np
    from sklearn.base import clone

    truth = np.asarray(trial.truth)

    def work() -> Any:
        copy = clone(trial.model).set_params(**parameters)
        copy.fit(take(trial.rows, fitted), truth[fitted])
        if scores and hasattr(copy, "predict_proba"):
            return copy.classes_, np.asarray(copy.predict_proba(take(trial.rows, asked)))
        return np.asarray(copy.predict(take(trial.rows, asked)))

    tried = attempt(work, trial.seconds)
    if not tried.ended:
        raise InvalidError(f"it cannot be fitted on {len(fitted):,} rows: {tried.words}")
    return tried.value


def _learnt(model: Any, truth: Any, given: Any) -> float:
    """The share of a constant answer's error that is gone: 1 for none left, 0 for no better."""
    import numpy as np

    if hasattr(model, "classes_"):
        _, counts = np.unique(truth, return_counts=True)
        wrong, constant = float(np.mean(truth != given)), 1 - counts.max() / len(truth)
    else:
        number = truth.astype(float)
        wrong, constant = float(np.mean((number - given.astype(float)) ** 2)), float(np.var(number))
    return 1 - wrong / constant if constant else float(wrong == 0)


def _round_parameter(model: Any) -> str | None:
    """The parameter that says how many rounds are trained, of the model or of a pipeline's last step."""
    given = model.get_params() if hasattr(model, "get_params") else {}
    last = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    for name in _ROUNDS:
        value = given.get(f"{last}{name}")
        if isinstance(value, int) and value > 1:
            return f"{last}{name}"
    return None


def _falling(trial: Trial, rounds: str) -> Outcome:
    import numpy as np

    most = int(trial.model.get_params()[rounds])
    places = np.arange(min(len(trial.rows), _FITTED))
    steps = sorted({min(step, most) for step in (*_STEPS, min(most, 100))})
    losses = [_loss(trial, places, {rounds: step}) for step in steps]
    curve = CurvesEvidence.of(
        "loss on the rows that it is fitted on, by rounds", {"loss": zip(steps, losses, strict=True)}
    )
    first, last = losses[0], losses[-1]
    figure, asked = f"{first:.4g} after {steps[0]}, {last:.4g} after {steps[-1]} rounds", "it falls"
    fallen = bool(np.isfinite(losses).all()) and (last < first or first <= 1e-9)
    detail = "" if fallen else f"more rounds ({rounds}) do not help on the very rows that it is fitted on"
    status = "passed" if fallen else "failed"
    return Outcome("loss by rounds", None, status, figure, asked, detail, (), (curve,), last)  # type: ignore[arg-type]


def _loss(trial: Trial, places: Any, parameters: dict[str, Any]) -> float:
    """Mean negative log-likelihood of a classifier, its share of errors without probabilities, else mean square."""
    import numpy as np

    truth = np.asarray(trial.truth)[places]
    given = _answers_after_fit(trial, places, places, parameters, scores=True)
    if isinstance(given, tuple):
        classes, scores = given
        right = scores[np.arange(len(truth)), np.searchsorted(classes, truth)]
        return float(-np.log(np.clip(right, 1e-15, 1)).mean())
    if hasattr(trial.model, "classes_"):
        return float(np.mean(given != truth))
    return float(np.mean((given.astype(float) - truth.astype(float)) ** 2))
