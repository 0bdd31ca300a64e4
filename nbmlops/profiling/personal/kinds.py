"""The kinds of personal data that are looked for: the form of each, the test of what has it, and how it is masked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from nbmlops.profiling.personal import identifiers

__all__ = ["FOUND", "KINDS", "PHONE", "WHOLE", "WORTH", "Kind", "masked", "padded_to", "tail"]

PHONE = "telephone number"

FOUND = 1e-4
"""What so many values of a kind are by chance, at most, when the kind counts as found."""
WORTH = r"@|(?:[0-9][^0-9]*){6}|[0-9]\.[0-9]+\.[0-9]+\.[0-9]|:[0-9A-Fa-f]*:"
"""What every kind but names has something of; other values are passed over."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data.

    Attributes
    ----------
    name : str
        What it is, in the singular.
    form : str
        A regular expression of Rust's crate and Python's `re` alike.
    test : callable
        Whether a text of that form is one.
    chance : float
        The share of other texts of that form that pass the test.
    share : float
        The share of a column's values that must be one: what has no check digit is not told from a code by one value.
    """

    name: str
    form: str
    test: Callable[[str], bool]
    chance: float
    share: float = 0.0


def _plain(text: str) -> str:
    return re.sub(r"[ \-]", "", text)


KINDS: tuple[Kind, ...] = (
    Kind("e-mail address", r"(?i)[a-z0-9._%+\-]+@(?:[a-z0-9\-]+\.)+[a-z]{2,}", lambda text: ".." not in text, 0.0),
    Kind(
        "IBAN",
        r"(?i)\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?\b",
        lambda text: identifiers.is_iban(_plain(text)),
        6e-5,  # 76 of 676 pairs of letters are countries, each with one of 18 lengths, and 1 of 97 has the rest
    ),
    Kind("payment card", r"\b\d(?:[ \-]?\d){12,18}\b", lambda text: identifiers.is_card(_plain(text)), 0.1),
    Kind(
        "payment card",
        r"\b\d{4}(?:[ \-]\d{4}){3}\b|\b\d{4}[ \-]\d{6}[ \-]\d{4,5}\b",
        lambda text: identifiers.is_card(_plain(text)),
        0.05,  # of numbers in such groups few are anything else
    ),
    Kind("IP address", r"(?i)\b(?:\d{1,3}\.){3}\d{1,3}\b", identifiers.is_ip, 0.3, 0.05),
    Kind("IP address", r"(?i)(?:[0-9a-f]{1,4}:){1,7}(?::?[0-9a-f]{1,4}){1,7}", identifiers.is_ip, 0.01),
    Kind("telephone number", r"\+[1-9][\d ().\-/]{6,17}\d\b", identifiers.is_phone, 0.05),
    Kind(
        "telephone number",
        r"\b00[1-9][\d ().\-/]{6,17}\d\b|\(\d{2,5}\) ?\d[\d \-/.]{4,12}\d\b|\b\d{3}[\-. ]\d{3}[\-. ]\d{4}\b",
        identifiers.is_phone,
        0.2,
        0.05,
    ),
    *(Kind(name, rf"\b(?:{form})\b", test, 0.1, 0.2) for name, (form, test) in identifiers.NATIONAL.items()),
)
"""What is looked for in texts."""
WHOLE = tuple(kind for kind in KINDS if kind.chance >= 0.05)
"""What is looked for in columns of whole numbers: what a number alone can be."""
_WIDTHS = (9, 11)
"""Digits of national numbers, of which a number loses the zeros that it begins with."""
_LOST = 2
_LEAST = 10**8
"""No shorter number has a form that is looked for."""


def masked(text: str) -> str:
    """A value with all but its first and its last letter or digit hidden, and of a short one everything.

    Examples
    --------
    >>> masked("ann.lee@example.org"), masked("4111 1111 1111 1111"), masked("Bo")
    ('a••.•••@•••••••.••g', '4••• •••• •••• •••1', '••')
    """
    places = [place for place, each in enumerate(text) if each.isalnum()]
    kept = {places[0], places[-1]} if len(places) > 5 else set()
    return "".join("•" if each.isalnum() and place not in kept else each for place, each in enumerate(text))[:60]


def padded_to(largest: int) -> tuple[int, int]:
    """To how many digits the numbers of a column are filled up with zeros, and the least number that is looked at.

    A column whose largest number has as many digits as a national number may have lost the zeros that some begin with.

    Examples
    --------
    >>> padded_to(97051212345), padded_to(123456), padded_to(4111111111111111)
    ((11, 100000000), (1, 100000000), (1, 100000000))
    """
    size = len(str(largest))
    return (size, 10 ** (size - _LOST - 1)) if size in _WIDTHS else (1, _LEAST)


def tail(good: int, tried: int, chance: float) -> float:
    """Probability that at least so many of those tried pass by chance: the upper tail of the binomial.

    Examples
    --------
    >>> round(tail(1, 2, 0.5), 12), tail(0, 5, 0.1), tail(1, 5, 0.0)
    (0.75, 1.0, 0.0)
    """
    if good <= 0 or not 0 < chance < 1:
        return float(good <= 0 or (chance >= 1 and good <= tried))
    every = math.lgamma(tried + 1)
    one, other = math.log(chance), math.log1p(-chance)
    return min(
        1.0,
        math.fsum(
            math.exp(
                every - math.lgamma(hits + 1) - math.lgamma(tried - hits + 1) + hits * one + (tried - hits) * other
            )
            for hits in range(good, tried + 1)
        ),
    )
