"""Compare two tables column by column, and say which have drifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from nbmlops.checks.drift.from_profiles import pair
from nbmlops.checks.drift.samples import Sample, sample, together
from nbmlops.checks.drift.verdict import (
    ALPHA,
    RATE,
    Compared,
    adjusted,
    compare_categories,
    compare_cells,
    compare_numbers,
    found_in_nine_of_ten,
)
from nbmlops.checks.evidence import BarsEvidence, TableEvidence
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.profiling.personal.hiding import hidden
from nbmlops.profiling.personal.names import told_by_name

if TYPE_CHECKING:
    from nbmlops.checks.evidence import Evidence
    from nbmlops.checks.frames import CheckedTable
    from nbmlops.profiling.records import Profile

__all__ = ["LARGE", "compare_column", "compare_profiles", "compare_tables", "same_columns"]

LARGE = {"numbers": 0.1, "categories": 0.05, "missing": 0.05}
"""From which effect a drift that is there fails a report; below it warns. In standard deviations, or shares of rows."""
_BARS, _SHOWN = 24, 12
_FEW = 10


class _Named(Protocol):
    """What has columns."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    check: str
    compared: Compared
    kind: str
    before: Sample
    after: Sample


def same_columns(reference: _Named, current: _Named, wanted: Sequence[str] | None) -> tuple[list[str], list[Outcome]]:
    """The columns that both have, of those that are wanted, and an outcome for each that only one has.

    Raises
    ------
    InvalidError
        When a column that is wanted is in neither.
    """
    from nbmlops.core.errors import nearest

    known = dict.fromkeys((*reference.names, *current.names))
    for name in wanted or ():
        if name not in known:
            raise InvalidError(f"neither table has a column {name!r}", hint=nearest(name, list(known)))
    names = list(wanted or known)
    gone = [
        Outcome("columns", name, "failed", "missing" if name in reference.names else "new", "in both tables")
        for name in names
        if name not in reference.names or name not in current.names
    ]
    return [name for name in names if name in reference.names and name in current.names], gone


