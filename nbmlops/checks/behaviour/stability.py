"""Whether a model's numbers are numbers: no NaN and no infinity in what it learnt or in what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks.behaviour.trial import Trial, fault, named
from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome

__all__ = ["judge", "weights"]

# Learnt attributes in which scikit-learn itself keeps NaN or infinities.
_USUAL = frozenset({"bin_edges_", "categories_", "classes_", "cv_results_", "quantiles_", "statistics_"})
_DEPTH = 8
_MOST = 5_000


def judge(trial: Trial) -> Iterator[Outcome]:
    """Look at the weights, then at the answers to all rows."""
    yield _weights(trial)
    yield _answers(trial)


def _weights(trial: Trial) -> Outcome:
    import numpy as np

    found, lines = weights(trial.model), []
    for name, values in found:
        bad = int((~np.isfinite(values)).sum())
        if bad:
            lines.append((name, bad, values.size))
    total, wrong = sum(values.size for _, values in found), sum(line[1] for line in lines)
    figure = f"{wrong:,} of {total:,} are no numbers" if total else "none are to be seen"
    if not lines:
        return Outcome("weights", None, "passed", figure, "none", number=0)
    table = TableEvidence.of(["attribute", "NaN or infinite", "of"], lines)
    where = ", ".join(str(line[0]) for line in lines[:5])
    return Outcome("weights", None, "failed", figure, "none", where, (), (table,), wrong)


def weights(model: Any) -> list[tuple[str, Any]]:
    """What a model learnt: its arrays of fractions by the path to them, those of the parts within it included.

    Learnt attributes are those whose names end with an underscore, as scikit-learn has it; those in which it keeps
    NaN or infinities itself (edges of bins, categories, results of searches, statistics of columns without any
    value) are left out.
    """
    found: list[tuple[str, Any]] = []
    _collect(model, "", 0, set(), found)
    return found


def _collect(part: Any, path: str, depth: int, seen: set[int], found: list[tuple[str, Any]]) -> None:
    import numpy as np

    if depth > _DEPTH or id(part) in seen or len(found) >= _MOST:
        return
    seen.add(id(part))
    if isinstance(part, np.ndarray | float | np.floating):
        array = np.asarray(part)
        if array.dtype.kind == "f":
            found.append((path, array))
        elif array.dtype == object:
            for place, each in enumerate(array.ravel()):
                _collect(each, f"{path}[{place}]", depth + 1, seen, found)
    elif isinstance(part, list | tuple):
        for place, each in enumerate(part):
            _collect(each, f"{path}[{place}]", depth + 1, seen, found)
    elif type(part).__name__ == "Tree" and hasattr(part, "value"):
        _collect(np.asarray(part.value), f"{path}.value", depth + 1, seen, found)
    elif hasattr(part, "fit") or hasattr(part, "predict"):
        for name, value in vars(part).items() if hasattr(part, "__dict__") else ():
            learnt = name.endswith("_") and not name.startswith("_") and name not in _USUAL
            if learnt or (name == "steps" and isinstance(value, list)):
                _collect(value, f"{path}.{name}".lstrip("."), depth + 1, seen, found)


def _answers(trial: Trial) -> Outcome:
    import numpy as np
    import pandas as pd

    given = trial.answered(trial.rows)
    said = fault(trial.model, given, len(trial.rows))
    if not said:
        return Outcome("answers", None, "passed", f"{len(given):,} answers, all numbers", "none without a number")
    bad = ~np.isfinite(given) if given.dtype.kind == "f" else pd.isna(given)
    places = np.flatnonzero(bad.reshape(len(given), -1).any(axis=1))
    return Outcome("answers", None, "failed", said, "none without a number", "", named(places), (), len(places))
