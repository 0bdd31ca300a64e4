"""The verb ``search`` as people call it: words and filters in, what was found out, and a page where one is wanted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.core.spans import parse_span
from nbmlops.workspace.search import finding, paging
from nbmlops.workspace.search.records import QUALITIES, Filters, Found, Hit, Outline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog

__all__ = ["Search"]


class Search:
    """Searches the catalog of a workspace.

    Parameters
    ----------
    catalog : Catalog
        What is searched.
    clock : Clock
        Tells how old things are.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def __call__(  # noqa: PLR0913 - one keyword for each option of the line
        self,
        text: str = "",
        *,
        noun: str | None = None,
        owner: str | None = None,
        tag: str | None = None,
        stale: str | timedelta | None = None,
        fresh: str | timedelta | None = None,
        failing: bool = False,
        quality: str | None = None,
        used: bool | None = None,
        limit: int = finding.LIMIT,
        html: str | Path | None = None,
    ) -> Found:
        """Find what the catalog knows of a text, ranked, with its owner, age, quality and readers.

        Parameters
        ----------
        text : str
            Words, all of which have to be said of a thing; with none, everything that the filters leave.
        noun : {"model", "data", "feature", "pipeline", "run", "report"}, optional
            Only such things.
        owner : str, optional
            Only what is theirs: who is said to look after it, else its tag ``owner``, else who saved it.
        tag : str, optional
            Only what has the tag, as ``key`` or ``key=value``.
        stale, fresh : str or timedelta, optional
            Only what has had no new version for so long, or has had one since: ``30d``.
        failing : bool
            Only what the newest report on it says no to, and runs that failed.
        quality : str, optional
            Only what the newest report says this of (``passed``, ``failed``, …, ``not judged``), and runs and reports
            of this status.
        used : bool, optional
            Only what some run has read any version of; with False only what none has. Nothing reads runs and reports.
        limit : int
            How many of each noun.
        html : str or Path, optional
            Where to write it as a page of its own, without scripts and with nothing to be fetched.

        Raises
        ------
        InvalidError
            When there is nothing to look for, too much, no such noun, quality or span.
        NotFoundError
            When there is no folder for the file.
        """
        wanted = self._filters(owner, tag, stale, fresh, failing=failing, quality=quality, used=used)
        found = finding.search(self._catalog, text, noun, limit, wanted, self._clock.now())
        if html is not None:
            from nbmlops.monitoring.pages import write

            write(found, f"Catalog: {text}".rstrip(": "), html, None)
        return found

    def page(
        self, text: str = "", noun: str | None = None, *, size: int = 100, after: str | None = None, **filters: Any
    ) -> tuple[list[Hit], str | None]:
        """A page of everything that is found, by noun, and the place after which the next one begins; None at the end.

        `filters` are those of `__call__`. With words what fits best comes first, of runs and reports and without words
        what was made last. Raises what `__call__` raises, but that everything may be looked for.
        """
        return paging.page(self._catalog, self._asked(text, noun, filters), size, after)

    def outline(self, text: str = "", noun: str | None = None, *, every: int = 100, **filters: Any) -> Outline:
        """How much `page` tells in all, and after which places its pages of so many begin; it is asked as `page` is."""
        return paging.outline(self._catalog, self._asked(text, noun, filters), every)

    def facets(self, text: str = "", noun: str | None = None, **filters: Any) -> dict[str, tuple[tuple[str, int], ...]]:
        """What `Found.facets` tells, of runs and reports too, where no facet is narrowed by its own filter.

        It is asked as `page` is; tags are counted of what has versions only.
        """
        return paging.facets(self._catalog, self._asked(text, noun, filters), self._clock.now())

    def _asked(self, text: str, noun: str | None, filters: Mapping[str, Any]) -> paging.Asked:
        return paging.Asked.of(text, noun, self._filters(**filters))

    def _filters(
        self,
        owner: str | None = None,
        tag: str | None = None,
        stale: str | timedelta | None = None,
        fresh: str | timedelta | None = None,
        *,
        failing: bool = False,
        quality: str | None = None,
        used: bool | None = None,
    ) -> Filters:
        if owner is not None and not owner.strip():
            raise InvalidError("the owner is empty", hint="`ml search --owner ada`")
        if tag is not None and not tag.strip("= "):
            raise InvalidError("the tag is empty", hint="`ml search --tag source=sensor`")
        if quality is not None:
            check_one_of("quality", quality, QUALITIES)
        now = self._clock.now()
        older, newer = (None if span is None else now - parse_span(span) for span in (stale, fresh))
        return Filters(owner, tag, older, failing, newer, quality, used)