def compare_tables(
    reference: CheckedTable,
    current: CheckedTable,
    columns: Sequence[str],
    importance: Mapping[str, float] | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """Say of each column whether it has drifted; those that have come first, by importance and effect.

    Parameters
    ----------
    reference, current : CheckedTable
        What was, and what is now.
    columns : sequence of str
        Which columns; both tables have them.
    importance : mapping, optional
        Column -> how much a model leans on it.
    progress : callable, optional
        Told 1 for each column.
    """

    def both(name: str) -> tuple[Sample, Sample]:
        return sample(reference, name), sample(current, name)

    return _compare(columns, both, importance, progress)


def compare_profiles(
    reference: Profile,
    current: Profile,
    columns: Sequence[str],
    importance: Mapping[str, float] | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """The same from profiles alone; see `from_profiles` for what they do not tell."""

    def both(name: str) -> tuple[Sample, Sample]:
        return pair(reference.column(name), current.column(name))

    return _compare(columns, both, importance, progress)


def _compare(
    columns: Sequence[str],
    both: Callable[[str], tuple[Sample, Sample]],
    importance: Mapping[str, float] | None,
    progress: Callable[[int], object] | None,
) -> list[Outcome]:
    def look(name: str) -> list[_Column | Outcome]:
        try:
            return _compared(name, *both(name))
        except InvalidError as error:
            return [Outcome("drift", name, "errored", "", "", error.message)]
        finally:
            if progress is not None:
                progress(1)

    with ThreadPoolExecutor(2) as pool:
        looked = [one for found in pool.map(look, columns) for one in found]
    found = [one for one in looked if isinstance(one, _Column)]
    rates = adjusted([one.compared.p for one in found])
    judged = [(_outcome(one, rate), one) for one, rate in zip(found, rates, strict=True)]
    lean = importance or {}
    judged.sort(key=lambda pair: _rank(pair[0], pair[1], lean))
    outcomes = [_with_importance(outcome, lean) for outcome, _ in judged]
    plain = [one for one in looked if isinstance(one, Outcome)]
    wrong = [one for one in plain if one.status != "passed"]
    return [*wrong, *outcomes, *(one for one in plain if one.status == "passed")]


def _rank(outcome: Outcome, column: _Column, importance: Mapping[str, float]) -> tuple[int, float]:
    if outcome.status == "passed":
        return (2, 0.0)
    weight = importance.get(column.name, 0.0) or 1e-9
    return (0 if outcome.status == "failed" else 1, -weight * column.compared.effect)


def _with_importance(outcome: Outcome, importance: Mapping[str, float]) -> Outcome:
    lean = importance.get(outcome.column or "")
    if lean is None or outcome.status == "passed":
        return outcome
    return replace(outcome, detail=f"{outcome.detail}; importance {lean:.3g}")


def _compared(name: str, before: Sample, after: Sample) -> list[_Column | Outcome]:
    if not before.rows or not after.rows:
        which = "reference" if not before.rows else "current table"
        return [Outcome("drift", name, "errored", "", "", f"the {which} has no rows")]
    found: list[_Column | Outcome] = []
    if before.missing or after.missing:
        counts = [(one.missing, one.rows - one.missing) for one in (before, after)]
        found.append(_Column(name, "drift of missing values", compare_categories(*counts), "missing", before, after))
    if before.kind == after.kind == "nothing":
        return found
    if "nothing" in {before.kind, after.kind}:
        which = "reference" if before.kind == "nothing" else "current table"
        status = "errored" if which == "reference" else "failed"
        return [*found, Outcome("drift", name, status, "nothing but missing values", "", f"the {which} has no value")]  # type: ignore[arg-type]
    if before.kind != after.kind:
        words = f"{before.type} became {after.type}"
        return [*found, Outcome("drift", name, "failed", words, "the same type", "values cannot be compared")]
    if before.unit == after.unit == "days":
        return [*found, _moved_on(name, before, after)]
    if before.kind == "numbers":
        if before.weights is None:
            compared = compare_numbers(before.values, after.values)
        else:
            compared = compare_cells(before.weights, after.weights)
    else:
        first, second, _ = together(before, after)
        compared = compare_categories(first, second)
    return [*found, _Column(name, "drift", compared, before.kind, before, after)]


def compare_column(reference: CheckedTable, name: str, current: CheckedTable, column: str) -> Outcome:
    """Compare one column with one of another table, as if there were no others.

    Raises
    ------
    InvalidError
        When the reference holds no value, or the two hold different sorts of values.
    """
    before, after = sample(reference, name), sample(current, column)
    if before.kind == "nothing":
        raise InvalidError(f"there is nothing to compare with: {name} holds no value there")
    if after.kind == "nothing":
        return Outcome("drift", column, "failed", "no values", "")
    if before.kind != after.kind:
        raise InvalidError(f"{column} is {after.type}, and {name} is {before.type} there")
    looked = [one for one in _compared(column, before, after) if isinstance(one, _Column) and one.check == "drift"]
    if not looked:
        return Outcome("drift", column, "passed", "not judged", "", "times move on, and one value says nothing")
    (one,) = looked
    return _outcome(one, one.compared.p)


def _moved_on(name: str, before: Sample, after: Sample) -> Outcome:
    import numpy as np

    days = float(np.median(after.sorted()) - np.median(before.sorted()))
    figure = f"{abs(days):,.1f} days {'later' if days >= 0 else 'earlier'}"
    return Outcome("drift", name, "passed", figure, "", "times move on: they are not judged", number=days)


def _outcome(column: _Column, rate: float) -> Outcome:
    one, kind = column.compared, column.kind
    drifted = one.p <= ALPHA and rate <= RATE
    large = one.effect >= LARGE[kind]
    words = f"p = {_small(one.p)}, {_small(rate)} among all columns"
    detail = [words] if drifted else [words, *_limits(column)]
    evidence: tuple[Evidence, ...] = ()
    if drifted:
        evidence = _evidence(column)
        detail += [] if large else [f"it is there, but below {LARGE[kind]:g}"]
        detail += _new_levels(column)
    return Outcome(
        column.check,
        column.name,
        ("failed" if large else "warned") if drifted else "passed",
        _figure(column),
        f"p > {ALPHA:g}, or {RATE:g} among all columns",
        "; ".join(detail),
        evidence=evidence,
        number=one.effect,
        band=(None, LARGE[kind]),
    )


def _small(value: float) -> str:
    return "below 1e-15" if value < 1e-15 else f"{value:.2g}"


def _figure(column: _Column) -> str:
    one = column.compared
    if column.kind == "missing":
        shares = [each.missing / each.rows for each in (column.before, column.after)]
        return f"{shares[0]:.2%} → {shares[1]:.2%} missing"
    if column.kind == "categories":
        return f"{one.effect:.1%} of rows moved"
    way = "up" if one.direction > 0 else "down"
    told = f", {way}" if abs(one.direction) > one.effect / 2 and one.effect >= 0.01 else ""
    return f"{one.effect:.2f} standard deviations{told}"


def _limits(column: _Column) -> list[str]:
    """What could not be seen, for lack of rows."""
    rows = min(each.rows - each.missing for each in (column.before, column.after))
    if column.kind != "numbers" or rows >= 1_000:
        return []
    moved = found_in_nine_of_ten(*(each.rows - each.missing for each in (column.before, column.after)))
    return [f"of {rows:,} rows, a shift of {moved:.2g} standard deviations is found in nine of ten cases"]


def _new_levels(column: _Column) -> list[str]:
    if column.kind != "categories":
        return []
    new = {level: count for level, count in column.after.values.items() if level not in column.before.values}
    shown = sorted(new.items(), key=lambda pair: -pair[1])[:_SHOWN]
    rest = f" and {len(new) - len(shown)} more" if len(new) > len(shown) else ""
    told = ", ".join(f"{hidden(level, column.name)} ({count:,})" for level, count in shown)
    return [f"new: {told}{rest}"] if new else []


def _evidence(column: _Column) -> tuple[Evidence, ...]:
    import numpy as np

    if column.kind == "missing":
        return ()
    if column.kind == "categories":
        first, second, levels = together(column.before, column.after)
        order = np.argsort(-(first / first.sum() + second / second.sum()), kind="stable")[:_BARS]
        was, now = ((each / each.sum())[order] for each in (first, second))
        labels = [hidden(levels[place], column.name) for place in order]
        return (BarsEvidence.of(column.name, was, now, "shares of the levels", labels),)
    if told_by_name(column.name):
        return ()
    before, after = column.before.sorted(), column.after.sorted()
    ends = [np.quantile(each, [0.01, 0.99]) for each in (before, after)]
    low, high = min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)
    if not low < high:
        low, high = float(min(before[0], after[0])), float(max(before[-1], after[-1]))
    edges = np.linspace(low, high if high > low else low + 1, _BARS + 1)
    was, now = (np.histogram(np.clip(each, low, high), edges)[0] / len(each) for each in (before, after))
    bins = [f"{edges[place]:.4g} to {edges[place + 1]:.4g}" for place in range(_BARS)]
    middle = [float(np.median(each)) for each in (before, after)]
    counts = [each.rows - each.missing for each in (column.before, column.after)]
    table = TableEvidence.of(
        ("", "reference", "current"),
        [("median", *middle), ("mean", float(before.mean()), float(after.mean())), ("values", *counts)],
    )
    return (BarsEvidence.of(column.name, was, now, "shares in intervals", bins), table)
