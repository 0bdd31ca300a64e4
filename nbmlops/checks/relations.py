"""What holds between columns of a row: sums, clocks, calendars, orders, missing together, moving together.

Each is a guess on a sample that the caller then tries on whole tables. A guess must say something:
on rows whose columns were mixed up at random it must be untrue often, or else it would hold by chance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.bounds import last_word
from nbmlops.checks.kinds import Expression
from nbmlops.checks.sampled import Sample
from nbmlops.checks.seen import ColumnSeen
from nbmlops.checks.tokens import write_operand

if TYPE_CHECKING:
    from nbmlops.checks.sampled import Floats

__all__ = ["Relation", "relations"]

_FEWEST = 100
_JOINT = 0.2
_EXACT = 0.9995
_BY_CHANCE = 0.05
_COLUMNS = 40
_TRIED = 256
_TOGETHER = 0.95
_WIDEST = 1.5
_FRACTIONS = 0.2


@dataclass(frozen=True, slots=True)
class Relation:
    """A guess: the column on whose line it is written, and the expression that should hold."""

    column: str
    check: Expression


def relations(sample: Sample, columns: Mapping[str, ColumnSeen]) -> list[Relation]:
    """Guess what holds between `columns` of `sample`, the surest first; none with fewer than 100 rows."""
    rows = len(sample.part)
    if rows < _FEWEST:
        return []
    numbers = {
        name: values
        for name, values in itertools.islice(sample.numbers.items(), _COLUMNS)
        if columns[name].distinct > 2 or columns[name].type == "number"
    }
    share = 0.999 if rows >= 10_000 else 0.99
    exact = [*_clocks(numbers, columns, share), *_sums(numbers, columns, share), *_calendars(sample, columns, share)]
    joined = {frozenset(each.named) for each in exact}
    found = [Relation(each.column, each.check) for each in exact]
    found += _orders(sample, numbers, share, joined)
    found += _bands(sample, numbers, joined)
    found += _fractions(sample, columns)
    return [*found, *_missing(sample, share)]


@dataclass(frozen=True, slots=True)
class _Exact:
    column: str
    check: Expression
    named: tuple[str, ...]


def _expression(text: str, share: float) -> Expression:
    return Expression(text=text, mostly=share)


def _holds(truth: Any, judged: Any) -> bool:
    """Whether it is true of nearly all judged rows, and enough rows are judged."""
    count = int(judged.sum())
    return count >= _FEWEST and count >= _JOINT * len(judged) and int((truth & judged).sum()) >= _EXACT * count


# -- clocks and calendars -----------------------------------------------------------------------------


def _clocks(numbers: Mapping[str, Floats], columns: Mapping[str, ColumnSeen], share: float) -> Iterator[_Exact]:
    """Times of day as hours and minutes in one number: their difference is a column, over midnight too."""
    import numpy as np

    clocks = [name for name in numbers if columns[name].clock and columns[name].whole]
    rest = [name for name in numbers if name not in clocks and columns[name].whole]
    for later, earlier in itertools.permutations(clocks, 2):
        apart = _minutes(numbers[later]) - _minutes(numbers[earlier])
        for length in rest:
            judged = np.isfinite(apart) & np.isfinite(numbers[length])
            if _spread(numbers[length]) and _holds((apart - numbers[length]) % 1440 == 0, judged):
                text = f"({_clock(later)} - ({_clock(earlier)}) - {write_operand(length)}) % 1440 == 0"
                yield _Exact(length, _expression(text, share), (later, earlier, length))
    for clock, part in itertools.product(clocks, rest):
        for operator, values in (("//", numbers[clock] // 100), ("%", numbers[clock] % 100)):
            judged = np.isfinite(values) & np.isfinite(numbers[part])
            if _spread(numbers[part]) and _holds(values == numbers[part], judged):
                text = f"{write_operand(part)} == {write_operand(clock)} {operator} 100"
                yield _Exact(part, _expression(text, share), (part, clock))


def _minutes(values: Floats) -> Floats:
    return values // 100 * 60 + values % 100


def _clock(column: str) -> str:
    return f"{write_operand(column)} // 100 * 60 + {write_operand(column)} % 100"


def _spread(values: Floats) -> bool:
    import numpy as np

    seen = values[np.isfinite(values)]
    return bool(len(seen)) and bool(seen.min() < seen.max())


def _calendars(sample: Sample, columns: Mapping[str, ColumnSeen], share: float) -> Iterator[_Exact]:
    """The year, month, day or hour of a date in a column of its own, a few hours off for a time zone."""
    import numpy as np

    rounds = {"year": 0, "month": 12, "day": 0, "hour": 24}
    for (date, parts), (name, values) in itertools.product(sample.dates.items(), sample.numbers.items()):
        part = last_word(name)
        if part not in rounds or not columns[name].whole:
            continue
        apart = parts[part] - values
        judged = np.isfinite(apart)
        seen = apart[judged] % rounds[part] if rounds[part] else apart[judged]
        offsets = sorted({int(each) for each in np.unique(seen)} if len(seen) else ())
        if not offsets or len(offsets) > 3 or not _spread(parts[part]) or max(map(abs, offsets)) > rounds[part]:
            continue
        written = f"{part}({write_operand(date)}) - {write_operand(name)}"
        if part == "hour" and len(offsets) == 1 and offsets != [0]:
            # One season of a time zone: the other is an hour away, to which side the data do not say.
            offsets = sorted((offsets[0] + step) % 24 for step in (-1, 0, 1))
        if offsets == [0]:
            text = f"{part}({write_operand(date)}) == {write_operand(name)}"
        else:
            text = f"({written}) % {rounds[part]} in ({', '.join(map(str, offsets))})"
        yield _Exact(name, _expression(text, share), (name, date))


# -- sums ---------------------------------------------------------------------------------------------


def _sums(numbers: Mapping[str, Floats], columns: Mapping[str, ColumnSeen], share: float) -> Iterator[_Exact]:
    """One column is another, or the sum or the product of two others."""
    import numpy as np

    names = [name for name, values in numbers.items() if _spread(values)]
    if not names:
        return
    first = np.linspace(0, len(numbers[names[0]]) - 1, _TRIED).astype(int)
    few = np.array([numbers[name][first] for name in names])
    for target, source in itertools.combinations(range(len(names)), 2):
        if _fits(few[target], few[[source]])[0] and _all_equal(numbers[names[target]], numbers[names[source]]):
            text = f"{write_operand(names[target])} == {write_operand(names[source])}"
            yield _Exact(names[target], _expression(text, share), (names[target], names[source]))
    for one, other in itertools.combinations(range(len(names)), 2):
        for operator, values in (("+", few[one] + few[other]), ("*", few[one] * few[other])):
            for target in map(int, np.flatnonzero(_fits(values, few))):
                if target in (one, other):
                    continue
                parts = numbers[names[one]], numbers[names[other]]
                whole = parts[0] + parts[1] if operator == "+" else parts[0] * parts[1]
                goal = numbers[names[target]]
                if not _all_equal(goal, whole):
                    continue
                right = f"{write_operand(names[one])} {operator} {write_operand(names[other])}"
                named = (names[target], names[one], names[other])
                if all(columns[name].whole for name in named):
                    text = f"{write_operand(names[target])} == {right}"
                else:
                    text = f"abs({write_operand(names[target])} - ({right})) < {_small(goal):g}"
                yield _Exact(names[target], _expression(text, share), named)


def _fits(values: Floats, rows: Any) -> Any:
    import numpy as np

    judged = np.isfinite(rows) & np.isfinite(values)
    close = np.abs(rows - values) <= 1e-9 * np.maximum(np.abs(rows), 1)
    return (judged.sum(axis=1) >= _JOINT * rows.shape[1]) & ~(judged & ~close).any(axis=1)


def _all_equal(one: Floats, other: Floats) -> bool:
    import numpy as np

    return _holds(np.abs(one - other) <= 1e-9 * np.maximum(np.abs(one), 1), np.isfinite(one - other))


def _small(values: Floats) -> float:
    import numpy as np

    return 10.0 ** math.floor(math.log10(float(np.nanmax(np.abs(values))) * 1e-7))


# -- orders and bands ---------------------------------------------------------------------------------


def _orders(
    sample: Sample, numbers: Mapping[str, Floats], share: float, joined: Iterable[frozenset[str]]
) -> Iterator[Relation]:
    """One number, or one date, is never above another; for each the nearest that bounds it."""
    import numpy as np

    exact = set(joined)
    for values in (numbers, {name: parts["at"] for name, parts in sample.dates.items()}):
        for low, smaller in values.items():
            nearest: tuple[float, str] | None = None
            for high, larger in values.items():
                if low == high or frozenset((low, high)) in exact:
                    continue
                gap = larger - smaller
                judged = np.isfinite(gap)
                if not _holds(gap >= 0, judged) or not (gap[judged] > 0).any():
                    continue
                mixed = _mixed(larger) - smaller
                if np.mean(mixed[np.isfinite(mixed)] < 0) < _BY_CHANCE:
                    continue
                nearest = min(nearest or (math.inf, ""), (float(np.median(gap[judged])), high))
            if nearest:
                yield Relation(low, _expression(f"{write_operand(low)} <= {write_operand(nearest[1])}", share))


def _mixed(values: Floats) -> Floats:
    import numpy as np

    return np.random.default_rng(0).permutation(values)


def _bands(sample: Sample, numbers: Mapping[str, Floats], joined: Iterable[frozenset[str]]) -> Iterator[Relation]:
    """Two numbers that move together lie in a band around a line; for each column its closest partner."""
    import numpy as np

    names = [name for name, values in numbers.items() if _spread(values)]
    exact = set(joined)
    best: dict[str, tuple[float, str]] = {}
    for one, other in itertools.permutations(names, 2):
        if any({one, other} <= group for group in exact):
            continue
        judged = np.isfinite(numbers[one] + numbers[other])
        if judged.sum() < max(_FEWEST, _JOINT * len(judged)):
            continue
        x, y = numbers[other][judged], numbers[one][judged]
        if x.min() == x.max() or y.min() == y.max():
            continue
        together = abs(float(np.corrcoef(x, y)[0, 1]))
        if together >= _TOGETHER:
            best[one] = max(best.get(one, (0.0, "")), (together, other))
    for one, (_, other) in best.items():
        if best.get(other, (0.0, ""))[1] == one and names.index(other) < names.index(one):
            continue  # the same pair the other way round
        if band := _band(sample, one, other, numbers):
            yield Relation(one, band)


def _band(sample: Sample, one: str, other: str, numbers: Mapping[str, Floats]) -> Expression | None:
    """The least squares line, and twice the distance that 99.5% of each table keep from it; None when that is wide."""
    import numpy as np

    judged = np.isfinite(numbers[one] + numbers[other])
    slope, offset = _short(np.polyfit(numbers[other][judged], numbers[one][judged], 1))
    apart = np.abs(numbers[one] - (slope * numbers[other] + offset))[judged]
    parts = sample.part[judged]
    furthest = max(float(np.quantile(apart[parts == part], 0.995)) for part in np.unique(parts))
    width = _short([2 * furthest], digits=2)[0]
    if not 0 < width <= _WIDEST * float(np.std(numbers[one][judged])):
        return None
    sign = "-" if offset < 0 else "+"
    return _expression(
        f"abs({write_operand(one)} - ({slope:g} * {write_operand(other)} {sign} {abs(offset):g})) <= {width:g}", 0.98
    )


def _short(values: Iterable[float], digits: int = 4) -> list[float]:
    return [float(f"{float(value):.{digits}g}") for value in values]


def _fractions(sample: Sample, columns: Mapping[str, ColumnSeen]) -> Iterator[Relation]:
    """Numbers with a fraction keep one, in half as many rows as in the table where fewest have it."""
    import numpy as np

    for name, values in sample.numbers.items():
        judged = np.isfinite(values)
        if columns[name].whole or judged.sum() < _FEWEST:
            continue
        parts = [values[judged & (sample.part == part)] for part in np.unique(sample.part)]
        least = min(float(np.mean(part % 1 != 0)) if len(part) else 0.0 for part in parts)
        if least >= _FRACTIONS:
            yield Relation(name, _expression(f"{write_operand(name)} % 1 != 0", math.floor(least * 50) / 100))


# -- missing together ---------------------------------------------------------------------------------


def _missing(sample: Sample, share: float) -> Iterator[Relation]:
    """Columns that are missing in the same rows, or one wherever another is."""
    masks = {name: codes < 0 for name, codes in sample.codes.items()}
    seldom = [name for name, mask in masks.items() if 10 <= int(mask.sum()) < 0.9 * len(mask)]
    groups: list[list[str]] = []
    for name in seldom[:_COLUMNS]:
        same = next((group for group in groups if _same(masks[group[0]], masks[name])), None)
        if same:
            same.append(name)
        else:
            groups.append([name])
    for first, *others in groups:
        for name in others:
            yield Relation(
                name, _expression(f"({write_operand(name)} is null) == ({write_operand(first)} is null)", share)
            )
    yield from _implied(masks, [group[0] for group in groups], share)


def _same(one: Any, other: Any) -> bool:
    return int((one ^ other).sum()) <= 0.02 * int((one & other).sum())


def _implied(masks: Mapping[str, Any], names: Sequence[str], share: float) -> Iterator[Relation]:
    for name in names:
        wider = [
            other
            for other in names
            if other != name
            and int(masks[other].sum()) > int(masks[name].sum())
            and not (masks[name] & ~masks[other]).any()
            and int(masks[name].sum()) * (1 - masks[other].mean()) >= 5
        ]
        if wider:
            nearest = min(wider, key=lambda other: int(masks[other].sum()))
            yield Relation(
                name, _expression(f"{write_operand(name)} is not null or {write_operand(nearest)} is null", share)
            )
