"""The catalog's engines and transactions.

SQLite, the embedded default: writers begin IMMEDIATE, so that two of them queue instead of failing
half-way; readers have an engine of their own. WAL is used only where the library has the fix of the
WAL-reset bug (3.51.3, https://www.sqlite.org/wal.html#walresetbug); before that the rollback journal
with ``synchronous=EXTRA``, which keeps an acknowledged commit through a power cut.
"""

from __future__ import annotations

import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from nbmlops.core.errors import NotFoundError, UnavailableError, UnsupportedError
from nbmlops.store import filesystem, schema

__all__ = ["Catalog", "Connection", "journal_mode"]

T = TypeVar("T")
_WAL_FIXED = (3, 51, 3)
_RACES = 20
_BUSY = ("database is locked", "database table is locked", "database schema is locked")


def journal_mode(library: tuple[int, ...] = sqlite3.sqlite_version_info) -> tuple[str, str, str]:
    """Choose SQLite's journal for a library version: its mode, its ``synchronous``, and why."""
    shown = ".".join(map(str, library))
    if library >= _WAL_FIXED:
        return "WAL", "FULL", f"SQLite {shown} has the WAL-reset fix"
    return "DELETE", "EXTRA", f"SQLite {shown} is older than 3.51.3 and lacks the WAL-reset fix"


