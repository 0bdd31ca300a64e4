"""Distances between two samples, each a small function of numbers or of counts.

Samples are one-dimensional float64 arrays without NaN, of any lengths from 1; counts are arrays of one length, a count
for each bin or level. Definitions are those of scipy and, where it has its own, of Evidently 0.7 (`psi`,
`jensen_shannon` with natural logarithms, `wasserstein` by the reference's standard deviation, `chi_square` against the
reference as if it were exact).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

__all__ = [
    "chi_square",
    "hellinger",
    "histograms",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "largest_difference",
    "proportions",
    "psi",
    "total_variation",
    "wasserstein",
]


def _shares(counts: Any) -> Array:
    import numpy as np

    amounts = np.asarray(counts, np.float64)
    shares: Array = amounts / amounts.sum()
    return shares


def kolmogorov_smirnov(reference: Any, current: Any) -> tuple[float, float]:
    """The largest difference of the distribution functions, and its p-value (`scipy.stats.ks_2samp`)."""
    from scipy.stats import ks_2samp

    found = ks_2samp(reference, current)
    return float(found.statistic), float(found.pvalue)


def wasserstein(reference: Any, current: Any) -> float:
    """The area between the distribution functions, in standard deviations of the reference (of at least 0.001).

    Each function is a staircase; both are looked up at all steps, in one merge of the two sorted samples.
    """
    import numpy as np

    first, second = np.sort(reference), np.sort(current)
    steps = np.concatenate((first, second))
    steps.sort()
    widths = np.diff(steps)
    below = np.searchsorted(first, steps[:-1], "right") / len(first)
    area = np.abs(below - np.searchsorted(second, steps[:-1], "right") / len(second)) @ widths
    return float(area / max(float(np.std(first)), 0.001))


def chi_square(reference: Any, current: Any) -> tuple[float, float]:
    """Pearson's statistic of the current counts against the shares of the reference, and its p-value.

    The reference is taken as exact, as Evidently does; with levels that it does not have the statistic is infinite.
    """
    import numpy as np
    from scipy.stats import chi2

    found = np.asarray(current, np.float64)
    expected = _shares(reference) * found.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(expected > 0, (found - expected) ** 2 / expected, np.where(found > 0, np.inf, 0.0))
    statistic = float(parts.sum())
    return statistic, float(chi2.sf(statistic, len(found) - 1))


def proportions(reference: Any, current: Any) -> float:
    """The p-value of the two-sided z-test that two shares are one, by the pooled share; of counts (yes, no)."""
    import numpy as np
    from scipy.stats import norm

    (first, left), (second, right) = (np.asarray(each, np.float64) for each in (reference, current))
    one, other = first + left, second + right
    share = (first + second) / (one + other)
    spread = np.sqrt(share * (1 - share) * (1 / one + 1 / other))
    if spread == 0:
        return 1.0
    return float(2 * norm.sf(abs(first / one - second / other) / spread))


def psi(reference: Any, current: Any) -> float:
    """The population stability index of two lists of counts, ``Σ (r - c) ln(r / c)``.

    Empty bins get the share 0.0001, or a millionth of the smallest share there is where that is not larger.
    """
    import numpy as np

    shares = []
    for counts in (reference, current):
        own = _shares(counts)
        least = float(own[own > 0].min())
        shares.append(np.where(own == 0, 0.0001 if least > 0.0001 else least / 1e6, own))
    first, second = shares
    return float(((first - second) * np.log(first / second)).sum())


def jensen_shannon(reference: Any, current: Any, base: float | None = None) -> float:
    """The root of the Jensen-Shannon divergence of two lists of counts; natural logarithms unless a `base` is given."""
    from scipy.spatial.distance import jensenshannon

    return float(jensenshannon(_shares(reference), _shares(current), base))


def hellinger(reference: Any, current: Any) -> float:
    """Hellinger's distance of two lists of counts, from 0 to 1: ``√(1 - Σ √(r c))``."""
    import numpy as np

    overlap = float(np.sqrt(_shares(reference) * _shares(current)).sum())
    return float(np.sqrt(max(0.0, 1 - overlap)))


def total_variation(reference: Any, current: Any) -> float:
    """Half the sum of the differences of the shares: the share of rows that would have to change, from 0 to 1."""
    import numpy as np

    return float(np.abs(_shares(reference) - _shares(current)).sum() / 2)


def largest_difference(reference: Any, current: Any) -> float:
    """L-infinity: the largest difference of the shares of one bin or level."""
    import numpy as np

    return float(np.abs(_shares(reference) - _shares(current)).max())


def histograms(reference: Any, current: Any) -> tuple[Array, Array]:
    """Counts of both samples in the bins of both together, by Sturges' rule (`numpy.histogram_bin_edges`)."""
    import numpy as np

    edges = np.histogram_bin_edges(np.concatenate((reference, current)), "sturges")
    return np.histogram(reference, edges)[0].astype(float), np.histogram(current, edges)[0].astype(float)
