"""Tables of schedules: what is to start when, each time that came due, and what people are to be told."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from nbmlops.store.columns import RowId
from nbmlops.store.instants import Instant

__all__ = ["ScheduleTables", "schedule_tables"]


class ScheduleTables(NamedTuple):
    """The three tables."""

    schedule: Table
    fire: Table
    notice: Table


def schedule_tables(metadata: MetaData) -> ScheduleTables:
    """Define the tables in a picture of the catalog."""
    schedule = Table(
        "schedule",
        metadata,
        Column("name", String(128), primary_key=True),
        Column("action", String(64), nullable=False),
        Column("target", String(512), nullable=False),
        Column("parameters", JSON, nullable=False),
        Column("trigger", JSON, nullable=False),
        Column("catchup", String(8), nullable=False),
        Column("overlap", String(8), nullable=False),
        # Seconds after which a start is late.
        Column("patience", BigInteger, nullable=False),
        # What is due up to here has its fires; of events, the place up to which they were looked at.
        Column("reached", Instant, nullable=False),
        Column("seen", String(64)),
        # The first failure since the last success.
        Column("failing_since", Instant),
        Column("author", String(128), nullable=False),
        Column("created_at", Instant, nullable=False),
        Column("paused_at", Instant),
        Column("deleted_at", Instant),
    )
    fire = Table(
        "fire",
        metadata,
        Column("id", RowId, primary_key=True),
        Column("schedule", String(128), nullable=False),
        # What it stands for: a time, or the event.
        Column("logical_time", String(64), nullable=False),
        Column("due_at", Instant, nullable=False),
        Column("state", String(16), nullable=False),
        # Raised by each claim: whoever holds an older one can end nothing any more.
        Column("token", Integer, nullable=False),
        Column("owner", String(64)),
        Column("beat_at", Instant),
        Column("tries", Integer, nullable=False),
        Column("not_before", Instant),
        Column("told_late", Integer, nullable=False),
        Column("started_at", Instant),
        Column("ended_at", Instant),
        Column("run", String(256)),
        Column("note", Text),
        UniqueConstraint("schedule", "logical_time"),
        Index("ix_fire_state_schedule", "state", "schedule"),
        Index("ix_fire_schedule_due_at", "schedule", "due_at"),
    )
    return ScheduleTables(schedule, fire, _notice(metadata))


def _notice(metadata: MetaData) -> Table:
    """What people are to be told."""
    return Table(
        "notice",
        metadata,
        Column("id", RowId, primary_key=True),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("made_at", Instant, nullable=False),
        Column("not_before", Instant, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("sent_at", Instant, index=True),
    )
