"""How columns are typed and what their constraints are called."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer

__all__ = ["CONVENTION", "RowId"]

# SQLite numbers rows by itself only for a column declared INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of what has none of its own, the same in every engine, so that a revision can name it."""
