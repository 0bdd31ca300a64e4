"""Write entries into packs of at most 64 MiB, each named by the digest of its bytes when it is full."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from blake3 import blake3

from nbmlops.store.folders import Folder, PackFile, Writing
from nbmlops.store.index import Known, Place
from nbmlops.store.packs import HEADER, Codec, Entry, EntryKind, pack_footer, salted_header

__all__ = ["PACK_LIMIT", "PackSink", "Placed"]

PACK_LIMIT = 64 * 1024 * 1024
_BUFFER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry and the pack that it went into."""

    entry: Entry
    pack: str

    def place(self) -> Place:
        """Where a chunk lies, as the index keeps it."""
        e = self.entry
        return Place(e.digest.hex(), self.pack, e.offset, e.stored, e.size, e.codec)

    def known(self, size: int, created_at: datetime) -> Known:
        """Where the manifest of an object of `size` bytes lies, as the index keeps it."""
        e = self.entry
        return Known(e.digest.hex(), size, self.pack, e.offset, e.stored, created_at)


class PackSink:
    """Takes entries, in order; as a context manager it leaves no pack half written.

    Until it is left, no gc takes its packs for abandoned: so they are entered into the index before that.

    Parameters
    ----------
    folder : Folder
        Where the packs are to lie.
    salted : bool
        Whether each pack gets a name that none ever had. A catalog's packs do: it remembers those that were removed,
        and the same content may come again.
    behind : bool
        Whether a full pack is sealed in the background while the next is filled. `close` waits for it, so that
        nothing can be told of before it is safe.
    """

    def __init__(self, folder: Folder, *, salted: bool = False, behind: bool = False) -> None:
        self._folder = folder
        self._salted = salted
        self._behind = behind
        self._pool: ThreadPoolExecutor | None = None
        self._sealing: Future[None] | None = None
        self._placed: list[Placed] = []
        self._file: PackFile | None = None
        self._sign: Writing | None = None
        self._entries: list[Entry] = []
        self._position = 0
        self._hasher = blake3()
        self._buffer: list[bytes | memoryview] = []
        self._buffered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.abort()
            self._file = None
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        if self._sign is not None:
            self._sign.close()
            self._sign = None

    def add(
        self, kind: EntryKind, digest: str, stored: bytes | memoryview, size: int, codec: Codec = Codec.RAW
    ) -> None:
        """Append an entry: its bytes as they are to lie in the pack, and its size once decoded."""
        if self._entries and self._position + len(stored) > PACK_LIMIT:
            self._seal()
        if self._file is None:
            if self._salted and self._sign is None:
                self._sign = self._folder.enlist()
            self._file = self._folder.create()
            self._hasher, self._entries, self._position = blake3(), [], 0
            self._write(salted_header(secrets.randbits(32)) if self._salted else HEADER)
        self._entries.append(Entry(bytes.fromhex(digest), kind, codec, self._position, len(stored), size))
        self._write(stored)

    def close(self) -> Sequence[Placed]:
        """Seal the last pack, make all of them durable, and tell where each entry went."""
        if self._file is not None:
            self._seal()
        self._sealed()
        if self._placed:
            self._folder.sync()
        return self._placed

    def packs(self) -> set[str]:
        """Names of the packs that were sealed so far."""
        return {placed.pack for placed in self._placed}

    def _write(self, data: bytes | memoryview) -> None:
        self._buffer.append(data)
        self._buffered += len(data)
        self._position += len(data)
        if self._buffered >= _BUFFER:
            self._flush()

    def _flush(self) -> None:
        assert self._file is not None
        data = b"".join(self._buffer)
        self._buffer, self._buffered = [], 0
        self._hasher.update(data)
        self._file.write(data)

    def _seal(self) -> None:
        assert self._file is not None
        self._write(pack_footer(self._entries))
        self._flush()
        name = self._hasher.hexdigest()
        file, self._file = self._file, None
        if self._behind:
            self._seal_behind(file, name)
        else:
            file.seal(name)
        self._placed += [Placed(entry, name) for entry in self._entries]
        self._entries = []

    def _seal_behind(self, file: PackFile, name: str) -> None:
        """Seal a pack in the background, one at a time: how much waits for the disk is bounded."""
        try:
            self._sealed()
        except BaseException:
            file.abort()
            raise
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="nbmlops-seal")
        self._sealing = self._pool.submit(_sealed_or_gone, file, name)

    def _sealed(self) -> None:
        sealing, self._sealing = self._sealing, None
        if sealing is not None:
            sealing.result()


def _sealed_or_gone(file: PackFile, name: str) -> None:
    try:
        file.seal(name)
    except BaseException:
        file.abort()
        raise
