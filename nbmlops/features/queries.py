"""SQL of who uses features: the pipelines whose steps read or wrote versions."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from nbmlops.store import edges, schema
from nbmlops.store.subjects import Subject

__all__ = ["pipelines_of"]


def pipelines_of(connection: Connection, things: Collection[str]) -> set[str]:
    """Names of the pipelines a step of which has read or written one of some versions, each as ``KIND:ID``."""
    touching = edges.of_objects(connection, things, ["reads", "writes"])
    runs = {run_id for edge in touching if (run_id := Subject.parse(edge.subject).run_id)}
    step, parent = schema.run, schema.run.alias("parent")
    query = select(parent.c.experiment, step.c.id).join_from(step, parent, parent.c.id == step.c.parent_id)
    rows = edges.selected(connection, query.where(parent.c.kind == "pipeline"), step.c.id, runs)
    return {row.experiment for row in rows}
