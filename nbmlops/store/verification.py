"""Is everything as it was stored? Packs against themselves, index against packs, manifests against index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index, Known, Place
from nbmlops.store.manifests import Manifest
from nbmlops.store.packs import HEADER, BrokenError, Entry, EntryKind, check_header, unpack
from nbmlops.store.reader import Shelves
from nbmlops.store.records import Damage, Reindexed, Verification
from nbmlops.store.shelf import Shelf, read_entries

__all__ = ["reindex", "verify"]

_PAGE = 256
_DIFFER = "the index and the pack differ"
_NOWHERE = "it is in no pack that the index knows"


@dataclass(slots=True)
class _Findings:
    packs: dict[str, str] = field(default_factory=dict)
    chunks: dict[str, tuple[str, str]] = field(default_factory=dict)
    manifests: dict[str, tuple[str, str]] = field(default_factory=dict)


def verify(folder: Folder, index: Index, *, full: bool, progress: Callable[[int], None] | None = None) -> Verification:
    """Check every pack that the index refers to, then every object; names the objects that a damage touches."""
    sizes = folder.names()
    findings = _Findings()
    packs = index.packs()
    for pack in packs:
        if pack not in sizes:
            # A gc may have written it since the folder was listed, or removed it since the index was read.
            size = folder.size(pack)
            if size is None and not (index.places_in(pack) or index.manifests_in(pack)):
                continue
            if size is not None:
                sizes[pack] = size
        _check_pack(folder, index, pack, sizes.get(pack), findings)
        if full and pack in sizes:
            _check_bytes(folder, index, pack, sizes[pack], findings)
        if progress is not None:
            progress(sizes.get(pack, 0))
    shelves = Shelves(folder, index)
    damages: dict[Damage, None] = {}
    objects = 0
    for known in index.all_objects():
        objects += 1
        damages.update(dict.fromkeys(_check_object(shelves, index, known, findings)))
    damages.update(dict.fromkeys(_untouched(findings, damages)))
    held = sum(sizes.get(pack, 0) for pack in packs)
    return Verification(objects, index.chunk_count(), held, full, tuple(damages))


def _check_pack(folder: Folder, index: Index, pack: str, size: int | None, findings: _Findings) -> None:
    if size is None:
        findings.packs[pack] = "its file is gone"
        return
    try:
        check_header(folder.read(pack, 0, len(HEADER)))
        entries = {(e.kind, e.digest.hex()): e for e in read_entries(folder, pack, size)}
    except BrokenError as error:
        findings.packs[pack] = str(error)
        return
    for place in index.places_in(pack):
        entry = entries.get((EntryKind.CHUNK, place.digest))
        if not entry or _line(entry) != (place.offset, place.stored, place.size, place.codec):
            findings.chunks[place.digest] = pack, _DIFFER
    for known in index.manifests_in(pack):
        entry = entries.get((EntryKind.MANIFEST, known.digest))
        if not entry or (entry.offset, entry.stored) != (known.offset, known.stored):
            findings.manifests[known.digest] = pack, _DIFFER


def _line(entry: Entry) -> tuple[int, int, int, int]:
    return entry.offset, entry.stored, entry.size, entry.codec


def _check_bytes(folder: Folder, index: Index, pack: str, size: int, findings: _Findings) -> None:
    try:
        raw = folder.read(pack, 0, size)
    except BrokenError as error:
        findings.packs[pack] = str(error)
        return
    named = digests.of_bytes(raw) == pack
    for place in index.places_in(pack):
        try:
            unpack(place.digest, place.codec, place.size, raw[place.offset : place.offset + place.stored])
        except BrokenError as error:
            findings.chunks[place.digest] = pack, str(error)
            named = True  # the chunk tells more than the pack's name does
    for known in index.manifests_in(pack):
        try:
            Manifest.parse(known.digest, raw[known.offset : known.offset + known.stored])
        except BrokenError as error:
            findings.manifests[known.digest] = pack, str(error)
            named = True
    if not named:
        findings.packs.setdefault(pack, "its bytes do not give its name")


def _check_object(shelves: Shelves, index: Index, known: Known, findings: _Findings) -> Iterator[Damage]:
    if known.pack in findings.packs:
        yield Damage(known.digest, "", known.pack, findings.packs[known.pack])
    elif known.digest in findings.manifests:
        yield Damage(known.digest, "", *findings.manifests[known.digest])
    try:
        manifest = shelves.manifest_of(known)
    except CorruptError:
        if known.pack not in findings.packs and known.digest not in findings.manifests:
            yield Damage(known.digest, "", known.pack, "its manifest is damaged")
        return
    for start in range(0, len(manifest), _PAGE):
        items = [manifest[n] for n in range(start, min(start + _PAGE, len(manifest)))]
        places = index.places({digest for digest, _ in items})
        for digest, size in items:
            yield from _check_item(known.digest, digest, size, places.get(digest), findings)


def _check_item(owner: str, digest: str, size: int, place: Place | None, findings: _Findings) -> Iterator[Damage]:
    if place is None:
        yield Damage(owner, digest, "", _NOWHERE)
    elif digest in findings.chunks:
        yield Damage(owner, digest, *findings.chunks[digest])
    elif place.pack in findings.packs:
        yield Damage(owner, "", place.pack, findings.packs[place.pack])
    elif place.size != size:
        yield Damage(owner, digest, place.pack, "the index and the manifest differ")


def _untouched(findings: _Findings, damages: dict[Damage, None]) -> Iterator[Damage]:
    chunks = {damage.chunk for damage in damages}
    packs = {damage.pack for damage in damages}
    for digest, (pack, why) in findings.chunks.items():
        if digest not in chunks:
            yield Damage(None, digest, pack, why)
    for pack, why in findings.packs.items():
        if pack not in packs:
            yield Damage(None, "", pack, why)


def reindex(folder: Folder, index: Index, now: datetime) -> Reindexed:
    """Enter what the packs hold into the index; a chunk that no manifest lists was an object by itself."""
    shelf = Shelf(folder, without=index.removed())
    unreadable = list(shelf.unreadable)
    objects: list[Known] = []
    listed: set[str] = set()
    for digest in shelf.described():
        placed = shelf.manifests(digest)[0]
        entry = placed.entry
        try:
            manifest = Manifest.parse(digest, folder.read(placed.pack, entry.offset, entry.stored))
        except BrokenError:
            unreadable.append(placed.pack)
            continue
        objects.append(placed.known(manifest.size, now))
        listed.update(chunk for chunk, _ in manifest)
    places: Sequence[Place] = list(shelf)
    objects += [Known(p.digest, p.size, "", 0, 0, now) for p in places if p.digest not in listed]
    index.add(places, objects)
    return Reindexed(len(shelf.packs), len(places), len(objects), tuple(dict.fromkeys(unreadable)))
