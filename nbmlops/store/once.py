"""A transaction whose answer was lost is done once: the next one looks whether it was kept.

A connection may break after COMMIT was sent and before the answer is here. Each writer, that is a thread, leaves with
what it writes a word that nobody else knows, in a row of its own; whoever takes its turn after the break finds the word
or does not. The number of the transaction would not do: after a crash PostgreSQL gives it to another.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from typing import Generic, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from nbmlops.store import schema

__all__ = ["Once", "Writers"]

T = TypeVar("T")
_DAY = 86_400


class Writers:
    """Names of those who write through one catalog."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._known: set[str] = set()

    def here(self) -> str:
        """Name of this thread."""
        return f"{self._token}-{os.getpid()}-{threading.get_ident()}"

    def is_new(self, writer: str) -> bool:
        """Whether a writer writes for the first time."""
        fresh = writer not in self._known
        self._known.add(writer)
        return fresh


class Once(Generic[T]):
    """One transaction, however often it is tried.

    Parameters
    ----------
    writers : Writers
        Of the catalog that it is of.
    """

    def __init__(self, writers: Writers) -> None:
        self._writers = writers
        self._word: str | None = None
        self._result: tuple[T] | None = None

    def kept(self, connection: Connection) -> tuple[T] | None:
        """What it gave when it was kept though its answer was lost; None when it has to be done, again or at last."""
        if self._word is None:
            return None
        found = connection.execute(select(schema.writer.c.word).filter_by(id=self._writers.here())).scalar()
        was_kept = found == self._word
        self._word = None
        return self._result if was_kept else None

    def leave(self, connection: Connection, result: T) -> None:
        """Leave the word, just before the commit."""
        if connection.dialect.name != "postgresql":
            return
        row, writer, now = schema.writer, self._writers.here(), int(time.time())
        word = secrets.token_hex(8)
        if self._writers.is_new(writer):
            connection.execute(delete(row).where(row.c.at < now - _DAY))
        values = {"word": word, "at": now}
        if connection.execute(update(row).filter_by(id=writer).values(**values)).rowcount == 0:
            connection.execute(insert(row).values(id=writer, **values))
        self._word, self._result = word, (result,)
