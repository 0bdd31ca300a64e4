"""Brings an older catalog to this version's tables, in one transaction, after a copy of it was made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, pool
from sqlalchemy.engine import make_url

from nbmlops.store import engines

__all__ = ["Keep", "revisions", "upgrade"]

_FOLDER = Path(__file__).parent / "migrations"
_PATIENCE = 60.0

Keep = Callable[[Connection, str], None]
"""Makes a copy of a catalog, given a connection to it and its revision."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config


def revisions() -> frozenset[str]:
    """All revisions that this version of nbmlops knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(url: str, revision: str = "head", keep: Keep | None = None) -> None:
    """Run the revisions that a catalog lacks; of two who do so at once the second finds it done.

    Parameters
    ----------
    url : str
        The catalog.
    revision : str
        The last revision to run.
    keep : callable, optional
        Given the connection and its revision, makes a copy of a catalog that is no file; one that is, is copied to
        ``catalog.db.before`` beside it.
    """
    with _writing(url) as connection:
        now = MigrationContext.configure(connection).get_current_revision()
        newest = ScriptDirectory.from_config(_config()).get_current_head() if revision == "head" else revision
        if now == newest:
            return
        if now is not None:
            _copy(connection, now, keep)
        command.upgrade(_config(connection), revision)


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _configure(connection: sqlite3.Connection, _record: object) -> None:
            # Foreign keys stay unchecked: to change a table is to copy it and to drop the old one.
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout={int(_PATIENCE * 1000)}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        engines.begin(connection, _PATIENCE)
        yield connection


def _copy(connection: Connection, revision: str, keep: Keep | None) -> None:
    if connection.dialect.name == "sqlite":
        path = Path(make_url(connection.engine.url).database or "")
        made = path.with_name(f"{path.name}.before-{os.getpid()}")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(made)) as target:
            source.backup(target)
        made.replace(path.with_name(f"{path.name}.before"))
    elif keep is not None:
        keep(connection, revision)
