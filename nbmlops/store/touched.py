"""What this process has read and written: so that a version knows what it was made from.

A notebook loads in one cell, works in the next and saves in a third. What flowed from the one to the other is told
through the port `follow`, by whoever knows the cells. A plain script has no cells: all that its process has read until
it saves counts, and for a run all that it has touched before the run; what it reads is kept here until it saves, so
that a script which only reads writes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

__all__ = ["Flow", "Source", "Touch", "Touched", "follow", "of_catalog"]

_CELLS_KEPT = 10_000
_VERSIONS_KEPT = 100_000


class Touch(NamedTuple):
    """A cell has read or written a version: the relation, the version as object of an edge, and its bare name."""

    relation: str
    object: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """An edge that is to be written with the version that is made from it; `at` is None for now."""

    relation: str
    object: str
    at: datetime | None = None


Flow = Callable[[str, Mapping[int, Iterable[Touch]]], Iterable[str]]
"""Given the name that is being saved and what each execution of a cell has touched: objects that flow into it."""


@dataclass(slots=True)
class Touched:
    """Versions that were touched through one catalog, as the objects of edges.

    `cells` has what each execution of a cell has touched, `made_from` the sources of what was written, `script` what
    was touched outside of any cell or run, and `settled` how much of that each script's subject has written down.
    """

    cells: OrderedDict[int, dict[Touch, None]] = field(default_factory=OrderedDict)
    made_from: OrderedDict[str, frozenset[str]] = field(default_factory=OrderedDict)
    script: list[Source] = field(default_factory=list)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    settled: dict[str, int] = field(default_factory=dict)

    def touch(self, execution: int, touch: Touch) -> None:
        """A cell has touched a version; `execution` is its number in this process."""
        self.cells.setdefault(execution, {})[touch] = None
        while len(self.cells) > _CELLS_KEPT:
            self.cells.popitem(last=False)

    def made(self, thing: str, sources: Iterable[Source]) -> None:
        """A new version was written."""
        self.made_from[thing] = frozenset(source.object for source in sources) - {thing}
        while len(self.made_from) > _VERSIONS_KEPT:
            self.made_from.popitem(last=False)

    def touch_by_script(self, relation: str, thing: str, at: datetime) -> None:
        """A script has touched a version; the first time counts."""
        if (relation, thing) not in self.places:
            self.places[relation, thing] = len(self.script)
            self.script.append(Source(relation, thing, at))

    def of_cell(self, name: str) -> list[Source]:
        """What flows into a name that the active cell saves."""
        return self._carried(thing for flow in _followed for thing in flow(name, self.cells))

    def of_run(self) -> list[Source]:
        """What a script has in its hands for the run that it has started."""
        return self._carried(touch.object for touch in self.script)

    def _carried(self, things: Iterable[str]) -> list[Source]:
        """Sources, without those that others of them were made from."""
        found = dict.fromkeys(things)
        implied = set[str]().union(*(self.made_from.get(thing, ()) for thing in found))
        return [Source("carries", thing) for thing in found if thing not in implied]

    def of_script(self, subject: str) -> list[Source]:
        """What a script has read and not written down yet."""
        return [touch for touch in self.script[self.settled.get(subject, 0) :] if touch.relation == "reads"]

    def settle(self, subject: str, sources: Iterable[Source]) -> None:
        """The sources of a script are written down; others may have written some of them meanwhile."""
        for source in sources:
            place = self.places[source.relation, source.object]
            self.settled[subject] = max(self.settled.get(subject, 0), place + 1)


_catalogs: dict[str, Touched] = {}
_followed: list[Flow] = []


def of_catalog(url: str) -> Touched:
    """What was touched through the catalog at `url`."""
    return _catalogs.setdefault(url, Touched())


def follow(flow: Flow | None) -> None:
    """Let `flow` tell what flows into a name that a cell saves; None for nobody."""
    _followed[:] = [] if flow is None else [flow]
