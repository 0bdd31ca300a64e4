"""Put good copies in the place of damaged ones.

A pack with any damage is written anew as a whole: what is still good is copied, what is not is taken from
another pack of this store or from the source. Every chunk is re-hashed on its way. A manifest that comes from
elsewhere is believed only after the object was read through it and gave its digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from blake3 import blake3

from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known, Place
from nbmlops.store.manifests import Manifest
from nbmlops.store.packs import BrokenError, EntryKind, unpack
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Damage, Repair
from nbmlops.store.shelf import Shelf
from nbmlops.store.sink import PackSink, Placed

__all__ = ["repair"]

_PAGE = 256


def repair(folder: Folder, index: Index, source: Folder, damages: Sequence[Damage]) -> Repair:
    """Mend `damages` from what this store and `source` have; the index moves when the copies are durable."""
    if not source.names():
        raise NotFoundError(
            f"there are no packs at {source.where}: nothing was pushed there",
            hint="`ml data push --to FOLDER` writes such a copy",
        )
    return _Mender(folder, index, source).mend(damages)


class _Mender:
    def __init__(self, folder: Folder, index: Index, source: Folder) -> None:
        self._folder = folder
        self._index = index
        self._source = source
        self._repaired: dict[str, None] = {}
        self._missing: dict[str, None] = {}

    @cached_property
    def _here(self) -> Shelf:
        return Shelf(self._folder)

    @cached_property
    def _there(self) -> Shelf:
        return Shelf(self._source)

    def mend(self, damages: Sequence[Damage]) -> Repair:
        lost = {damage.chunk for damage in damages if damage.chunk and not damage.pack}
        foreign: list[tuple[Known, Manifest]] = []
        kept: dict[str, Known] = {}
        with PackSink(self._folder, salted=True) as sink:
            for pack in sorted({damage.pack for damage in damages if damage.pack}):
                places = self._index.places_in(pack)
                for place in places:
                    self._mend_chunk(sink, place.digest, place)
                lost.difference_update(place.digest for place in places)
                for known in self._index.manifests_in(pack):
                    if raw := self._own_manifest(known):
                        sink.add(EntryKind.MANIFEST, known.digest, raw, len(raw))
                        kept[known.digest] = known
                    elif manifest := self._other_manifest(known.digest):
                        foreign.append((known, manifest))
                    else:
                        self._missing[known.digest] = None
            for _, manifest in foreign:
                listed = [digest for digest, _ in manifest]
                lost.update(set(listed) - self._index.places(listed).keys())
            for digest in sorted(lost):
                self._mend_chunk(sink, digest, None)
            self._enter(sink.close(), kept)
        self._mend_manifests(foreign)
        return Repair(tuple(self._repaired), tuple(self._missing))

    def _enter(self, placed: Sequence[Placed], objects: dict[str, Known]) -> None:
        places = [p.place() for p in placed if p.entry.kind is EntryKind.CHUNK]
        described = [objects[p.entry.digest.hex()] for p in placed if p.entry.kind is EntryKind.MANIFEST]
        manifests = [p for p in placed if p.entry.kind is EntryKind.MANIFEST]
        moved = [p.known(known.size, known.created_at) for p, known in zip(manifests, described, strict=True)]
        if placed:
            self._index.move(places, moved)

    def _mend_chunk(self, sink: PackSink, digest: str, own: Place | None) -> None:
        for folder, place in self._candidates(digest, own):
            try:
                stored = folder.read(place.pack, place.offset, place.stored)
                unpack(digest, place.codec, place.size, stored)
            except (BrokenError, FileNotFoundError):
                continue
            sink.add(EntryKind.CHUNK, digest, stored, place.size, place.codec)
            if place is not own:
                self._repaired[digest] = None
            return
        self._missing[digest] = None

    def _candidates(self, digest: str, own: Place | None) -> Iterator[tuple[Folder, Place]]:
        if own is not None:
            yield self._folder, own
        for place in self._here.chunks(digest):
            yield self._folder, place
        for place in self._there.chunks(digest):
            yield self._source, place

    def _own_manifest(self, known: Known) -> bytes | None:
        try:
            raw = self._folder.read(known.pack, known.offset, known.stored)
            Manifest.parse(known.digest, raw)
        except (BrokenError, FileNotFoundError):
            return None
        return raw

    def _other_manifest(self, digest: str) -> Manifest | None:
        for shelf in (self._here, self._there):
            for placed in shelf.manifests(digest):
                try:
                    raw = shelf.folder.read(placed.pack, placed.entry.offset, placed.entry.stored)
                    return Manifest.parse(digest, raw)
                except (BrokenError, FileNotFoundError):
                    continue
        return None

    def _mend_manifests(self, foreign: Sequence[tuple[Known, Manifest]]) -> None:
        proven: dict[str, Known] = {}
        with PackSink(self._folder, salted=True) as sink:
            for known, manifest in foreign:
                if self._gives_its_digest(manifest):
                    raw = bytes(manifest)
                    sink.add(EntryKind.MANIFEST, manifest.digest, raw, len(raw))
                    proven[manifest.digest] = known
                    self._repaired[manifest.digest] = None
                else:
                    self._missing[manifest.digest] = None
            self._enter(sink.close(), proven)

    def _gives_its_digest(self, manifest: Manifest) -> bool:
        shelves = Shelves(self._folder, self._index)
        hasher = blake3()
        try:
            for start in range(0, len(manifest), _PAGE):
                items = [manifest[n] for n in range(start, min(start + _PAGE, len(manifest)))]
                for _, _, content in shelves.fetch(manifest.digest, shelves.locate(manifest.digest, items)):
                    hasher.update(content)
        except CorruptError:
            return False
        return hasher.hexdigest() == manifest.digest
