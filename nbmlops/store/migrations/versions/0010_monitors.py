"""What is watched of models that answer, and how it stands."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "monitor",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("deployment", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=True),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("bound", sa.Float(53), nullable=True),
        sa.Column("metric", sa.String(length=32), nullable=True),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.String(length=256), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=True),
        sa.Column("status_since", sa.BigInteger(), nullable=True),
        sa.Column("report", sa.BigInteger(), nullable=True),
        sa.Column("silent_until", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_monitor")),
    )
    op.create_index("ix_monitor_deployment", "monitor", ["deployment"])
