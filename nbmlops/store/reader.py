"""Read objects back; no byte is handed out before its chunk was re-hashed."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from blake3 import blake3

from nbmlops.core.digests import short
from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known, Place
from nbmlops.store.manifests import EMPTY, Manifest, read_body
from nbmlops.store.packs import BrokenError, unpack

__all__ = ["ObjectReader", "Shelves", "corrupt", "runs"]

_RUN = 4 * 1024 * 1024
_WINDOW = 256
_CACHED = 32


def corrupt(owner: str, why: str, *, chunk: str = "", pack: str = "") -> CorruptError:
    """Say that an object cannot be read, which chunk of which pack is to blame, and what to type next."""
    where = f"chunk {short(chunk)} " if chunk else ""
    where += f"in pack {short(pack)} " if pack else ""
    return CorruptError(
        f"object {short(owner)} is damaged: {where}{why}",
        hint="`ml store verify --full` names all damage; `ml store repair --from URL` mends it",
    )


def runs(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Group places that lie side by side, at most 4 MiB together, so that one read fetches them."""
    run: list[Place] = []
    for place in places:
        if run and (
            place.pack != run[-1].pack
            or place.offset != run[-1].offset + run[-1].stored
            or place.offset + place.stored - run[0].offset > _RUN
        ):
            yield run
            run = []
        run.append(place)
    if run:
        yield run


class Shelves:
    """Finds manifests and chunks through the index and reads them from the packs, verified."""

    def __init__(self, folder: Folder, index: Index) -> None:
        self._folder = folder
        self._index = index

    def has(self, digest: str) -> bool:
        """Whether there is an object; the empty one is everywhere."""
        return digest == EMPTY or bool(self._index.objects([digest]) or self._index.places([digest]))

    def has_all_of(self, digests: Iterable[str]) -> bool:
        """Whether all chunks of some objects are there, as far as the index and the names of the packs tell."""
        packs = self._folder.names().keys()
        lost = bool(set(self._index.packs()) - packs)
        for digest in digests:
            if not lost and self.has(digest):
                continue
            try:
                places = self.locate(digest, list(self.manifest(digest)))
            except (NotFoundError, CorruptError):
                return False
            if any(place.pack not in packs for place in places):
                return False
        return True

    def manifest(self, digest: str) -> Manifest:
        """Chunks of an object.

        Raises
        ------
        NotFoundError
            When the store does not have the object.
        CorruptError
            When its manifest is damaged or gone.
        """
        if known := self._index.objects([digest]).get(digest):
            return self.manifest_of(known)
        if place := self._index.places([digest]).get(digest):
            return Manifest.of_chunk(digest, place.size)
        if digest == EMPTY:
            return Manifest.of_chunk(digest, 0)
        raise NotFoundError(f"the store has no object {short(digest)}", hint="`ml store verify`")

    def manifest_of(self, known: Known) -> Manifest:
        """Chunks of an object that was looked up already; raises `CorruptError` as `manifest` does."""
        if not known.pack:
            return Manifest.of_chunk(known.digest, known.size)
        manifest = Manifest(known.digest, self.body_of(known))
        if manifest.size != known.size:
            raise corrupt(known.digest, "its manifest and the index differ in size", pack=known.pack)
        return manifest

    def body_of(self, known: Known) -> bytes:
        """Items of the manifest of an object of several chunks; raises as `manifest` does."""
        try:
            return read_body(known.digest, self._folder.read(known.pack, known.offset, known.stored))[0]
        except FileNotFoundError as error:
            again = self._index.objects([known.digest]).get(known.digest)
            if again is None:
                raise _removed(known.digest) from error
            if again.pack != known.pack:
                return self.body_of(again)
            raise corrupt(known.digest, "is missing: its file is gone", pack=known.pack) from error
        except BrokenError as error:
            raise corrupt(known.digest, str(error), pack=known.pack) from error

    def locate(self, owner: str, items: Sequence[tuple[str, int]]) -> list[Place]:
        """Places of an object's chunks, in their order.

        Raises
        ------
        CorruptError
            When the index has no place for one, or tells another size.
        """
        found = self._index.places({digest for digest, _ in items})
        for digest, size in items:
            if digest not in found:
                raise corrupt(owner, "is in no pack that the index knows", chunk=digest)
            if found[digest].size != size:
                raise corrupt(owner, "has another size in the index", chunk=digest, pack=found[digest].pack)
        return [found[digest] for digest, _ in items]

    def fetch(self, owner: str, places: Sequence[Place]) -> Iterator[tuple[Place, bytes, bytes]]:
        """Read chunks: for each its place, its bytes as stored, and its content, re-hashed.

        Raises
        ------
        CorruptError
            At the first chunk that is not what was stored; nothing of it is handed out.
        NotFoundError
            When the object is removed from the store meanwhile.
        """
        for run in runs(places):
            first, last = run[0], run[-1]
            try:
                raw = self._folder.read(first.pack, first.offset, last.offset + last.stored - first.offset)
            except FileNotFoundError as error:
                yield from self.fetch(owner, self._moved(owner, run, error))
                continue
            except BrokenError as error:
                raise corrupt(owner, str(error), chunk=first.digest, pack=first.pack) from error
            for place in run:
                begin = place.offset - first.offset
                stored = raw[begin : begin + place.stored] if len(run) > 1 else raw
                try:
                    yield place, stored, unpack(place.digest, place.codec, place.size, stored)
                except BrokenError as error:
                    raise corrupt(owner, str(error), chunk=place.digest, pack=place.pack) from error

    def share(self, places: Sequence[Place]) -> float:
        """What part of their pack some chunks are, from 0 to 1."""
        size = self._folder.size(places[0].pack)
        return sum(place.stored for place in places) / size if size else 0.0

    def fetch_pack(self, places: Sequence[Place]) -> Iterator[tuple[Place, bytes]]:
        """Read chunks of one pack, in its order, as they are stored; all of the pack is hashed, none of them alone.

        What was handed out may be used only when this has come to its end.

        Raises
        ------
        BrokenError
            When the bytes of the pack do not give its name, or it is gone.
        """
        pack, position, hasher = places[0].pack, 0, blake3()
        try:
            for run in runs(places):
                last = run[-1]
                raw = self._folder.read(pack, position, last.offset + last.stored - position)
                hasher.update(raw)
                for place in run:
                    begin = place.offset - position
                    yield place, raw[begin : begin + place.stored]
                position += len(raw)
            while raw := self._folder.read(pack, position, _RUN):
                hasher.update(raw)
                position += len(raw)
        except FileNotFoundError as error:
            raise BrokenError("its file is gone") from error
        if hasher.hexdigest() != pack:
            raise BrokenError("its bytes do not give its name")

    def _moved(self, owner: str, places: Sequence[Place], error: FileNotFoundError) -> list[Place]:
        """Where chunks lie now whose pack is gone: it may have been written anew since they were looked up."""
        found = self._index.places({place.digest for place in places})
        for place in places:
            if place.digest not in found and not self._index.objects([owner]):
                raise _removed(owner) from error
            if place.digest not in found or found[place.digest].pack == place.pack:
                raise corrupt(owner, "is missing: the file is gone", chunk=place.digest, pack=place.pack) from error
        return [found[place.digest] for place in places]


