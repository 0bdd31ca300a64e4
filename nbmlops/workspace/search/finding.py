"""The verb ``search``: what the catalog knows of a text, ranked, by noun."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.core.refs import pinned
from nbmlops.workspace.search.queries import counting, narrowing, texts
from nbmlops.workspace.search.ranking import Place, Rank, rank
from nbmlops.workspace.search.records import NOUNS, VERSIONED, Filters, Found, Hit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from nbmlops.store.catalog import Catalog

__all__ = [
    "ALL",
    "LIMIT",
    "known",
    "nouns_of",
    "of_reports",
    "of_runs",
    "ranked",
    "search",
    "sources_of",
    "with_words",
    "words_of",
]

LIMIT = 10
_MOST_WORDS, _LONGEST = 8, 200
_NEAR = 0.6
_SHOWN = 80
ALL = Filters()


def search(
    catalog: Catalog,
    text: str,
    noun: str | None,
    limit: int,
    wanted: Filters,
    now: datetime,
) -> Found:
    """Find what the catalog knows of a text.

    Parameters
    ----------
    catalog : Catalog
        What is searched.
    text : str
        Words, all of which have to be said of a thing, in whatever place and in whatever case; with none, everything
        that the noun and the filters leave, the newest first.
    noun : {"model", "data", "feature", "pipeline", "run", "report"}, optional
        Only such things.
    limit : int
        How many of each noun.
    wanted : Filters
        Which of them.
    now : datetime
        From when on back ages are counted.

    Raises
    ------
    InvalidError
        When there is nothing to look for, too much, or no such noun.
    """
    words = words_of(text)
    if limit < 1 or not (words or noun is not None or wanted != ALL):
        wrong = f"a limit of {limit} finds nothing" if limit < 1 else "there is nothing to look for"
        raise InvalidError(wrong, hint="`ml search delay`")
    asked = _Asked(text, words, nouns_of(noun), limit, wanted, now)
    return catalog.read(lambda c: _found(c, asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for, as `search` was asked."""

    text: str
    words: list[str]
    nouns: tuple[str, ...]
    limit: int
    wanted: Filters
    now: datetime


def words_of(text: str) -> list[str]:
    """The words of a text, each once; raises as `search` does where they are too many."""
    words = list(dict.fromkeys(text.split()))
    if len(words) > _MOST_WORDS or len(text) > _LONGEST:
        wrong = f"the text has {len(words)} words and {len(text)} characters"
        raise InvalidError(f"{wrong}; {_MOST_WORDS} and {_LONGEST} are the most", hint="look for fewer words")
    return words


def nouns_of(noun: str | None) -> tuple[str, ...]:
    """The nouns that are searched; raises as `search` does where there is no such noun."""
    if noun is None:
        return NOUNS
    check_one_of("noun", noun, NOUNS)
    return (noun,)


def _found(connection: Connection, asked: _Asked) -> Found:
    words, nouns, limit, wanted = asked.words, asked.nouns, asked.limit, asked.wanted
    kinds = [kind for kind in VERSIONED if kind in nouns]
    hits: list[tuple[int, Hit]] = []
    if kinds:
        names = with_words(connection, words, kinds)
        # Without a text each noun is read as far as it is told; with one, all that fits, to tell the best.
        parts = [kinds] if words else [[kind] for kind in kinds]
        for part in parts:
            rows = texts.newest(connection, part, wanted, names=names, limit=None if words else limit + 1)
            hits += ranked(connection, words, rows)
    counted = sources_of(words, nouns, wanted, [version for version, _ in hits] if words else None)
    # Of runs and reports only how many there are: who waits for a line has not asked for a look at each.
    versions = replace(counted, runs=None, reports=None)
    facets = counting.facets(connection, lambda _: versions, asked.now)
    told: list[tuple[int, Hit]] = []
    more: list[str] = []
    for noun in nouns:
        own = [(number, hit) for number, hit in hits if hit.noun == noun]
        having = {"run": counted.runs, "report": counted.reports}.get(noun)
        if having is not None and (number := counting.how_many(connection, noun, having)):
            facets["noun"] = (*facets.get("noun", ()), (noun, number))
        if noun == "run" and counted.runs is not None:
            own = [(0, hit) for hit in of_runs(connection, words, texts.runs(connection, counted.runs, limit + 1))]
        elif noun == "report" and counted.reports is not None:
            own = [(0, hit) for hit in of_reports(words, texts.reports(connection, counted.reports, limit + 1))]
        own.sort(key=lambda one: (-one[1].score, -one[1].at.timestamp()))
        told += own[:limit]
        more += [noun] if len(own) > limit else []
    found = known(connection, told)
    near: tuple[str, ...] = ()
    if words and not found:
        near = tuple(difflib.get_close_matches(asked.text.strip(), texts.called(connection), 3, _NEAR))
    return Found(asked.text, tuple(found), tuple(more), near, facets)


