"""One picture of the catalog: every table that nbmlops keeps.

A new catalog is created from this module and stamped with `HEAD`; an older one is brought here by
the revisions in ``migrations/``, and a test proves that both ways end in the same tables.

Conventions: instants are whole microseconds since 1970-01-01 UTC; digests are 64 hex digits;
``kind`` is ``data``, ``model`` or ``pipeline``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from nbmlops.store.access_tables import access_tables
from nbmlops.store.columns import CONVENTION, RowId, writers
from nbmlops.store.deployment_tables import deployment_table
from nbmlops.store.description_tables import description_table
from nbmlops.store.hold_tables import hold_table
from nbmlops.store.instants import Instant
from nbmlops.store.monitor_tables import monitor_tables
from nbmlops.store.pipeline_tables import pipeline_tables
from nbmlops.store.schedule_tables import schedule_tables

__all__ = ["HEAD", "metadata"]

HEAD = "0015"
"""The newest revision in ``migrations/versions``."""

metadata = MetaData(naming_convention=CONVENTION)
schedule, fire, notice = schedule_tables(metadata)
deployment = deployment_table(metadata)
description = description_table(metadata)
run_output, ledger = pipeline_tables(metadata)
monitor, alert = monitor_tables(metadata)
hold = hold_table(metadata)
access_policy, broken_glass = access_tables(metadata)
writer = writers(metadata)

# Objects: where each chunk lies, and which manifest lists an object's chunks.
chunk = Table(
    "chunk",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("pack", String(64), nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("codec", String(8), nullable=False),
)
object_ = Table(
    "object",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("pack", String(64), nullable=False, index=True),
    Column("offset", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Changes of what is stored take turns: each takes the next number of the one row of `turn`, which lets one wait for
# the other on any engine, and tells whether anything changed. A removal says at which turn a pack ceased to be one of
# ours, or with an empty pack, that something went from the index.
turn = Table(
    "turn",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
removal = Table(
    "removal",
    metadata,
    Column("pack", String(64), primary_key=True),
    Column("turn", BigInteger, nullable=False, index=True),
)

# Names and versions of data, models and pipelines.
name = Table(
    "name",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("kind", "name"),
)
version = Table(
    "version",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name_id", ForeignKey("name.id"), nullable=False),
    # Null until the pipeline run that wrote the version commits; see versions.py.
    Column("number", Integer),
    # Order in which versions got their numbers, over all names; a run sees what was named before it.
    Column("named", BigInteger, unique=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("root", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("new_bytes", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("author", String(128), nullable=False),
    Column("message", Text),
    Column("run_id", String(32)),
    Column("detail", JSON, nullable=False),
    Column("deleted_at", Instant),
    # When gc let its objects go; the row stays, so that its number and its lineage mean what they meant.
    Column("freed_at", Instant),
    UniqueConstraint("name_id", "number"),
)
version_tag = Table(
    "version_tag",
    metadata,
    Column("version_id", ForeignKey("version.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(512), primary_key=True),
    Column("value", Text, nullable=False),
)
alias = Table(
    "alias",
    metadata,
    Column("name_id", ForeignKey("name.id"), primary_key=True),
    Column("alias", String(128), primary_key=True),
    Column("version_id", ForeignKey("version.id"), nullable=False, index=True),
)
alias_move = Table(
    "alias_move",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name_id", ForeignKey("name.id"), nullable=False, index=True),
    Column("alias", String(128), nullable=False),
    Column("how", String(16), nullable=False),
    Column("before_id", ForeignKey("version.id")),
    Column("after_id", ForeignKey("version.id")),
    Column("report_id", BigInteger),
    Column("at", Instant, nullable=False),
    Column("actor", String(128), nullable=False),
)

# Erasures: one row each, from the intent to the end, and where a digest that was erased leads now.
erasure = Table(
    "erasure",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("names", JSON, nullable=False),
    # Tells, until the erasure is complete, whether a condition is the one that was given; never the condition.
    Column("seal", String(256)),
    Column("state", String(16), nullable=False, index=True),
    Column("detail", JSON, nullable=False),
    Column("ended_at", Instant),
)
tombstone = Table(
    "tombstone",
    metadata,
    Column("name_id", ForeignKey("name.id"), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("successor", String(64), nullable=False, index=True),
    Column("erasure_id", ForeignKey("erasure.id"), nullable=False),
)

# Lineage and audit.
edge = Table(
    "edge",
    metadata,
    Column("subject", String(512), primary_key=True),
    Column("relation", String(16), primary_key=True),
    Column("object", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Index("ix_edge_object", "object", "relation"),
)
event = Table(
    "event",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

# Runs.
run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("experiment", String(128), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("parent_id", String(32), index=True),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("error", JSON),
    Column("notebook", Text),
    Column("writer", String(64)),
    Column("as_of", BigInteger, nullable=False),
    Column("git", JSON),
    Column("environment", String(64)),
    # What it took, the digest of its notebook's source, and what was found of names whose cells are not what they were.
    Column("resources", JSON),
    Column("source", String(64)),
    Column("hidden_state", JSON),
    UniqueConstraint("experiment", "number"),
)
environment = Table(
    "environment",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("content", JSON, nullable=False),
)
param = Table(
    "param",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("key", String(512), primary_key=True),
    Column("value", JSON),
    Column("number", Float(53)),
    Index("ix_param_key_number", "key", "number"),
)
# One metric of one run, which may still stand in the journal of another process: so nothing refers to it here.
series = Table(
    "series",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("key", String(512), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("step", BigInteger),
    # Null stands for NaN, which SQLite cannot keep; infinities are kept as they are.
    Column("value", Float(53)),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("run_id", "key"),
    Index("ix_series_key_value", "key", "value"),
)
# Its points, numbered as they came.
point = Table(
    "point",
    metadata,
    Column("series", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("step", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("value", Float(53)),
    sqlite_with_rowid=False,
)
# The lowest and the highest of each 1,024 of them that are numbers.
point_block = Table(
    "point_block",
    metadata,
    Column("series", BigInteger, primary_key=True, autoincrement=False),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("low", Float(53), nullable=False),
    Column("low_step", BigInteger, nullable=False),
    Column("high", Float(53), nullable=False),
    Column("high_step", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
# How many bytes of each journal the catalog has.
journal = Table(
    "journal",
    metadata,
    Column("file", String(128), primary_key=True),
    Column("applied", BigInteger, nullable=False),
)
tag = Table(
    "tag",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("key", String(512), primary_key=True, index=True),
    Column("value", Text, nullable=False),
)
artifact = Table(
    "artifact",
    metadata,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
)
source = Table(
    "source",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("text", Text, nullable=False),
)
cell = Table(
    "cell",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("run_id", ForeignKey("run.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("cell_id", String(128)),
    Column("source", ForeignKey("source.digest"), nullable=False),
    Column("count", Integer),
    Column("started_at", Instant, nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("status", String(16), nullable=False),
    Column("defines", JSON, nullable=False),
    Column("uses", JSON, nullable=False),
    Column("error", Text),
    Column("resources", JSON),
)

# Reports of checks.
report = Table(
    "report",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("suite", String(256), nullable=False),
    Column("section", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("run_id", String(32), index=True),
    Column("object", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
)
