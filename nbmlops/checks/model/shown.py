"""What a paired comparison shows: that a model is no worse than another, that it is, or neither.

A bare difference says nothing of chance. The verdict is read from the interval: no worse when the whole of it
lies above the bound, worse when the whole of it lies below, and otherwise the rows are too few to tell, and how
many would do is said. The number of rows is that of a one-sided test of a mean with the given risk and a power
of 80% (Cohen 1988, 2.4): the spread falls with the root of the number of rows.
"""

from __future__ import annotations

from math import ceil

from nbmlops.checks.models import RESAMPLES, Comparison, Metric
from nbmlops.checks.records import Outcome, Status

__all__ = ["FEWEST", "POWER", "interval", "least_gain", "no_worse", "rows_needed"]

POWER = 0.8
FEWEST = 20
"""With fewer rows a bootstrap knows too little of its own spread, and nothing is shown."""


def no_worse(metric: Metric, found: Comparison, tolerance: float, other: str, risk: float) -> Outcome:
    """Whether the first of two models is shown to be no worse than the second by more than a tolerance.

    Parameters
    ----------
    metric : Metric
        What was compared.
    found : Comparison
        The comparison, with an interval that leaves out `risk` on each side.
    tolerance : float
        How much worse it may be, in the metric's unit.
    other : str
        What the second model is called.
    risk : float
        The chance of calling it no worse when it is worse by the tolerance.
    """
    status: Status = "warned"
    if found.rows >= FEWEST:
        status = "passed" if found.low >= -tolerance else "failed" if found.high < -tolerance else "warned"
    return Outcome(
        check=f"{metric.name} against {other}",
        column=None,
        status=status,
        figure=f"{found.gain:+.4f} ({found.first:.4f} against {found.second:.4f})",
        bound=f"≥ {0 - tolerance:g}",
        detail=f"{_told(status, found, tolerance, risk)}{interval(found, risk)}",
    )


def interval(found: Comparison, risk: float) -> str:
    """The interval in words."""
    sample = f"{found.resampled:,} of {found.rows:,}" if found.resampled < found.rows else f"{found.rows:,}"
    return (
        f"{100 - 200 * risk:.4g}% interval {found.low:+.4f} to {found.high:+.4f}, {RESAMPLES:,} paired resamples of "
        f"{sample} rows; above 0 is better"
    )


def _told(status: Status, found: Comparison, tolerance: float, risk: float) -> str:
    if status != "warned":
        return f"shown at a risk of {risk:g}; "
    if found.rows < FEWEST:
        return f"{found.rows} rows show nothing, at least {FEWEST} are needed; "
    needed = rows_needed(found, tolerance, risk)
    more = f", about {needed:,} would" if needed else ""
    smallest = f"{least_gain(found, risk):.4f}"
    return f"{found.rows:,} rows do not show it either way{more} (they show {smallest} with a power of {POWER:.0%}); "


def least_gain(found: Comparison, risk: float) -> float:
    """The smallest true gain that these rows show with a power of 80%, in the metric's unit."""
    from scipy.stats import norm

    error = (found.high - found.low) / (2 * float(norm.ppf(1 - risk)))
    return error * float(norm.ppf(1 - risk) + norm.ppf(POWER))


def rows_needed(found: Comparison, tolerance: float, risk: float) -> int | None:
    """How many rows would show the gain that was found, if it is the true one; None when no number would."""
    distance = abs(found.gain + tolerance)
    if distance <= 1e-12:
        return None
    return ceil(found.rows * (least_gain(found, risk) / distance) ** 2)
