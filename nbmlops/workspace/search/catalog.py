"""The verb ``search`` as people call it: words and filters in, what was found out, and a page where one is wanted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.core.spans import parse_span
from nbmlops.workspace.search import finding
from nbmlops.workspace.search.records import Filters, Found, Hit

if TYPE_CHECKING:
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

    def __call__(
        self,
        text: str = "",
        *,
        noun: str | None = None,
        owner: str | None = None,
        tag: str | None = None,
        stale: str | timedelta | None = None,
        failing: bool = False,
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
        stale : str or timedelta, optional
            Only what has had no new version for so long: ``30d``.
        failing : bool
            Only what the newest report on it says no to, and runs that failed.
        limit : int
            How many of each noun.
        html : str or Path, optional
            Where to write it as a page of its own, without scripts and with nothing to be fetched.

        Raises
        ------
        InvalidError
            When there is nothing to look for, too much, no such noun, or no such span.
        NotFoundError
            When there is no folder for the file.
        """
        found = finding.search(self._catalog, text, noun, limit, self._filters(owner, tag, stale, failing=failing))
        if html is not None:
            from nbmlops.monitoring.pages import write

            write(found, f"Catalog: {text}".rstrip(": "), html, None)
        return found

    def page(
        self,
        text: str = "",
        noun: str = "data",
        *,
        owner: str | None = None,
        tag: str | None = None,
        stale: str | None = None,
        failing: bool = False,
        size: int = 200,
        before: int | None = None,
    ) -> tuple[list[Hit], int | None]:
        """A page of what is found of one noun, the newest first, and what the next is to come before; None at the end.

        The rest is as in `__call__`.
        """
        wanted = self._filters(owner, tag, stale, failing=failing)
        return finding.page(self._catalog, text, noun, wanted, size, before)

    def _filters(self, owner: str | None, tag: str | None, stale: str | timedelta | None, *, failing: bool) -> Filters:
        if owner is not None and not owner.strip():
            raise InvalidError("the owner is empty", hint="`ml search --owner ada`")
        if tag is not None and not tag.strip("= "):
            raise InvalidError("the tag is empty", hint="`ml search --tag source=sensor`")
        older = None if stale is None else self._clock.now() - parse_span(stale)
        return Filters(owner, tag, older, failing)
