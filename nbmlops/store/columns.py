"""How columns are typed, what their constraints are called, and the one table that says nothing of what is kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table

__all__ = ["CONVENTION", "RowId", "writers"]

# SQLite numbers rows by itself only for a column declared INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of what has none of its own, the same in every engine, so that a revision can name it."""


def writers(metadata: MetaData) -> Table:
    """On PostgreSQL, a word of the last transaction of each writer, and when it was, in seconds since 1970 UTC."""
    return Table(
        "writer",
        metadata,
        Column("id", String(64), primary_key=True),
        Column("word", String(16), nullable=False),
        Column("at", BigInteger, nullable=False),
    )
