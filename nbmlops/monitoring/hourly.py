"""Whether a figure of each hour has risen, or creeps up, and chance does not explain it.

Callers come by day and not by night, so hours are judged against the same hours of the days before where so many are
known, and the window against the one before where not. A rise is told by the signed-rank test, or by Mann and
Whitney's where hours cannot be paired; an hour that was odd by itself moves neither. What creeps up has a slope of
Theil and Sen's that is real when the Mann-Kendall test says so; where a series has parts, as of processes that began
one after the other, only hours of one part are compared, and what they say is added up (Hirsch & Slack 1984). These
tests count hours as independent; a t-test with a robust spread, which allows for hours that are like their neighbours,
has to agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = [
    "FEWEST_SLOPE",
    "FEWEST_STEP",
    "SURE",
    "Shift",
    "Slope",
    "array_of",
    "shifted",
    "slope_of",
    "steadied",
    "steepness",
]

SURE = 0.001
"""How likely by chance what is called may be: how alike hours are is not known well, and a figure is asked often."""
FEWEST_STEP, FEWEST_SLOPE = 4, 8
"""Hours below which even the largest step, or the steadiest slope, could be chance."""
_NEAREST = 0.8
"""A correlation beyond that is what a slope itself looks like."""
_EFFICIENCY = 1.05
"""How much larger the variance of these medians is than that of means, of normal values: π / 3."""


class Shift(NamedTuple):
    """By which share a figure is above what it was, and how likely so much is by chance."""

    more: float
    p: float


class Slope(NamedTuple):
    """How much a figure rises each hour, from which value on, and how likely so much is by chance."""

    each_hour: float
    base: float
    p: float

    def over(self, hours: int) -> float:
        """By which share it rises from the first to the last of so many hours."""
        return self.each_hour * (hours - 1) / self.base if self.base > 0 else 0.0


def array_of(values: Mapping[datetime, float]) -> Array:
    """Values by hour without their hours."""
    import numpy as np

    return np.array(list(values.values()), np.float64)


def steadied(was: Mapping[datetime, float], now: Mapping[datetime, float]) -> Array | None:
    """The figure of each hour against that of the same hour of the days before; None where too few hours are known."""
    import numpy as np

    by_hour: dict[int, list[float]] = {}
    for start, value in was.items():
        by_hour.setdefault(start.hour, []).append(value)
    usual = {hour: float(np.median(values)) for hour, values in by_hour.items()}
    both = [value / usual[start.hour] for start, value in now.items() if usual.get(start.hour, 0) > 0]
    if len(both) < max(FEWEST_STEP, len(now) - 1) or min(both) <= 0:
        return None
    return np.array(both, np.float64)


def shifted(was: Mapping[datetime, float], now: Mapping[datetime, float], *, paired: bool = True) -> Shift | None:
    """By which share a figure is higher than it was; both by hour. None of so few hours that nothing can be told.

    `paired` says whether it follows the day, so that an hour is compared with the same one of the days before.
    """
    import numpy as np

    before, after = array_of(was), array_of(now)
    if min(len(before), len(after)) < FEWEST_STEP:
        return None
    ratio = steadied(was, now) if paired else None
    if ratio is not None:
        return Shift(float(np.median(ratio)) - 1, _above(ratio))
    middle = float(np.median(before))
    return Shift(float(np.median(after)) / middle - 1 if middle else 0.0, _risen(before, after))


def _above(ratio: Array) -> float:
    """How likely it is by chance that ratios are above 1, by the signed ranks and by the middle of their logarithms."""
    import numpy as np
    from scipy.stats import wilcoxon

    logs = np.log(ratio)
    if not logs.any():
        return 1.0
    middle = float(np.median(logs))
    p = float(wilcoxon(logs, alternative="greater").pvalue)
    return max(p, _chance(middle, len(logs) ** -0.5, logs - middle))


def _risen(before: Array, after: Array) -> float:
    """The same of hours that cannot be paired, by the Mann-Whitney test and by Hodges and Lehmann's shift."""
    import numpy as np
    from scipy.stats import mannwhitneyu

    p = float(mannwhitneyu(after, before, alternative="greater").pvalue)
    if min(*before, *after) <= 0:
        return p
    then, here = np.log(before), np.log(after)
    shift = float(np.median(here[:, None] - then[None, :]))
    scale = (1 / len(then) + 1 / len(here)) ** 0.5
    return max(p, _chance(shift, scale, then - np.median(then), here - np.median(here)))


