"""Sizes of memory and files as people write them."""

from __future__ import annotations

import re
from typing import Final

from nbmlops.core.errors import InvalidError

__all__ = ["bytes_of", "size_text"]

_WRITTEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)B?")
_POWERS: Final = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def bytes_of(text: str) -> int:
    """Bytes of a size as it is written: ``2GiB`` in powers of 1,024, ``2GB`` in powers of 1,000 (IEC 80000-13).

    Raises
    ------
    InvalidError
        It is no size.

    Examples
    --------
    >>> bytes_of("2GiB"), bytes_of("500 MB"), bytes_of("1.5k")
    (2147483648, 500000000, 1500)
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        raise InvalidError(f"{text!r} is no size", hint="write it as 2GiB, 500MB or a number of bytes")
    unit: int = (1024 if found[3] else 1000) ** _POWERS[found[2]]
    return round(float(found[1]) * unit)


def size_text(size: int) -> str:
    """Write a number of bytes as `bytes_of` reads it back, in the largest unit that has no remainder.

    Examples
    --------
    >>> size_text(4 * 1024**3), size_text(500_000_000), size_text(1_000_001)
    ('4GiB', '500MB', '1000001')
    """
    for unit in ("T", "G", "M", "k"):
        for base, suffix in ((1024, "iB"), (1000, "B")):
            whole, rest = divmod(size, base ** _POWERS[unit])
            if whole and not rest:
                return f"{whole}{unit.upper() if base == 1024 else unit}{suffix}"
    return str(size)
