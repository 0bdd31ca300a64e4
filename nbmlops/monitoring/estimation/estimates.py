"""A figure that was estimated, and how far chance alone takes it from the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["WIDE", "Estimate"]

WIDE = 3.0
"""Standard sampling errors from an estimate to each end of its interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric, estimated.

    Attributes
    ----------
    metric : str
        Its name, such as ``roc_auc``.
    value : float
        The estimate; NaN where the rows do not allow one, such as the precision where nothing was answered with yes.
    error : float
        The standard sampling error: by how much the realised figure of as many rows differs from it by chance.
    rows : int
        Rows it is of.
    least, most : float
        The ends of what the metric can be.
    """

    metric: str
    value: float
    error: float
    rows: int
    least: float = 0.0
    most: float = math.inf

    @property
    def low(self) -> float:
        """The lower end of its interval: three sampling errors below it, and not below what it can be."""
        return max(self.least, self.value - WIDE * self.error)

    @property
    def high(self) -> float:
        """The upper end of its interval."""
        return min(self.most, self.value + WIDE * self.error)

    def is_below(self, bound: float) -> bool:
        """Whether all of the interval is below a bound: chance alone does not explain it."""
        return self.high < bound

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4g}, between {self.low:.4g} and {self.high:.4g}"
