"""Where a model is weak: parts of columns, and of pairs of columns, with a loss above that of the other rows.

Each row has a loss: for probabilities the Brier score of the row, for labels whether the answer is wrong, for
numbers the squared error. A slice's statistic is ``Σ (loss - mean) / √(m (1 - m/n) s²)`` over its m of n rows: the
mean and the spread that it has when the losses are dealt to the rows at random. Hundreds of slices are looked at,
so some look weak by chance: the losses are dealt anew 199 times, and a slice counts only when it is weaker than
the weakest of all slices in nearly all of those deals (maxT, Westfall & Young 1993). The chance that random slices
are reported at all is thus the risk that is stated, however many columns there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.model.case import Case
from nbmlops.checks.model.parts import parts_of
from nbmlops.checks.records import Outcome

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Slice", "judge", "losses", "weakest"]

RISK = 0.05
_DEALS = 199
_ROWS = 10_000
_COLUMNS = 20
_LEAST = 30
_WORSE = 1.1
_SHOWN = 5
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Slice:
    """A weak part of a table.

    `loss` and `others` are the mean losses in it and in the other rows, `chance` the share of deals in which any
    slice looks as weak.
    """

    name: str
    rows: int
    loss: float
    others: float
    chance: float


def losses(case: Case) -> tuple[npt.NDArray[np.float64], str]:
    """The loss of each row, shape ``(n,)``, and what it is called."""
    import numpy as np

    column = case.table[case.target]
    # Refuses gaps and strange labels, in the words of the metric.
    known = case.known if case.metric.needs == "values" else np.asarray(column)
    if case.classes is None:
        return (np.asarray(column, dtype=np.float64) - case.labels) ** 2, "squared error"
    if case.metric.needs == "labels" or case.probabilities is None:
        return (case.labels != known).astype(np.float64), "share of wrong answers"
    hits = known[:, None] == np.asarray(case.classes)[None, :]
    return ((case.probabilities - hits) ** 2).sum(axis=1) / 2, "Brier score"


def judge(case: Case) -> Iterator[Outcome]:
    """Look for weak slices: of the columns that are asked for, and then of all."""
    lost, unit = losses(case)
    _ = case.known
    given = list(case.asked.slices)
    if given:
        yield _outcome(weakest(case.table, lost, given, pairs=False), unit, given, asked=True)
    others = [str(each) for each in case.table.columns if each != case.target]
    yield _outcome(weakest(case.table, lost, others, pairs=True), unit, others, asked=False)


def _outcome(found: Sequence[Slice], unit: str, columns: Sequence[str], *, asked: bool) -> Outcome:
    where = ", ".join(columns) if asked else f"{len(columns)} columns and their pairs"
    cells = [(each.name, each.rows, each.loss, each.others, each.chance) for each in found]
    heads = ("slice", "rows", unit, "of the others", "by chance")
    worst = found[0] if found else None
    told = f"{worst.name}: {worst.loss:.4f} on {worst.rows:,} rows, {worst.others:.4f} on the others" if worst else ""
    return Outcome(
        check="slices" if asked else "weakest slices",
        column=None,
        status="passed" if not found else "failed" if asked else "warned",
        figure=told or "none is weak",
        bound=f"no slice a tenth worse, at a risk of {RISK:g}",
        detail=f"{unit}; of {where}; the more slices, the more has to be shown",
        evidence=(TableEvidence.of(heads, cells, "weak slices"),) if found else (),
        number=worst.loss if worst else None,
    )


def weakest(table: Any, lost: npt.NDArray[np.float64], columns: Sequence[str], *, pairs: bool) -> list[Slice]:
    """The weak slices, the weakest first, at most five; of slices that share most of their rows the weakest.

    Parameters
    ----------
    table : pandas.DataFrame
        The rows.
    lost : ndarray of shape (n,)
        Their losses.
    columns : sequence of str
        The columns to cut; the first 20 of them.
    pairs : bool
        Whether to look at pairs of columns too.
    """
    import numpy as np

    total = len(table)
    if total < 2 * _LEAST or lost.std() == 0:
        return []
    random = np.random.default_rng(_SEED)
    taken = np.sort(random.choice(total, _ROWS, replace=False)) if total > _ROWS else np.arange(total)
    names, members = _slices(table.iloc[taken], columns, pairs=pairs)
    if not names:
        return []
    sampled = lost[taken]
    n, sizes = len(taken), np.asarray(members.sum(axis=1)).ravel()
    centred = sampled - sampled.mean()
    spread = np.sqrt(sizes * (1 - sizes / n) * sampled.var(ddof=1))
    deals = np.stack([random.permutation(centred) for _ in range(_DEALS)], axis=1)
    highest = ((members @ deals) / spread[:, None]).max(axis=0)
    found = (members @ centred) / spread
    chance = (1 + (highest[None, :] >= found[:, None]).sum(axis=1)) / (_DEALS + 1)
    means = (members @ sampled) / sizes
    others = (sampled.sum() - members @ sampled) / (n - sizes)
    weak = np.flatnonzero((chance <= RISK) & (means >= _WORSE * others))
    order = weak[np.argsort(-found[weak], kind="stable")]
    return [
        Slice(names[each], round(sizes[each] * total / n), float(means[each]), float(others[each]), float(chance[each]))
        for each in _apart(members, order)
    ]


def _slices(table: Any, columns: Sequence[str], *, pairs: bool) -> tuple[list[str], Any]:
    """Names of the slices with rows enough, and a sparse matrix of shape ``(slices, n)`` of who is in each."""
    import numpy as np
    from scipy.sparse import csr_array

    cut = [parts_of(table[name]) for name in columns[:_COLUMNS]]
    sets = [(each.codes, each.names) for each in cut]
    for first, second in combinations(cut, 2) if pairs else ():
        both = [f"{one} and {other}" for one in first.names for other in second.names]
        sets.append((first.codes * len(second.names) + second.codes, tuple(both)))
    n = len(table)
    names: list[str] = []
    rows, places = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
    for codes, labels in sets:
        counts = np.bincount(codes, minlength=len(labels))
        # Neither too small to tell, nor so large that hardly any other row is left.
        kept = np.flatnonzero((counts >= _LEAST) & (counts <= n - _LEAST))
        number = np.full(len(labels), -1)
        number[kept] = np.arange(len(names), len(names) + len(kept))
        inside = np.flatnonzero(number[codes] >= 0)
        rows.append(number[codes[inside]])
        places.append(inside)
        names += [labels[each] for each in kept]
    row, place = np.concatenate(rows), np.concatenate(places)
    return names, csr_array((np.ones(len(row)), (row, place)), shape=(len(names), n))


def _apart(members: Any, order: Any) -> list[int]:
    """The first slices in an order, without those that share more than half of their rows with one before."""
    chosen: list[int] = []
    seen: list[set[int]] = []
    for each in order:
        inside = set(members[[int(each)], :].indices.tolist())
        if all(len(inside & other) <= 0.5 * min(len(inside), len(other)) for other in seen):
            chosen.append(int(each))
            seen.append(inside)
        if len(chosen) == _SHOWN:
            break
    return chosen
