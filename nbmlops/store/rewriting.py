"""Take what is dead out of packs: what lives is copied into new packs, then the old files go.

A pack is never changed. One of which a part is dead is written anew without it; one that is dead altogether is
removed. The order is that of a save: the copies are durable first; then one transaction moves the index; then the old
files go. A crash in between leaves files that nothing refers to, never a reference to a file that is gone, and the
next one finishes; a reader that had looked up an old place finds its file gone and looks again.

With a catalog, what lives is what its index points at: first the index forgets (`Index.forget`), then `compact` makes
the files follow. A place without a catalog, such as one that was pushed to, has only its packs, which tell what they
hold: there `rewrite` is given the digests of the dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nbmlops.core.digests import short
from nbmlops.core.errors import CorruptError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known, Place
from nbmlops.store.manifests import read_body
from nbmlops.store.packs import BrokenError, Codec, Entry, EntryKind, unpack
from nbmlops.store.shelf import read_entries
from nbmlops.store.sink import PackSink, Placed

__all__ = ["Dead", "Rewritten", "compact", "rewrite"]

Progress = Callable[[int], None]
_Key = tuple[EntryKind, str]
_READERS = 8
# Old and new packs lie side by side until the index has moved: this many packs at a time.
_BATCH = 8
# Entries that lie side by side are read together up to this many bytes.
_RUN = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Dead:
    """What is to go, by digest: objects, of which the manifests go, and chunks."""

    objects: frozenset[str]
    chunks: frozenset[str]

    def holds(self, entry: Entry) -> bool:
        """Whether an entry of a pack is to go."""
        return entry.digest.hex() in (self.objects if entry.kind is EntryKind.MANIFEST else self.chunks)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Packs that were removed and written, by name, and by how many bytes the files are smaller together."""

    removed: tuple[str, ...]
    written: tuple[str, ...]
    freed: int


class _Tally:
    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.sizes = folder.names()
        self.removed: list[str] = []
        self.written: list[str] = []

    def remove(self, packs: Iterable[str], written: Iterable[str] = ()) -> None:
        gone = list(packs)
        for pack in gone:
            self.folder.remove(pack)
        self.folder.sync()
        self.removed += [pack for pack in gone if pack in self.sizes]
        self.written += [pack for pack in written if pack not in gone]

    def result(self) -> Rewritten:
        after = self.folder.names() if self.written else {}
        freed = sum(self.sizes[pack] for pack in self.removed) - sum(after.get(pack, 0) for pack in self.written)
        return Rewritten(tuple(self.removed), tuple(self.written), freed)


def compact(folder: Folder, index: Index, packs: Sequence[str], progress: Progress | None = None) -> Rewritten:
    """Write packs anew with only what the index points at; those in which that is nothing are removed.

    Parameters
    ----------
    folder : Folder
        Where the packs lie.
    index : Index
        The catalog's index of this folder.
    packs : sequence of str
        Names of the packs; one that is gone already, because somebody else compacts too, is no error.
    progress : callable, optional
        Told the bytes of each few packs that were dealt with.

    Raises
    ------
    CorruptError
        When something that lives in one of them is damaged; the packs that were dealt with before stay so.
    UnavailableError
        When the folder or the catalog cannot be used now.
    """
    tally = _Tally(folder)
    for start in range(0, len(packs), _BATCH):
        batch = packs[start : start + _BATCH]
        origin: dict[_Key, tuple[str, Known | None]] = {}
        with PackSink(folder, salted=True) as sink:
            for pack in batch:
                manifests = {known.digest: known for known in index.manifests_in(pack)}
                entries = [*map(_chunk, index.places_in(pack)), *map(_manifest, manifests.values())]
                for entry, stored in _copy(folder, pack, entries):
                    digest = entry.digest.hex()
                    origin[entry.kind, digest] = pack, manifests.get(digest) if entry.kind else None
                    sink.add(entry.kind, digest, stored, entry.size, entry.codec)
            empty = index.relocate([_moved(one, origin) for one in sink.close()], batch)
        tally.remove(empty, sink.packs())
        if progress is not None:
            progress(sum(tally.sizes.get(pack, 0) for pack in batch))
    return tally.result()


