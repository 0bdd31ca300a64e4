"""How each database is spoken to: its connections, and how a transaction begins on them.

SQLite, the embedded default: writers begin IMMEDIATE, so that two of them queue instead of failing
half-way; readers have an engine of their own. WAL is used only where the library has the fix of the
WAL-reset bug (3.51.3, https://www.sqlite.org/wal.html#walresetbug); before that the rollback journal
with ``synchronous=EXTRA``, which keeps an acknowledged commit through a power cut.

PostgreSQL: writers queue in the same way, by an advisory lock of the schema that the tables are in, held
until the transaction ends. So what is reckoned from what is there, the next number of a name or the chain
of Events, is right on both engines for the same reason. Readers see one moment (REPEATABLE READ) and write
nothing.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from nbmlops.core.errors import DependencyError, InvalidError
from nbmlops.store import filesystem

__all__ = ["Engines", "begin", "journal_mode", "lock", "opened", "parsed"]

_WAL_FIXED = (3, 51, 3)
_AT_ONCE = 10
"""Connections that one process has to PostgreSQL at once; one of them is kept."""


class Engines(NamedTuple):
    """Connections of those who write, and of those who only read."""

    writer: Engine
    reader: Engine


def journal_mode(library: tuple[int, ...] = sqlite3.sqlite_version_info) -> tuple[str, str, str]:
    """Choose SQLite's journal for a library version: its mode, its ``synchronous``, and why."""
    shown = ".".join(map(str, library))
    if library >= _WAL_FIXED:
        return "WAL", "FULL", f"SQLite {shown} has the WAL-reset fix"
    return "DELETE", "EXTRA", f"SQLite {shown} is older than 3.51.3 and lacks the WAL-reset fix"


def parsed(url: str) -> URL:
    """A URL that is one of a catalog; what is wrong is said without showing a password.

    Raises
    ------
    InvalidError
        When it is none, or of another database.
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidError("the catalog's URL cannot be read", hint="postgresql://user@host/database") from None
    if found.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise InvalidError(
            f"a catalog lies in SQLite or PostgreSQL, not {found.drivername}", hint="postgresql://user@host/database"
        )
    return found


def opened(url: URL, busy_timeout: float) -> Engines:
    """Engines of a catalog; nothing is connected yet.

    Raises
    ------
    DependencyError
        When the driver of PostgreSQL is not installed.
    """
    if url.get_backend_name() == "sqlite":
        filesystem.refuse_network(Path(url.database or "").parent)
        return Engines(_sqlite(url, busy_timeout, "BEGIN IMMEDIATE"), _sqlite(url, busy_timeout, "BEGIN"))
    return _postgresql(url, busy_timeout)


def _sqlite(url: URL, busy_timeout: float, begin: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": busy_timeout})
    mode, synchronous, _ = journal_mode()
    milliseconds = int(busy_timeout * 1000)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={milliseconds}")
        # Changing the journal takes a lock, so it is done once, by whoever finds it different.
        if connection.execute("PRAGMA journal_mode").fetchone()[0].upper() != mode:
            connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: URL, busy_timeout: float) -> Engines:
    try:
        from nbmlops.store import postgresql_texts
    except ImportError as error:
        raise DependencyError(
            "PostgreSQL is spoken to by psycopg, which is not installed", hint="pip install 'nbmlops[postgres]'"
        ) from error
    settings = {"connect_timeout": 10, "application_name": "nbmlops"}
    base = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=1,
        max_overflow=_AT_ONCE - 1,
        pool_timeout=busy_timeout,
        connect_args={key: value for key, value in settings.items() if key not in url.query},
    )

    @event.listens_for(base, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        postgresql_texts.adapt(connection)

    _shared.add(base)
    return Engines(
        base.execution_options(isolation_level="READ COMMITTED"),
        base.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
    )


_shared: weakref.WeakSet[Engine] = weakref.WeakSet()


def _in_child() -> None:
    # Two processes that speak through one connection garble each other's answers.
    for engine in list(_shared):
        engine.dispose(close=False)


os.register_at_fork(after_in_child=_in_child)


def begin(connection: Connection, busy_timeout: float) -> None:
    """Wait for one's turn to write; on SQLite, BEGIN IMMEDIATE has done so."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(lock(busy_timeout))


def lock(busy_timeout: float) -> str:
    """What a writing transaction on PostgreSQL begins with: an acknowledged commit is kept, and writers queue."""
    return (
        f"SELECT set_config('lock_timeout', '{int(busy_timeout * 1000)}', true), "
        "CASE current_setting('synchronous_commit') "
        "WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END, "
        "pg_advisory_xact_lock(hashtextextended('nbmlops in ' || current_schema(), 0))"
    )
