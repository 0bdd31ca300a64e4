"""Drift of the joint distribution, which no column shows alone: the outcomes of `classifier` and of `pairs`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift.classifier import LEARNT, Told, importance, tell_apart
from nbmlops.checks.drift.pairs import COLUMNS, Pair, Side, correlation, scores_of, shifted
from nbmlops.checks.drift.rows import Rows, rows_of
from nbmlops.checks.drift.verdict import ALPHA
from nbmlops.checks.evidence import BarsEvidence, TableEvidence
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.profiling.personal.hiding import hidden

if TYPE_CHECKING:
    from nbmlops.checks.evidence import Evidence
    from nbmlops.checks.frames import CheckedTable

__all__ = ["LARGE_AUC", "LARGE_CHANGE", "compare_jointly"]

LARGE_AUC, LARGE_CHANGE = 0.53, 0.1
"""From which effect joint drift fails a report; below it warns. 0.53 is the AUC of a column moved by 0.1 deviations."""
_LEAST = 20
_ROWS_ENOUGH = 1_000
_BARS, _ALONG, _DRAWN, _NAMED, _SHOWN = 24, 10, 3, 5, 20
_CLASSIFIER, _PAIRS = "domain classifier", "correlation shift"


def compare_jointly(
    reference: CheckedTable,
    current: CheckedTable,
    columns: Sequence[str],
    progress: Callable[[str], object] | None = None,
) -> list[Outcome]:
    """Say whether rows of two tables can be told apart, and which pairs of columns hang together otherwise.

    Parameters
    ----------
    reference, current : CheckedTable
        What was, and what is now.
    columns : sequence of str
        Which columns; both tables have them.
    progress : callable, optional
        Told the name of each of the two when it begins.
    """
    found = []
    rows: Rows | InvalidError
    try:
        rows = rows_of(reference, current, columns)
    except InvalidError as error:
        rows = error
    for check, judge in ((_CLASSIFIER, _by_classifier), (_PAIRS, _by_pairs)):
        if progress is not None:
            progress(check)
        try:
            if isinstance(rows, InvalidError):
                raise rows
            if (least := min(len(rows.before), len(rows.after))) < _LEAST:
                raise InvalidError(f"{least} rows are too few to tell; it takes {_LEAST} in each table")
            found.append(judge(rows))
        except InvalidError as error:
            found.append(Outcome(check, None, "errored", "", "", error.message))
    return found


def _none_left(what: str, rows: Rows) -> InvalidError:
    return InvalidError("; ".join([what, *rows.words]))


def _by_classifier(rows: Rows) -> Outcome:
    if not rows.names:
        raise _none_left("there is no column by which rows could be told apart", rows)
    told = tell_apart(rows.before, rows.after)
    drifted = told.p <= ALPHA
    detail = [f"p = {_small(told.p)}"]
    evidence: tuple[Evidence, ...] = ()
    if drifted:
        lost = importance(told)
        detail += _by_columns(rows, lost)
        detail += [] if told.auc >= LARGE_AUC else [f"it is there, but below {LARGE_AUC:g}"]
        evidence = _scores(rows, told, lost)
    elif min(len(rows.before), len(rows.after)) < _ROWS_ENOUGH:
        detail.append(f"an AUC of {told.found:.2g} is found in nine of ten cases")
    if max(len(rows.before), len(rows.after)) > LEARNT:
        detail.append(f"learnt from {int((~told.current).sum()):,} rows and {int(told.current.sum()):,}")
    return Outcome(
        _CLASSIFIER,
        None,
        ("failed" if told.auc >= LARGE_AUC else "warned") if drifted else "passed",
        f"AUC {told.auc:.3f}",
        f"p > {ALPHA:g}",
        "; ".join([*detail, *rows.words]),
        evidence=evidence,
        number=told.auc,
    )


def _by_columns(rows: Rows, lost: Any) -> list[str]:
    import numpy as np

    order = np.argsort(-lost, kind="stable")[:_NAMED]
    named = [place for place in order if lost[place] > max(0.1 * float(lost.max()), 0.001)]
    if not named:
        return ["no column by itself tells it"]
    return ["told most by " + ", ".join(f"{rows.names[place]} ({lost[place]:.2f})" for place in named)]


def _scores(rows: Rows, told: Told, lost: Any) -> tuple[Evidence, ...]:
    import numpy as np

    edges = np.linspace(0, 1, _BARS + 1)
    sides = told.scores[~told.current], told.scores[told.current]
    was, now = (np.histogram(own, edges)[0] / len(own) for own in sides)
    bins = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    order = np.argsort(-lost, kind="stable")
    columns = [(rows.names[place], round(float(lost[place]), 4)) for place in order]
    return (
        BarsEvidence.of(_CLASSIFIER, was, now, "shares by how current a row looks to the model", bins),
        TableEvidence.of(("column", "AUC lost when it is shuffled"), columns),
    )


def _by_pairs(rows: Rows) -> Outcome:
    sides = scores_of(rows)
    seen = shifted(rows, sides)
    if seen is None:
        raise _none_left("there are no two columns to compare", rows)
    beyond = [f"the first {COLUMNS} of {len(rows.names)} columns"] if len(rows.names) > COLUMNS else []
    rare = [f"{seen.rare:,} pairs of values too rare to be judged"] if seen.rare else []
    if not seen.judged:
        raise _none_left("all pairs are of values too rare to be judged", rows)
    named = [pair for pair in seen.pairs if pair.p <= ALPHA]
    both = [_figures(rows, pair) for pair in seen.pairs[:_SHOWN]]
    effect = max(abs((now or 0.0) - (was or 0.0)) for was, now in both)
    told = [
        f"{_words(rows, pair)}: {_told(was)} → {_told(now)}" for pair, (was, now) in zip(seen.pairs, both, strict=False)
    ]
    detail = [f"p = {_small(seen.pairs[0].p)} among all pairs"]
    if named:
        detail += told[1:_NAMED]
        detail += [] if effect >= LARGE_CHANGE else [f"it is there, but below {LARGE_CHANGE:g}"]
    elif min(len(rows.before), len(rows.after)) < _ROWS_ENOUGH:
        detail.append(f"a change by {min(seen.found, 2.0):.2g} is found in nine of ten cases")
    few = f"{len(named):,} of {seen.judged:,} pairs"
    return Outcome(
        _PAIRS,
        None,
        ("failed" if effect >= LARGE_CHANGE else "warned") if named else "passed",
        f"{few}; {told[0]}" if named else few,
        f"p > {ALPHA:g} among all pairs",
        "; ".join([*detail, *rare, *beyond, *rows.words]),
        evidence=_of_pairs(rows, named, both) if named else (),
        number=effect,
    )


def _words(rows: Rows, pair: Pair) -> str:
    return f"{_side(rows, pair.one)} and {_side(rows, pair.other)}"


def _side(rows: Rows, side: Side) -> str:
    name, levels = rows.names[side.place], rows.levels[side.place]
    return name if side.code is None or levels is None else f"{name} = {hidden(levels[side.code], name)}"


def _figures(rows: Rows, pair: Pair) -> tuple[float | None, float | None]:
    was, now = (correlation(pair.one.of(own), pair.other.of(own)) for own in (rows.before, rows.after))
    return was, now


def _told(figure: float | None) -> str:
    return "none" if figure is None else f"{figure:.2f}"


def _small(value: float) -> str:
    return "below 1e-15" if value < 1e-15 else f"{value:.2g}"


def _of_pairs(rows: Rows, named: Sequence[Pair], both: Sequence[Any]) -> tuple[Evidence, ...]:
    table = TableEvidence.of(
        ("column", "and", "reference", "current", "p among all pairs"),
        [
            (_side(rows, pair.one), _side(rows, pair.other), was, now, pair.p)
            for pair, (was, now) in zip(named, both, strict=False)
        ],
        "rank correlation",
        len(named),
    )
    return (*(_along(rows, pair) for pair in named[:_DRAWN]), table)


def _along(rows: Rows, pair: Pair) -> BarsEvidence:
    """How the mean rank of one side goes along the other: in both tables alike, where they hang together alike."""
    import numpy as np
    from scipy.stats import rankdata

    one, other = pair.one, pair.other
    if one.code is not None and other.code is None:
        one, other = other, one
    # A level divides rows in two; numbers are divided in ten.
    drawn = []
    for own in (rows.before, rows.after):
        first, second = one.of(own), other.of(own)
        both = ~(np.isnan(first) | np.isnan(second))
        places = (rankdata(first[both]) - 0.5) / max(1, both.sum())
        heights = second[both] if other.code is not None else rankdata(second[both]) / max(1, both.sum())
        group = first[both].astype(int) if one.code is not None else (places * _ALONG).astype(int)
        count = 2 if one.code is not None else _ALONG
        sums, sizes = (np.bincount(group, weights, count)[:count] for weights in (heights, np.ones(len(heights))))
        drawn.append(np.divide(sums, sizes, out=np.zeros(count), where=sizes > 0))
    share = "share of" if other.code is not None else "mean rank of"
    words = f"{share} {_side(rows, other)} along {_side(rows, one)}"
    return BarsEvidence.of(_words(rows, pair), drawn[0], drawn[1], words)
