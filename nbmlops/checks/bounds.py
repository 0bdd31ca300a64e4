"""How far a column's next values may lie from those seen: ranges, null shares, row counts.

What was seen is a sample, often of one season. The margin beyond its ends is the distance from the
median to that end once more, up to twice when the extreme lies far outside the central 98%, and
more for few rows, whose extremes are exceeded soon (for an exponential tail the largest of a
thousand times the rows lies ``ln(1000) / ln(rows)`` of that distance further out), and never less
than twice of what lies between the ends of several versions. Ends are rounded outward.
Knowledge that the numbers alone do not give is kept: what was never negative stays so, what
ends at 1 or at 100 is a share, and a column that is called ``month`` may have all twelve of them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from nbmlops.checks.kinds import Between, Nulls, Rows

__all__ = ["Spread", "date_bounds", "is_time", "last_word", "null_bound", "number_bounds", "row_bounds"]

# By the last word of a column's name; they hold only when all that was seen fits.
_CALENDAR = {
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 59),
    "quarter": (1, 4),
    "week": (0, 53),
    "weekday": (0, 7),
    "dayofyear": (1, 366),
}
_MEASURES = {
    "lat": (-90, 90),
    "latitude": (-90, 90),
    "lon": (-180, 180),
    "lng": (-180, 180),
    "longitude": (-180, 180),
    "percent": (0, 100),
    "pct": (0, 100),
    "probability": (0, 1),
    "share": (0, 1),
    "dir": (0, 360),
    "direction": (0, 360),
    "bearing": (0, 360),
}
_CLOCK = (0, 2400)
_YEARS = 10
_WORD = re.compile(r"[A-Z]?[^\W_A-Z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Spread:
    """What was seen of a numeric column: its ends, median, 1st and 99th percentile, and its nature.

    `clock` says that all values read as hours and minutes, such as 1745; `low_moved` and `high_moved` how far
    the ends of several versions lie apart.
    """

    rows: int
    low: float
    high: float
    median: float
    first: float
    last: float
    whole: bool
    clock: bool = False
    low_moved: float = 0.0
    high_moved: float = 0.0


def number_bounds(name: str, seen: Spread) -> Between:
    """Choose the range of a numeric column called `name`."""
    known = _known(name, seen)
    if known is not None:
        return Between(low=known[0], high=known[1])
    if seen.whole and (seen.low, seen.high) == (0, 1) and seen.rows >= 20:
        return Between(low=0, high=1)
    if seen.low == seen.high:
        # One value says nothing about how far others lie; only its sign is taken for meant.
        return Between(low=0, high=None) if seen.low >= 0 else Between(low=None, high=0)
    low = _widened(seen, -1)
    high = _widened(seen, 1)
    if seen.low >= 0:
        low = max(low, 0)
    if seen.high <= 0:
        high = min(high, 0)
    if seen.low >= 0 and (seen.high == 100 or (0.5 < seen.high <= 1 and not seen.whole)):
        high = 100 if seen.high == 100 else 1
    return Between(low=_plain(low), high=_plain(high))


def _known(name: str, seen: Spread) -> tuple[float, float] | None:
    words = _words(name)
    last = words[-1]
    if "per" in words:
        return None
    if seen.whole and last == "year" and seen.low >= 1000 and seen.high <= 3000:
        return int(seen.low) - _YEARS, int(seen.high) + _YEARS
    if seen.whole and is_time(name) and seen.clock and seen.rows >= 100:
        return _CLOCK
    known = _MEASURES.get(last) or (_CALENDAR.get(last) if seen.whole else None)
    return known if known and known[0] <= seen.low and seen.high <= known[1] else None


def last_word(name: str) -> str:
    """The last word of a column's name, in small letters, which tells most of what it holds."""
    return _words(name)[-1]


def is_time(name: str) -> bool:
    """Whether the name of a column says that it may hold times of day."""
    return last_word(name) == "time"


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)] or [""]


def _widened(seen: Spread, sign: int) -> float:
    end, central, moved = (
        (seen.low, seen.first, seen.low_moved) if sign < 0 else (seen.high, seen.last, seen.high_moved)
    )
    reach = abs(end - seen.median)
    if reach == 0:
        # The end is the median itself, as with many zeros.
        margin = max(abs(end) * 0.5, 1.0)
    else:
        inner = abs(central - seen.median)
        tail = reach / inner / 2 if inner else 2.0
        few = math.log(1_000) / math.log(max(seen.rows, 2))
        margin = reach * max(1.0, min(tail, 2.0), min(few, 3.0))
    margin = max(margin, 2 * moved)
    step = 10.0 ** math.floor(math.log10(margin)) if 0 < margin < math.inf else 1.0
    target = (end + sign * margin) / step
    if not math.isfinite(target):
        return end
    whole = math.floor(target) if sign < 0 else math.ceil(target)
    # Rounding to the step's digits takes away what the product adds, as in 3 * 0.1.
    return round(whole * step, max(0, -math.floor(math.log10(step))))


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)


def null_bound(missing: int, rows: int) -> Nulls | None:
    """Choose the bound of a column's missing values; None when too few rows were seen to say anything.

    With none missing in `rows`, up to ``3 / rows`` may be missing (rule of three, 95%); none may be from
    10,000 rows on. Otherwise twice the share seen, or three standard errors above it, whichever is
    more, but never more than half of what is left.
    """
    share = missing / rows
    if not missing and rows >= 10_000:
        return Nulls(limit=0.0, inclusive=True)
    limit = 3 / rows
    if missing:
        error = math.sqrt(share * (1 - share) / rows)
        limit = min(max(2 * share, share + 3 * error, 0.01), share + (1 - share) / 2)
    places = 2 if limit >= 0.01 else -math.floor(math.log10(limit))
    limit = math.ceil(limit * 10**places) / 10**places
    return Nulls(limit=limit) if share < limit < 1 else None


def date_bounds(low: str, high: str) -> Between:
    """Choose the range of dates: ten years beyond both ends, which still refuses 1970 and 2262.

    A date column moves on with every month; a range frozen to what was seen would refuse the next.
    """
    first, last = int(low[:4]) - _YEARS, int(high[:4]) + _YEARS
    return Between(low=f"{max(first, 1):04d}-01-01", high=f"{min(last, 9999):04d}-12-31")


def row_bounds(rows: int) -> Rows:
    """Choose how many rows a table may have: from a tenth to ten times of those seen, rounded outward."""
    digits = len(str(rows)) - 1
    step = max(1, 10 ** (digits - 1))
    return Rows(low=max(1, rows // 10 // step * step), high=-(-rows * 10 // (10**digits)) * 10**digits)
