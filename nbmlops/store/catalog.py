"""The catalog: its tables, and transactions that are retried whole and never span a user's code."""

from __future__ import annotations

import random
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, inspect, text

from nbmlops.core.errors import NotFoundError, UnavailableError, UnsupportedError
from nbmlops.store import engines, schema
from nbmlops.store.engines import journal_mode
from nbmlops.store.once import Once, Writers
from nbmlops.store.refusals import BrokenError, BusyError, explained

__all__ = ["Catalog", "Connection", "journal_mode"]

T = TypeVar("T")
_RESTART = 10.0
"""Seconds in which a server that went away is back, when it was only started anew."""


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
        self._url = engines.parsed(url)
        self._busy_timeout = busy_timeout
        self._before: Callable[[], object] | None = None
        self._settle: Callable[[], object] | None = None
        self._writers = Writers()
        self._met = False
        self._writer, self._reader = engines.opened(self._url, busy_timeout)
        # Python 3.13 warns of a database that is dropped open; nobody has to close a workspace by hand.
        for engine in (self._writer, self._reader):
            weakref.finalize(self, engine.dispose)

    @property
    def is_sqlite(self) -> bool:
        """Whether the catalog is the embedded default."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The file of an embedded catalog."""
        return Path(self._url.database or "")

    @property
    def shown(self) -> str:
        """Where it is, as people may see it: without a password."""
        return str(self.path) if self.is_sqlite else self._url.render_as_string(hide_password=True)

    def create(self) -> None:
        """Create the tables of a new catalog and stamp it with the newest revision; of two at once one does it."""

        def work(connection: Connection) -> None:
            if inspect(connection).has_table("alembic_version"):
                return
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

    def ensure_current(self, keep: Callable[[Connection, str], None] | None = None) -> None:
        """Bring an older catalog to this version's tables; `keep` copies one that is no file.

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
            raise NotFoundError(f"the catalog {self.shown} has no tables", hint="make a workspace with `ml init`")
        if revision not in migrate.revisions():
            raise UnsupportedError(
                f"the catalog has revision {revision}, which this nbmlops does not know: a newer one wrote it",
                hint="pip install --upgrade nbmlops",
            )
        try:
            with explained(self._url):
                migrate.upgrade(self.url, keep=keep)
        except BusyError as busy:
            raise self._locked() from busy
        except BrokenError as broken:
            raise broken.told from broken

    def precede(self, bring: Callable[[], object]) -> None:
        """Call `bring` before anything is read or written: it brings what the catalog does not have yet."""
        self._before = bring

    def settles_by(self, settle: Callable[[], object]) -> None:
        """Call `settle` when somebody asks for all that was said: by this process, and by those that are gone."""
        self._settle = settle

    def settle(self) -> None:
        """Have everything here that was said."""
        if self._settle:
            self._settle()

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
        patience: float | None = None
        once = Once[T](self._writers)
        while True:
            try:
                with explained(self._url), self._writer.begin() as connection:
                    engines.begin(connection, self._busy_timeout)
                    if (kept := once.kept(connection)) is not None:
                        return kept[0]
                    result = work(connection)
                    once.leave(connection, result)
                self._met = True
                return result
            except BusyError as busy:
                if time.monotonic() > deadline:
                    raise self._locked() from busy
            except BrokenError as broken:
                patience = self._waiting(broken, patience)
            time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - spreads the writers, guards nothing

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a consistent view of the catalog; raises as `transact` does."""
        if self._before:
            self._before()
        patience: float | None = None
        while True:
            try:
                with explained(self._url), self._reader.connect() as connection:
                    result = work(connection)
                self._met = True
                return result
            except BusyError as busy:
                raise self._locked() from busy
            except BrokenError as broken:
                patience = self._waiting(broken, patience)
                time.sleep(0.05)

    def _waiting(self, broken: BrokenError, patience: float | None) -> float:
        """Until when a server that went away is waited for; raises what to tell when it is not, or not any longer."""
        now = time.monotonic()
        if now > (patience or (now if self._met or broken.was_open else 0.0)):
            raise broken.told from broken
        return patience or now + _RESTART

    def _locked(self) -> UnavailableError:
        return UnavailableError(
            f"the catalog {self.shown} stayed locked for {self._busy_timeout:.0f} s",
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
            self._vacuum_tables()
            return
        self.close()  # a journal of ours that is still open would keep what it holds
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                with explained(self._url), closing(self._bare()) as connection:
                    connection.execute("VACUUM")
                    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                if not busy:
                    return
            except BusyError as error:
                if time.monotonic() > deadline:
                    raise self._locked() from error
            if time.monotonic() > deadline:
                raise self._locked()
            time.sleep(0.05)

    def _vacuum_tables(self) -> None:
        with explained(self._url), self._writer.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in schema.metadata.sorted_tables:
                connection.exec_driver_sql(f'VACUUM FULL "{table.name}"')

    def _bare(self) -> sqlite3.Connection:
        """A connection that begins no transactions: VACUUM runs in none."""
        connection = sqlite3.connect(self.path, timeout=self._busy_timeout, isolation_level=None)
        connection.execute(f"PRAGMA synchronous={journal_mode()[1]}")
        return connection

    def close(self) -> None:
        """Give back the connections."""
        self._writer.dispose()
        self._reader.dispose()
