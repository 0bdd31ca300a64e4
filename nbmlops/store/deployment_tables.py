"""The table of deployments: what was said of a model that answers, where anything was."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, MetaData, String, Table

from nbmlops.store.instants import Instant

__all__ = ["deployment_table"]


def deployment_table(metadata: MetaData) -> Table:
    """Define the table in a picture of the catalog."""
    return Table(
        "deployment",
        metadata,
        Column("name", String(128), primary_key=True),
        Column("alias", String(128), nullable=False),
        Column("split", JSON, nullable=False),
        Column("shadow", JSON, nullable=False),
        Column("sticky", String(512)),
        Column("sampled", Float(53), nullable=False),
        Column("unseen", String(8), nullable=False),
        Column("personal", JSON, nullable=False),
        # Raised by each change, so that whoever serves can ask cheaply whether there was one.
        Column("changed", BigInteger, nullable=False),
        Column("author", String(128), nullable=False),
        Column("changed_at", Instant, nullable=False),
    )
