"""Tables of monitors: what is watched of whom, against what, how it stands, and the alerts that came of it."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import JSON, BigInteger, Column, Float, Index, MetaData, String, Table, Text

from nbmlops.store.columns import RowId
from nbmlops.store.instants import Instant

__all__ = ["MonitorTables", "monitor_tables"]


class MonitorTables(NamedTuple):
    """The two tables."""

    monitor: Table
    alert: Table


def monitor_tables(metadata: MetaData) -> MonitorTables:
    """Define the tables in a picture of the catalog."""
    return MonitorTables(_monitor(metadata), _alert(metadata))


def _alert(metadata: MetaData) -> Table:
    """Why monitors of a deployment fail: one row for each cause, from when it began until it was over."""
    return Table(
        "alert",
        metadata,
        Column("id", RowId, primary_key=True),
        Column("deployment", String(128), nullable=False),
        # Of one line only one alert of a deployment is open.
        Column("line", String(32), nullable=False),
        Column("cause", String(32), nullable=False),
        Column("monitors", JSON, nullable=False),
        Column("evidence", JSON, nullable=False),
        Column("command", Text, nullable=False),
        Column("weight", Float(53), nullable=False),
        Column("why", Text, nullable=False),
        Column("opened_at", Instant, nullable=False),
        Column("closed_at", Instant),
        Column("told_at", Instant),
        Index("ix_alert_deployment_closed_at", "deployment", "closed_at"),
    )


def _monitor(metadata: MetaData) -> Table:
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
