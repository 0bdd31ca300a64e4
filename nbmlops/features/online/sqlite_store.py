"""The online store in one file of SQLite, for one machine.

One row holds all features of a key, so that a look-up is one step down one tree. The file can be made again from the
offline tables; it is not the catalog, and is never in its way.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from nbmlops.features.online.port import Found, Row, erased_meanwhile, overtaken, unavailable
from nbmlops.features.online.records import Slot

__all__ = ["SqliteStore"]

T = TypeVar("T")
_MAPPED = 1 << 30
_AT_ONCE, _PIECES = 500, 16
"""Keys of one slot in a piece of a statement, and pieces of a statement."""
_PAGE = 10_000
_PATIENCE = 60.0
_WAL_IS_SAFE = (3, 51, 3)
_TABLES = """
CREATE TABLE IF NOT EXISTS slot (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS row (
    slot INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, source INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (slot, key)
) STRICT, WITHOUT ROWID;
"""
_PUT = """
INSERT INTO row (slot, key, at, source, text) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (slot, key) DO UPDATE SET at = excluded.at, source = excluded.source, text = excluded.text
WHERE (excluded.at, excluded.source) >= (row.at, row.source)
"""
_GET = "SELECT at, text FROM row WHERE slot = ? AND key = ?"


class _Local(threading.local):
    """What each thread has of its own."""

    connection: sqlite3.Connection | None = None


class SqliteStore:
    """Values in a file.

    Parameters
    ----------
    path : Path
        The file; made when it is not there and something is written.
    patience : float
        Seconds for which others may keep it busy.
    """

    remains = ""

    def __init__(self, path: Path, patience: float = _PATIENCE) -> None:
        self.path = path
        self._patience = patience
        self._local = _Local()
        self._open: list[sqlite3.Connection] = []
        self._guard = threading.Lock()

    def slots(self) -> list[Slot]:
        """All slots, by id."""
        if not self.path.exists():
            return []
        rows = self._asked(lambda c: c.execute("SELECT id, state FROM slot ORDER BY id").fetchall())
        return [Slot.of({**json.loads(state), "id": number}) for number, state in rows]

    def make(self, slot: Slot) -> Slot:
        """Add a slot; gives it with its id."""
        with self._writing() as connection:
            number = connection.execute("INSERT INTO slot (state) VALUES (?)", (_text(slot),)).lastrowid
        assert number is not None
        return replace(slot, id=number)

    def write(self, slot: Slot, rows: Sequence[Row], gone: Sequence[str] = ()) -> None:
        """Remove some keys, put rows where they are newer, and bring the state of a slot to this, in one."""
        with self._writing() as connection:
            known = connection.execute("SELECT state FROM slot WHERE id = ?", (slot.id,)).fetchone()
            state = json.loads(known[0]) if known else {}
            if not state or state["filling"] > slot.filling:
                raise overtaken(slot)
            if state.get("fence", 0) != slot.fence:
                raise erased_meanwhile(slot)
            connection.executemany(
                "DELETE FROM row WHERE slot = ? AND key = ? AND source <= ?",
                [(slot.id, key, slot.filling) for key in gone],
            )
            connection.executemany(_PUT, [(slot.id, *row) for row in rows])
            connection.execute("UPDATE slot SET state = ? WHERE id = ?", (_text(slot), slot.id))

    def read(self, asked: Sequence[tuple[int, Sequence[str]]]) -> list[list[Found]]:
        """For each slot, and each key that is asked of it, the event time and text; by one statement where it can."""
        if len(asked) == 1 and len(asked[0][1]) == 1:
            ((slot, (key,)),) = asked
            try:
                connection = self._local.connection or self._connection()
                return [[connection.execute(_GET, (slot, key)).fetchone()]]
            except sqlite3.Error as error:
                raise unavailable(str(self.path), error) from error
        pieces = [
            (place, slot, keys[first : first + _AT_ONCE])
            for place, (slot, keys) in enumerate(asked)
            for first in range(0, len(keys), _AT_ONCE)
        ]
        found: list[dict[str, Found]] = [{} for _ in asked]
        for first in range(0, len(pieces), _PIECES):
            some = pieces[first : first + _PIECES]
            wanted = _get_many(tuple(len(keys) for _, _, keys in some))
            values = [value for _, slot, keys in some for value in (slot, *keys)]
            rows = self._asked(lambda c, wanted=wanted, values=values: c.execute(wanted, values).fetchall())  # type: ignore[misc]
            if len(some) == 1:
                found[some[0][0]].update({key: (at, text) for _, key, at, text in rows})
                continue
            for piece, key, at, text in rows:
                found[some[piece][0]][key] = at, text
        return [list(map(rows.get, keys)) for rows, (_, keys) in zip(found, asked, strict=True)]

    def holds(self, slot: int) -> bool:
        """Whether a slot is there."""
        return self._asked(lambda c: c.execute("SELECT 1 FROM slot WHERE id = ?", (slot,)).fetchone()) is not None

    def count(self, slot: int) -> int:
        """How many keys a slot has."""
        found: int = self._asked(lambda c: c.execute("SELECT count(*) FROM row WHERE slot = ?", (slot,)).fetchone()[0])
        return found

    def keys(self, slot: int) -> list[str]:
        """All its keys."""
        return [
            key for (key,) in self._asked(lambda c: c.execute("SELECT key FROM row WHERE slot = ?", (slot,)).fetchall())
        ]

    def scan(self, slot: int) -> Iterator[list[Row]]:
        """All rows, some at a time."""
        wanted = "SELECT key, at, source, text FROM row WHERE slot = ? AND key > ? ORDER BY key LIMIT ?"
        after = ""
        while page := self._asked(lambda c, after=after: c.execute(wanted, (slot, after, _PAGE)).fetchall()):  # type: ignore[misc]
            yield [Row(*row) for row in page]
            after = page[-1][0]

    def erase(self, slot: int, keys: Sequence[str]) -> int:
        """Remove keys, and refuse from now on whoever has read the slot before; how many keys there were."""
        with self._writing() as connection:
            known = connection.execute("SELECT state FROM slot WHERE id = ?", (slot,)).fetchone()
            if known is None:
                return 0
            connection.execute("PRAGMA secure_delete = ON")
            pairs = [(slot, key) for key in keys]
            gone = connection.executemany("DELETE FROM row WHERE slot = ? AND key = ?", pairs).rowcount if keys else 0
            state = json.loads(known[0])
            state["fence"] = state.get("fence", 0) + 1
            connection.execute("UPDATE slot SET state = ? WHERE id = ?", (json.dumps(state), slot))
        return gone

    def scrub(self) -> None:
        """Copy what is there into a file without freed pages, and empty the journal beside it."""
        if not self.path.exists():
            return
        self._asked(lambda c: c.execute("VACUUM"))
        until = time.monotonic() + self._patience
        while self._asked(lambda c: c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())[0]:
            if time.monotonic() > until:
                raise unavailable(str(self.path), TimeoutError("others keep reading it"))
            time.sleep(0.05)

    def drop(self, slot: int) -> None:
        """Remove a slot with all its rows."""
        with self._writing() as connection:
            connection.execute("DELETE FROM row WHERE slot = ?", (slot,))
            connection.execute("DELETE FROM slot WHERE id = ?", (slot,))

    def close(self) -> None:
        """Give back connections."""
        with self._guard:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._local = _Local()

    def _connection(self) -> sqlite3.Connection:
        if self._local.connection is not None:
            return self._local.connection
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Each thread has its own; that another may close it is for the end.
        made = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        try:
            if sqlite3.sqlite_version_info >= _WAL_IS_SAFE:
                made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = NORMAL")
            made.execute(f"PRAGMA mmap_size = {_MAPPED}")
            made.execute("PRAGMA cache_size = -65536")
            made.executescript(_TABLES)
        except BaseException:
            made.close()
            raise
        self._local.connection = made
        with self._guard:
            self._open.append(made)
        return made

    def _asked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection())
        except sqlite3.Error as error:
            raise unavailable(str(self.path), error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise unavailable(str(self.path), error) from error


@lru_cache(64)
def _get_many(sizes: tuple[int, ...]) -> str:
    """What gets so many keys of a slot, and so many of another: the number of the piece, keys, times and texts."""
    return " UNION ALL ".join(
        f"SELECT {number}, key, at, text FROM row WHERE slot = ? AND key IN ({','.join('?' * size)})"  # noqa: S608 - question marks
        for number, size in enumerate(sizes)
    )


def _text(slot: Slot) -> str:
    return json.dumps(slot.document())
