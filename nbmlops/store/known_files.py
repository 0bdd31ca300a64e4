"""Large files that are stored already, recognised without taking them in again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import BinaryIO

from nbmlops.core.clock import Clock
from nbmlops.store.index import Claim, Index
from nbmlops.store.stamps import Stamps
from nbmlops.store.streams import Stored, digest_of_file

__all__ = ["KnownFiles"]

_LARGE = 16 * 1024 * 1024
"""Bytes; a smaller file is taken in again in less time than looking takes."""


class KnownFiles:
    """Recognises.

    Parameters
    ----------
    index : Index
        What is stored.
    is_whole : callable
        Whether some objects can be read, all of each.
    clock : Clock
        Tells when a file was found stored.
    stamps : Stamps, optional
        Remembers files that were hashed; without it each is hashed again.
    """

    def __init__(
        self, index: Index, is_whole: Callable[[Iterable[str]], bool], clock: Clock, stamps: Stamps | None
    ) -> None:
        self._index = index
        self._is_whole = is_whole
        self._clock = clock
        self._stamps = stamps

    def find(self, stream: BinaryIO) -> Stored | None:
        """A file that is stored already; else None, and it stands at its beginning.

        It is hashed only when an object of its size is stored, and read only when its stamps do not tell its digest.
        """
        size = os.fstat(stream.fileno()).st_size
        if size < _LARGE or not self._index.has_size(size):
            return None
        turn = self._index.turn()
        digest = self._digest(stream)
        if not self._is_whole([digest]):
            stream.seek(0)
            return None
        self._index.add((), (), Claim(turn, (), [digest], self._clock.now()))
        return Stored(digest, size, 0)

    def taking_in(self, stream: BinaryIO) -> Callable[[Stored], None]:
        """What is to be called with what was stored once a file, now at its beginning, was taken in."""
        began = self._stamps.now() if self._stamps else 0

        def keep(stored: Stored) -> None:
            if self._stamps is not None and stored.size >= _LARGE:
                self._stamps.keep(stream, stored.digest, began)

        return keep

    def _digest(self, stream: BinaryIO) -> str:
        if self._stamps is None:
            return digest_of_file(stream)
        if remembered := self._stamps.digest(stream):
            return remembered
        began = self._stamps.now()
        digest = digest_of_file(stream)
        self._stamps.keep(stream, digest, began)
        return digest
