"""How well a text fits what was looked for: by where it stands, and by how much of the place it fills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Place", "Rank", "rank"]

_WEIGHTS = {
    "name": 10.0,
    "alias": 6.0,
    "tag": 5.0,
    "owner": 5.0,
    "column": 4.0,
    "description": 3.0,
    "suite": 3.0,
    "experiment": 3.0,
    "message": 2.0,
    "notebook": 2.0,
}
_OTHER = 1.0
_WHOLE, _BEGIN, _WORD, _INSIDE = 1.0, 0.8, 0.6, 0.4
_TOLD = 3
"""How many places of one thing are told."""


@dataclass(frozen=True, slots=True)
class Place:
    """A text of a thing: which field it is, and what stands there."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Rank:
    """How well a thing fits, and the places that made it fit, the best first."""

    score: float
    places: tuple[Place, ...]


def rank(words: Sequence[str], places: Iterable[Place]) -> Rank | None:
    """How well a thing with these places fits some words; None when one of the words stands nowhere.

    Examples
    --------
    >>> found = rank(["delay"], [Place("name", "delays"), Place("column", "dep_delay")])
    >>> found.score, [place.field for place in found.places]
    (8.0, ['name', 'column'])
    """
    known = list(places)
    score, told = 0.0, dict[Place, float]()
    for word in words:
        fits = {place: _WEIGHTS.get(place.field, _OTHER) * fit for place in known if (fit := _fit(word, place.text))}
        if not fits:
            return None
        score += max(fits.values())
        for place, one in fits.items():
            told[place] = max(told.get(place, 0.0), one)
    best = sorted(told, key=lambda place: -told[place])
    return Rank(score, tuple(best[:_TOLD]))


def _fit(word: str, text: str) -> float:
    lower, wanted = text.lower(), word.lower()
    at = lower.find(wanted)
    if at < 0:
        return 0.0
    if lower == wanted:
        return _WHOLE
    if at == 0:
        return _BEGIN
    return _INSIDE if lower[at - 1].isalnum() else _WORD
