"""Metrics as series of numbered points, with the extremes of each stretch; journals; what runs and cells took."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BLOCK = 1_024


def upgrade() -> None:
    """Create the tables, and bring over the points that are there."""
    op.create_table(
        "journal",
        sa.Column("file", sa.String(length=128), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_journal")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("run_id", "key", name=op.f("uq_series_run_id_key")),
    )
    with op.batch_alter_table("series", schema=None) as batch_op:
        batch_op.create_index("ix_series_key_value", ["key", "value"], unique=False)
    op.create_table(
        "point",
        sa.Column("series", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("series", "position", name=op.f("pk_point")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "point_block",
        sa.Column("series", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low", sa.Float(precision=53), nullable=False),
        sa.Column("low_step", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.Float(precision=53), nullable=False),
        sa.Column("high_step", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series", "block", name=op.f("pk_point_block")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("param", schema=None) as batch_op:
        batch_op.add_column(sa.Column("number", sa.Float(precision=53), nullable=True))
        batch_op.create_index("ix_param_key_number", ["key", "number"], unique=False)
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tag_key"), ["key"], unique=False)
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resources", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("hidden_state", sa.JSON(), nullable=True))
    with op.batch_alter_table("cell", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resources", sa.JSON(), nullable=True))
    _number_params(op.get_bind())
    _bring_over(op.get_bind())
    op.drop_table("metric")


def _number_params(connection: sa.Connection) -> None:
    param = sa.table("param", *map(sa.column, ("run_id", "key", "number")), sa.column("value", sa.JSON()))
    for row in connection.execute(sa.select(param)).all():
        if isinstance(row.value, int | float) and not isinstance(row.value, bool):
            chosen = (param.c.run_id == row.run_id, param.c.key == row.key)
            connection.execute(sa.update(param).where(*chosen).values(number=float(row.value)))


def _bring_over(connection: sa.Connection) -> None:
    metric = sa.table("metric", *map(sa.column, ("id", "run_id", "key", "step", "value", "at")))
    series = sa.table("series", *map(sa.column, ("id", "run_id", "key", "count", "step", "value", "at")))
    point = sa.table("point", *map(sa.column, ("series", "position", "step", "at", "value")))
    block = sa.table("point_block", *map(sa.column, ("series", "block", "low", "low_step", "high", "high_step")))
    names = connection.execute(sa.select(metric.c.run_id, metric.c.key).distinct().order_by("run_id", "key")).all()
    for number, (run_id, key) in enumerate(names, 1):
        position, newest = 0, 0
        last: tuple[int | None, float | None] = (None, None)
        rows = connection.execute(
            sa.select(metric.c.step, metric.c.at, metric.c.value)
            .where(metric.c.run_id == run_id, metric.c.key == key)
            .order_by(metric.c.id)
        )
        for some in rows.partitions(_BLOCK):  # each a block: positions begin at 0
            placed = [
                {"series": number, "position": position + place, "step": row.step, "at": row.at, "value": row.value}
                for place, row in enumerate(some)
            ]
            connection.execute(sa.insert(point), placed)
            numbers = [(row.value, row.step) for row in some if row.value is not None]
            if numbers:
                (low, low_step), (high, high_step) = min(numbers), max(numbers)
                extremes = {"low": low, "low_step": low_step, "high": high, "high_step": high_step}
                connection.execute(sa.insert(block).values(series=number, block=position // _BLOCK, **extremes))
            position += len(placed)
            for row in some:
                if last[0] is None or row.step >= last[0]:
                    last = (row.step, row.value)
            newest = max(newest, *(row.at for row in some))
        summary = {"count": position, "step": last[0], "value": last[1], "at": newest}
        connection.execute(sa.insert(series).values(id=number, run_id=run_id, key=key, **summary))
    if names and connection.dialect.name == "postgresql":
        # What is new is numbered after what came with its number here.
        sequence = sa.func.pg_get_serial_sequence("series", "id")
        connection.execute(sa.select(sa.func.setval(sequence, len(names))))
