"""The verb ``search``: what the catalog knows of a text, ranked, by noun; and the whole catalog in pages."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.core.refs import pinned
from nbmlops.workspace.search.queries import narrowing, texts
from nbmlops.workspace.search.ranking import Place, Rank, rank
from nbmlops.workspace.search.records import NOUNS, VERSIONED, Filters, Found, Hit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.store.catalog import Catalog

__all__ = ["LIMIT", "page", "search"]

LIMIT = 10
_MOST_WORDS, _LONGEST = 8, 200
_NEAR = 0.6
_SHOWN = 80
_ALL = Filters()


def search(catalog: Catalog, text: str, noun: str | None = None, limit: int = LIMIT, wanted: Filters = _ALL) -> Found:
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

    Raises
    ------
    InvalidError
        When there is nothing to look for, too much, or no such noun.
    """
    words = _words(text)
    if limit < 1 or not (words or noun is not None or wanted != _ALL):
        wrong = f"a limit of {limit} finds nothing" if limit < 1 else "there is nothing to look for"
        raise InvalidError(wrong, hint="`ml search delay`")
    nouns = _nouns(noun)
    return catalog.read(lambda c: _found(c, text, words, nouns, limit, wanted))


def page(
    catalog: Catalog, text: str, noun: str, wanted: Filters, size: int, before: int | None = None
) -> tuple[list[Hit], int | None]:
    """A page of what the search finds of one noun, the newest first, and what the next page is to come before.

    Of texts that more than a thousand names have, some thousand names are told. Raises what `search` raises.
    """
    words, _ = _words(text), _nouns(noun)

    def work(connection: Connection) -> tuple[list[Hit], int | None]:
        if noun == "run":
            having = texts.runs_having(words, wanted)
            rows = texts.runs(connection, having, size, before)
            return _of_runs(connection, words, rows), rows[-1].sequence if len(rows) == size else None
        if noun == "report":
            asked = texts.reports_having(words, wanted)
            rows = [] if asked is None else texts.reports(connection, asked, size, before)
            return _of_reports(words, rows), rows[-1].id if len(rows) == size else None
        names = _with(connection, words, [noun])
        rows = texts.newest(connection, [noun], wanted, names=names, before=before, limit=size)
        return _known(connection, _ranked(connection, words, rows)), rows[-1].id if len(rows) == size else None

    return catalog.read(work)


def _words(text: str) -> list[str]:
    words = list(dict.fromkeys(text.split()))
    if len(words) > _MOST_WORDS or len(text) > _LONGEST:
        wrong = f"the text has {len(words)} words and {len(text)} characters"
        raise InvalidError(f"{wrong}; {_MOST_WORDS} and {_LONGEST} are the most", hint="look for fewer words")
    return words


def _nouns(noun: str | None) -> tuple[str, ...]:
    if noun is None:
        return NOUNS
    check_one_of("noun", noun, NOUNS)
    return (noun,)


def _found(
    connection: Connection, text: str, words: Sequence[str], nouns: Collection[str], limit: int, wanted: Filters
) -> Found:
    kinds = [kind for kind in VERSIONED if kind in nouns]
    hits: list[tuple[int, Hit]] = []
    facets: dict[str, tuple[tuple[str, int], ...]] = {"noun": ()}
    if kinds:
        names = _with(connection, words, kinds)
        # Without a text each noun is read as far as it is told; with one, all that fits, to tell the best.
        parts = [kinds] if words else [[kind] for kind in kinds]
        for part in parts:
            rows = texts.newest(connection, part, wanted, names=names, limit=None if words else limit + 1)
            hits += _ranked(connection, words, rows)
        asked = narrowing.of_versions(wanted)
        if words:
            asked.append(narrowing.among([version for version, _ in hits]))
        facets = narrowing.facets(connection, texts.newest_ids(), kinds, asked)
    told: list[tuple[int, Hit]] = []
    more: list[str] = []
    for noun in nouns:
        own = [(number, hit) for number, hit in hits if hit.noun == noun]
        if noun == "run":
            having = texts.runs_having(words, wanted)
            own = [(0, hit) for hit in _of_runs(connection, words, texts.runs(connection, having, limit + 1))]
            facets["noun"] += _counted("run", narrowing.count_runs(connection, having))
        elif noun == "report" and (asked_of := texts.reports_having(words, wanted)) is not None:
            own = [(0, hit) for hit in _of_reports(words, texts.reports(connection, asked_of, limit + 1))]
            facets["noun"] += _counted("report", narrowing.count_reports(connection, asked_of))
        own.sort(key=lambda one: (-one[1].score, -one[1].at.timestamp()))
        told += own[:limit]
        more += [noun] if len(own) > limit else []
    found = _known(connection, told)
    near = () if found or not words else difflib.get_close_matches(text.strip(), texts.called(connection), 3, _NEAR)
    return Found(text, tuple(found), tuple(more), tuple(near), {key: value for key, value in facets.items() if value})


def _counted(noun: str, number: int) -> tuple[tuple[str, int], ...]:
    return ((noun, number),) if number else ()


def _with(connection: Connection, words: Sequence[str], kinds: Collection[str]) -> set[int] | None:
    """Ids of the names of which all words are said; None where there are no words."""
    if not words:
        return None
    return set.intersection(*(texts.names_with(connection, kinds, word) for word in words))


def _ranked(connection: Connection, words: Sequence[str], rows: Sequence[Any]) -> list[tuple[int, Hit]]:
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


def _known(connection: Connection, hits: Sequence[tuple[int, Hit]]) -> list[Hit]:
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


def _of_runs(connection: Connection, words: Sequence[str], rows: Sequence[Any]) -> list[Hit]:
    tags: dict[str, dict[str, str]] = {}
    for tag in texts.run_tags(connection, [row.id for row in rows]):
        tags.setdefault(tag.run_id, {})[tag.key] = tag.value
    found = []
    for row in rows:
        name, own = f"{row.experiment}-{row.number}", tags.get(row.id, {})
        said = [Place("tag", f"{key}={value}") for key, value in own.items()]
        places = [Place("name", name), Place("notebook", row.notebook or ""), *said]
        if (fits := _fits(words, places, row.notebook)) is not None:
            hit = _hit("run", name, fits, row.started_at)
            found.append(replace(hit, owner=own.get("owner", ""), quality=(None, row.status)))
    return found


def _of_reports(words: Sequence[str], rows: Sequence[Any]) -> list[Hit]:
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
