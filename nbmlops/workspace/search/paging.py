"""Everything that a search finds, in pages: by noun, in each what fits best first, and what was made last before that.

A page begins after the place where the one before ended, so that what comes or goes meanwhile moves nothing: a place is
the noun, the rank and the number of a thing. Of words that more than a thousand names have, some thousand are told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.workspace.search import finding
from nbmlops.workspace.search.queries import counting, texts
from nbmlops.workspace.search.records import NOUNS, VERSIONED, Filters, Hit, Outline

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from nbmlops.store.catalog import Catalog

__all__ = ["Asked", "facets", "outline", "page"]

_WITHOUT: dict[str, dict[str, object]] = {
    "quality": {"quality": None, "failing": False},
    "owner": {"owner": None},
    "age": {"older": None, "newer": None},
    "use": {"used": None},
    "tag": {"tag": None},
}
"""What a facet leaves out of the filters when it counts, so that it tells what else could be chosen."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: words, a noun or all of them, and filters."""

    words: list[str]
    noun: str | None
    wanted: Filters

    @classmethod
    def of(cls, text: str, noun: str | None, wanted: Filters) -> Asked:
        """Check the words and the noun as `finding.search` does, and raise what it raises."""
        finding.nouns_of(noun)
        return cls(finding.words_of(text), noun, wanted)

    @property
    def nouns(self) -> tuple[str, ...]:
        """What is searched, in order."""
        return finding.nouns_of(self.noun)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ends: after the thing of this noun, rank and number."""

    noun: str
    score: float
    number: int

    def __str__(self) -> str:
        return f"{self.noun}:{self.score!r}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> _Place:
        noun, _, rest = text.partition(":")
        score, _, number = rest.partition(":")
        try:
            found = cls(noun, float(score), int(number))
        except ValueError:
            found = None
        if found is None or noun not in NOUNS or not isfinite(found.score) or str(found) != text:
            raise InvalidError(f"{text[:60]!r} is no place where a page ends", hint="give what the page before gave")
        return found

    @property
    def order(self) -> tuple[float, int]:
        """What is told first comes first."""
        return -self.score, -self.number


def page(catalog: Catalog, asked: Asked, size: int, after: str | None) -> tuple[list[Hit], str | None]:
    """So many hits after a place, and the place where they end; None where nothing comes after them.

    Raises
    ------
    InvalidError
        When the size is none, or the place.
    """
    if size < 1:
        raise InvalidError(f"a page of {size} holds nothing", hint="size=100")
    last = None if after is None else _Place.parse(after)

    def work(connection: Connection) -> tuple[list[Hit], str | None]:
        found: list[tuple[_Place, Hit]] = []
        for noun in asked.nouns[asked.nouns.index(last.noun) if last and last.noun in asked.nouns else 0 :]:
            after_last = last if last and last.noun == noun else None
            found += _part(connection, asked, noun, size + 1 - len(found), after_last)
            if len(found) > size:
                break
        told = found[:size]
        hits = finding.known(connection, [(place.number, hit) for place, hit in told])
        return hits, str(told[-1][0]) if len(found) > size else None

    return catalog.read(work)


def outline(catalog: Catalog, asked: Asked, every: int) -> Outline:
    """How much there is, and after which places the pages of so many begin."""

    def work(connection: Connection) -> Outline:
        total, anchors = 0, list[str]()
        meant = finding.sources_of(asked.words, asked.nouns, asked.wanted, None)
        for noun in asked.nouns:
            if noun in VERSIONED and asked.words:
                places = [place for place, _ in _best(connection, asked, noun)]
                anchors += [str(place) for at, place in enumerate(places, total + 1) if at % every == 0]
                total += len(places)
                continue
            having = asked.wanted if noun in VERSIONED else meant.runs if noun == "run" else meant.reports
            if having is None:
                continue
            count, ends = texts.outline(connection, noun, having, every, total)
            anchors += [str(_Place(noun, 0.0, number)) for number in ends]
            total += count
        return Outline(total, tuple(anchors))

    return catalog.read(work)


def facets(catalog: Catalog, asked: Asked, now: datetime) -> dict[str, tuple[tuple[str, int], ...]]:
    """How many things there are of each value of a facet, whatever of this facet is chosen already."""

    def work(connection: Connection) -> dict[str, tuple[tuple[str, int], ...]]:
        versions = None
        if asked.words:
            names = finding.with_words(connection, asked.words, VERSIONED)
            rows = texts.newest(connection, VERSIONED, finding.ALL, names=names)
            versions = [version for version, _ in finding.ranked(connection, asked.words, rows)]
        made: dict[tuple[tuple[str, ...], Filters], counting.Sources] = {}

        def of(facet: str) -> counting.Sources:
            wanted = replace(asked.wanted, **_WITHOUT.get(facet, {}))  # type: ignore[arg-type]
            nouns = NOUNS if facet == "noun" else asked.nouns
            if (nouns, wanted) not in made:
                made[nouns, wanted] = finding.sources_of(asked.words, nouns, wanted, versions)
            return made[nouns, wanted]

        return counting.facets(connection, of, now)

    return catalog.read(work)


def _part(
    connection: Connection, asked: Asked, noun: str, limit: int, after: _Place | None
) -> list[tuple[_Place, Hit]]:
    """What comes after a place of one noun."""
    words, wanted = asked.words, asked.wanted
    before = None if after is None else after.number
    if noun in VERSIONED and words:
        return [one for one in _best(connection, asked, noun) if after is None or one[0].order > after.order][:limit]
    if noun in VERSIONED:
        rows = texts.newest(connection, [noun], wanted, before=before, limit=limit)
        return [(_Place(noun, 0.0, version), hit) for version, hit in finding.ranked(connection, words, rows)]
    meant = finding.sources_of(words, [noun], wanted, None)
    if noun == "run":
        rows = texts.runs(connection, meant.runs or [], limit, before)
        numbers, hits = [row.sequence for row in rows], finding.of_runs(connection, words, rows)
    else:
        rows = [] if meant.reports is None else texts.reports(connection, meant.reports, limit, before)
        numbers, hits = [row.id for row in rows], finding.of_reports(words, rows)
    return [(_Place(noun, 0.0, number), hit) for number, hit in zip(numbers, hits, strict=True)]


def _best(connection: Connection, asked: Asked, noun: str) -> list[tuple[_Place, Hit]]:
    """All of one noun that says the words, the best first."""
    names = finding.with_words(connection, asked.words, [noun])
    rows = texts.newest(connection, [noun], asked.wanted, names=names)
    found = [(_Place(noun, hit.score, version), hit) for version, hit in finding.ranked(connection, asked.words, rows)]
    return sorted(found, key=lambda one: one[0].order)
