"""Send objects to another folder of packs, which needs no catalog: what it has, its packs tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nbmlops.core.errors import ConflictError
from nbmlops.store.carrying import Load, StoppedError, Told, loads, side_by_side
from nbmlops.store.contents import Contents, Found
from nbmlops.store.folders import Folder
from nbmlops.store.index import Place
from nbmlops.store.packs import BrokenError, EntryKind
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Transfer
from nbmlops.store.sink import PackSink

__all__ = ["push"]

_TURNS = 5
_MOST = 0.8


def push(
    source: Shelves,
    digests: Sequence[str],
    target: Folder,
    progress: Callable[[int], None] | None = None,
    cache: Path | None = None,
) -> Transfer:
    """Write what `target` lacks of some objects into new packs there: first all chunks, then the manifests.

    When this returns all of it is durable there. `cache` is as in `Contents`.
    """
    target.sweep()
    sender = _Sender(source, digests, target, Told(progress))
    for _ in range(_TURNS):
        contents = Contents(target, cache)
        sender.send(contents)
        # Somebody may have rewritten packs there while this relied on them.
        if not contents.packs.keys() - target.names().keys():
            return Transfer(len(digests), sender.chunks, sender.bytes_sent, sender.bytes_skipped)
    raise ConflictError(f"{target.where} kept changing while it was written to", hint="do it again")


class _Sender:
    def __init__(self, source: Shelves, digests: Sequence[str], target: Folder, told: Told) -> None:
        self._source = source
        self._target = target
        self._told = told
        self._manifests = [source.manifest(digest) for digest in digests]
        self._owners: dict[str, str] = {}
        self.chunks = self.bytes_sent = self.bytes_skipped = 0

    def send(self, contents: Contents) -> None:
        """Send what is missing there."""
        wanted = {digest for manifest in self._manifests for digest, _ in manifest}
        found = contents.find(wanted | {manifest.digest for manifest in self._manifests})
        missing = self._missing(found)
        for sent in side_by_side(self._carry, loads(missing, self._target)):
            self.bytes_sent += sent
        self.chunks += len(missing)
        # A place where this was cut off never holds an object of which a part is missing.
        with PackSink(self._target) as sink:
            for manifest in self._manifests:
                if len(manifest) > 1 and manifest.digest not in found.manifests:
                    raw = bytes(manifest)
                    sink.add(EntryKind.MANIFEST, manifest.digest, raw, len(raw))
                    self.bytes_sent += len(raw)
            sink.close()

    def _missing(self, found: Found) -> list[Place]:
        missing: dict[str, Place] = {}
        skipped = 0
        for manifest in self._manifests:
            here = []
            for digest, size in manifest:
                if places := found.chunks.get(digest):
                    skipped += places[0].stored
                elif digest in missing:
                    skipped += missing[digest].stored
                else:
                    here.append((digest, size))
            for place in self._source.locate(manifest.digest, here):
                skipped += place.stored if place.digest in missing else 0
                missing[place.digest] = place
                self._owners[place.digest] = manifest.digest
        self.bytes_skipped = skipped
        self._told(skipped)
        return list(missing.values())

    def _carry(self, load: Load, stop: threading.Event) -> int:
        """Write a load into packs of the target."""
        try:
            return self._write(load, self._cheaply(load), stop)
        except BrokenError:
            # Chunk by chunk, to tell which one it is, or that it is none of these.
            return self._write(load, self._each(load), stop)

    def _write(self, load: Load, chunks: Iterator[tuple[Place, bytes]], stop: threading.Event) -> int:
        with PackSink(self._target) as sink:
            for place, stored in chunks:
                if stop.is_set():
                    raise StoppedError
                sink.add(EntryKind.CHUNK, place.digest, stored, place.size, place.codec)
                self._told(place.stored)
            sink.close()
        return sum(place.stored for place in load)

    def _each(self, places: Load) -> Iterator[tuple[Place, bytes]]:
        for place, stored, _ in self._source.fetch(self._owners[places[0].digest], places):
            yield place, stored

    def _cheaply(self, load: Load) -> Iterator[tuple[Place, bytes]]:
        """Chunks of a load; of a pack that goes nearly whole, the pack's own digest tells that they are right."""
        start = 0
        while start < len(load):
            pack, end = load[start].pack, start
            while end < len(load) and load[end].pack == pack:
                end += 1
            places = load[start:end]
            if self._source.share(places) > _MOST:
                yield from self._source.fetch_pack(places)
            else:
                yield from self._each(places)
            start = end
