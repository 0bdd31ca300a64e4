"""The domain classifier: can a model tell the rows of one table from those of the other, and by which columns.

Both tables are dealt into five folds. The *effect* is the AUC of the folds, each told by a model that has learnt from
all others: 0.5 where rows are told by chance, 1 where each is told.

The *verdict* needs more care. Folds that are told by models which learnt from one another's rows hang together, so that
the AUC of cross-validation varies by more than its rows account for. So a second time each fold is told by a model that
has learnt from the folds *before* it alone (the prequential principle, Dawid 1984; as a test of two samples, Podkopaev
& Ramdas 2023). Where nothing has drifted, which rows of the fold are the current ones is then arbitrary, whatever the
model has learnt: the sum of the ranks of its current rows has the permutation distribution of Mann and Whitney (1947),
whose mean and variance, with ties, are known in closed form. The sums of all folds less their means are a martingale,
and their sum by its standard deviation is close to normal. The p-value is that of the upper tail: a model that tells
rows worse than chance has found nothing.

The model: 40 extremely randomised trees (Geurts, Ernst & Wehenkel 2006) of up to 2,000 rows each, both tables of equal
weight. Their thresholds are random, so that they find what shows only in several columns together, where no first
split is of use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.rows import drawn
from nbmlops.checks.drift.verdict import ALPHA

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = ["FOLDS", "LEARNT", "Told", "importance", "tell_apart"]

FOLDS = 5
LEARNT = 5_000
"""How many rows of each table are told apart, at most."""
_TREES, _LEAF, _OF_A_TREE, _TRIED = 40, 5, 2_000, 20
_COPIES = 16
_SEED = 7


@dataclass(frozen=True, slots=True)
class Told:
    """How well rows of two tables are told apart.

    Attributes
    ----------
    p : float
        Probability of telling them as well, or better, if nothing had drifted.
    auc : float
        The mean AUC of the folds, each told by a model of all others.
    found : float
        The AUC that would be found in nine of ten cases.
    rows, current, fold : array, shape (n, columns) and (n,)
        What was told apart, which of it is of the current table, and the fold of each row.
    scores : array of float64, shape (n,)
        How likely each row is of the current table, as the model of the other folds says.
    models : sequence
        The model of each fold, which has not seen it.
    """

    p: float
    auc: float
    found: float
    rows: Array
    current: Any
    fold: Any
    scores: Array
    models: Sequence[Any]


def tell_apart(before: Array, after: Array, learn: Callable[[Array, Any], Any] | None = None) -> Told:
    """Tell rows apart, arrays of shape ``(m, columns)`` and ``(n, columns)`` with NaN for missing values.

    Of more than `LEARNT` rows some are taken, drawn with a seed. Each table needs as many rows as there are folds.
    `learn` fits another model, which has ``predict_proba``, to rows and to which of them are current: the p-value holds
    whatever the model.
    """
    import numpy as np
    from scipy.stats import norm

    before, after = (each[drawn(LEARNT, len(each), 2 + which)] for which, each in enumerate((before, after)))
    rows = np.concatenate((before, after))
    current = np.arange(len(rows)) >= len(before)
    seed = np.random.default_rng(_SEED)
    fold = np.concatenate([seed.permutation(np.arange(len(each)) % FOLDS) for each in (before, after)])
    learn = learn or _learnt
    models = [learn(rows[fold != each], current[fold != each]) for each in range(FOLDS)]
    scores = np.empty(len(rows))
    for each, model in enumerate(models):
        scores[fold == each] = _likely(model, rows[fold == each])
    aucs = [_ranked(scores[fold == each], current[fold == each])[2] for each in range(FOLDS)]
    above = spread = pairs = 0.0
    for each in range(1, FOLDS):
        now = fold == each
        # The last fold has all others before it, and its model is there.
        model = models[each] if each == FOLDS - 1 else learn(rows[fold < each], current[fold < each])
        own = scores[now] if each == FOLDS - 1 else _likely(model, rows[now])
        sums, variance, _ = _ranked(own, current[now])
        above, spread = above + sums, spread + variance
        pairs += float(current[now].sum()) * float((~current[now]).sum())
    p = float(norm.sf(above / spread**0.5)) if spread else 1.0
    found = 0.5 + float(norm.isf(ALPHA) + norm.isf(0.1)) * spread**0.5 / pairs
    return Told(p, float(np.mean(aucs)), min(found, 1.0), rows, current, fold, scores, models)


def _learnt(rows: Array, current: Any) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    large = len(rows) > _OF_A_TREE
    return ExtraTreesClassifier(
        _TREES,
        min_samples_leaf=_LEAF,
        max_features=min(_TRIED, rows.shape[1]),
        bootstrap=large,
        max_samples=_OF_A_TREE if large else None,
        class_weight="balanced",
        random_state=_SEED,
    ).fit(rows, current)


def _likely(model: Any, rows: Array) -> Array:
    import numpy as np

    # Rounded, since equal scores are to be ties on every processor.
    likely: Array = np.round(model.predict_proba(rows)[:, 1], 12)
    return likely


def _ranked(scores: Array, current: Any) -> tuple[float, float, float]:
    """Mann and Whitney's sum less its mean, its permutation variance with ties, and the AUC."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    own = float(current.sum())
    others = len(ranks) - own
    above = float(ranks[current].sum()) - own * (len(ranks) + 1) / 2
    centred = ranks - (len(ranks) + 1) / 2
    variance = own * others / (len(ranks) * (len(ranks) - 1)) * float(centred @ centred)
    return above, variance, 0.5 + above / (own * others)


def importance(told: Told) -> Array:
    """How much AUC is lost when a column is shuffled in the rows that a model has not seen, shape ``(columns,)``.

    The permutation importance of Breiman (2001), the mean of the folds.
    """
    import numpy as np

    seed = np.random.default_rng(_SEED)
    columns = told.rows.shape[1]
    lost = np.zeros(columns)
    for each, model in enumerate(told.models):
        now = told.fold == each
        rows, current = told.rows[now], told.current[now]
        whole = _ranked(told.scores[now], current)[2]
        for places, copies in _shuffled(rows, columns, seed):
            scores = _likely(model, copies.reshape(-1, columns)).reshape(len(places), -1)
            lost[places] += [whole - _ranked(own, current)[2] for own in scores]
    return lost / len(told.models)


def _shuffled(rows: Array, columns: int, seed: Any) -> Iterator[tuple[Any, Array]]:
    """Some columns at a time, and for each the rows with that column shuffled; one call tells them all."""
    import numpy as np

    for start in range(0, columns, _COPIES):
        places = np.arange(start, min(start + _COPIES, columns))
        copies = np.repeat(rows[None], len(places), axis=0)
        for copy, place in zip(copies, places, strict=True):
            copy[:, place] = seed.permutation(rows[:, place])
        yield places, copies
