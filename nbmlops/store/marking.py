"""Which chunks the objects that are kept are made of.

Of each digest the first eight bytes are taken, so that a hundred million chunks fit in memory and are compared in
bulk. Two chunks that share them are rare, and harm nothing: then one is kept that could have gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from nbmlops.store.index import Known
from nbmlops.store.manifests import ITEM
from nbmlops.store.reader import Shelves

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Prefixes = NDArray[np.uint64]

__all__ = ["Marks", "listed_in", "prefixes"]

_PAGE = 256
_READERS = 8
_MERGED = 1 << 22


def prefixes(digests: Iterable[str]) -> Prefixes:
    """Beginnings of digests given in hex."""
    import numpy as np

    return np.frombuffer(bytes.fromhex("".join(digest[:16] for digest in digests)), "<u8")


def listed_in(body: bytes) -> Prefixes:
    """Beginnings of the digests that the items of a manifest hold."""
    import numpy as np

    item = np.dtype([("digest", "<u8"), ("rest", f"V{ITEM.size - 8}")])
    return np.ascontiguousarray(np.frombuffer(body, item)["digest"])


class Marks:
    """Chunks of objects that were marked; an object is read once, however often it is marked.

    Parameters
    ----------
    shelves : Shelves
        Where the manifests are read from.
    """

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._known: set[str] = set()
        self._parts: list[Prefixes] = []
        self._count = 0

    def add_chunks(self, digests: Iterable[str]) -> None:
        """Mark chunks by themselves."""
        self._append(prefixes(digests))

    def add(self, objects: Iterable[Known]) -> None:
        """Mark objects.

        Raises
        ------
        CorruptError
            When the manifest of one is damaged: what it is made of is not known then.
        NotFoundError
            When one was removed meanwhile.
        """
        new = [known for known in objects if known.digest not in self._known]
        self._known.update(known.digest for known in new)
        self.add_chunks(known.digest for known in new if not known.pack)
        for listed in self.listed(known for known in new if known.pack):
            self._append(listed)

    def listed(self, objects: Iterable[Known]) -> Iterator[Prefixes]:
        """Chunks of each of some objects, in their order."""
        waiting = iter(objects)
        with ThreadPoolExecutor(_READERS) as pool:
            while page := list(islice(waiting, _PAGE)):
                yield from map(listed_in, pool.map(self._shelves.body_of, page))

    def holds(self, digests: Iterable[str]) -> NDArray[np.bool_]:
        """For each chunk whether an object that was marked has it."""
        import numpy as np

        self._merge()
        asked = prefixes(digests)
        if not self._parts:
            return np.zeros(len(asked), bool)
        (marked,) = self._parts
        at = np.searchsorted(marked, asked)
        return np.asarray(marked[np.minimum(at, len(marked) - 1)] == asked)

    def _append(self, part: Prefixes) -> None:
        if len(part):
            self._parts.append(part)
            self._count += len(part)
            if self._count > max(_MERGED, len(self._parts[0])):
                self._merge()

    def _merge(self) -> None:
        import numpy as np

        if len(self._parts) > 1 or self._count:
            self._parts, self._count = [np.unique(np.concatenate(self._parts))], 0
