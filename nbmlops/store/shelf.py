"""What a folder of packs holds, as told by the packs themselves: the index of a place without a catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Place
from nbmlops.store.packs import TRAILER_SIZE, BrokenError, Entry, EntryKind, read_index, read_trailer
from nbmlops.store.sink import Placed

__all__ = ["Shelf", "read_entries", "read_tail"]

# One read of this many bytes gets trailer and index of a pack of about a thousand chunks.
_TAIL = 64 * 1024
_READERS = 8


def read_tail(folder: Folder, pack: str, size: int) -> bytes:
    """Index and trailer of a pack of `size` bytes, as they lie there; the trailer is checked, the index is not.

    Raises
    ------
    BrokenError
        When its end is damaged.
    FileNotFoundError
        When it is gone.
    """
    start = max(0, size - _TAIL)
    tail = folder.read(pack, start, size - start)
    begin = read_trailer(tail[-TRAILER_SIZE:], size).index_offset
    return tail[begin - start :] if begin >= start else folder.read(pack, begin, size - begin)


def read_entries(folder: Folder, pack: str, size: int) -> list[Entry]:
    """Entries of a pack of `size` bytes.

    Raises
    ------
    BrokenError
        When its end or its index is damaged.
    FileNotFoundError
        When it is gone.
    UnsupportedError
        When a newer protocol wrote it.
    """
    try:
        tail = read_tail(folder, pack, size)
        return read_index(read_trailer(tail[-TRAILER_SIZE:], size), tail[:-TRAILER_SIZE])
    except UnsupportedError as error:
        # A bit that flipped may tell of a newer protocol, too; only a pack that was written so gives its name.
        if digests.of_bytes(folder.read(pack, 0, size)) == pack:
            raise
        raise BrokenError("its end is damaged") from error


class Shelf:
    """All entries of the packs in a folder, as they were when this was made; those of some packs may be left out."""

    def __init__(self, folder: Folder, without: Collection[str] = ()) -> None:
        self.folder = folder
        self.unreadable: list[str] = []
        self._chunks: dict[str, list[Place]] = {}
        self._manifests: dict[str, list[Placed]] = {}
        self.packs = {pack: size for pack, size in folder.names().items() if pack not in without}
        with ThreadPoolExecutor(_READERS) as pool:
            for pack, entries in pool.map(self._entries, self.packs.items()):
                self._add(pack, entries)

    def _entries(self, named: tuple[str, int]) -> tuple[str, list[Entry] | None]:
        pack, size = named
        try:
            return pack, read_entries(self.folder, pack, size)
        except (BrokenError, FileNotFoundError):
            return pack, None

    def _add(self, pack: str, entries: list[Entry] | None) -> None:
        if entries is None:
            self.unreadable.append(pack)
            return
        for entry in entries:
            placed = Placed(entry, pack)
            if entry.kind is EntryKind.MANIFEST:
                self._manifests.setdefault(entry.digest.hex(), []).append(placed)
            else:
                self._chunks.setdefault(entry.digest.hex(), []).append(placed.place())

    def __iter__(self) -> Iterator[Place]:
        for places in self._chunks.values():
            yield places[0]

    def chunks(self, digest: str) -> list[Place]:
        """Every place where a chunk lies."""
        return self._chunks.get(digest, [])

    def manifests(self, digest: str) -> list[Placed]:
        """Every place where a manifest of an object lies."""
        return self._manifests.get(digest, [])

    def described(self) -> Iterator[str]:
        """Objects that have a manifest here."""
        return iter(self._manifests)
