"""The table of monitors: what is watched of whom, against what, and how it stands."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, MetaData, String, Table

from nbmlops.store.instants import Instant

__all__ = ["monitor_table"]


def monitor_table(metadata: MetaData) -> Table:
    """Define the table in a picture of the catalog."""
    return Table(
        "monitor",
        metadata,
        Column("name", String(128), primary_key=True),
        Column("deployment", String(128), nullable=False),
        Column("kind", String(32), nullable=False),
        Column("reference", String(512)),
        # Seconds.
        Column("window", BigInteger, nullable=False),
        Column("bound", Float(53)),
        Column("metric", String(32)),
        Column("severity", String(8), nullable=False),
        Column("owner", String(256), nullable=False),
        Column("author", String(128), nullable=False),
        Column("created_at", Instant, nullable=False),
        # Of the newest report, and since when it has been that.
        Column("status", String(8)),
        Column("status_since", Instant),
        Column("report", BigInteger),
        Column("silent_until", Instant),
        Column("paused_at", Instant),
        Column("deleted_at", Instant),
        # What one kind alone is told, such as the function that makes its features.
        Column("rules", JSON),
        Index("ix_monitor_deployment", "deployment"),
    )
