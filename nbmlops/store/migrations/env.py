"""Alembic's entry: runs the revisions in the transaction that `nbmlops.store.migrate` hands in."""

from alembic import context

from nbmlops.store import schema

context.configure(
    connection=context.config.attributes["connection"], target_metadata=schema.metadata, render_as_batch=True
)
context.run_migrations()
