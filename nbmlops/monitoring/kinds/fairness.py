"""Whether groups of callers are treated alike: answers of all rows, and errors of those whose truth is known.

The figures, and when a difference is more than chance, are those of `nbmlops.checks.model.fairness`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.monitoring.answers import answers_of, is_class, positive_class
from nbmlops.monitoring.watching import INPUT, NoDataError

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.monitoring.watching import Watched

__all__ = ["FEWEST", "LARGEST", "judge"]

LARGEST = 0.1
"""The largest difference of rates between groups."""
FEWEST = 30
"""Rows that a group needs; rates of fewer say nothing."""
_RISK = 0.0025
"""On each side of an interval. A monitor asks often: one of 200 calm looks is called wrong at most, not one of 20."""


def judge(watched: Watched) -> list[Outcome]:
    """Demographic parity of answers, and equalised odds where there are labels."""
    column = watched.monitor.rules["column"]
    rows = watched.rows()
    names = rows.collect_schema().names()
    place = f"{INPUT}{column}"
    everyone = rows.collect()
    if everyone.is_empty():
        raise NoDataError("no rows were kept in this window", hint="`ml deployment set NAME --sampled 0.1` keeps some")
    if place not in names:
        inputs = [name.removeprefix(INPUT) for name in names if name.startswith(INPUT)]
        raise InvalidError(
            f"{column} is no input that is kept", hint=nearest(column, inputs) or "see `ml deployment show`"
        )
    positive = positive_class(everyone)
    found = list(_gaps(watched, everyone, place, positive, labelled=False))
    known = watched.labelled().collect()
    if known.height < FEWEST:
        words = f"{known.height:,} labels came in this window, {FEWEST} are needed"
        return [*found, Outcome("equalised odds difference", column, "passed", "not judged", "", words)]
    return [*found, *_gaps(watched, known, place, positive, labelled=True)]


def _gaps(watched: Watched, rows: pl.DataFrame, place: str, positive: str, *, labelled: bool) -> Iterator[Outcome]:
    import numpy as np

    from nbmlops.checks.model.case import Asked
    from nbmlops.checks.model.fairness import gaps
    from nbmlops.checks.model.parts import Parts, parts_of

    column = watched.monitor.rules["column"]
    groups = parts_of(rows[place].to_pandas().rename(column))
    counts = np.bincount(groups.codes, minlength=len(groups.names))
    large = np.flatnonzero(counts >= FEWEST)
    name = "equalised odds difference" if labelled else "demographic parity difference"
    if len(large) < 2:
        words = f"{len(large)} of {len(groups.names)} groups have {FEWEST} rows"
        yield Outcome(name, column, "passed", "not judged", "", f"{words}: nothing can be compared")
        return
    kept = np.isin(groups.codes, large)
    codes = np.searchsorted(large, groups.codes[kept])
    said = is_class(answers_of(rows), positive)[kept]
    true = is_class(rows["label"], positive)[kept] if labelled else np.zeros(len(codes), bool)
    bound = LARGEST if watched.monitor.bound is None else watched.monitor.bound
    asked = Asked(sensitive=column, fairness=bound, risk=_RISK)
    parts = Parts(codes, tuple(groups.names[each] for each in large))
    for outcome in gaps(asked, true, said, parts):
        if outcome.check == name:
            yield replace(outcome, band=(None, bound))
