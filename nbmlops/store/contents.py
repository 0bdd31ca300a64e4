"""Where some chunks and manifests lie in a folder of packs that has no catalog, as its packs tell.

Of each pack only the index is read, once: packs never change, so what was read is kept in a folder of this machine.
Nothing but what is asked for is held in memory, since a remote may hold far more than any workspace.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbmlops.core import digests
from nbmlops.store.folders import Folder
from nbmlops.store.index import Place
from nbmlops.store.packs import (
    ENTRY_SIZE,
    TRAILER_SIZE,
    BrokenError,
    Entry,
    EntryKind,
    check_index,
    read_index,
    read_trailer,
)
from nbmlops.store.shelf import read_tail
from nbmlops.store.sink import Placed

__all__ = ["Contents", "Found"]

_READERS = 16


@dataclass(slots=True)
class Found:
    """All places of what was asked for."""

    chunks: dict[str, list[Place]] = field(default_factory=dict)
    manifests: dict[str, list[Placed]] = field(default_factory=dict)


class Contents:
    """What lies in the packs of a folder, as they are when this is made.

    Parameters
    ----------
    folder : Folder
        The packs.
    cache : Path, optional
        A folder of this machine for the indexes of packs, one for each place; made when it is not there.
    """

    def __init__(self, folder: Folder, cache: Path | None = None) -> None:
        self.folder = folder
        self.packs = folder.names()
        self._cache = None if cache is None else cache / digests.of_bytes(folder.where.encode())[:16]
        self._held: dict[str, bytes] = {}
        self._broken: set[str] = set()
        self._forget()

    def find(self, wanted: Collection[str]) -> Found:
        """Places of those chunks, and of the manifests of those objects, that lie here; broken packs hold none."""
        found, keys = Found(), {bytes.fromhex(digest) for digest in wanted}
        if not keys:
            return found
        for pack, entries in self._indexes(keys):
            for entry in entries:
                if entry.digest in keys:
                    placed = Placed(entry, pack)
                    if entry.kind is EntryKind.MANIFEST:
                        found.manifests.setdefault(entry.digest.hex(), []).append(placed)
                    else:
                        found.chunks.setdefault(entry.digest.hex(), []).append(placed.place())
        return found

    def _indexes(self, keys: set[bytes]) -> Iterator[tuple[str, list[Entry]]]:
        """Packs that hold any of these digests, and what is in them."""

        def one(pack: str) -> tuple[str, list[Entry]]:
            return pack, self._entries(pack, keys)

        with ThreadPoolExecutor(_READERS) as pool:
            yield from pool.map(one, self.packs)

    def _entries(self, pack: str, keys: set[bytes]) -> list[Entry]:
        if pack in self._broken:
            return []
        kept, size = self._kept(pack), self.packs[pack]
        if kept is not None:
            with suppress(BrokenError):
                return _parsed(kept, size, keys)
        try:
            tail = read_tail(self.folder, pack, size)
            entries = _parsed(tail, size, keys)
        except (BrokenError, FileNotFoundError):
            # A damaged pack, or one that was just replaced, has nothing to give; what it held is found missing.
            self._broken.add(pack)
            return []
        self._keep(pack, tail)
        return entries

    def _kept(self, pack: str) -> bytes | None:
        if self._cache is None:
            return self._held.get(pack)
        try:
            return (self._cache / pack).read_bytes()
        except OSError:
            return None  # read from the pack itself then

    def _keep(self, pack: str, tail: bytes) -> None:
        if self._cache is None:
            self._held[pack] = tail
            return
        with suppress(OSError):  # a cache that cannot be written costs time only
            self._cache.mkdir(parents=True, exist_ok=True)
            temporary = self._cache / f".{secrets.token_hex(8)}"
            temporary.write_bytes(tail)
            temporary.replace(self._cache / pack)

    def _forget(self) -> None:
        """Drop what is kept of packs that are gone."""
        if self._cache is not None and self._cache.is_dir():
            for path in self._cache.iterdir():
                if path.name not in self.packs:
                    with suppress(OSError):
                        path.unlink()


def _parsed(tail: bytes, size: int, keys: set[bytes]) -> list[Entry]:
    """Entries of a pack by its index and trailer, checked; none of them when it has none of the digests."""
    trailer = read_trailer(tail[-TRAILER_SIZE:], size)
    index = tail[:-TRAILER_SIZE]
    check_index(trailer, index)
    if keys.isdisjoint(index[at : at + 32] for at in range(0, len(index), ENTRY_SIZE)):
        return []
    return read_index(trailer, index)
