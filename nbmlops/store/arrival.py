"""Fetch objects from another folder of packs into this store, each chunk re-hashed before it is written.

What arrived is entered into the index pack by pack, so whoever was interrupted goes on from there. An object is
entered last, when it was read through its manifest and gave its digest: a manifest from elsewhere is only a claim.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from nbmlops.core.clock import Clock
from nbmlops.core.digests import short
from nbmlops.core.errors import ConflictError, CorruptError, NotFoundError
from nbmlops.store.carrying import THREADS, Load, StoppedError, Told, loads, side_by_side
from nbmlops.store.contents import Contents, Found
from nbmlops.store.folders import Folder
from nbmlops.store.index import Claim, Index, Known, Place
from nbmlops.store.manifests import EMPTY, Manifest
from nbmlops.store.packs import BrokenError, EntryKind, unpack
from nbmlops.store.reader import Shelves, runs
from nbmlops.store.records import Transfer
from nbmlops.store.sink import PackSink
from nbmlops.store.turns import CollectedError

__all__ = ["Arrived", "Store", "pull"]

_TURNS, _PAGE, _READERS = 5, 256, 16


@dataclass(frozen=True, slots=True)
class Store:
    """Where it goes."""

    folder: Folder
    index: Index
    clock: Clock


@dataclass(slots=True)
class Arrived:
    """What a pull did, and the bytes that it added for each object, as written."""

    objects: int = 0
    chunks: int = 0
    bytes_sent: int = 0
    bytes_skipped: int = 0
    new_bytes: dict[str, int] = field(default_factory=dict)

    @property
    def transfer(self) -> Transfer:
        """It without the objects."""
        return Transfer(self.objects, self.chunks, self.bytes_sent, self.bytes_skipped)


def pull(
    store: Store,
    digests: Sequence[str],
    source: Folder,
    progress: Callable[[int], None] | None = None,
    cache: Path | None = None,
) -> Arrived:
    """Fetch what this store lacks of some objects; when this returns all of it is durable here.

    Raises
    ------
    NotFoundError
        When the source has not all of them.
    CorruptError
        When what it has is not what it claims; nothing of that is entered.
    """
    receiver = _Receiver(store, source, Told(progress))
    for _ in range(_TURNS):
        turn = store.index.turn()
        try:
            receiver.receive(digests, Contents(source, cache), turn)
        except (FileNotFoundError, CollectedError):
            continue  # a pack there was replaced, or a gc ran here; what is missing now is looked up anew
        except (CorruptError, NotFoundError):
            if store.index.shrunk_since(turn):
                continue
            raise
        return receiver.arrived
    raise ConflictError(f"{source.where} kept changing while it was read", hint="do it again")


class _Receiver:
    def __init__(self, store: Store, source: Folder, told: Told) -> None:
        self._store = store
        self._source = source
        self._told = told
        self._found = Found()
        self._here: set[str] = set()
        self.arrived = Arrived()

    def receive(self, digests: Sequence[str], contents: Contents, turn: int) -> None:
        self._here = set(self._store.folder.names())
        lost = bool(set(self._store.index.packs()) - self._here)
        known = {} if lost else self._store.index.objects(digests)
        wanted = [digest for digest in dict.fromkeys(digests) if digest not in known and digest != EMPTY]
        manifests = self._manifests(wanted, contents)
        chunks = {digest: size for manifest in manifests.values() for digest, size in manifest}
        here = {d: p for d, p in self._store.index.places(chunks).items() if p.pack in self._here}
        missing = self._missing(manifests, here, contents)
        for count in side_by_side(self._carry, loads(missing, self._source, self._store.folder)):
            self.arrived.bytes_sent += count
        self.arrived.chunks += len(missing)
        self._enter(manifests, Claim(turn, chunks.keys(), known.keys(), self._store.clock.now()))
        self.arrived.objects = len(digests)

    def _manifests(self, wanted: Sequence[str], contents: Contents) -> dict[str, Manifest]:
        """What each object is made of, as the source says."""
        found = contents.find(wanted)
        for digest in wanted:
            if digest not in found.manifests and digest not in found.chunks:
                raise NotFoundError(
                    f"{self._source.where} does not have all of it: the object {short(digest)} is missing",
                    hint="push it again from a workspace that has it",
                )
        with ThreadPoolExecutor(_READERS) as pool:
            return dict(zip(wanted, pool.map(lambda digest: self._manifest(digest, found), wanted), strict=True))

    def _manifest(self, digest: str, found: Found) -> Manifest:
        if digest in found.chunks:
            return Manifest.of_chunk(digest, found.chunks[digest][0].size)
        broken = ""
        for placed in found.manifests[digest]:
            try:
                return Manifest.parse(digest, self._source.read(placed.pack, placed.entry.offset, placed.entry.stored))
            except BrokenError as error:
                broken = f"{error} in pack {placed.pack}"
        raise self._damaged(digest, broken)

    def _missing(self, manifests: Mapping[str, Manifest], here: Mapping[str, Place], contents: Contents) -> list[Place]:
        wanted = {digest for manifest in manifests.values() for digest, _ in manifest} - here.keys()
        self._found = contents.find(wanted)
        missing: dict[str, Place] = {}
        for owner, manifest in manifests.items():
            for digest, size in manifest:
                if digest in here or digest in missing:
                    known = here.get(digest) or missing[digest]
                    self.arrived.bytes_skipped += known.stored
                    self._told(known.stored)
                    continue
                places = [place for place in self._found.chunks.get(digest, ()) if place.size == size]
                if not places:
                    raise self._damaged(owner, f"its chunk {short(digest)} is missing")
                missing[digest] = places[0]
                self.arrived.new_bytes[owner] = self.arrived.new_bytes.get(owner, 0) + places[0].stored
        return list(missing.values())

    def _carry(self, load: Load, stop: threading.Event) -> int:
        """Write a load into packs here, and enter them."""
        with PackSink(self._store.folder, salted=True) as sink:
            for run in runs(load):
                if stop.is_set():
                    raise StoppedError
                for place, stored in self._verified(run):
                    sink.add(EntryKind.CHUNK, place.digest, stored, place.size, place.codec)
                    self._told(place.stored)
            self._store.index.move([each.place() for each in sink.close()])
        return sum(place.stored for place in load)

    def _verified(self, run: Load) -> Iterator[tuple[Place, bytes]]:
        first, last = run[0], run[-1]
        raw = self._source.read(first.pack, first.offset, last.offset + last.stored - first.offset)
        for place in run:
            begin = place.offset - first.offset
            stored = raw[begin : begin + place.stored]
            try:
                unpack(place.digest, place.codec, place.size, stored)
            except BrokenError as error:
                yield self._another(place, error)
            else:
                yield place, stored

    def _another(self, bad: Place, error: BrokenError) -> tuple[Place, bytes]:
        """A chunk once more, in case it was spoilt on its way, then from wherever else it lies there."""
        for place in [bad, *(each for each in self._found.chunks[bad.digest] if each != bad)]:
            stored = self._source.read(place.pack, place.offset, place.stored)
            try:
                unpack(place.digest, place.codec, place.size, stored)
            except BrokenError:
                continue
            return place, stored
        raise self._damaged(bad.digest, f"{error}, in pack {bad.pack}")

    def _enter(self, manifests: Mapping[str, Manifest], claim: Claim) -> None:
        now = claim.at
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._prove, (each for each in manifests.values() if len(each) > 1)))
        objects = {digest: Known(digest, manifest.size, "", 0, 0, now) for digest, manifest in manifests.items()}
        with PackSink(self._store.folder, salted=True) as sink:
            for manifest in manifests.values():
                if len(manifest) > 1:
                    raw = bytes(manifest)
                    sink.add(EntryKind.MANIFEST, manifest.digest, raw, len(raw))
                    self.arrived.bytes_sent += len(raw)
                    self.arrived.new_bytes[manifest.digest] = self.arrived.new_bytes.get(manifest.digest, 0) + len(raw)
            for placed in sink.close():
                digest = placed.entry.digest.hex()
                objects[digest] = placed.known(manifests[digest].size, now)
            self._store.index.move([], list(objects.values()), claim)

    def _prove(self, manifest: Manifest) -> None:
        """Raise unless the chunks that a manifest lists give its object's digest."""
        shelves, hasher = Shelves(self._store.folder, self._store.index), blake3()
        for start in range(0, len(manifest), _PAGE):
            items = [manifest[n] for n in range(start, min(start + _PAGE, len(manifest)))]
            for _, _, content in shelves.fetch(manifest.digest, shelves.locate(manifest.digest, items)):
                hasher.update(content)
        if hasher.hexdigest() != manifest.digest:
            raise self._damaged(manifest.digest, "its manifest lists other chunks than those it is made of")

    def _damaged(self, digest: str, why: str) -> CorruptError:
        return CorruptError(
            f"object {short(digest)} at {self._source.where} is damaged: {why}",
            hint="remove the damaged pack there, then push again from a workspace that has the object",
        )