def sources_of(
    words: Sequence[str], nouns: Collection[str], wanted: Filters, versions: Collection[int] | None
) -> counting.Sources:
    """What is meant by words and filters; `versions` are the ids of those that say the words, None without words."""
    among = [] if versions is None else [narrowing.among(versions)]
    return counting.Sources(
        [kind for kind in VERSIONED if kind in nouns],
        [*narrowing.of_versions(wanted), *among],
        texts.runs_having(words, wanted) if "run" in nouns else None,
        texts.reports_having(words, wanted) if "report" in nouns else None,
    )


def with_words(connection: Connection, words: Sequence[str], kinds: Collection[str]) -> set[int] | None:
    """Ids of the names of which all words are said; None where there are no words."""
    if not words:
        return None
    return set.intersection(*(texts.names_with(connection, kinds, word) for word in words))


def ranked(connection: Connection, words: Sequence[str], rows: Sequence[Any]) -> list[tuple[int, Hit]]:
    """Hits of the rows of newest versions, each with the id of its version."""
    names = {row.name_id for row in rows}
    places: dict[int, list[Place]] = {}
    if words:
        for row in texts.aliases(connection, names):
            places.setdefault(row.name_id, []).append(Place("alias", row.alias))
        for row in texts.tags(connection, names):
            places.setdefault(row.name_id, []).append(Place("tag", f"{row.key}={row.value}"))
        for row in texts.descriptions(connection, names):
            places.setdefault(row.name_id, []).append(Place(row.key.replace("_", " "), row.value))
    found = []
    for row in rows:
        own = [Place("name", row.name), *places.get(row.name_id, ()), *_of_version(row)]
        # A word may stand in what the catalog keeps of a version without being said of it, as a digest does.
        if (fits := _fits(words, own, row.message)) is not None:
            hit = _hit(row.kind, pinned(row.name, row.number, row.digest), fits, row.created_at)
            found.append((row.id, replace(hit, owner=row.owner)))
    return found


def _fits(words: Sequence[str], places: Sequence[Place], otherwise: str | None) -> Rank | None:
    """How well a thing fits; where nothing is looked for, everything does, and what is said of it is told."""
    if words:
        return rank(words, places)
    return Rank(0.0, (Place("message", otherwise),) if otherwise else ())


def known(connection: Connection, hits: Sequence[tuple[int, Hit]]) -> list[Hit]:
    """Hits with what is known of their quality and of who reads them."""
    things = {f"{hit.noun}:{number}": number for number, hit in hits if hit.noun in VERSIONED}
    judged = texts.judged(connection, things)
    names = texts.names_of(connection, things.values())
    read = texts.read(connection, set(names.values()))
    found = []
    for number, hit in hits:
        thing = f"{hit.noun}:{number}"
        if thing not in things:
            found.append(hit)
            continue
        runs, at = read.get(names[number], (0, None))
        found.append(replace(hit, quality=judged.get(thing), readers=runs, read_at=at))
    return found


def _of_version(row: Any) -> Iterator[Place]:
    yield Place("author", row.author)
    if row.message:
        yield Place("message", row.message)
    detail = row.detail
    for column in detail.get("columns", ()):
        yield Place("column", str(column[0]))
    for key in ("entities", "sources", "refs"):
        yield from (Place(key, str(each)) for each in detail.get(key, ()))
    for field in detail.get("signature", {}).get("inputs", ()):
        yield Place("column", str(field["name"]))
    for key in ("owner", "description", "estimator", "notebook", "source", "filename"):
        if detail.get(key):
            yield Place(key, str(detail[key]))


def of_runs(connection: Connection, words: Sequence[str], rows: Sequence[Any]) -> list[Hit]:
    """Hits of the rows of runs."""
    tags: dict[str, dict[str, str]] = {}
    for tag in texts.run_tags(connection, [row.id for row in rows]):
        tags.setdefault(tag.run_id, {})[tag.key] = tag.value
    found = []
    for row in rows:
        name, own = f"{row.experiment}-{row.number}", tags.get(row.id, {})
        said = [Place("tag", f"{key}={value}") for key, value in own.items()]
        places = [Place("name", name), Place("notebook", row.notebook or ""), *said]
        if (fits := _fits(words, places, PurePath(row.notebook or "").name)) is not None:
            hit = _hit("run", name, fits, row.started_at)
            found.append(replace(hit, owner=own.get("owner", ""), quality=(None, row.status)))
    return found


def of_reports(words: Sequence[str], rows: Sequence[Any]) -> list[Hit]:
    """Hits of the rows of reports."""
    found = []
    for row in rows:
        places = [Place(key, getattr(row, key)) for key in ("suite", "subject", "section", "status")]
        if (fits := _fits(words, places, f"{row.suite} on {row.subject}")) is not None:
            found.append(replace(_hit("report", str(row.id), fits, row.created_at), quality=(row.id, row.status)))
    return found


def _hit(noun: str, ref: str, fits: Rank, at: Any) -> Hit:
    shown = [" ".join(place.text.split()) for place in fits.places]
    told = "; ".join(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…" for text in shown)
    return Hit(noun, ref, tuple(dict.fromkeys(place.field for place in fits.places)), told, fits.score, at)
