"""Whether a deployment explains is said no more: nothing ever did."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Drop the column."""
    op.drop_column("deployment", "explain")
