"""Importance as outcomes: what each feature adds, what it costs, and which add nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.features.importance import Gain, Told, dropped, permuted, sampled
from nbmlops.checks.model.case import Case
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["judge"]

_TRIES = 3


def judge(
    case: Case,
    costs: Mapping[str, Callable[[pd.DataFrame], Any]],
    origins: Mapping[str, str],
    told: Told | None = None,
) -> tuple[Outcome, ...]:
    """Judge each feature of a model.

    Parameters
    ----------
    case : Case
        The model, rows that it has not seen, and its training rows for the drop-column importance.
    costs : mapping
        Functions that compute a feature from the table, by the feature's name; each is timed.
    origins : mapping
        The version that last changed a column, by the column's name.
    told : callable, optional
        Called with the column that is looked at, how many are done, and of how many.

    Raises
    ------
    InvalidError
        When the model, the table or the metric do not fit each other, or a cost is of no column.
    """
    case.refuse()
    if strange := [name for name in costs if name not in case.table.columns]:
        raise InvalidError(f"a cost is given for {strange[0]!r}, which is no column of the table")
    case = replace(case, table=sampled(case.table), train=None if case.train is None else sampled(case.train))
    found = permuted(case, told)
    outcomes = [_outcome("permutation importance", case, gain) for gain in found]
    if case.train is not None:
        outcomes += [_outcome("drop-column importance", case, gain) for gain in dropped(case, told)]
    spent = {name: _spent(function, case.table) for name, function in costs.items()}
    outcomes += [_cost(name, spent[name], gain, case) for name in spent for gain in found if gain.column == name]
    return (_overview(found, case, spent, origins), *outcomes)


def _outcome(check: str, case: Case, gain: Gain) -> Outcome:
    verdict = "adds something" if gain.adds else "adds nothing"
    return Outcome(
        check=check,
        column=gain.column,
        status="passed" if gain.adds else "warned",
        figure=f"{gain.gain:+.4f} {case.metric.name}",
        bound="more than chance gives",
        detail=f"{verdict}; 95% interval {gain.low:+.4f} to {gain.high:+.4f}, p = {gain.chance:.2g}, "
        f"{gain.rows:,} rows",
        number=gain.gain,
    )


def _overview(found: Sequence[Gain], case: Case, spent: Mapping[str, float], origins: Mapping[str, str]) -> Outcome:
    ranked = sorted(found, key=lambda gain: -gain.gain)
    nothing = [gain.column for gain in ranked if not gain.adds]
    rows = [
        (
            gain.column,
            round(gain.gain, 6),
            round(gain.low, 6),
            round(gain.high, 6),
            gain.adds,
            _nulls(case.table, gain.column),
            round(spent[gain.column], 3) if gain.column in spent else None,
            origins.get(gain.column),
        )
        for gain in ranked
    ]
    columns = ("feature", "gain", "low", "high", "adds", "nulls", "ms per 1,000 rows", "last changed by")
    kept = [place for place in range(len(columns)) if any(row[place] is not None for row in rows)]
    table = TableEvidence.of(
        [columns[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        f"what each feature adds to {case.metric.name}, and what it costs",
    )
    return Outcome(
        check="features that add something",
        column=None,
        status="passed",
        figure=f"{len(found) - len(nothing)} of {len(found)}",
        bound="",
        detail=f"adding nothing: {', '.join(nothing[:20])}" if nothing else "",
        evidence=(table,),
        number=len(nothing),
    )


def _cost(name: str, milliseconds: float, gain: Gain, case: Case) -> Outcome:
    return Outcome(
        check="cost",
        column=name,
        status="passed" if gain.adds else "warned",
        figure=f"{milliseconds:.3g} ms per 1,000 rows, {_nulls(case.table, name):.1%} nulls",
        bound="" if gain.adds else "nothing, as it adds nothing",
        detail=f"for {gain.gain:+.4f} {case.metric.name}",
        number=milliseconds,
    )


def _nulls(table: pd.DataFrame, name: str) -> float:
    return float(table[name].isna().mean())


def _spent(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> float:
    """Milliseconds for 1,000 rows, the least of three tries."""
    tries = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        try:
            function(table.copy())
        except Exception as error:
            raise InvalidError(f"what computes the feature failed: {type(error).__name__}: {error}") from error
        tries.append(time.perf_counter() - begun)
    return 1e6 * min(tries) / max(len(table), 1)
