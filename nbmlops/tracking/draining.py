"""Puts what journals hold into the catalog: at once when somebody reads, else in the background.

Every batch is one transaction that also says how far the journal has been read, so nothing is lost and nothing comes
twice, wherever a process is killed. While the catalog is away the journal grows, and nobody who logs has to wait.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import NbmlopsError
from nbmlops.store import journal
from nbmlops.store.liveness import place
from nbmlops.tracking.queries import journals

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog, Connection
    from nbmlops.store.journal import Entry, Journal

__all__ = ["Drain"]

_AT_ONCE = 5_000
"""Facts in one transaction."""
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds from a fact to the transaction that takes it along, and between tries while the catalog is away."""


class Drain:
    """The way from the journals of one workspace to its catalog.

    Parameters
    ----------
    catalog : Catalog
        Where facts are kept.
    own : Journal
        What this process writes.
    folder : Path
        Where the journals lie.
    """

    def __init__(self, catalog: Catalog, own: Journal, folder: Path) -> None:
        self._catalog = catalog
        self._own = own
        self._folder = folder
        self._applied: dict[Path, int] = {}
        self._taken = self._closed = 0
        self._gone: list[str] = []
        self._begin()
        catalog.precede(partial(_bring, weakref.ref(self)))

    def _begin(self) -> None:
        self._process = os.getpid()
        self._guard = threading.RLock()
        self._draining = False
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        """Say that the journal has grown: the catalog gets it soon."""
        if self._process != os.getpid():  # a forked child has no threads, and a journal of its own
            self._begin()
        if self._news.is_set():
            return
        self._news.set()
        if self._thread is None:
            self._thread = threading.Thread(
                target=_follow, args=(weakref.ref(self), self._news), name="nbmlops-journal", daemon=True
            )
            self._thread.start()
            atexit.register(_at_exit, weakref.ref(self))

    def own(self) -> None:
        """Bring the catalog to what this process has written; a file that it has wholly goes, with what was said in it.

        Raises
        ------
        UnavailableError
            When the catalog is away.
        """
        with self._guard:
            if self._draining or self._own.written == self._taken:
                return
            self._draining = True
            try:
                written = self._own.written
                for path in self._own.files:
                    size = self._applied[path] = self._drain(path, self._applied.get(path, 0))[0]
                    if self._own.let_go(path, size):
                        del self._applied[path]
                        self._gone.append(self._name(path))
                self._taken = written
            finally:
                self._draining = False

    def everyone(self) -> None:
        """Bring the catalog to what this process has written, and whoever is gone.

        Raises
        ------
        UnavailableError
            When the catalog is away.
        """
        self.own()
        with journal.abandoned(self._folder) as found:
            for path in found:
                self._inherit(path)

    def _inherit(self, path: Path) -> None:
        name = self._name(path)
        _, damaged = self._drain(path, self._catalog.read(lambda c: journals.applied(c, name)))
        if damaged:
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink()
        self._catalog.transact(lambda c: journals.forget(c, name))

    def close(self) -> None:
        """Bring the catalog to what was written and leave nothing behind; what it cannot take now stays for later.

        Raises
        ------
        UnavailableError
            When the catalog is away.
        """
        try:
            self.own()
            if self._own.written != self._closed:
                self._catalog.transact(self._forget_gone)
                self._closed = self._own.written
        finally:
            self._own.close()

    def _forget_gone(self, connection: Connection) -> None:
        """Drop the notes of journals that are there no more; each was there before its note was."""
        for name in journals.known(connection, place(self._folder)):
            if not (self._folder / f"{name.rpartition('-')[2]}.ndjson").exists():
                journals.forget(connection, name)

    def _drain(self, path: Path, start: int) -> tuple[int, int]:
        """Where the catalog is in a journal now, and how many lines of it cannot be read."""
        entries, damaged, name = journal.read(path, start), 0, self._name(path)
        while some := list(islice(entries, _AT_ONCE)):
            gone = tuple(self._gone)
            self._catalog.transact(partial(_take, name=name, entries=some, gone=gone))
            del self._gone[: len(gone)]
            start = some[-1].end
            damaged += sum(entry.fact is None for entry in some)
        return start, damaged

    def _name(self, path: Path) -> str:
        # Several workspaces may share one catalog.
        return f"{place(self._folder)}-{path.stem}"


def _bring(drain: weakref.ref[Drain]) -> None:
    there = drain()
    if there is not None:
        there.own()


def _take(connection: Connection, name: str, entries: list[Entry], gone: tuple[str, ...]) -> None:
    for each in gone:
        journals.forget(connection, each)
    there = journals.applied(connection, name)
    facts = [entry.fact for entry in entries if entry.end > there and entry.fact is not None]
    journals.apply(connection, facts)
    journals.put_applied(connection, name, max(there, entries[-1].end))


def _follow(drain: weakref.ref[Drain], news: threading.Event) -> None:
    """Bring the catalog along for as long as the drain is there."""
    pause = _PAUSE
    while news.wait() and drain() is not None:
        time.sleep(pause)
        news.clear()
        pause = _tried(drain(), pause)
        if pause > _PAUSE:
            news.set()


def _tried(drain: Drain | None, pause: float) -> float:
    """Bring the catalog along; how long to wait until the next time."""
    try:
        if drain is not None:
            drain.own()
    except NbmlopsError as error:
        if pause == _PAUSE:
            print(f"nbmlops keeps what is logged in its journal: {error}", file=sys.stderr)  # noqa: T201 - no face here
        return min(2 * pause, _LONGEST_PAUSE)
    return _PAUSE


def _at_exit(drain: weakref.ref[Drain]) -> None:
    there = drain()
    if there is not None:
        try:
            there.close()
        except NbmlopsError as error:
            print(f"nbmlops left what was logged in its journal: {error}", file=sys.stderr)  # noqa: T201 - as above
