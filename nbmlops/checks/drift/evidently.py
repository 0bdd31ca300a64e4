"""The rules of Evidently 0.7, so that its verdicts and these can be held side by side.

Missing values and infinities are left out. Up to 1,000 rows of the reference: numbers with more than 5 values by
Kolmogorov-Smirnov, others by the chi-square test, of two values by the z-test; drifted at p ≤ 0.05 (numbers) or < 0.05.
Beyond: numbers with more than 5 values by the normed Wasserstein distance, others by the Jensen-Shannon distance;
drifted from 0.1. A table has drifted when half of its columns have. Nothing is corrected for many columns, and the size
of the current table does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.checks.drift import distances
from nbmlops.checks.drift.samples import Sample, sample, together
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable

__all__ = ["as_evidently", "binned", "chosen"]

_BOUND, _LEVEL, _SMALL, _FEW, _BINNED = 0.1, 0.05, 1_000, 5, 20


def as_evidently(reference: CheckedTable, current: CheckedTable, columns: Sequence[str]) -> list[Outcome]:
    """Judge columns, and the table, as Evidently does."""
    outcomes = []
    for name in columns:
        try:
            before, after = sample(reference, name), sample(current, name)
            if "nothing" in {before.kind, after.kind} or before.kind != after.kind:
                raise InvalidError(f"{before.type} and {after.type} cannot be compared")
            test, figure, drifted = chosen(before, after)
        except InvalidError as error:
            outcomes.append(Outcome("drift", name, "errored", "", "", error.message))
            continue
        is_p = test not in _DISTANCES
        bound = f"p > {_LEVEL:g}" if is_p else f"< {_BOUND:g}"
        status: Any = "failed" if drifted else "passed"
        outcomes.append(Outcome("drift", name, status, f"{test} {figure:.4g}", bound, number=figure))
    judged = [one for one in outcomes if one.status != "errored"]
    share = sum(one.status == "failed" for one in judged) / len(judged) if judged else 0.0
    whole: Any = "failed" if share >= 0.5 else "passed"
    return [Outcome("drift of the table", None, whole, f"{share:.0%} of columns", "< 50%", number=share), *outcomes]


_DISTANCES = frozenset({"Wasserstein distance", "Jensen-Shannon distance"})


def chosen(before: Sample, after: Sample) -> tuple[str, float, bool]:
    """The test that Evidently chooses, its figure, and whether that is drift."""
    rows = before.rows - before.missing
    if before.kind == "numbers":
        import numpy as np

        distinct = len(np.unique(np.concatenate((before.values, after.values))))
        if distinct > _FEW:
            if rows > _SMALL:
                figure = distances.wasserstein(before.values, after.values)
                return "Wasserstein distance", figure, figure >= _BOUND
            figure = distances.kolmogorov_smirnov(before.values, after.values)[1]
            return "Kolmogorov-Smirnov p", figure, figure <= _LEVEL
        before, after = (_levels(each) for each in (before, after))
    first, second, levels = together(before, after)
    if rows > _SMALL:
        figure = distances.jensen_shannon(first, second)
        return "Jensen-Shannon distance", figure, figure >= _BOUND
    if len(levels) <= 2:
        yes = [(float(each[0]), float(each.sum() - each[0])) for each in (first, second)]
        figure = distances.proportions(*yes)
        return "z-test p", figure, figure < _LEVEL
    figure = distances.chi_square(first, second)[1]
    return "chi-square p", figure, figure < _LEVEL


def binned(before: Sample, after: Sample) -> tuple[Any, Any]:
    """Counts in the bins that Evidently takes for PSI and Jensen-Shannon: of many numbers Sturges', else by value."""
    import numpy as np

    if before.kind == "numbers":
        if len(np.unique(before.values)) > _BINNED:
            return distances.histograms(before.values, after.values)
        before, after = _levels(before), _levels(after)
    return together(before, after)[:2]


def _levels(numbers: Sample) -> Sample:
    import numpy as np

    values, counts = np.unique(numbers.values, return_counts=True)
    levels = dict(zip(map(repr, values.tolist()), counts.tolist(), strict=True))
    return Sample("categories", levels, numbers.missing, numbers.rows, type=numbers.type)
