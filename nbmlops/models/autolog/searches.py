"""Candidates of a search and folds of a cross-validation as parts of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.models.autolog.values import plain_all

if TYPE_CHECKING:
    from nbmlops.tracking.service import Runs

__all__ = ["MOST", "is_search", "log_candidates", "log_folds"]

MOST = 1_000
"""So many candidates become runs, the best ones; the artifact ``cv_results.csv`` has all."""


def is_search(estimator: Any) -> bool:
    """Whether it is one of scikit-learn's searches over params."""
    from sklearn.model_selection._search import BaseSearchCV

    return isinstance(estimator, BaseSearchCV)


def log_candidates(runs: Runs, parent: str, name: str, results: Mapping[str, Any]) -> int:
    """Make a run of each candidate; how many there were.

    A candidate's metrics are its row of ``cv_results_`` by scikit-learn's names; what it reached fold by fold is one
    metric, such as ``split_test_score``, with a step for each fold. A candidate no fold of which could be fitted has
    failed.
    """
    import numpy as np

    candidates = results["params"]
    ranks = next((results[key] for key in results if key.startswith("rank_test_")), None)
    chosen = range(len(candidates)) if ranks is None else np.argsort(ranks, kind="stable")[:MOST]
    for place in sorted(int(each) for each in chosen):
        row = {key: values[place] for key, values in results.items() if key != "params"}
        params = plain_all(candidates[place])
        params |= {key: plain for key, plain in plain_all(row).items() if key in {"iter", "n_resources"}}
        run = runs.start(name, params=params, tags={"autolog.part": "candidate"}, parent_id=parent)
        figures = {key: value for key, value in row.items() if _is_figure(key)}
        run.log({key: value for key, value in figures.items() if not key.startswith("split")})
        for key, value in figures.items():
            fold, _, rest = key.removeprefix("split").partition("_")
            if key.startswith("split") and fold.isdigit():
                run.log({f"split_{rest}": value}, step=int(fold))
        scores = [value for key, value in figures.items() if key.startswith("mean_test_")]
        if scores and all(np.isnan(score) for score in scores):
            error = {"name": "FitFailed", "value": "no fold could be fitted and scored"}
            runs.end(run.id, "failed", error=error)
        else:
            runs.end(run.id, "finished")
    return len(candidates)


def _is_figure(key: str) -> bool:
    return key.startswith(("mean_", "std_", "rank_", "split"))


def log_folds(runs: Runs, parent: str, name: str, results: Any) -> dict[str, float]:
    """Make a run of each fold; the mean and standard deviation over the folds of each score.

    Parameters
    ----------
    runs : Runs
        Where.
    parent : str
        Id of the run of the cross-validation.
    name : str
        The experiment of the folds.
    results : mapping of str to array, or array
        What ``cross_validate`` or ``cross_val_score`` gave.
    """
    import numpy as np

    given = results if isinstance(results, Mapping) else {"test_score": results}
    columns = {key: np.asarray(value) for key, value in given.items() if key not in {"estimator", "indices"}}
    for fold in range(len(next(iter(columns.values())))):
        run = runs.start(name, params={"fold": fold}, tags={"autolog.part": "fold"}, parent_id=parent)
        run.log({key: values[fold] for key, values in columns.items()})
        runs.end(run.id, "finished")
    # Times are left to the folds: the metrics of a run are compared with those of its proof.
    scores = {key: values for key, values in columns.items() if not key.endswith("_time")}
    means = {f"mean_{key}": float(values.mean()) for key, values in scores.items()}
    return means | {f"std_{key}": float(values.std()) for key, values in scores.items()}
