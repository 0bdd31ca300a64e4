"""Whether a column is personal, told from some of its distinct values in each part: what was seen in parts adds up.

The rule is that of `nbmlops.checks.policy.personal`, which looks at all values, but for a share: a column counts as
personal when a fifth of the values that were looked at are of a kind, of names two fifths, and chance would hardly give
as many. A few personal values among others do not make a column personal; they are masked one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from nbmlops.profiling.personal.kinds import FOUND, KINDS, WHOLE, WORTH, Kind, padded_to, tail
from nbmlops.profiling.personal.names import SPECIAL, is_person, told_by_name

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LOOKED", "NO_SIGNS", "Signs", "kind_by_name", "merge_signs", "of_numbers", "of_texts", "personal_kind"]

Signs = tuple[int, tuple[tuple[str, int, int], ...]]
"""How many values were looked at; of each kind, how many had its form, and how many of those passed its test."""
NO_SIGNS: Signs = (0, ())

LOOKED = 200
"""Values of a column of one part that are looked at."""
_NAME = "name of a person"
_SHARE, _NAMES, _FEWEST = 0.2, 0.4, 3
_LARGE = 10**6
_EXACT = 1 << 53
_WORTH = re.compile(WORTH)
_CHANCES = {name: max(kind.chance for kind in KINDS if kind.name == name) for name in {kind.name for kind in KINDS}}


def of_texts(texts: Sequence[str]) -> Signs:
    """What some distinct texts show; of many, every so many-th is looked at.

    Examples
    --------
    >>> of_texts(["ann@example.org", "Maria Curie", "N14228"])
    (3, (('e-mail address', 1, 1), ('name of a person', 1, 1)))
    """
    some = texts[:: -(-len(texts) // LOOKED) or 1]
    found: dict[str, tuple[int, int]] = {}
    for text in some:
        if (" " in text or "," in text) and is_person(text):
            _count(found, _NAME, passed=True)
        if _WORTH.search(text) is not None:
            for kind, form in _forms(KINDS):
                if hits := [hit[0] for hit in form.finditer(text)]:
                    _count(found, kind.name, passed=any(map(kind.test, hits)))
    return _told(len(some), found)


def of_numbers(values: np.ndarray) -> Signs:
    """What some distinct numbers show, of which those are looked at that are whole and so large that they may be one.

    Examples
    --------
    >>> import numpy as np
    >>> of_numbers(np.array([4111111111111111, 17]))
    (2, (('payment card', 1, 1),))
    """
    import numpy as np

    if not len(values):
        return NO_SIGNS
    largest = float(values.max())
    if largest < _LARGE:
        return min(len(values), LOOKED), ()
    some = np.unique(values[:: -(-len(values) // LOOKED)])
    whole = some[(some >= _LARGE) & (some < (_EXACT if some.dtype.kind == "f" else np.iinfo(np.int64).max))]
    whole = whole[whole % 1 == 0]
    size, least = padded_to(int(largest))
    found: dict[str, tuple[int, int]] = {}
    for number in whole.tolist():
        if number >= least:
            text = str(int(number)).zfill(size)
            for kind, form in _forms(WHOLE):
                if form.fullmatch(text):
                    _count(found, kind.name, passed=kind.test(text))
    return _told(len(some), found)


@cache
def _forms(kinds: tuple[Kind, ...]) -> list[tuple[Kind, re.Pattern[str]]]:
    return [(kind, re.compile(kind.form, re.ASCII)) for kind in kinds]


def _count(found: dict[str, tuple[int, int]], name: str, *, passed: bool) -> None:
    tried, good = found.get(name, (0, 0))
    found[name] = (tried + 1, good + passed)


def _told(looked: int, found: dict[str, tuple[int, int]]) -> Signs:
    return looked, tuple((name, *both) for name, both in sorted(found.items()) if both[1])


def merge_signs(parts: Iterable[Signs]) -> Signs:
    """What was seen in all parts."""
    looked, found = 0, dict[str, tuple[int, int]]()
    for seen, kinds in parts:
        looked += seen
        for name, tried, good in kinds:
            before = found.get(name, (0, 0))
            found[name] = (before[0] + tried, before[1] + good)
    return _told(looked, found)


def personal_kind(signs: Signs) -> str:
    """The kind of personal data that the values are, the surest one; empty when they are none."""
    looked, found = signs
    sure = [
        (good, name)
        for name, tried, good in found
        if good >= max(_FEWEST, (_NAMES if name == _NAME else _SHARE) * looked)
        and tail(good, tried, _CHANCES.get(name, 0.0)) < FOUND
    ]
    return max(sure, default=(0, ""))[1]


def kind_by_name(column: str, *, largest: float | None = None) -> str:
    """The kind that a column's name stands for, but for groups such as a religion, which many share.

    Parameters
    ----------
    column : str
        Its name.
    largest : float, optional
        Of a column of numbers its largest: small ones, such as yes and no of ``mobile``, are no numbers of persons.

    Examples
    --------
    >>> kind_by_name("phone"), kind_by_name("mobile", largest=1.0), kind_by_name("religion")
    ('telephone number', '', '')
    """
    told = told_by_name(column)
    if told is None or told == SPECIAL or (largest is not None and not largest >= _LARGE):
        return ""
    return told
