"""Tells one run of the catalog, line by line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import microseconds
from nbmlops.tracking.interchange.form import AT_ONCE, shown
from nbmlops.tracking.queries import interchange, runs, values
from nbmlops.tracking.queries.cells import cells, source_of

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["ABOUT", "FOUND", "Telling"]

ABOUT = ("id", "experiment", "number", "kind", "status", "parent_id", "error", "notebook", "git", "environment")
"""Columns of a run that are told as they are, besides its times."""
FOUND = ("resources", "hidden_state")
"""Those that tell what it took and what was found of it."""

_Said = tuple[Any, ...]


class Telling:
    """Tells runs of one catalog; an environment once for all runs that ran on it.

    Parameters
    ----------
    catalog : Catalog
        Where they are.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._environments: set[str] = set()

    def run(self, row: Any) -> Iterator[_Said]:
        """What is known of a run, given its row."""
        yield from self._catalog.read(lambda c: self._about(c, row))
        for one in self._catalog.read(lambda c: interchange.series(c, row.id)):
            yield from self._points(one)

    def _about(self, connection: Connection, row: Any) -> list[_Said]:
        said: list[_Said] = []
        if row.environment and row.environment not in self._environments:
            self._environments.add(row.environment)
            said.append(("environment", row.environment, runs.environment(connection, row.environment)))
        told = {key: row._mapping[key] for key in (*ABOUT, *FOUND)}
        ended = row.ended_at and microseconds(row.ended_at)
        said.append(("run", {**told, "started_at": microseconds(row.started_at), "ended_at": ended}))
        for what, digest in (("source", row.source), ("diff", (row.git or {}).get("diff"))):
            if (content := source_of(connection, digest)) is not None:
                said.append(("text", what, content))
        for kind in ("param", "tag"):
            found = values.values(connection, kind, [row.id])[row.id]
            said += [(f"{kind}s", dict(some)) for some in _some(found)]
        said += [("artifact", *each) for each in interchange.artifacts(connection, row.id)]
        said += [
            ("cell", {**asdict(cell), "started_at": microseconds(cell.started_at)})
            for cell in cells(connection, row.id)
        ]
        said += [
            ("edge", relation, version, microseconds(at))
            for relation, version, at in interchange.edges_of(connection, row.id)
        ]
        return said

    def _points(self, series: Any) -> Iterator[_Said]:
        for begin in range(0, series.count, AT_ONCE):
            end = min(begin + AT_ONCE, series.count)
            # A page of its own each time, so that nobody who writes has to wait for the export.
            found = self._catalog.read(partial(interchange.points, series_id=series.id, begin=begin, end=end))
            yield "metrics", series.key, [[step, at, shown(value)] for step, at, value in found]


def _some(found: Mapping[str, Any]) -> Iterator[list[tuple[str, Any]]]:
    pairs = iter(found.items())
    while some := list(islice(pairs, AT_ONCE)):
        yield some
