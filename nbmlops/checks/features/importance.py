"""What each feature adds to a model, beyond what a shuffled copy of it adds.

*Permutation*: the column is shuffled in rows that the model has not seen, and the model is asked again (Breiman 2001).
*Drop column*: the column is shuffled in the training rows and in these, and the model is trained anew; nothing of it is
left but its distribution, and pipelines that name the column still fit.

Whether a gain is more than chance: where a feature tells nothing, its own order is one of the shuffled orders, so the
figure as it is and those of the shuffled copies are exchangeable. With mean m and standard deviation s of k shuffled
copies, ``(figure - m) / (s √(1 + 1/k))`` then follows Student's t with k - 1 degrees of freedom, as the figures are
close to normal. Retraining is dear and k small, so s is there the larger of the column's own and that of all columns
together, whose degrees of freedom are the sum. Holm's step-down (1979) keeps the chance that any column of noise seems
to add something at 5% for the table. The 95% interval of a gain is that of `nbmlops.checks.models.compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.model.case import Case, called
from nbmlops.checks.models import answers, compare, figure
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Gain", "dropped", "features_of", "permuted", "sampled"]

ROWS = 20_000
"""How many rows are looked at, and trained on, at most: a random sample, always the same."""
REPEATS, REFITS = 20, 3
_SEED, _RISK = 20_240_229, 0.05

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Gain:
    """What one column adds, in the metric's own unit, above 0 where it helps.

    `low` and `high` are the ends of the 95% interval; `chance` is how often a column of noise would seem to add as
    much, one column alone; `adds` is the verdict for the table as a whole; `rows` went into it.
    """

    column: str
    gain: float
    low: float
    high: float
    chance: float
    adds: bool
    rows: int


def features_of(case: Case) -> list[str]:
    """Names of the columns that the model takes.

    Raises
    ------
    InvalidError
        When it takes texts, and no columns.
    """
    import pandas as pd

    if isinstance(case.rows, pd.DataFrame):
        return [str(name) for name in case.rows.columns]
    if getattr(case.rows, "ndim", 0) == 2:
        return [str(name) for name in case.table.columns if name != case.target]
    raise InvalidError(f"{case.opened.name} takes texts, and no columns that could be shuffled one by one")


def sampled(table: pd.DataFrame) -> pd.DataFrame:
    """At most `ROWS` rows, in their order."""
    import numpy as np

    if len(table) <= ROWS:
        return table
    rows = np.sort(np.random.default_rng(_SEED).choice(len(table), ROWS, replace=False))
    return table.iloc[rows]


def permuted(case: Case, told: Told | None = None, repeats: int = REPEATS) -> tuple[Gain, ...]:
    """What each column adds on rows that the model has not seen; `told` is given column, done, of how many."""
    import numpy as np

    names, sign = features_of(case), 1 if case.metric.higher_is_better else -1
    base, spreads = figure(case.metric, case.known, case.given), list[tuple[Any, Any]]()
    for place, name in enumerate(names):
        if told:
            told(name, place, len(names))
        random = np.random.default_rng((_SEED, place))
        given = [_asked(case, case.model, _shuffled(case.table, name, random)) for _ in range(repeats)]
        others = np.array([figure(case.metric, case.known, each) for each in given])
        spreads.append((sign * (base - others), compare(case.metric, case.known, case.given, given[0])))
    own = [float(np.std(gains, ddof=1)) for gains, _ in spreads]
    return _judged(names, spreads, own, [repeats - 1] * len(names), len(case.known))


def dropped(case: Case, told: Told | None = None, refits: int = REFITS) -> tuple[Gain, ...]:
    """What each column adds to a model that is trained anew with it, on the rows of ``case.train``.

    Raises
    ------
    InvalidError
        When there are no training rows, or the model cannot be trained on them.
    """
    import numpy as np

    if case.train is None:
        raise InvalidError("there are no training rows to train on anew", hint="--train TABLE")
    names, sign = features_of(case), 1 if case.metric.higher_is_better else -1
    whole = _asked(case, _trained(case, case.train), case.table)
    base, spreads = figure(case.metric, case.known, whole), list[tuple[Any, Any]]()
    for place, name in enumerate(names):
        if told:
            told(name, place, len(names))
        random = np.random.default_rng((_SEED, place))
        given = []
        for _ in range(refits):
            model = _trained(case, _shuffled(case.train, name, random))
            given.append(_asked(case, model, _shuffled(case.table, name, random)))
        others = np.array([figure(case.metric, case.known, each) for each in given])
        spreads.append((sign * (base - others), compare(case.metric, case.known, whole, given[0])))
    own = [float(np.std(gains, ddof=1)) for gains, _ in spreads]
    pooled = float(np.mean(np.square(own))) ** 0.5
    freedom = [(refits - 1) * len(names)] * len(names)
    return _judged(names, spreads, [max(each, pooled) for each in own], freedom, len(case.known))


def _judged(
    names: Sequence[str], spreads: Sequence[tuple[Any, Any]], errors: Sequence[float], freedom: Sequence[int], rows: int
) -> tuple[Gain, ...]:
    from scipy.stats import t

    gains, chances = [float(each.mean()) for each, _ in spreads], []
    for (each, _), gain, error, free in zip(spreads, gains, errors, freedom, strict=True):
        wide = error * (1 + 1 / len(each)) ** 0.5
        chances.append(float(t.sf(gain / wide, free)) if wide > 1e-15 else 1.0 if gain <= 1e-15 else 0.0)
    adds = _holm(chances)
    return tuple(
        Gain(name, gain, gain + pair.low - pair.gain, gain + pair.high - pair.gain, chance, add, rows)
        for name, gain, (_, pair), chance, add in zip(names, gains, spreads, chances, adds, strict=True)
    )


def _holm(chances: Sequence[float]) -> list[bool]:
    """Which hypotheses fall, by Holm's step-down."""
    fallen = [False] * len(chances)
    for place, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[at] > _RISK / (len(chances) - place):
            break
        fallen[at] = True
    return fallen


def _shuffled(table: pd.DataFrame, name: str, random: Any) -> pd.DataFrame:
    place = [str(column) for column in table.columns].index(name)
    column = table.iloc[:, place]
    return table.assign(**{name: column.array.take(random.permutation(len(table)))})


def _asked(case: Case, model: Any, table: pd.DataFrame) -> Any:
    rows = case.opened.inputs(table, case.target)
    return called(case.opened.name, answers, case.metric, model, rows, case.table[case.target])


def _trained(case: Case, table: pd.DataFrame) -> Any:
    """The model as it was before it was trained, trained on `table`; what it draws is the same each time."""
    from sklearn.base import clone

    model = called(case.opened.name, clone, case.model)
    unset = [key for key, value in model.get_params().items() if key.endswith("random_state") and value is None]
    model.set_params(**dict.fromkeys(unset, _SEED))
    rows = case.opened.inputs(table, case.target)
    try:
        return model.fit(rows, table[case.target])
    except Exception as error:
        raise InvalidError(f"{case.opened.name} cannot be trained anew: {type(error).__name__}: {error}") from error
