"""What one kind of monitor alone is told, such as the function that makes its features."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column."""
    op.add_column("monitor", sa.Column("rules", sa.JSON(), nullable=True))
