"""The table of legal holds: what must stay as it is, why, and who said so; a hold that was released stays on record."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, MetaData, String, Table, Text

from nbmlops.store.columns import RowId
from nbmlops.store.instants import Instant

__all__ = ["hold_table"]


def hold_table(metadata: MetaData) -> Table:
    """Define the table in a picture of the catalog."""
    return Table(
        "hold",
        metadata,
        Column("id", RowId, primary_key=True),
        # One of the three: all versions of a name, those to come too; one version; a run.
        Column("name_id", ForeignKey("name.id"), index=True),
        Column("version_id", ForeignKey("version.id"), index=True),
        Column("run_id", String(32), index=True),
        Column("reason", Text, nullable=False),
        Column("at", Instant, nullable=False),
        Column("actor", String(128), nullable=False),
        Column("released_at", Instant),
        Column("released_by", String(128)),
        Column("released_why", Text),
    )
