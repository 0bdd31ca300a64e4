"""Remove given objects at once, with all bytes that only they have, as an erasure does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from nbmlops.core import digests
from nbmlops.core.digests import short
from nbmlops.core.errors import CorruptError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known
from nbmlops.store.manifests import ITEM, read_body
from nbmlops.store.marking import Marks, look_at, take_out
from nbmlops.store.packs import BrokenError, pack_size, unpack
from nbmlops.store.reader import Shelves
from nbmlops.store.rewriting import Dead, Rewritten, compact
from nbmlops.store.shelf import Shelf

__all__ = ["dead_at", "purge", "read_at"]

Progress = Callable[[int], None]


def _wasteful(folder: Folder, index: Index) -> list[str]:
    """Packs of this folder that hold more than the entries of which the index knows."""
    sizes, usage = folder.names(), index.usage()
    return sorted(pack for pack, size in sizes.items() if pack not in usage or pack_size(*usage[pack]) < size)


def purge(
    folder: Folder,
    index: Index,
    objects: Iterable[str],
    progress: Progress | None = None,
    held: Callable[[], Collection[str]] = tuple,
) -> Rewritten:
    """Remove objects from a store; afterwards its folder holds nothing but what the index points at.

    What `held` gives stays. It is asked again whenever others stored something meanwhile, so what somebody begins to
    refer to, taking a turn, is not removed.
    """
    named = frozenset(objects)
    marks = Marks(Shelves(folder, index))

    def others(known: Sequence[Known]) -> list[str]:
        going = named.difference(held())
        return [one.digest for one in known if one.digest not in going]

    take_out(index, lambda: look_at(index, marks, others), near=folder.near)
    return compact(folder, index, _wasteful(folder, index), progress)


def dead_at(shelf: Shelf, objects: Iterable[str], keep: Iterable[str] = (), chunks: Iterable[str] = ()) -> Dead:
    """What goes with some objects from a folder without a catalog; what is in `keep` stays.

    `keep` has to name the objects that stay and are of one chunk, which there no manifest tells.

    Who writes it down before `rewrite` can finish a removal that was cut off, when the manifests are gone already: the
    `chunks` then go too, but those that something else has by now.

    Raises
    ------
    CorruptError
        When a manifest cannot be read: which chunks its object has is not known then.
    """
    named = frozenset(objects)
    going, staying = named.union(chunks), set(keep) - named
    for digest in shelf.described():
        listed = [chunk for chunk, _ in _listed(shelf, digest)]
        if digest in named:
            going = going.union(listed)
        else:
            staying.update(listed)
    return Dead(named, going - staying)


def read_at(shelf: Shelf, digest: str) -> bytes:
    """A small object of a folder without a catalog.

    Raises
    ------
    CorruptError
        When it is not there, or damaged wherever it lies.
    """
    if not shelf.manifests(digest):
        return _chunk(shelf, digest)
    content = b"".join(_chunk(shelf, chunk) for chunk, _ in _listed(shelf, digest))
    if digests.of_bytes(content) != digest:
        raise _damaged(shelf, digest)
    return content


def _chunk(shelf: Shelf, digest: str) -> bytes:
    for place in shelf.chunks(digest):
        try:
            return unpack(digest, place.codec, place.size, shelf.folder.read(place.pack, place.offset, place.stored))
        except (BrokenError, FileNotFoundError):
            continue
    raise _damaged(shelf, digest)


def _listed(shelf: Shelf, digest: str) -> list[tuple[str, int]]:
    for placed in shelf.manifests(digest):
        try:
            raw = shelf.folder.read(placed.pack, placed.entry.offset, placed.entry.stored)
            return [(chunk.hex(), size) for chunk, size in ITEM.iter_unpack(read_body(digest, raw)[0])]
        except (BrokenError, FileNotFoundError):
            continue
    raise _damaged(shelf, digest)


def _damaged(shelf: Shelf, digest: str) -> CorruptError:
    return CorruptError(
        f"the object {short(digest)} at {shelf.folder.where} is damaged; nothing was removed",
        hint="push it there again",
    )
