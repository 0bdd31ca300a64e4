"""How far the next version's figures may lie from those of the versions before it.

Within one version a figure such as the mean hardly moves by chance when there are many rows; what
moves it is that versions differ. So bounds come from the versions' own figures, one number each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["FIGURES", "ROWS", "next_count", "next_mean", "rounded"]

ROWS = 0.01
"""Share of tables whose number of rows lies outside; a table has one such check."""
FIGURES = 0.002
"""Share of columns whose mean or number of values does; a table has dozens."""
_PRIOR_WEIGHT = 3
_PRIOR_SPREAD = 0.1
_MEAN_SPREAD = 0.25
_EFFECT = 0.5
_WIDEST = 3.0
_LARGEST = 1e150


def next_count(counts: Sequence[int], outside: float) -> tuple[float, float]:
    """Give the interval for the next count, such as of rows, after at least two `counts`; a share lies `outside`.

    The logarithms of the counts are taken for normal, with a variance of unknown size; the prediction is
    Student's t under the conjugate prior (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3),
    which counts as three versions that differ by a tenth. Without it two equal counts would leave no
    room at all, and two that differ no bound.

    Examples
    --------
    >>> low, high = next_count([27_004, 24_951, 28_834], ROWS)
    >>> round(low, -2), round(high, -2)
    (17700.0, 40900.0)
    """
    logs = [math.log(max(count, 1)) for count in counts]
    centre = sum(logs) / len(logs)
    squares = sum((each - centre) ** 2 for each in logs)
    freedom = _PRIOR_WEIGHT + len(logs) - 1
    scale = math.sqrt((squares + _PRIOR_WEIGHT * _PRIOR_SPREAD**2) / freedom * (1 + 1 / len(logs)))
    reach = _student(freedom, 1 - outside / 2) * scale
    return math.exp(centre - reach), math.exp(min(centre + reach, 700))


def next_mean(means: Sequence[float], deviation: float) -> tuple[float, float] | None:
    """Give the interval for the next mean after at least two `means` of values with a standard `deviation`.

    Student's t prediction interval of which 0.2% lie outside; or, when that is narrower, the one under a prior
    as in `next_count`, by which versions differ by a quarter of the deviation. At least half a deviation beyond the
    means seen (Cohen's medium effect: less is no news, whatever its p-value). None when even so the interval
    says nothing: more than three deviations to one side; and for numbers whose squares are too large to be numbers.
    """
    count = len(means)
    if max(map(abs, (*means, deviation))) > _LARGEST:
        return None
    centre = sum(means) / count
    squares = sum((each - centre) ** 2 for each in means)
    plain = _student(count - 1, 1 - FIGURES / 2) * math.sqrt(squares / (count - 1))
    freedom = _PRIOR_WEIGHT + count - 1
    prior = _PRIOR_WEIGHT * (_MEAN_SPREAD * deviation) ** 2
    shrunk = _student(freedom, 1 - FIGURES / 2) * math.sqrt((squares + prior) / freedom)
    reach = min(plain, shrunk) * math.sqrt(1 + 1 / count)
    reach = max(reach, _EFFECT * deviation + (max(means) - min(means)) / 2)
    if not deviation or not math.isfinite(reach) or reach > _WIDEST * deviation:
        return None
    return centre - reach, centre + reach


def _student(freedom: int, level: float) -> float:
    # Not scipy.stats, which takes two seconds to import.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, level))


def rounded(value: float, digits: int, *, up: bool) -> float:
    """Round `value` to so many significant digits, up or down; a whole result is an int.

    Examples
    --------
    >>> rounded(17_616.2, 2, up=False), rounded(0.1234, 2, up=True)
    (17000, 0.13)
    """
    if not value:
        return 0
    places = digits - 1 - math.floor(math.log10(abs(value)))
    step = 10.0**-places
    whole = math.ceil(value / step - 1e-9) if up else math.floor(value / step + 1e-9)
    found = round(whole * step, max(places, 0))
    return int(found) if found.is_integer() and abs(found) < 1e15 else found
