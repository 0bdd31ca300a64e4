"""Tables of pipelines: what a run wrote, and which step of which logical time has committed."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table

from nbmlops.store.instants import Instant

__all__ = ["pipeline_tables"]


def pipeline_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Define the tables in a picture of the catalog."""
    run_output = Table(
        "run_output",
        metadata,
        Column("run_id", ForeignKey("run.id"), primary_key=True),
        Column("name_id", ForeignKey("name.id"), primary_key=True),
        Column("version_id", ForeignKey("version.id"), nullable=False, index=True),
    )
    ledger = Table(
        "ledger",
        metadata,
        Column("pipeline", String(128), primary_key=True),
        Column("logical_time", String(64), primary_key=True),
        Column("parameters_digest", String(64), primary_key=True),
        Column("step", String(128), primary_key=True),
        Column("generation", Integer, primary_key=True),
        Column("state", String(16), nullable=False),
        Column("token", Integer, nullable=False),
        Column("lease_until", Instant),
        Column("step_key", String(64), nullable=False, index=True),
        Column("run_id", String(32)),
        Column("outputs", JSON),
        Column("pipeline_version", String(64)),
        Column("started_at", Instant, nullable=False),
        Column("ended_at", Instant),
    )
    return run_output, ledger
