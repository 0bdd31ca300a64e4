"""The verb ``search``: what the catalog knows of a text, ranked, by noun."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.core.refs import pinned
from nbmlops.workspace.search import queries
from nbmlops.workspace.search.ranking import Place, Rank, rank
from nbmlops.workspace.search.records import NOUNS, Found, Hit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.store.catalog import Catalog

__all__ = ["LIMIT", "search"]

LIMIT = 10
_VERSIONED = ("model", "data", "feature", "pipeline")
_MOST_WORDS, _LONGEST = 8, 200
_NEAR = 0.6
_SHOWN = 80


def search(catalog: Catalog, text: str, noun: str | None = None, limit: int = LIMIT) -> Found:
    """Find what the catalog knows of a text.

    Parameters
    ----------
    catalog : Catalog
        What is searched.
    text : str
        Words, all of which have to be said of a thing, in whatever place and in whatever case.
    noun : {"model", "data", "feature", "pipeline", "run", "report"}, optional
        Only such things.
    limit : int
        How many of each noun.

    Raises
    ------
    InvalidError
        When there is nothing to look for, too much, or no such noun.
    """
    words = list(dict.fromkeys(text.split()))
    if not words or limit < 1:
        wrong = f"a limit of {limit} finds nothing" if words else "there is nothing to look for"
        raise InvalidError(wrong, hint="`ml search delay`")
    if len(words) > _MOST_WORDS or len(text) > _LONGEST:
        wrong = f"the text has {len(words)} words and {len(text)} characters"
        raise InvalidError(f"{wrong}; {_MOST_WORDS} and {_LONGEST} are the most", hint="look for fewer words")
    if noun is not None:
        check_one_of("noun", noun, NOUNS)
    nouns = NOUNS if noun is None else (noun,)
    return catalog.read(lambda c: _found(c, text, words, nouns, limit))


def _found(connection: Connection, text: str, words: Sequence[str], nouns: Collection[str], limit: int) -> Found:
    hits = _versions(connection, words, [kind for kind in _VERSIONED if kind in nouns])
    if "run" in nouns:
        hits += _runs(connection, words, limit + 1)
    if "report" in nouns:
        hits += _reports(connection, words, limit + 1)
    told: list[Hit] = []
    more: list[str] = []
    for noun in NOUNS:
        own = sorted((hit for hit in hits if hit.noun == noun), key=lambda hit: (-hit.score, -hit.at.timestamp()))
        told += own[:limit]
        more += [noun] if len(own) > limit else []
    near = () if told else tuple(difflib.get_close_matches(text.strip(), queries.called(connection), 3, _NEAR))
    return Found(text, tuple(told), tuple(more), near)


def _versions(connection: Connection, words: Sequence[str], kinds: Collection[str]) -> list[Hit]:
    if not kinds:
        return []
    names = set.intersection(*(queries.names_with(connection, kinds, word) for word in words))
    places: dict[int, list[Place]] = {}
    for row in queries.aliases(connection, names):
        places.setdefault(row.name_id, []).append(Place("alias", row.alias))
    for row in queries.tags(connection, names):
        places.setdefault(row.name_id, []).append(Place("tag", f"{row.key}={row.value}"))
    for row in queries.descriptions(connection, names):
        places.setdefault(row.name_id, []).append(Place(row.key.replace("_", " "), row.value))
    found = []
    for row in queries.newest(connection, names):
        own = [Place("name", row.name), *places.get(row.name_id, ()), *_of_version(row)]
        # A word may stand in what the catalog keeps of a version without being said of it, as a digest does.
        if (fits := rank(words, own)) is not None:
            found.append(_hit(row.kind, pinned(row.name, row.number, row.digest), fits, row.created_at))
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


def _runs(connection: Connection, words: Sequence[str], limit: int) -> list[Hit]:
    rows = queries.runs(connection, words, limit)
    tags: dict[str, list[Place]] = {}
    for tag in queries.run_tags(connection, [row.id for row in rows]):
        tags.setdefault(tag.run_id, []).append(Place("tag", f"{tag.key}={tag.value}"))
    found = []
    for row in rows:
        name = f"{row.experiment}-{row.number}"
        places = [Place("name", name), Place("notebook", row.notebook or ""), *tags.get(row.id, ())]
        if (fits := rank(words, places)) is not None:
            found.append(_hit("run", name, fits, row.started_at))
    return found


def _reports(connection: Connection, words: Sequence[str], limit: int) -> list[Hit]:
    found = []
    for row in queries.reports(connection, words, limit):
        places = [Place(key, getattr(row, key)) for key in ("suite", "subject", "section", "status")]
        if (fits := rank(words, places)) is not None:
            found.append(_hit("report", str(row.id), fits, row.created_at))
    return found


def _hit(noun: str, ref: str, fits: Rank, at: Any) -> Hit:
    shown = [" ".join(place.text.split()) for place in fits.places]
    told = "; ".join(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…" for text in shown)
    return Hit(noun, ref, tuple(dict.fromkeys(place.field for place in fits.places)), told, fits.score, at)
