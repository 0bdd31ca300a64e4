"""Alembic's entry: runs the revisions over the URL that `nbmlops.store.migrate` hands in."""

from alembic import context
from sqlalchemy import create_engine, pool

from nbmlops.store import schema

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=schema.metadata, render_as_batch=True)
    context.run_migrations()