class Catalog:
    """Facts in SQL: short transactions, retried whole, never spanning a user's code.

    Parameters
    ----------
    url : str
        A SQLAlchemy URL, such as ``sqlite:////home/me/project/.nbmlops/catalog.db``.
    busy_timeout : float
        Seconds to wait for another writer before giving up.
    """

    def __init__(self, url: str, *, busy_timeout: float = 60.0) -> None:
        self.url = url
        self._busy_timeout = busy_timeout
        if self.is_sqlite:
            filesystem.refuse_network(self.path.parent)
        self._before: Callable[[], object] | None = None
        self._writer = self._engine("BEGIN IMMEDIATE")
        self._reader = self._engine("BEGIN")
        # Python 3.13 warns of a database that is dropped open; nobody has to close a workspace by hand.
        for engine in (self._writer, self._reader):
            weakref.finalize(self, engine.dispose)

    @property
    def is_sqlite(self) -> bool:
        """Whether the catalog is the embedded default."""
        return make_url(self.url).get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The file of an embedded catalog."""
        return Path(make_url(self.url).database or "")

    def _engine(self, begin: str) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True)
        engine = create_engine(self.url, connect_args={"timeout": self._busy_timeout})
        mode, synchronous, _ = journal_mode()
        milliseconds = int(self._busy_timeout * 1000)  # not self: the engine's hooks must not keep the catalog alive

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

    def create(self) -> None:
        """Create the tables of a new catalog and stamp it with the newest revision."""

        def work(connection: Connection) -> None:
            schema.metadata.create_all(connection)
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": schema.HEAD})

        self.transact(work)

    def revision(self) -> str | None:
        """Revision that the catalog is stamped with, or None for an empty one."""

        def work(connection: Connection) -> str | None:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

        return self.read(work)

    def ensure_current(self) -> None:
        """Bring an older catalog to this version's tables.

        Raises
        ------
        NotFoundError
            When the catalog has no tables.
        UnsupportedError
            When a newer nbmlops wrote it.
        """
        if self.is_sqlite and not self.path.exists():
            raise NotFoundError(f"the catalog {self.path} is gone", hint="restore it from a backup")
        revision = self.revision()
        if revision == schema.HEAD:
            return
        from nbmlops.store import migrate

        if revision is None:
            raise NotFoundError(f"the catalog {self.url} has no tables", hint="make a workspace with `ml init`")
        if revision not in migrate.revisions():
            raise UnsupportedError(
                f"the catalog has revision {revision}, which this nbmlops does not know: a newer one wrote it",
                hint="pip install --upgrade nbmlops",
            )
        migrate.upgrade(self.url)

    def precede(self, bring: Callable[[], object]) -> None:
        """Call `bring` before anything is read or written: it brings what the catalog does not have yet."""
        self._before = bring

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one writing transaction and commit; run it again, whole, when it lost a race.

        Raises
        ------
        UnavailableError
            When the catalog is locked for longer than the busy timeout, full, read-only or away.
        """
        if self._before:
            self._before()
        deadline = time.monotonic() + self._busy_timeout
        lost = 0
        while True:
            try:
                with self._explained(), self._writer.begin() as connection:
                    return work(connection)
            except _BusyError as busy:
                if time.monotonic() > deadline:
                    raise self._locked() from busy
            except IntegrityError:
                # SQLite's writers queue; elsewhere two may reckon the same next number, and one is told so here.
                lost += 1
                if self.is_sqlite or lost > _RACES:
                    raise
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - spreads the writers, guards nothing

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent view of the catalog."""
        if self._before:
            self._before()
        try:
            with self._explained(), self._reader.connect() as connection:
                return work(connection)
        except _BusyError as busy:
            raise self._locked() from busy

    def _locked(self) -> UnavailableError:
        return UnavailableError(
            f"the catalog {self.path} stayed locked for {self._busy_timeout:.0f} s",
            hint="look for a stuck nbmlops process, then try again",
        )

    def erase(self, work: Callable[[Connection], T]) -> T:
        """`transact`, where what is deleted is written over with zeros in the pages that stay."""

        def overwriting(connection: Connection) -> T:
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            return work(connection)

        try:
            return self.transact(overwriting)
        finally:
            self._writer.dispose()  # the setting goes with its connections

    def vacuum(self) -> None:
        """Give freed pages back, so that no bytes of deleted rows are left in the database's files.

        Raises
        ------
        UnavailableError
            When somebody keeps reading or writing for longer than the busy timeout, or the disk has no room for a
            second copy of the catalog.
        """
        if not self.is_sqlite:
            with self._explained(), self._writer.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                for table in schema.metadata.sorted_tables:
                    connection.exec_driver_sql(f'VACUUM FULL "{table.name}"')
            return
        self.close()  # a journal of ours that is still open would keep what it holds
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                with self._explained(), closing(self._bare()) as connection:
                    connection.execute("VACUUM")
                    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                if not busy:
                    return
            except _BusyError as error:
                if time.monotonic() > deadline:
                    raise self._locked() from error
            if time.monotonic() > deadline:
                raise self._locked()
            time.sleep(0.05)

    def _bare(self) -> sqlite3.Connection:
        """A connection that begins no transactions: VACUUM runs in none."""
        connection = sqlite3.connect(self.path, timeout=self._busy_timeout, isolation_level=None)
        connection.execute(f"PRAGMA synchronous={journal_mode()[1]}")
        return connection

    def close(self) -> None:
        """Give back the connections."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, sqlite3.Error) as error:
            said = str(getattr(error, "orig", error))
            if any(word in said for word in _BUSY):
                raise _BusyError(said) from error
            raise _unavailable(self.url, said) from error


class _BusyError(Exception):
    """Another writer holds the catalog; the whole transaction may be tried again."""


def _unavailable(url: str, said: str) -> Exception:
    shown = make_url(url).render_as_string(hide_password=True)
    if "disk is full" in said:
        return UnavailableError(f"the disk of the catalog {shown} is full", hint="free some space, then try again")
    if "readonly" in said or "unable to open" in said:
        return UnavailableError(f"the catalog {shown} cannot be written: {said}", hint="check its permissions")
    if "malformed" in said or "not a database" in said:
        return UnavailableError(f"the catalog {shown} is damaged: {said}", hint="restore it from a backup")
    return UnavailableError(f"the catalog {shown} failed: {said}", hint="`ml doctor`")
