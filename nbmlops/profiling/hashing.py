"""Hashes of 64 bits, of many numbers or texts at a time; the same in every process, as profiles are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["hash_encoded", "hash_numbers", "hash_texts", "number_bits"]

_BASE = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def hash_numbers(bits: np.ndarray) -> np.ndarray:
    """Mix 64-bit words (the finaliser of SplitMix64, Steele and others 2014); equal words give equal hashes."""
    import numpy as np

    mixed = bits.view(np.uint64).copy()
    for shift, factor in ((30, _FIRST), (27, _SECOND)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_encoded(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Hash texts that lie end to end in bytes: a polynomial of each, modulo 2**64, mixed."""
    import numpy as np

    lengths = np.diff(offsets)
    most = int(lengths.max(initial=0))
    powers = np.cumprod(np.full(most + 1, _BASE, np.uint64))
    sums = lengths.astype(np.uint64) * np.uint64(_FIRST)
    there = np.flatnonzero(lengths)
    if len(there):
        begin = offsets[:-1]
        within = np.arange(offsets[-1] - offsets[0]) - np.repeat(begin - offsets[0], lengths)
        terms = (data[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)) * powers[within]
        sums[there] += np.add.reduceat(terms, begin[there] - offsets[0])
    return hash_numbers(sums)


def number_bits(values: np.ndarray) -> np.ndarray:
    """Words of 64 bits that are equal for equal numbers, whether they come as whole numbers or as floating point."""
    import numpy as np

    if values.dtype.kind in "iu":
        return values.astype(np.int64, copy=False)
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    return np.where(whole == values, whole, np.ascontiguousarray(values, np.float64).view(np.int64))


def hash_texts(values: list[str]) -> np.ndarray:
    """A hash of each text, of its UTF-8."""
    import numpy as np

    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in encoded], dtype=np.int64)])
    return hash_encoded(np.frombuffer(b"".join(encoded), np.uint8), offsets)
