"""Whether answers follow their rows, and what becomes of them when rows are spoilt as real ones are.

Answers of a model belong to rows: the same row gives the same answer wherever it stands and whoever stands beside it.
Spoilt rows (gaps, noise, categories that no training saw, extreme numbers) must give whole answers or an error that
says why. How far answers may move is limited only when that is asked for: a gap in the best column moves them rightly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks.behaviour.trial import Trial, column, columns, differing, named, replaced, swept, take
from nbmlops.checks.records import Outcome

__all__ = ["NOISE", "judge"]

NOISE = 0.05
"""Standard deviation of the noise, in standard deviations of the column."""
_COLUMNS = 20
_SEED = 20_240_229
_UNSEEN = "never seen before"


def judge(trial: Trial, change: float | None = None) -> Iterator[Outcome]:
    """Try the model on rows in another order, alone, with columns in another order, and on spoilt rows.

    Parameters
    ----------
    trial : Trial
        The model and its rows.
    change : float, optional
        How far noise may move answers: the share of rows of another class, or standard deviations.
    """
    yield _rows_in_another_order(trial)
    yield _some_rows_alone(trial)
    if hasattr(trial.rows, "columns") and trial.rows.shape[1] > 1:
        yield _columns_in_another_order(trial)
    if columns(trial.sample, "nt", 1):
        yield swept(trial, "rows with gaps", _gaps(trial.sample), None)
    if columns(trial.sample, "n", 1):
        yield swept(trial, "rows with noise", [(f"noise of {NOISE:g} standard deviations", _noisy(trial))], change)
        yield swept(trial, "extreme numbers", _extremes(trial.sample), None)
    if columns(trial.sample, "t", 1):
        yield swept(trial, "categories never seen", _unseen(trial.sample), None, refusal="warned")


def _rows_in_another_order(trial: Trial) -> Outcome:
    import numpy as np

    order = np.random.default_rng(_SEED).permutation(len(trial.sample))
    found = np.empty_like(trial.base)
    given = trial.answered(take(trial.sample, order))
    if given.shape == found.shape:
        found[order] = given
    return _same("rows in another order", trial, found)


def _some_rows_alone(trial: Trial) -> Outcome:
    import numpy as np

    halves = [half for half in np.array_split(np.arange(len(trial.sample)), 3) if len(half)]
    # The first row by itself besides: what normalises over its batch cannot do that.
    parts = [trial.answered(take(trial.sample, part)) for part in ([0], *halves)]
    whole = np.concatenate(parts[1:])
    whole[0] = parts[0][0]
    return _same("rows by themselves", trial, whole)


def _same(check: str, trial: Trial, found: Any) -> Outcome:
    places = trial.places[differing(trial.base, found)]
    figure = f"{len(places):,} of {len(trial.base):,} answers are others"
    detail = "answers depend on the rows beside them: look for state, or for what is computed over a batch"
    if not len(places):
        return Outcome(check, None, "passed", figure, "none")
    return Outcome(check, None, "failed", figure, "none", detail, named(places))


def _columns_in_another_order(trial: Trial) -> Outcome:
    check, asked = "columns in another order", "the same answers, or an error that says why"
    tried = trial.tried(trial.sample[list(trial.sample.columns)[::-1]])
    if not tried.ended:
        status = "passed" if tried.refused else "failed"
        return Outcome(check, None, status, "refused" if tried.refused else "", asked, tried.words)  # type: ignore[arg-type]
    places = trial.places[differing(trial.base, tried.value)]
    figure = f"{len(places):,} of {len(trial.base):,} answers are others"
    if not len(places):
        return Outcome(check, None, "passed", figure, asked)
    detail = "columns are taken by their place and not by their name"
    return Outcome(check, None, "failed", figure, asked, detail, named(places))


def _gaps(rows: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    keep = np.arange(len(rows)) % 2 == 1
    for name in columns(rows, "nt", _COLUMNS):
        yield f"gaps in {name}", replaced(rows, name, column(rows, name).where(keep))


def _noisy(trial: Trial) -> Any:
    import numpy as np

    random = np.random.default_rng(_SEED)
    rows = trial.sample
    for name in columns(rows, "n", rows.shape[1]):
        values = column(rows, name)
        noise = random.normal(0, 1, len(rows)) * NOISE * np.nan_to_num(np.nanstd(values.astype(float)))
        whole = values.dtype.kind in "iu"
        rows = replaced(rows, name, (values + (np.round(noise).astype(int) if whole else noise)).to_numpy())
    return rows


def _extremes(rows: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    for name in columns(rows, "n", _COLUMNS):
        largest = np.nan_to_num(np.nanmax(np.abs(column(rows, name).astype(float)))) or 1.0
        for value in (0.0, 1e6 * largest, -1e6 * largest, 1e300, np.inf):
            yield f"{name} = {value:.3g}", replaced(rows, name, np.full(len(rows), value))


def _unseen(rows: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np
    import pandas as pd

    keep = np.arange(len(rows)) % 2 == 1
    for name in columns(rows, "t", _COLUMNS):
        values = column(rows, name)
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.cat.add_categories([_UNSEEN])
        yield f"{name} = {_UNSEEN!r}", replaced(rows, name, values.where(keep, _UNSEEN))
