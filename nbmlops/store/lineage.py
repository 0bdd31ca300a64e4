"""Who is acting now, and the edges that say who read and wrote what.

An edge is ``(subject, relation, object)``. The object is a version, ``<kind>:<version id>``; `subjects` says what
subjects look like. The relations are

``reads``    the subject loaded it
``writes``   the subject saved it; who did so first made it, others saved the same content again
``carries``  the subject saved something and did not load this itself, but used names that come from cells which did

Whoever loads or saves writes the edge in the transaction of that fact; with a run and a cell both active, both get one.
The reads of a plain script are written when it first saves after them. Within one subject, time tells what a version
was made from: what had been read or carried when it was written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbmlops.store import subjects, touched
from nbmlops.store.touched import Touch

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.touched import Source
    from nbmlops.store.versions import Version

__all__ = [
    "Active",
    "Executing",
    "Lineage",
    "activate",
    "activate_cell",
    "current",
    "named",
    "record",
    "sources",
    "written",
]


@dataclass(frozen=True, slots=True)
class Executing:
    """A cell that is executing: the `number` of this execution in its process, the digest of its source, the source."""

    number: int
    cell_id: str | None
    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class Active:
    """What is running now: the subject of the edges that are written meanwhile.

    `pins` holds the digest that a reference means meanwhile, by ``KIND:REFERENCE``, as a frozen pipeline locks it.
    `names` holds what a bare name means meanwhile, by ``KIND:NAME``: a step that runs for each of some values has its
    own. `proof` says that a run is only executed again: what others would see of it stays as it is. `looks` says that
    somebody only looks, as in a panel: what is read for that is made into nothing, and leaves no edge.
    """

    run_id: str | None = None
    pipeline_run_id: str | None = None
    notebook: str | None = None
    cell: Executing | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    proof: bool = False
    looks: bool = False

    @property
    def cell_id(self) -> str | None:
        """Id of the cell that is executing."""
        return self.cell.cell_id if self.cell else None

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects of an edge that is written now: the run and the cell, or else this process."""
        found = []
        if self.run_id:
            found.append(f"run:{self.run_id}")
        if self.cell:
            execution = self.run_id or f"{subjects.process()}-{self.cell.number}"
            found.append(subjects.cell(self.notebook, self.cell.cell_id, self.cell.digest, execution))
        return tuple(found) or (subjects.script(),)


_active: ContextVar[Active | None] = ContextVar("nbmlops_active", default=None)
# What threads that a cell starts see: they have a context of their own.
_foreground: list[Active] = []


def current() -> Active:
    """What is active: set in this context, else the cell of this process, else what a step's environment says."""
    return (
        _active.get()
        or (_foreground[-1] if _foreground else None)
        or Active(
            run_id=os.environ.get("NBMLOPS_RUN"),
            pipeline_run_id=os.environ.get("NBMLOPS_PIPELINE_RUN"),
            notebook=os.environ.get("NBMLOPS_NOTEBOOK"),
            pins=json.loads(os.environ.get("NBMLOPS_PINS", "{}")),
            names=json.loads(os.environ.get("NBMLOPS_NAMES", "{}")),
            proof="NBMLOPS_PROOF" in os.environ,
        )
    )


def named(kind: str, name: str) -> str:
    """The name in the store of what the active step calls so; see `Active`."""
    return current().names.get(f"{kind}:{name}", name)


@contextmanager
def activate(active: Active) -> Iterator[Active]:
    """Make `active` the current one for the body of a ``with``."""
    token = _active.set(active)
    try:
        yield active
    finally:
        _active.reset(token)


def activate_cell(notebook: str | None, cell: Executing | None) -> None:
    """Say which cell is executing, or with None that none is."""
    before = current()
    active = replace(before, notebook=notebook or before.notebook, cell=cell)
    _active.set(active)
    _foreground[:] = [active] if cell else []


def sources(catalog: Catalog, name: str) -> list[Source]:
    """What a version that is saved now under a name is made from, as far as its subject has not said so itself."""
    active, known = current(), touched.of_catalog(catalog.url)
    if active.cell:
        return known.of_cell(name)
    return known.of_run() if active.run_id else known.of_script(subjects.script())


def record(
    connection: Connection, at: datetime, relation: str, kind: str, version_id: int, made_from: Sequence[Source] = ()
) -> None:
    """Write the edges of the current subjects inside the caller's transaction."""
    from nbmlops.store import edges

    active, thing = current(), f"{kind}:{version_id}"
    wanted = {(source.relation, source.object): source.at or at for source in made_from if source.object != thing}
    wanted[relation, thing] = at
    for subject in active.subjects:
        edges.add(connection, subject, wanted)
    if active.cell and relation == "writes":
        edges.keep_source(connection, active.cell.digest, active.cell.source)


def written(catalog: Catalog, version: Version, made_from: Sequence[Source], *, new: bool) -> None:
    """Remember what `record` has written: what is saved next may be made from it."""
    active, known, thing = current(), touched.of_catalog(catalog.url), f"{version.kind}:{version.id}"
    if new:
        known.made(thing, made_from)
    if active.cell:
        known.touch(active.cell.number, Touch("writes", thing, version.name))
    elif not active.run_id:
        known.settle(subjects.script(), made_from)
        known.touch_by_script("writes", thing, version.created_at)


class Lineage:
    """Records what is read, and asks the edges where things come from.

    Parameters
    ----------
    catalog : Catalog
        Where the edges are.
    clock : Clock
        Tells when.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def record(self, relation: str, version: Version) -> None:
        """Write the edges of the current subjects; a plain script's are kept until it saves."""
        now, active = self._clock.now(), current()
        if active.looks:
            return
        known, thing = touched.of_catalog(self._catalog.url), f"{version.kind}:{version.id}"
        if active.run_id or active.cell:
            self._catalog.transact(lambda c: record(c, now, relation, version.kind, version.id))
        else:
            known.touch_by_script(relation, thing, now)
        if active.cell:
            known.touch(active.cell.number, Touch(relation, thing, version.name))

    def made_from(self, version: Version) -> list[tuple[str, int]]:
        """Versions that whoever made this one had read or carried by then: pairs of kind and version id."""
        from nbmlops.store import edges

        found = self._catalog.read(lambda c: edges.made_from(c, f"{version.kind}:{version.id}"))
        return [edges.parsed(thing) for thing in found]

    def made_into(self, versions: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Versions made by those who had read or carried one of these by then; both as pairs of kind and version id."""
        from nbmlops.store import edges

        things = [f"{kind}:{number}" for kind, number in versions]
        return [edges.parsed(thing) for thing in self._catalog.read(lambda c: edges.made_into(c, things))]

    def of_run(self, run_id: str, relation: str) -> list[tuple[str, int]]:
        """Versions that a run reads or writes, in the order in which it did."""
        from nbmlops.store import edges

        found = self._catalog.read(lambda c: edges.things(c, f"run:{run_id}", relation))
        return [edges.parsed(thing) for thing in found]
