"""Sizes, durations, times and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

__all__ = ["TIMES", "count", "duration", "extent", "number", "shape", "size", "when"]

TIMES = "\u00d7"

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def size(amount: float) -> str:
    """Bytes in decimal units (SI: 1 kB is 1,000 B), two digits at least.

    Examples
    --------
    >>> size(320), size(6_100_000), size(312_000_000)
    ('320 B', '6.1 MB', '312 MB')
    """
    value, unit = float(amount), 0
    # 999.5 would round to "1000 kB".
    while abs(value) >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if unit and abs(value) < 99.95 else 0
    return f"{value:.{digits}f} {_SIZES[unit]}"


def duration(seconds: float | None) -> str:
    """A span of time in its one or two largest units.

    Examples
    --------
    >>> duration(0.0042), duration(4.13), duration(75), duration(3_725), duration(None)
    ('4 ms', '4.1 s', '1 min 15 s', '1 h 2 min', '')
    """
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, small, names in ((_DAY, _HOUR, "d h"), (_HOUR, _MINUTE, "h min"), (_MINUTE, 1, "min s")):
        if whole >= large:
            first, second = whole // large, whole % large // small
            units = names.split()
            return f"{first} {units[0]} {second} {units[1]}" if second else f"{first} {units[0]}"
    return f"{whole} s"


def when(at: datetime | None) -> str:
    """A time in this machine's zone, to the minute.

    Examples
    --------
    >>> when(None)
    ''
    """
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M")


def number(value: object) -> str:
    """A number with four significant digits, whole ones in full with thousands apart; anything else as text.

    Examples
    --------
    >>> number(0.70123), number(80789), number(1234.5), number(2.0), number(float("nan"))
    ('0.7012', '80,789', '1,234', '2', 'nan')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def shape(rows: int, columns: int) -> str:
    """Rows and columns of a table.

    Examples
    --------
    >>> print(shape(80789, 19))
    80,789 rows \u00d7 19
    """
    return f"{count(rows, 'row')} {TIMES} {columns:,}"


def extent(lengths: Sequence[int]) -> str:
    """Lengths of the axes of an array.

    Examples
    --------
    >>> print(extent((60000, 28, 28)), "and", extent((3,)), "and", extent(()))
    60,000 \u00d7 28 \u00d7 28 and 3 and one value
    """
    return f" {TIMES} ".join(f"{length:,}" for length in lengths) or "one value"


def count(amount: int, one: str, many: str | None = None) -> str:
    """A number of things, in singular or plural.

    Examples
    --------
    >>> count(1, "row"), count(80789, "row"), count(2, "entry", "entries")
    ('1 row', '80,789 rows', '2 entries')
    """
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"
