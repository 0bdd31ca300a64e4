"""Values that a run takes one by one: ``--for month=1..12`` makes each step that declares ``month`` run for each.

::

    month=1..12                       whole numbers, both ends with them
    day=2013-01-01..2013-01-31        days, both ends with them
    region=north,south                values, with commas between
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError

__all__ = ["ALONE", "FAN", "Branch", "Fan", "branches", "parse_fan", "read_fan", "written_fan"]

Fan = Mapping[str, Sequence[Any]]
"""Parameter -> the values that it takes, as text or as Python values."""

FAN = "for"
"""The tag that says what the steps of a run run for."""
_RANGE = re.compile(r"(-?\d{1,9})\.\.(-?\d{1,9})")
_DAYS = re.compile(r"(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)")
_MOST = 10_000
"""So many times one step runs in a run, at most."""
_PLAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_OTHERS = re.compile(r"[^\w-]+")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the times that a step runs: the values of the parameters that it is run for, in the order of the fan.

    Examples
    --------
    >>> branch = Branch((("month", 3), ("region", "north")))
    >>> str(branch), branch.named("flights")
    ('month=3,region=north', 'flights.month-3.region-north')
    """

    values: tuple[tuple[str, Any], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values)

    def __str__(self) -> str:
        return ",".join(f"{name}={_word(value)}" for name, value in self.values)

    def named(self, name: str) -> str:
        """What is called `name` in the notebook, as the store calls that of this branch."""
        return ".".join([name, *(f"{parameter}-{_word(value)}" for parameter, value in self.values)])

    def of(self, parameters: Iterable[str]) -> Branch:
        """The values of some parameters alone."""
        wanted = set(parameters)
        return Branch(tuple((name, value) for name, value in self.values if name in wanted))

    def agrees(self, other: Branch) -> bool:
        """Whether the parameters that both have are of the same values."""
        ours, theirs = dict(self.values), dict(other.values)
        return all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())


ALONE = Branch()
"""Of a step that runs once."""


def _word(value: Any) -> str:
    """A value as a part of a name; another value gives another word."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    if _PLAIN.fullmatch(text) and len(text) <= _LONGEST:
        return text
    return f"{_OTHERS.sub('_', text)[:_LONGEST]}-{digests.of_text(repr(value))[:6]}"


def parse_fan(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Read what stands behind ``--for``: parameters and the values that they take, as text or in a sequence.

    Raises
    ------
    InvalidError
        When a text holds too much or no values, or a parameter is there again.

    Examples
    --------
    >>> parse_fan([("month", "1..3"), ("region", "north,south")])
    {'month': ['1', '2', '3'], 'region': ['north', 'south']}
    """
    fan: dict[str, list[Any]] = {}
    for name, written in pairs:
        if name in fan:
            raise InvalidError(f"{name} is there twice in --for", hint="write all its values in one")
        if not isinstance(written, str | Iterable):
            raise InvalidError(f"{name}={written!r} are no values to run for", hint=f"{name}=1..12, or a,b")
        fan[name] = list(_values(name, written.strip()) if isinstance(written, str) else written)
    return fan


def _values(name: str, text: str) -> Iterator[str]:
    if numbers := _RANGE.fullmatch(text):
        first, last = int(numbers[1]), int(numbers[2])
        _refuse_span(name, text, last - first)
        yield from map(str, range(first, last + 1))
    elif days := _DAYS.fullmatch(text):
        try:
            start, end = date.fromisoformat(days[1]), date.fromisoformat(days[2])
        except ValueError as error:
            raise InvalidError(f"{name}={text} names no day: {error}") from None
        _refuse_span(name, text, (end - start).days)
        yield from ((start + timedelta(days=past)).isoformat() for past in range((end - start).days + 1))
    else:
        yield from (value.strip() for value in text.split(",") if value.strip())


def _refuse_span(name: str, text: str, span: int) -> None:
    if span < 0:
        raise InvalidError(f"{name}={text} ends before it begins", hint="turn its ends round")
    if span >= _MOST:
        raise InvalidError(f"{name}={text} are {span + 1:,} values; at most {_MOST:,} are run for")


def written_fan(fan: Fan) -> str:
    """A fan as one text, which `read_fan` reads back when the values are plain.

    Examples
    --------
    >>> written_fan({"month": [1, 2, 3], "region": ["north", "south"]})
    'month=1,2,3 region=north,south'
    """
    return " ".join(f"{name}={','.join(map(_text, values))}" for name, values in fan.items())


def read_fan(text: str) -> dict[str, list[Any]]:
    """Read what `written_fan` has written."""
    words = (word.partition("=") for word in text.split(" ") if word)
    return parse_fan((name, values) for name, _, values in words)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def branches(fan: Fan, declared: Iterable[str]) -> list[Branch]:
    """The times that a step runs which declares some parameters: once for each combination of the values it has of."""
    names = set(declared)
    own = [(name, values) for name, values in fan.items() if name in names]
    count = 1
    for _, values in own:
        count *= len(values)
    if count > _MOST:
        raise InvalidError(f"a step would run {count:,} times in one run; at most {_MOST:,} are possible")
    return [
        Branch(tuple(zip((name for name, _ in own), chosen, strict=True)))
        for chosen in itertools.product(*(values for _, values in own))
    ]
