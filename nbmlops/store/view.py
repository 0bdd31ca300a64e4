"""An object in memory of which only the parts that are asked for are read.

The memory is reserved, not used: pages of it that nothing was read into take none. A reader that jumps about, such as
Arrow's of Parquet, so works on plain memory in all its threads, and every chunk was re-hashed before it got there.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from nbmlops.store.index import Place
from nbmlops.store.manifests import Manifest
from nbmlops.store.reader import Shelves

__all__ = ["ObjectView"]

_THREADS = max(1, min(4, os.cpu_count() or 1))
_LITTLE = 2 << 20


class ObjectView:
    """Memory of an object's size.

    Parameters
    ----------
    shelves : Shelves
        Where the chunks are read from.
    manifest : Manifest
        The object's chunks.
    """

    def __init__(self, shelves: Shelves, manifest: Manifest) -> None:
        self._shelves = shelves
        self._manifest = manifest
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self.memory = mmap.mmap(-1, max(manifest.size, 1), flags=flags)
        self._here = bytearray(len(manifest))

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return self._manifest.size

    def need(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read what is not here yet of some ranges, each from its first byte to before its last.

        Raises
        ------
        CorruptError
            At the first chunk that is not what was stored.
        """
        missing = sorted(
            {
                number
                for begin, end in ranges
                if begin < end
                for number in range(self._manifest.at(begin), self._manifest.at(end - 1) + 1)
                if not self._here[number]
            }
        )
        places = self._shelves.locate(self._manifest.digest, [self._manifest[number] for number in missing])
        whole = list(zip(missing, places, strict=True))
        if sum(place.size for place in places) <= _LITTLE:
            self._fill(whole)
            return
        share = -(-len(whole) // _THREADS)
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(self._fill, [whole[start : start + share] for start in range(0, len(whole), share)]))

    def forget(self, before: int) -> None:
        """Give back the memory of all chunks that end before an offset."""
        last = self._manifest.at(min(before, self.size - 1)) if self.size else 0
        self._here[:last] = bytes(last)
        length = self._manifest.start(last) // mmap.PAGESIZE * mmap.PAGESIZE
        if length:
            self.memory.madvise(mmap.MADV_DONTNEED, 0, length)

    def _fill(self, numbered: Sequence[tuple[int, Place]]) -> None:
        found = self._shelves.fetch(self._manifest.digest, [place for _, place in numbered])
        for (number, _), (place, _, content) in zip(numbered, found, strict=True):
            start = self._manifest.start(number)
            self.memory[start : start + place.size] = content
            self._here[number] = 1