def _removed(owner: str) -> NotFoundError:
    return NotFoundError(
        f"object {short(owner)} was removed from the store while it was read", hint="`ml data list` shows what is there"
    )


class ObjectReader(io.RawIOBase):
    """A seekable file over an object; several threads may read from it.

    Keeps the last 32 chunks, at most 8 MiB, so that readers of columns may jump back and forth.
    """

    def __init__(self, shelves: Shelves, manifest: Manifest) -> None:
        self._shelves = shelves
        self._manifest = manifest
        self._position = 0
        self._lock = threading.RLock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._windows: OrderedDict[int, list[Place]] = OrderedDict()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position; past the end is allowed and reads nothing."""
        with self._lock:
            base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._manifest.size}[whence]
            if base + offset < 0:
                raise ValueError(f"cannot seek to {base + offset}")
            self._position = base + offset
            return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, wholly unless the object ends."""
        with self._lock, memoryview(buffer).cast("B") as view:
            if self.closed:
                raise ValueError("read of a closed object")
            done, position = 0, self._position
            wanted = min(len(view), max(0, self._manifest.size - position))
            while done < wanted:
                number = self._manifest.at(position)
                last = self._manifest.at(position + min(wanted - done, _RUN) - 1)
                for content, start in self._contents(number, last):
                    begin = position - start
                    count = min(len(content) - begin, wanted - done)
                    view[done : done + count] = content[begin : begin + count]
                    done += count
                    position += count
            self._position = position
            return done

    def readall(self) -> bytes:
        """Everything from here to the end."""
        with self._lock:
            content = bytearray(max(0, self._manifest.size - self._position))
            self.readinto(content)
            return bytes(content)

    def _contents(self, first: int, last: int) -> Iterator[tuple[memoryview, int]]:
        # Kept chunks before the first gap, then whatever follows it in as few reads as possible.
        while first <= last and first in self._kept:
            self._kept.move_to_end(first)
            yield memoryview(self._kept[first]), self._manifest.start(first)
            first += 1
        if first > last:
            return
        places = [self._place(number) for number in range(first, last + 1)]
        for number, (_, _, content) in enumerate(self._shelves.fetch(self._manifest.digest, places), first):
            self._kept[number] = content
            self._kept.move_to_end(number)
            if len(self._kept) > _CACHED:
                self._kept.popitem(last=False)
            yield memoryview(content), self._manifest.start(number)

    def _place(self, number: int) -> Place:
        window, within = divmod(number, _WINDOW)
        if window not in self._windows:
            start = window * _WINDOW
            items = [self._manifest[n] for n in range(start, min(start + _WINDOW, len(self._manifest)))]
            self._windows[window] = self._shelves.locate(self._manifest.digest, items)
            if len(self._windows) > _CACHED:
                self._windows.popitem(last=False)
        return self._windows[window][within]
