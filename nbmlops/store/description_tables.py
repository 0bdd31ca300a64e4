"""The table of what people say of a name or of one of its versions: what it is for, whose it is, where it ends."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, String, Table, Text

from nbmlops.store.columns import RowId
from nbmlops.store.instants import Instant

__all__ = ["description_table"]


def description_table(metadata: MetaData) -> Table:
    """Define the table in a picture of the catalog; `version_id` is 0 for what is said of all versions of a name."""
    return Table(
        "description",
        metadata,
        Column("name_id", RowId, ForeignKey("name.id"), primary_key=True),
        Column("version_id", BigInteger, primary_key=True, autoincrement=False),
        Column("key", String(32), primary_key=True),
        Column("value", Text, nullable=False),
        Column("author", String(128), nullable=False),
        Column("at", Instant, nullable=False),
    )
