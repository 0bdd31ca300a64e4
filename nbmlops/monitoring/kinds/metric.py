"""A figure of the user's own, such as money: a function of the rows of the window says it.

The function is given the rows that were answered, with the labels that are known (``label``), and gives a number, or
a number with its interval ``(value, low, high)``; then it fails only when all of that is beyond the bound.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.own_rows import frame_of

if TYPE_CHECKING:
    from nbmlops.monitoring.watching import Watched

__all__ = ["judge"]


def judge(watched: Watched) -> list[Outcome]:
    """One outcome: what the function gives."""
    rules, bound = watched.monitor.rules, watched.monitor.bound
    code = rules["code"]
    assert bound is not None
    rows = frame_of(watched, labels=True)
    value, low, high = _figure(watched.known.code.call(code, rows), code)
    is_high = rules.get("better", "high") == "high"
    wrong = high < bound if is_high else low > bound
    figure = f"{value:,.6g}" if low == high else f"{value:,.6g}, between {low:,.6g} and {high:,.6g}"
    words = f"at {'least' if is_high else 'most'} {bound:,.6g}"
    told = f"{code} of {len(rows):,} rows, {int(rows['label'].notna().sum()):,} with a label"
    band = (bound, None) if is_high else (None, bound)
    name = code.rpartition(":")[2]
    return [Outcome(name, None, "failed" if wrong else "passed", figure, words, told, number=value, band=band)]


def _figure(given: Any, code: str) -> tuple[float, float, float]:
    """Value, low and high end."""
    try:
        parts = [float(each) for each in given] if isinstance(given, tuple | list) else [float(given)] * 3
    except (TypeError, ValueError) as error:
        raise InvalidError(
            f"{code} gives a {type(given).__qualname__}", hint="a number, or (value, low, high), is asked for"
        ) from error
    if len(parts) != 3 or not all(map(math.isfinite, parts)):
        raise InvalidError(f"{code} gives {given!r}", hint="a number, or (value, low, high), is asked for")
    value, low, high = parts
    if not low <= value <= high:
        raise InvalidError(f"{code} gives {value:g}, which is not between {low:g} and {high:g}")
    return value, low, high
