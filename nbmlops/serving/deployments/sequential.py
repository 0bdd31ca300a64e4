"""Is one mean above another? A test that may be looked at after every observation.

The mixture sequential probability ratio test of Robbins (1970), as Johari, Koomen, Pekelis and Walsh ("Always valid
inference", Operations Research 70, 2022) use it on two streams: with the difference of the means `d`, its
estimated variance `v` and a normal mixture of variance `t` over differences, the likelihood ratio is

    sqrt(v / (v + t)) * exp(t * d**2 / (2 * v * (v + t)))

and exceeds 1 / risk at any time with a probability of at most the risk when the means are equal. So the interval of
differences that it does not reject holds at all times together. Observations need not be normal: the variance is
estimated and the difference is normal in the limit, so nothing is decided before each side has `LEAST` observations
(Bibaut, Kallus, Lindon, "Near-optimal non-parametric sequential tests", 2022: a delayed start keeps the risk), and no
side counts as less variable than both are together.

Where both versions answered the same requests, one of them in shadow, the stream is that of the differences of the two
(`judge_pairs`): what a hard day does to both is in neither, and far fewer requests decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

__all__ = ["LEAST", "Sample", "Verdict", "judge", "judge_pairs", "margin"]

LEAST = 100
"""Observations of each side before which nothing is decided."""
_TUNED = 2_000
"""The mixture is of differences that about so many observations of a side tell apart."""
_MOST = 1 << 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What was observed of one side: how many, their mean, and their variance."""

    count: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Of some values (Welford 1962)."""
        count, mean, squares = 0, 0.0, 0.0
        for value in values:
            count += 1
            before = value - mean
            mean += before / count
            squares += before * (value - mean)
        return cls(count, mean, squares / (count - 1) if count > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The difference of two means with its interval, which holds at all times together.

    `needed` is how many more observations, of both sides in the proportion that they have now, would decide if the
    difference stays what it is; 0 when it is decided, None when nobody can tell.
    """

    effect: float
    low: float
    high: float
    is_decided: bool
    needed: int | None


def margin(variance: float, scale: float, risk: float) -> float:
    """Half of the width of the interval around a difference.

    Parameters
    ----------
    variance : float
        Of the difference.
    scale : float
        The variance of one observation, for which the mixture is tuned.
    risk : float
        With which probability it ever misses the truth.
    """
    mixed = 2 * scale / _TUNED
    if variance <= 0 or mixed <= 0:
        return math.inf
    odds = math.log(1 / risk) + 0.5 * math.log((variance + mixed) / variance)
    return math.sqrt(2 * variance * (variance + mixed) / mixed * odds)


def judge(one: Sample, other: Sample, risk: float = 0.05) -> Verdict:
    """Whether the mean of the first is another than that of the second.

    Examples
    --------
    >>> judge(Sample(5_000, 0.82, 0.15), Sample(5_000, 0.78, 0.17)).is_decided
    True
    >>> judge(Sample(90, 0.9, 0.1), Sample(5_000, 0.1, 0.1)).is_decided
    False
    """
    effect = one.mean - other.mean
    smallest = min(one.count, other.count)
    scale = _pooled(one, other)
    width = margin(_variance(one, other), scale, risk) if smallest >= LEAST else math.inf
    is_decided = abs(effect) > width
    return Verdict(effect, effect - width, effect + width, is_decided, _needed(one, other, risk))


def judge_pairs(differences: Sample, risk: float = 0.05) -> Verdict:
    """Whether the mean of differences, each of two answers to one request, is another than 0.

    Examples
    --------
    >>> judge_pairs(Sample(5_000, -0.006, 0.01)).is_decided, judge_pairs(Sample(90, -0.5, 0.01)).is_decided
    (True, False)
    """
    effect, scale = differences.mean, differences.variance / 2

    def width(factor: float = 1.0) -> float:
        return margin(differences.variance / differences.count / factor, scale, risk)

    wide = width() if differences.count >= LEAST else math.inf
    needed = None
    if differences.count and effect and scale:
        needed = _more(differences.count, differences.count, lambda factor: abs(effect) > width(factor))
    return Verdict(effect, effect - wide, effect + wide, abs(effect) > wide, needed)


def _variance(one: Sample, other: Sample, factor: float = 1.0) -> float:
    if not one.count or not other.count:
        return math.inf
    # A small side that was right each time has no variance of its own yet, and would be sure of itself.
    least = _pooled(one, other)
    return (max(one.variance, least) / one.count + max(other.variance, least) / other.count) / factor


def _pooled(one: Sample, other: Sample) -> float:
    total = one.count + other.count
    return (one.count * one.variance + other.count * other.variance) / total if total else 0.0


def _needed(one: Sample, other: Sample, risk: float) -> int | None:
    """By halving the range of how many times as many observations there have to be."""
    effect, total, smallest = abs(one.mean - other.mean), one.count + other.count, min(one.count, other.count)
    scale = _pooled(one, other)
    if not smallest or not effect or not scale:
        return None
    return _more(total, smallest, lambda factor: effect > margin(_variance(one, other, factor), scale, risk))


def _more(total: int, smallest: int, decides: Callable[[float], bool]) -> int | None:
    """How many more decide, when so many times as many as now do."""
    low, high = max(1.0, LEAST / smallest), float(_MOST)
    if not decides(high):
        return None
    for _ in range(200):
        middle = math.sqrt(low * high)
        if decides(middle):
            high = middle
        else:
            low = middle
    factor = max(1.0, LEAST / smallest) if high <= max(1.0, LEAST / smallest) * (1 + 1e-9) else high
    return max(0, math.ceil(total * (factor - 1) - 1e-6))