def _moved(one: Placed, origin: Mapping[_Key, tuple[str, Known | None]]) -> tuple[str, Place | Known]:
    pack, known = origin[one.entry.kind, one.entry.digest.hex()]
    return pack, one.place() if known is None else one.known(known.size, known.created_at)


def rewrite(folder: Folder, dead: Dead, progress: Progress | None = None) -> Rewritten:
    """Take dead entries out of all packs of a folder that has no catalog; nothing of them is left in it.

    Cut off at any point, it finishes when it is called with the same `dead` again.

    Raises
    ------
    CorruptError
        When a pack does not tell what it holds, or something that lives in one that holds dead is damaged.
    UnavailableError
        When the folder cannot be used now.
    """
    tally = _Tally(folder)
    copied: set[tuple[EntryKind, bytes]] = set()
    chosen = list(_holding(folder, tally.sizes, dead, progress))
    for start in range(0, len(chosen), _BATCH):
        batch = chosen[start : start + _BATCH]
        with PackSink(folder, salted=True) as sink:
            for pack, entries in batch:
                live = [e for e in entries if not dead.holds(e) and (e.kind, e.digest) not in copied]
                copied.update((entry.kind, entry.digest) for entry in live)
                for entry, stored in _copy(folder, pack, live):
                    sink.add(entry.kind, entry.digest.hex(), stored, entry.size, entry.codec)
            sink.close()
        tally.remove((pack for pack, _ in batch), sink.packs())
    return tally.result()


def _holding(
    folder: Folder, sizes: dict[str, int], dead: Dead, progress: Progress | None
) -> Iterator[tuple[str, list[Entry]]]:
    """Packs that hold something dead, and all that is in them."""

    def read(named: tuple[str, int]) -> tuple[str, list[Entry]]:
        pack, size = named
        try:
            return pack, read_entries(folder, pack, size)
        except FileNotFoundError:  # somebody else rewrites too
            return pack, []
        except BrokenError as error:
            raise CorruptError(
                f"pack {short(pack)} of {folder.where} does not tell what it holds: {error}",
                hint="remove the file, then push again what it held",
            ) from error

    with ThreadPoolExecutor(_READERS) as pool:
        for pack, entries in pool.map(read, sizes.items()):
            if progress is not None:
                progress(sizes[pack])
            if any(map(dead.holds, entries)):
                yield pack, entries


def _chunk(place: Place) -> Entry:
    digest = bytes.fromhex(place.digest)
    return Entry(digest, EntryKind.CHUNK, place.codec, place.offset, place.stored, place.size)


def _manifest(known: Known) -> Entry:
    digest = bytes.fromhex(known.digest)
    return Entry(digest, EntryKind.MANIFEST, Codec.RAW, known.offset, known.stored, known.stored)


def _copy(folder: Folder, pack: str, entries: Sequence[Entry]) -> list[tuple[Entry, bytes]]:
    """Entries of a pack with their bytes as stored, each checked; none when the pack is gone."""
    copies: list[tuple[Entry, bytes]] = []
    for run in _runs(sorted(entries, key=lambda entry: entry.offset)):
        first, last = run[0], run[-1]
        try:
            raw = folder.read(pack, first.offset, last.offset + last.stored - first.offset)
            for entry in run:
                stored = raw[entry.offset - first.offset :][: entry.stored]
                _check(entry, stored)
                copies.append((entry, stored))
        except FileNotFoundError:
            return []
        except BrokenError as error:
            raise CorruptError(
                f"pack {short(pack)} of {folder.where} is damaged: {error}; it stays as it is",
                hint="`ml store verify --full`, then `ml store repair --from URL`",
            ) from error
    return copies


def _check(entry: Entry, stored: bytes) -> None:
    if entry.kind is EntryKind.MANIFEST:
        read_body(entry.digest.hex(), stored)
    else:
        unpack(entry.digest.hex(), entry.codec, entry.size, stored)


def _runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    run: list[Entry] = []
    for entry in entries:
        if run and (
            entry.offset != run[-1].offset + run[-1].stored or entry.offset + entry.stored - run[0].offset > _RUN
        ):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run
