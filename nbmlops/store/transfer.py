"""Send objects to another folder of packs, which needs no catalog: what it has, its packs tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbmlops.store.folders import Folder
from nbmlops.store.index import Place
from nbmlops.store.manifests import Manifest
from nbmlops.store.packs import EntryKind
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Transfer
from nbmlops.store.shelf import Shelf
from nbmlops.store.sink import PackSink

__all__ = ["push"]

_PAGE = 256


def push(
    source: Shelves, digests: Sequence[str], target: Folder, progress: Callable[[int], None] | None = None
) -> Transfer:
    """Write what `target` lacks of some objects into new packs there: first all chunks, then the manifests."""
    shelf = Shelf(target)
    sent: set[str] = set()
    count = bytes_sent = bytes_skipped = 0
    missing: list[Manifest] = []
    with PackSink(target) as sink:
        for digest in digests:
            manifest = source.manifest(digest)
            if len(manifest) > 1 and not shelf.manifests(digest):
                missing.append(manifest)
            for start in range(0, len(manifest), _PAGE):
                items = [manifest[n] for n in range(start, min(start + _PAGE, len(manifest)))]
                wanted: list[Place] = []
                for place in source.locate(digest, items):
                    if place.digest in sent or shelf.chunks(place.digest):
                        bytes_skipped += place.stored
                        _tell(progress, place.stored)
                    else:
                        sent.add(place.digest)
                        wanted.append(place)
                for place, stored, _ in source.fetch(digest, wanted):
                    sink.add(EntryKind.CHUNK, place.digest, stored, place.size, place.codec)
                    count += 1
                    bytes_sent += place.stored
                    _tell(progress, place.stored)
        for manifest in missing:
            raw = bytes(manifest)
            sink.add(EntryKind.MANIFEST, manifest.digest, raw, len(raw))
            bytes_sent += len(raw)
        sink.close()
    return Transfer(len(digests), count, bytes_sent, bytes_skipped)


def _tell(progress: Callable[[int], None] | None, count: int) -> None:
    if progress is not None:
        progress(count)
