"""Which chunks the objects that are kept are made of.

Of each digest the first eight bytes are taken, so that a hundred million chunks fit in memory and are compared in
bulk. Two chunks that share them are rare, and harm nothing: then one is kept that could have gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, NotFoundError
from nbmlops.store.index import Index, Known
from nbmlops.store.manifests import ITEM
from nbmlops.store.reader import Shelves

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    Prefixes = NDArray[np.uint64]

__all__ = ["Marks", "Unmarked", "listed_in", "look_at", "prefixes", "take_out"]


_PAGE = 256
_LOOKS = 4
_READERS = 8
_MERGED = 1 << 22


def prefixes(digests: Iterable[str]) -> Prefixes:
    """Beginnings of digests given in hex."""
    import numpy as np

    return np.frombuffer(bytes.fromhex("".join(digest[:16] for digest in digests)), "<u8")


@dataclass(frozen=True, slots=True)
class Unmarked:
    """What is not kept, as it was after a turn: objects, and for each chunk its pack and its bytes as stored."""

    turn: int
    objects: dict[str, Known]
    chunks: dict[str, tuple[str, int]]


def take_out(
    index: Index,
    look: Callable[[], Unmarked],
    also: Callable[[Unmarked], Callable[[Connection], None] | None] = lambda _: None,
    *,
    near: bool,
) -> Unmarked:
    """Take out of the index what a look finds not to be kept, when nobody stored anything since the look.

    Parameters
    ----------
    index : Index
        The index.
    look : callable
        Looks anew each time; with what it read before at hand, that is quick.
    also : callable
        Gives what is to be done in the same transaction.
    near : bool
        Whether what is read lies on this machine. Then, when others store things faster than one can look, they wait
        for the last look. No transaction waits for a network.

    Raises
    ------
    ConflictError
        When others keep storing things.
    """
    for _ in range(_LOOKS if near else 5 * _LOOKS):
        found = look()
        if index.forget(found.objects, found.chunks, found.turn, also(found)):
            return found
    if not near:
        raise ConflictError("others keep storing things, so nothing was removed", hint="try again when they are done")

    def work() -> tuple[Unmarked, Callable[[Connection], None] | None]:
        last = look()
        return last, also(last)

    return index.forget_alone(work)


def look_at(index: Index, marks: Marks, keep: Callable[[Sequence[Known]], Iterable[str]]) -> Unmarked:
    """What is not kept now.

    Parameters
    ----------
    index : Index
        What is stored.
    marks : Marks
        Reads what the kept objects are made of; what it has read it does not read again.
    keep : callable
        Given all objects, tells which to keep, by digest; that of a chunk keeps that chunk.

    Raises
    ------
    CorruptError
        When the manifest of an object to be kept is damaged.
    ConflictError
        When others keep taking things out.
    """
    for _ in range(_LOOKS):
        turn = index.turn()
        known = list(index.all_objects())
        kept = set(keep(known))
        try:
            marks.add_chunks(kept)
            marks.add(one for one in known if one.digest in kept)
        except NotFoundError:  # somebody else takes things out too
            continue
        chunks = {}
        for page in index.all_chunks():
            for (digest, pack, stored), held in zip(page, marks.holds(row[0] for row in page), strict=True):
                if not held:
                    chunks[digest] = pack, stored
        return Unmarked(turn, {one.digest: one for one in known if one.digest not in kept}, chunks)
    raise ConflictError("others keep taking things out of the store", hint="try again when they are done")


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
        self.add_chunks(known.digest for known in new if not known.pack)
        for listed in self.listed(known for known in new if known.pack):
            self._append(listed)
        self._known.update(known.digest for known in new)

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
