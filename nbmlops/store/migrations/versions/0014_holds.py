"""Legal holds: what must stay as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "hold",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("name_id", _ROW_ID, nullable=True),
        sa.Column("version_id", _ROW_ID, nullable=True),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("released_by", sa.String(length=128), nullable=True),
        sa.Column("released_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["name_id"], ["name.id"], name=op.f("fk_hold_name_id_name")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_hold_version_id_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    for column in ("name_id", "version_id", "run_id"):
        op.create_index(f"ix_hold_{column}", "hold", [column])
