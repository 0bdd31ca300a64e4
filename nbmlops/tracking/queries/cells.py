"""SQL of the cells that runs executed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from nbmlops.store import schema
from nbmlops.store.addresses import recordable
from nbmlops.store.edges import keep_source
from nbmlops.tracking.records import Cell, Resources

__all__ = ["add_cells", "cells", "source_of"]

_LONGEST_ID = 128
"""Characters of a cell's id that are kept; Jupyter's have 64 at most, those of other editors may be addresses."""


def add_cells(connection: Connection, run_id: str, executed: Iterable[Cell]) -> None:
    """Insert the cells that a run executed, each source once."""
    for cell in executed:
        keep_source(connection, cell.digest, cell.source)
        connection.execute(
            insert(schema.cell).values(
                run_id=run_id,
                position=cell.position,
                cell_id=cell.cell_id and cell.cell_id[:_LONGEST_ID],
                source=cell.digest,
                count=cell.count,
                started_at=cell.started_at,
                seconds=cell.seconds,
                status=cell.status,
                defines=list(cell.defines),
                uses=list(cell.uses),
                error=cell.error and recordable(cell.error),
                resources=cell.resources and asdict(cell.resources),
            )
        )


def source_of(connection: Connection, digest: str | None) -> str | None:
    """A text that a run refers to; None for one that is not here, as of a run from elsewhere."""
    return connection.execute(select(schema.source.c.text).filter_by(digest=digest)).scalar_one_or_none()


def cells(connection: Connection, run_id: str) -> tuple[Cell, ...]:
    """Cells of a run, in the order of their execution."""
    query = select(schema.cell, schema.source.c.text).join(schema.source).filter(schema.cell.c.run_id == run_id)
    return tuple(
        Cell(
            position=row.position,
            cell_id=row.cell_id,
            digest=row.source,
            source=row.text,
            count=row._mapping["count"],
            started_at=row.started_at,
            seconds=row.seconds,
            status=row.status,
            defines=tuple(row.defines),
            uses=tuple(row.uses),
            error=row.error,
            resources=row.resources and Resources(**row.resources),
        )
        for row in connection.execute(query.order_by(schema.cell.c.position, schema.cell.c.id))
    )
