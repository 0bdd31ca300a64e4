"""The chain of the audit trail: how a line is hashed, and what is wrong at the first place where it does not fit.

A line's digest is BLAKE3 over the canonical JSON of ``[at, sequence, actor, action, subject, detail, previous]`` with
`at` in microseconds since 1970; the `previous` of the first line is 64 zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from nbmlops.core import digests
from nbmlops.core.clock import microseconds

__all__ = ["FIRST", "Break", "How", "digest_of", "first_break"]

How = Literal["changed", "dropped", "swapped", "cut off"]
Line = Mapping[str, Any]

FIRST: Final = "0" * 64
"""What the first line is chained to."""
_FIELDS = ("sequence", "actor", "action", "subject", "detail", "previous")
_BEYOND = 1_000


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the trail is not what it was: the number of the line, how, and in words."""

    line: int
    how: How
    why: str


def digest_of(line: Line) -> str:
    """The digest that a line should have.

    Raises
    ------
    TypeError, ValueError
        When a value is of no kind that is written there.
    """
    at = microseconds(line["at"])
    return digests.of_json([at, *(line[field] for field in _FIELDS)])


def first_break(lines: Iterable[Line], again: Callable[[], Iterable[Line]]) -> Break | None:
    """Walk the lines in their order and find the first that does not fit; None when all do.

    Parameters
    ----------
    lines : iterable of mapping
        All columns of all lines, by `sequence`.
    again : callable
        Gives them once more, to tell whether what stands at the break belongs elsewhere.
    """
    previous, expected = FIRST, 1
    for line in lines:
        number = line["sequence"]
        if number > expected:
            return Break(expected, "dropped", f"line {expected} is not there; the next is line {number}")
        if number < expected:
            return Break(number, "changed", f"line {number} was put before the first")
        if not _fits(line, line["sequence"], line["previous"], line["digest"]):
            return _explained(line, again)
        if line["previous"] != previous:
            if expected == 1:
                return Break(1, "changed", "line 1 is chained to something, and nothing comes before it")
            return Break(
                expected - 1, "changed", f"line {expected - 1} was written anew: line {expected} is chained to another"
            )
        previous, expected = line["digest"], expected + 1
    return None


def _fits(line: Line, sequence: int, previous: str, digest: str) -> bool:
    try:
        return digest_of({**line, "sequence": sequence, "previous": previous}) == digest
    except (TypeError, ValueError):  # a value that no line holds
        return False


def _explained(line: Line, again: Callable[[], Iterable[Line]]) -> Break:
    """Say of a line whose digest does not fit whether it is another line, or no line that was ever written."""
    here = int(line["sequence"])
    own: int | None = None
    """Of which place the content is that stands here."""
    moved: int | None = None
    """Where the content stands now that belongs here."""
    last = here
    for other in again():
        there = int(other["sequence"])
        last = max(last, there)
        if there == here:
            continue
        # Whole lines changed places, or only what they say while the digests stayed.
        if _fits(line, there, line["previous"], line["digest"]) or _fits(
            line, there, other["previous"], other["digest"]
        ):
            own = there
        if _fits(other, here, other["previous"], other["digest"]) or _fits(
            other, here, line["previous"], line["digest"]
        ):
            moved = there
    if moved is not None:
        return Break(here, "swapped", f"what was line {here} stands at line {moved}")
    if own is None:  # those behind may have been numbered anew, so that its own place is beyond the last
        places = range(last + 1, last + 1 + _BEYOND)
        own = next((place for place in places if _fits(line, place, line["previous"], line["digest"])), None)
    if own is not None:
        return Break(here, "dropped", f"line {here} is not there; what was line {own} stands in its place")
    return Break(here, "changed", f"line {here} does not say what it said when it was written")