def slope_of(*parts: tuple[Array, Array]) -> Slope | None:
    """How a figure rises; each part of its hours and values, both of shape ``(n,)``, by which alone hours are compared.

    None of so few hours that nothing can be told.
    """
    import numpy as np

    if sum(len(at) for at, _ in parts) < FEWEST_SLOPE:
        return None
    slope = steepness(*parts)
    bases = [float(np.median(values) - slope * np.median(at)) for at, values in parts]
    left = [values - (base + slope * at) for (at, values), base in zip(parts, bases, strict=True)]
    norm = sum(float(((at - at.mean()) ** 2).sum()) for at, _ in parts) ** 0.5
    p = max(_ordered(parts), _chance(slope, 1 / norm, *left, fitted=2))
    return Slope(slope, float(np.median(bases)), p)


def steepness(*parts: tuple[Array, Array]) -> float:
    """The middle slope among all pairs of hours of the same part."""
    import numpy as np

    slopes = []
    for at, values in parts:
        first, later = np.triu_indices(len(at), 1)
        slopes.append((values[later] - values[first]) / (at[later] - at[first]))
    return float(np.median(np.concatenate(slopes)))


def _ordered(parts: Sequence[tuple[Array, Array]]) -> float:
    """How likely it is by chance that later values are so often the higher ones: the Mann-Kendall test."""
    import numpy as np
    from scipy.stats import kendalltau, norm

    if len(parts) == 1:
        at, values = parts[0]
        return 1.0 if np.ptp(values) == 0 else float(kendalltau(at, values, alternative="greater").pvalue)
    score = spread = 0.0
    for _, values in parts:
        size = len(values)
        first, later = np.triu_indices(size, 1)
        score += float(np.sign(values[later] - values[first]).sum())
        ties = np.unique(values, return_counts=True)[1]
        spread += (size * (size - 1) * (2 * size + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return 1.0 if spread <= 0 else float(norm.sf((score - 1) / spread**0.5))


def _alike(parts: Sequence[Array], fitted: int) -> float:
    """By how much less hours tell that are like their neighbours: ``(1 + r) / (1 - r)`` of the lag-one correlation r.

    Of residuals, without the bias of short series (Yue & Wang 2004; Marriott & Pope 1954).
    """
    spread = sum(float(part @ part) for part in parts)
    hours = sum(map(len, parts))
    if not spread or hours <= fitted + 2 * len(parts):
        return 1.0
    near = sum(float(part[1:] @ part[:-1]) for part in parts) / spread
    near = min(_NEAREST, max(0.0, (hours * near + fitted) / (hours - fitted - 2 * len(parts))))
    return (1 + near) / (1 - near)


def _chance(shift: float, scale: float, *parts: Array, fitted: int = 1) -> float:
    """How likely a shift is by chance, given residuals: a t-test with a spread that single hours do not move.

    `scale` is the standard error of the shift where hours are independent and of spread 1, `fitted` how many numbers
    were taken off each part.
    """
    import numpy as np
    from scipy.stats import t

    joined = np.concatenate(parts)
    spread = float(np.median(np.abs(joined))) * 1.4826
    if not spread or not scale:
        return 0.0 if shift > 0 else 1.0
    alike = _alike(parts, fitted * len(parts))
    free = max(4.0, (len(joined) - fitted * len(parts)) / alike)
    return float(t.sf(shift / (spread * scale * (_EFFICIENCY * alike) ** 0.5), free))
