"""Who is acting now, and the edges that say who read and wrote what.

An edge is ``(subject, relation, object)``: the subject is ``run:<id>`` or
``cell:<notebook>#<cell id>@<source digest>``, the relation ``reads`` or ``writes``, the object
``<kind>:<version id>``. Whoever loads or saves writes the edge in the transaction of that fact;
with a run and a cell both active, both get one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog

__all__ = ["Active", "Lineage", "activate", "activate_cell", "current", "record"]


@dataclass(frozen=True, slots=True)
class Active:
    """What is running now: the subject of the edges that are written meanwhile.

    `pins` holds the digest that a reference means meanwhile, by ``KIND:REFERENCE``, as a frozen pipeline locks it.
    """

    run_id: str | None = None
    pipeline_run_id: str | None = None
    notebook: str | None = None
    cell_id: str | None = None
    cell_digest: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects of an edge that is written now."""
        found = []
        if self.run_id:
            found.append(f"run:{self.run_id}")
        if self.cell_digest:
            found.append(f"cell:{self.notebook or ''}#{self.cell_id or ''}@{self.cell_digest[:16]}")
        return tuple(found)


_active: ContextVar[Active | None] = ContextVar("nbmlops_active", default=None)


def current() -> Active:
    """What is active: set in this context, else what the environment of a step's kernel says."""
    return _active.get() or Active(
        run_id=os.environ.get("NBMLOPS_RUN"),
        pipeline_run_id=os.environ.get("NBMLOPS_PIPELINE_RUN"),
        notebook=os.environ.get("NBMLOPS_NOTEBOOK"),
        pins=json.loads(os.environ.get("NBMLOPS_PINS", "{}")),
    )


@contextmanager
def activate(active: Active) -> Iterator[Active]:
    """Make `active` the current one for the body of a ``with``."""
    token = _active.set(active)
    try:
        yield active
    finally:
        _active.reset(token)


def activate_cell(notebook: str | None, cell_id: str | None, cell_digest: str | None) -> None:
    """Say which cell is executing; with a digest of None, that none is."""
    before = current()
    _active.set(replace(before, notebook=notebook or before.notebook, cell_id=cell_id, cell_digest=cell_digest))


def record(connection: Connection, at: datetime, relation: str, kind: str, version_id: int) -> None:
    """Write the edges of the current subjects inside the caller's transaction."""
    from sqlalchemy import insert, select

    from nbmlops.store import schema

    table = schema.edge
    for subject in current().subjects:
        key = {"subject": subject, "relation": relation, "object": f"{kind}:{version_id}"}
        there = select(table.c.subject).filter_by(**key)
        if connection.execute(there).first() is None:
            connection.execute(insert(table).values(at=at, **key))


class Lineage:
    """Asks the edges where things come from and what was built on them."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def record(self, relation: str, kind: str, version_id: int) -> None:
        """Write the edges of the current subjects; nothing when there is no subject."""
        if current().subjects:
            now = self._clock.now()
            self._catalog.transact(lambda c: record(c, now, relation, kind, version_id))

    def upstream(self, kind: str, version_id: int) -> list[tuple[str, int]]:
        """Versions that were read by whoever wrote this one: pairs of kind and version id."""
        return self._step("writes", "reads", kind, version_id)

    def downstream(self, kind: str, version_id: int) -> list[tuple[str, int]]:
        """Versions that were written by whoever read this one: pairs of kind and version id."""
        return self._step("reads", "writes", kind, version_id)

    def of_run(self, run_id: str, relation: str) -> list[tuple[str, int]]:
        """Versions that a run reads or writes, in the order in which it did."""
        from sqlalchemy import select

        from nbmlops.store import schema

        table = schema.edge
        query = select(table.c.object).filter_by(subject=f"run:{run_id}", relation=relation)
        rows = self._catalog.read(lambda c: c.execute(query.order_by(table.c.at, table.c.object)).scalars().all())
        return [_object(row) for row in rows]

    def _step(self, there: str, back: str, kind: str, version_id: int) -> list[tuple[str, int]]:
        from sqlalchemy import select

        from nbmlops.store import schema

        near, far = schema.edge.alias(), schema.edge.alias()
        query = (
            select(far.c.object)
            .join(near, near.c.subject == far.c.subject)
            .where(near.c.object == f"{kind}:{version_id}", near.c.relation == there, far.c.relation == back)
            .distinct()
            .order_by(far.c.object)
        )
        rows = self._catalog.read(lambda c: c.execute(query).scalars().all())
        return [_object(row) for row in rows if row != f"{kind}:{version_id}"]


def _object(text: str) -> tuple[str, int]:
    kind, _, version_id = text.partition(":")
    return kind, int(version_id)
