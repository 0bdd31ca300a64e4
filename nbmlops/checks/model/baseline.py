"""Whether a model is better than simple ones: a constant, one on the best single column, a linear one.

The simple models are trained on the training rows when they are there, and else on four fifths of the judged rows
to answer the other fifth, five times: each row is answered by a model that has not seen it (the constant by all).

A model that is not shown to be better than a constant fails. One that is shown to be worse than a simple model
fails too; one that does as well gives a warning, since the simple one would do. The model passes only when each
comparison holds, so no correction for several of them is needed (intersection-union test, Berger 1982).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.checks import models
from nbmlops.checks.model.case import Case
from nbmlops.checks.model.shown import FEWEST, interval
from nbmlops.checks.models import Comparison
from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["judge"]

_FOLDS = 5
_FIT = 20_000
_LEVELS = 20
_SEED = 20_240_229


def judge(case: Case) -> Iterator[Outcome]:
    """Compare with each simple model."""
    if len(case.table) < FEWEST:
        raise InvalidError(f"{len(case.table)} rows show nothing, at least {FEWEST} are needed")
    columns = _columns(case)
    for name, makers in _simple(case, columns).items():
        theirs = None
        for maker, taken in makers:
            answers = _answers(case, maker, taken)
            found = models.figure(case.metric, case.known, answers)
            better = found if case.metric.higher_is_better else -found
            if theirs is None or better > theirs[0]:
                theirs = better, answers, taken
        if theirs is not None:
            compared = models.compare(case.metric, case.known, case.given, theirs[1], risk=case.asked.risk)
            told = f"{name} on {theirs[2][0]}" if name == "one column" else name
            yield _outcome(case, compared, told, constant=name == "a constant")


def _outcome(case: Case, found: Comparison, other: str, *, constant: bool) -> Outcome:
    status: Status = "passed" if found.low > 0 else "failed" if constant or found.high < 0 else "warned"
    said = {
        "passed": "shown to be better",
        "warned": "not shown to be better: the simple model may do as well",
        "failed": "not shown to be better" if constant and found.high >= 0 else "shown to be worse",
    }
    how = "fitted on the training rows" if case.train is not None else f"fitted in {_FOLDS} folds of these rows"
    return Outcome(
        check=f"{case.metric.name} against {other}",
        column=None,
        status=status,
        figure=f"{found.gain:+.4f} ({found.first:.4f} against {found.second:.4f})",
        bound="> 0",
        detail=f"{said[status]} at a risk of {case.asked.risk:g}; {interval(found, case.asked.risk)}; {how}",
        number=found.gain,
    )


def _columns(case: Case) -> list[str]:
    """The columns that the model takes, where it says so; else all but the truth and the sensitive one."""
    named = getattr(case.rows, "columns", None)
    if named is not None:
        return list(named)
    return [each for each in case.table.columns if each not in (case.target, case.asked.sensitive)]


def _simple(case: Case, columns: list[str]) -> Mapping[str, list[tuple[Any, list[str]]]]:
    """The simple models by name, each with the columns it takes."""
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if case.classes is None:
        constant, tree, line = DummyRegressor(), DecisionTreeRegressor(max_depth=3, random_state=0), Ridge()
    else:
        constant = DummyClassifier(strategy="prior")
        tree, line = DecisionTreeClassifier(max_depth=3, random_state=0), LogisticRegression(max_iter=200)
    return {
        "a constant": [(constant, columns[:1])],
        "one column": [(tree, [column]) for column in _likely(case, columns)],
        "a linear model": [(line, columns)],
    }


def _likely(case: Case, columns: list[str], most: int = 5) -> list[str]:
    """The columns that tell most of the truth by themselves, by mutual information on at most 5,000 rows."""
    import numpy as np
    import pandas as pd
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    if len(columns) <= most:
        return columns
    told_by = mutual_info_regression if case.classes is None else mutual_info_classif
    rows = case.table.sample(min(len(case.table), 5_000), random_state=_SEED)
    is_number = [pd.api.types.is_numeric_dtype(rows[name]) for name in columns]
    # One number for a column: of levels which one it is, and not, as for fitting, a column for each.
    coded = [
        _numbers(rows[[name]], rows[[name]])[:, 0] if number else pd.factorize(rows[name].astype(str))[0]
        for name, number in zip(columns, is_number, strict=True)
    ]
    discrete = ~np.array(is_number)
    truth = rows[case.target].to_numpy()
    told = told_by(np.column_stack(coded), truth, discrete_features=discrete, random_state=_SEED)
    return [columns[place] for place in (-told).argsort(kind="stable")[:most]]


def _answers(case: Case, maker: Any, columns: list[str]) -> Any:
    """Its answers as the metric takes them, each row by a model that has not seen it."""
    import numpy as np

    if case.train is not None:
        return _fitted_answers(case, maker, columns, case.train, case.table)
    if type(maker).__name__.startswith("Dummy"):
        # In folds a constant would answer least where the truth is most, and look worse than it is.
        return _fitted_answers(case, maker, columns, case.table, case.table)
    parts = _folds(case)
    answers: Any = None
    for part in range(_FOLDS):
        held = parts == part
        found = _fitted_answers(case, maker, columns, case.table[~held], case.table[held])
        answers = np.empty(len(held), dtype=found.dtype) if answers is None else answers
        answers[held] = found
    return answers


def _folds(case: Case) -> Any:
    """The fold of each row, shape ``(n,)``, at random; each class in equal shares."""
    import numpy as np

    order = np.random.default_rng(_SEED).permutation(len(case.table))
    if case.classes is not None:
        order = order[np.argsort(np.unique(case.table[case.target].to_numpy(), return_inverse=True)[1][order])]
    folds = np.empty(len(order), dtype=np.intp)
    folds[order] = np.arange(len(order)) % _FOLDS
    return folds


def _fitted_answers(case: Case, maker: Any, columns: list[str], train: pd.DataFrame, rows: pd.DataFrame) -> Any:
    import numpy as np
    from sklearn.base import clone

    train = train[train[case.target].notna()]
    if len(train) > _FIT:
        train = train.sample(_FIT, random_state=_SEED)
    if case.classes is not None and len(np.unique(train[case.target].to_numpy())) < len(case.classes):
        raise InvalidError("the rows that simple models could be fitted on do not have all classes")
    model = clone(maker)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a simple model that has not converged is a weaker baseline, no fault
        model.fit(_numbers(train[columns], train[columns]), train[case.target].to_numpy())
        return models.answers(case.metric, model, _numbers(rows[columns], train[columns]), rows[case.target])


def _numbers(rows: pd.DataFrame, train: pd.DataFrame) -> Any:
    """The rows as numbers: standardised by the training rows, gaps as their mean, frequent levels as 0 or 1."""
    import numpy as np
    import pandas as pd

    parts = []
    for name in rows.columns:
        column, known = rows[name], train[name]
        if pd.api.types.is_datetime64_any_dtype(known):
            column, known = (each.astype("int64") for each in (column, known))
        if pd.api.types.is_numeric_dtype(known):
            values, learnt = (np.asarray(each, dtype=np.float64) for each in (column, known))
            learnt = learnt[np.isfinite(learnt)]
            mean, spread = (learnt.mean(), learnt.std()) if len(learnt) else (0.0, 1.0)
            parts.append(np.where(np.isfinite(values), (values - mean) / (spread or 1.0), 0.0)[:, None])
        else:
            levels = known.astype(str).value_counts().index[:_LEVELS]
            parts.append(column.astype(str).to_numpy()[:, None] == levels.to_numpy()[None, :])
    return np.concatenate(parts, axis=1).astype(np.float64)
