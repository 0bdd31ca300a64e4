"""What a step really read and wrote, beside what its lines show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines import queries
from nbmlops.pipelines.ledger import Committed

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.store.catalog import Connection

__all__ = ["result_of", "surprises"]


def surprises(connection: Connection, step: Step, run_id: str) -> tuple[str, ...]:
    """Where what a step really did differs from what was read in its notebook, in sentences."""
    notes = []
    for relation, verb, declared in (("writes", "wrote", step.writes), ("reads", "read", step.reads)):
        known = {(access.kind, access.name) for access in (*declared, *step.writes)}
        notes += [
            f"{verb} {row.kind} {row.name}, which its lines do not show"
            for row in queries.written(connection, run_id, relation).values()
            # Features are no data: which view is defined or read is no part of what a line shows.
            if row.kind != "feature" and (row.kind, row.name) not in known
        ]
    return tuple(notes)


def result_of(connection: Connection, step: Step, run_id: str, parts: Mapping[str, Any]) -> Committed:
    """What a step really wrote, and what it read besides what its key knows from its lines."""
    written = queries.written(connection, run_id)
    read = queries.written(connection, run_id, "reads")
    declared = {(access.kind, access.name) for access in step.reads}
    reads = {
        (row.kind, row.name, row.digest)
        for row in read.values()
        if row.id not in written and (row.kind, row.name) not in declared
    }
    return Committed(run_id, tuple(sorted(written)), tuple(sorted(reads)), parts=parts)
