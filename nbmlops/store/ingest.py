"""Take streams in: read, cut, hash, leave out what is there, compress, pack, and enter into the index.

Cutting holds the interpreter's lock; hashing, compressing and writing do not. So the calling thread reads, cuts and
writes, while others hash and compress the chunks, one hashes the stream as a whole, and one syncs the pack before.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from blake3 import blake3

from nbmlops.core.clock import Clock
from nbmlops.store.chunking import BLOCK, SMALLEST, chunks
from nbmlops.store.folders import Folder
from nbmlops.store.index import Claim, Index, Known, Place
from nbmlops.store.manifests import EMPTY, ITEM, Manifest
from nbmlops.store.packs import Codec, EntryKind, squeeze
from nbmlops.store.sink import PackSink
from nbmlops.store.streams import Source, Stored, opened, small_content
from nbmlops.store.turns import CollectedError

__all__ = ["Ingest"]

_BATCH = 8 * 1024 * 1024
_THREADS = max(2, min(4, os.cpu_count() or 2))
# Batches on their way to the pack: enough to keep the threads busy, few enough to bound the memory.
_AHEAD = _THREADS

_Batch = list[tuple[int, memoryview]]


class _Squeezed(NamedTuple):
    """A batch whose chunks were hashed: of each its object, digest and size; and those to be written, as they will."""

    chunks: list[tuple[int, bytes, int]]
    new: list[tuple[int, str, int, Codec, bytes | memoryview]]


@dataclass(slots=True)
class _Object:
    digest: str = EMPTY
    size: int = 0
    body: bytearray = field(default_factory=bytearray)
    new_bytes: int = 0

    @property
    def manifest(self) -> Manifest | None:
        """What lists its chunks, for an object of several."""
        return Manifest(self.digest, self.body) if len(self.body) > ITEM.size else None


class Ingest:
    """One save: any number of streams, written together; as a context manager it leaves nothing half done."""

    def __init__(self, folder: Folder, index: Index, clock: Clock) -> None:
        self._folder = folder
        self._index = index
        self._clock = clock
        self._sink = PackSink(folder, salted=True, behind=True)
        self._pool: ThreadPoolExecutor | None = None
        self._whole: ThreadPoolExecutor | None = None
        self._objects: list[_Object] = []
        self._seen: set[str] = set()
        self._seeing = Lock()
        # What was looked up before this turn may have gone when it ends.
        self._turn: int | None = None
        self._lost: set[str] = set()
        self._packs: dict[str, bool] = {}
        self._batch: _Batch = []
        self._batch_size = 0
        self._ahead: deque[Future[_Squeezed]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in (self._pool, self._whole):
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
        self._sink.__exit__(kind, error, trace)

    def add(self, source: BinaryIO, progress: Callable[[int], None] | None = None, ends: Iterable[int] = ()) -> str:
        """Read a stream to its end and give its digest.

        `progress` is told the bytes of each piece read, `ends` are as in `chunks`. Nothing is stored before `finish`.
        """
        if self._turn is None:
            self._turn = self._index.turn()
        made = _Object()
        number = len(self._objects)
        self._objects.append(made)
        whole = _StreamHash(self._behind)

        def tap(piece: memoryview) -> None:
            whole.update(piece)
            made.size += len(piece)
            if progress is not None:
                progress(len(piece))

        for content in chunks(source, tap, ends):
            self._batch.append((number, content))
            self._batch_size += len(content)
            if self._batch_size >= _BATCH:
                self._send()
        made.digest = whole.hexdigest()
        return made.digest

    def add_source(self, source: Source, progress: Callable[[int], None] | None = None) -> str:
        """`add` a source, opened for it; a small file is read at once, in a third of the time that opening takes."""
        content = small_content(source, SMALLEST) if isinstance(source, Path) else None
        if content is None:
            with opened(source) as stream:
                return self.add(stream, progress)
        if self._turn is None:
            self._turn = self._index.turn()
        made = _Object(size=len(content))
        if content:  # one chunk, as the cutter would say
            made.digest = blake3(content).hexdigest()
            self._batch.append((len(self._objects), memoryview(content)))
            self._batch_size += len(content)
        self._objects.append(made)
        if self._batch_size >= _BATCH:
            self._send()
        if content and progress is not None:
            progress(len(content))
        return made.digest

    def finish(self) -> list[Stored]:
        """Write what is left, make it durable, enter it into the index; answers in the order of the streams.

        Raises
        ------
        CollectedError
            When a gc has removed meanwhile what was found stored already, and was left out; nothing is stored then.
        """
        while self._ahead:
            self._write(self._ahead.popleft().result())
        self._write(self._squeeze(self._batch))
        present = self._index.objects({made.digest for made in self._objects})
        fresh: dict[str, _Object] = {}
        for made in self._objects:
            known = present.get(made.digest)
            if made.digest not in fresh and (known is None or (known.pack and not self._is_there(known.pack))):
                fresh[made.digest] = made
        for made in fresh.values():
            if manifest := made.manifest:
                raw = bytes(manifest)
                self._sink.add(EntryKind.MANIFEST, made.digest, raw, len(raw))
                made.new_bytes += len(raw)
        self._enter(fresh, present)
        return [Stored(made.digest, made.size, made.new_bytes) for made in self._objects]

    def _enter(self, fresh: dict[str, _Object], present: dict[str, Known]) -> None:
        now = self._clock.now()
        objects = {digest: Known(digest, made.size, "", 0, 0, now) for digest, made in fresh.items()}
        places: list[Place] = []
        for placed in self._sink.close():
            if placed.entry.kind is EntryKind.MANIFEST:
                digest = placed.entry.digest.hex()
                objects[digest] = placed.known(fresh[digest].size, now)
            else:
                places.append(placed.place())
        found = self._seen.difference(place.digest for place in places)
        claim = Claim(self._turn or 0, found, present.keys() - objects.keys(), now)
        enter = self._index.move if self._lost or objects.keys() & present.keys() else self._index.add
        try:
            enter(places, list(objects.values()), claim)
        except CollectedError:
            for pack in self._sink.packs():
                self._folder.remove(pack)
            raise

    def _send(self) -> None:
        batch, self._batch, self._batch_size = self._batch, [], 0
        self._ahead.append(self._background(self._squeeze, batch))
        while len(self._ahead) > _AHEAD:
            self._write(self._ahead.popleft().result())

    def _background(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="nbmlops-ingest")
        return self._pool.submit(work, *arguments)

    def _behind(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        # A thread of its own: the reader waits for it, which must not stand behind batches of chunks.
        if self._whole is None:
            self._whole = ThreadPoolExecutor(1, thread_name_prefix="nbmlops-digest")
        return self._whole.submit(work, *arguments)

    def _squeeze(self, batch: _Batch) -> _Squeezed:
        hashed = [(number, blake3(content).digest(), len(content)) for number, content in batch]
        first: dict[str, tuple[int, memoryview]] = {}
        with self._seeing:  # of batches with the same chunk one takes it
            for (_, raw, _), item in zip(hashed, batch, strict=True):
                if (digest := raw.hex()) not in self._seen:
                    self._seen.add(digest)
                    first[digest] = item
        known = self._index.places(first)
        for digest, place in known.items():
            if self._is_there(place.pack):
                del first[digest]
            else:
                self._lost.add(digest)
        small = squeeze(first.values())
        new = [
            (number, digest, len(content), codec, stored)
            for (digest, (number, content)), (codec, stored) in zip(first.items(), small, strict=True)
        ]
        return _Squeezed(hashed, new)

    def _is_there(self, pack: str) -> bool:
        # Somebody may have lost a pack; what lies in it is then stored again, not taken for stored.
        if pack not in self._packs:
            self._packs[pack] = self._folder.size(pack) is not None
        return self._packs[pack]

    def _write(self, squeezed: _Squeezed) -> None:
        for number, raw, size in squeezed.chunks:
            self._objects[number].body += ITEM.pack(raw, size)
        for number, digest, size, codec, stored in squeezed.new:
            self._sink.add(EntryKind.CHUNK, digest, stored, size, codec)
            self._objects[number].new_bytes += len(stored)


class _StreamHash:
    """Digest of a stream, taken in the background, a piece behind its reader."""

    def __init__(self, background: Callable[..., Future[Any]]) -> None:
        self._hasher = blake3()
        self._background = background
        self._running: Future[Any] | None = None

    def update(self, piece: memoryview) -> None:
        self._wait()
        if len(piece) < BLOCK:
            self._hasher.update(piece)
        else:
            self._running = self._background(self._hasher.update, piece)

    def hexdigest(self) -> str:
        self._wait()
        return self._hasher.hexdigest()

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None
