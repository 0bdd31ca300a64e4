"""Tables of who may do what: the policies that were adopted, and the times in which everything was allowed."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table, Text

from nbmlops.store.columns import RowId
from nbmlops.store.instants import Instant

__all__ = ["AccessTables", "access_tables"]


class AccessTables(NamedTuple):
    """The two tables."""

    access_policy: Table
    broken_glass: Table


def access_tables(metadata: MetaData) -> AccessTables:
    """Define the tables in a picture of the catalog; of the policies the one with the highest number counts."""
    policy = Table(
        "access_policy",
        metadata,
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("digest", String(64), nullable=False),
        Column("content", Text, nullable=False),
        Column("at", Instant, nullable=False),
        Column("actor", String(128), nullable=False),
    )
    glass = Table(
        "broken_glass",
        metadata,
        Column("id", RowId, primary_key=True),
        Column("actor", String(128), nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", Instant, nullable=False),
        Column("until", Instant, nullable=False),
        Index("ix_broken_glass_until", "until"),
    )
    return AccessTables(policy, glass)
