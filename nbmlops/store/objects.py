"""The object store: bytes in, digest out; the same bytes in again cost nothing.

An object's identity is the BLAKE3 digest of its whole content. Its content lies in packs as chunks cut by
content, so versions of a thing share what they have in common. The order of a save is always: temporary file,
sync, rename, sync of the folder, and only then the transaction that enters it into the catalog's index; a crash
anywhere before that leaves the store as it was. The format has a page: ``docs/formats/objects.md``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from blake3 import blake3

from nbmlops.core.clock import Clock
from nbmlops.core.errors import InvalidError
from nbmlops.store.catalog import Catalog
from nbmlops.store.folders import Folder
from nbmlops.store.index import Index
from nbmlops.store.ingest import Ingest
from nbmlops.store.known_files import KnownFiles
from nbmlops.store.manifests import EMPTY
from nbmlops.store.reader import ObjectReader, Shelves, corrupt
from nbmlops.store.remote import folder_at
from nbmlops.store.stamps import Stamps
from nbmlops.store.streams import Source, Stored, opened, taken
from nbmlops.store.view import ObjectView

if TYPE_CHECKING:
    from nbmlops.store.arrival import Arrived
    from nbmlops.store.records import Damage, Reindexed, Repair, Transfer, Verification
    from nbmlops.store.rewriting import Rewritten

__all__ = ["ObjectStore", "Stored"]

Progress = Callable[[int], None]
_READ_AHEAD = 256 * 1024


class ObjectStore:
    """Content-addressed objects in packs.

    Parameters
    ----------
    root : str
        A folder, or an fsspec URL such as ``s3://bucket/prefix``; made with the first object.
    catalog : Catalog
        Keeps the index.
    clock : Clock
        Tells when an object came.
    stamps : Stamps, optional
        Remembers which large files were hashed and have not been written to since; without it each is read again.

    Raises
    ------
    UnsupportedError
        When no file system is known for the URL.
    DependencyError
        When the URL's file system needs a package that is not installed.
    """

    def __init__(self, root: str, catalog: Catalog, clock: Clock, stamps: Stamps | None = None) -> None:
        self._folder = folder_at(root)
        self._index = Index(catalog)
        self._shelves = Shelves(self._folder, self._index)
        self._clock = clock
        self._files = KnownFiles(self._index, self.is_whole, clock, stamps)
        self._swept = False

    @property
    def parts(self) -> tuple[Folder, Index]:
        """The folder of the packs and their index."""
        return self._folder, self._index

    def put(self, source: Source, *, progress: Progress | None = None, ends: Iterable[int] = ()) -> Stored:
        """Store one object; when this returns it survives a power cut.

        Parameters
        ----------
        source : bytes, BinaryIO or Path
            The content; a stream is read from where it stands to its end, in bounded memory.
        progress : callable, optional
            Told the number of bytes of each piece read.
        ends : iterable of int
            Offsets, rising, at which parts of the content end, such as columns: what changes in one part is then
            stored without its neighbours.

        Raises
        ------
        NotFoundError
            When a path does not exist.
        InvalidError
            When a path is a folder, or a stream gives text.
        UnavailableError
            When the disk is full, read-only or away; nothing was stored then.
        """
        self._sweep()
        parts = tuple(ends)

        def take() -> list[Stored]:
            with Ingest(self._folder, self._index, self._clock) as ingest, opened(source) as stream:
                if not isinstance(source, Path):
                    ingest.add(stream, progress, parts)
                    return ingest.finish()
                if there := self._files.find(stream):
                    if progress is not None:
                        progress(there.size)
                    return [there]
                keep = self._files.taking_in(stream)
                ingest.add(stream, progress, parts)
                (stored,) = ingest.finish()
                keep(stored)
                return [stored]

        return taken([source], take)[0]

    def put_many(self, sources: Iterable[Source], *, progress: Progress | None = None) -> list[Stored]:
        """Store several objects at the price of one: together they are durable, in as few packs as possible.

        Raises
        ------
        NbmlopsError
            As `put` does; then none of them is stored.
        """
        self._sweep()

        def take() -> list[Stored]:
            with Ingest(self._folder, self._index, self._clock) as ingest:
                for source in sources:
                    ingest.add_source(source, progress)
                return ingest.finish()

        return taken(sources, take)

    @contextmanager
    def batch(self) -> Iterator[Ingest]:
        """Take several objects one after the other: ``add`` gives the digest of each, ``finish`` stores them together.

        Raises
        ------
        NbmlopsError
            As `put` does; then none of them is stored.
        """
        self._sweep()
        with Ingest(self._folder, self._index, self._clock) as ingest:
            yield ingest

    def open(self, digest: str) -> BinaryIO:
        """Open an object as a seekable file that hands out verified bytes only.

        Raises
        ------
        NotFoundError
            When the store does not have it.
        CorruptError
            When its manifest is damaged; reading raises it at a damaged chunk.
        """
        return io.BufferedReader(ObjectReader(self._shelves, self._shelves.manifest(digest)), _READ_AHEAD)

    def view(self, digest: str) -> ObjectView:
        """An object as memory that is filled where it is asked for, with verified bytes only.

        Raises
        ------
        NotFoundError
            When the store does not have it.
        CorruptError
            When its manifest is damaged.
        """
        return ObjectView(self._shelves, self._shelves.manifest(digest))

    def read(self, digest: str) -> bytes:
        """Whole content of an object.

        Raises
        ------
        NotFoundError
            When the store does not have it.
        CorruptError
            When any byte of it is not what was stored.
        """
        manifest = self._shelves.manifest(digest)
        places = self._shelves.locate(digest, list(manifest))
        content = b"".join(part for _, _, part in self._shelves.fetch(digest, places))
        # Each chunk gave its digest; of several, the manifest's word that they are this object is checked too.
        if len(manifest) > 1 and blake3(content, max_threads=blake3.AUTO).hexdigest() != digest:
            raise corrupt(digest, "its chunks are not those of its digest")
        return content

    def size(self, digest: str) -> int:
        """Bytes of an object.

        Raises
        ------
        NotFoundError
            When the store does not have it.
        """
        known = self._index.objects([digest]).get(digest)
        return known.size if known else self._shelves.manifest(digest).size

    def has(self, digest: str) -> bool:
        """Whether the store has an object; the empty one it always has."""
        return self._shelves.has(digest)

    def is_whole(self, digests: Iterable[str]) -> bool:
        """Whether some objects are here with all their chunks, as far as the index and the names of the packs tell."""
        return self._shelves.has_all_of(digests)

    def verify(self, *, full: bool = False, progress: Progress | None = None) -> Verification:
        """Compare packs, index and manifests; with `full` re-hash every byte.

        Parameters
        ----------
        full : bool
            Without it, sizes, footers and manifests are checked, but not the chunks' bytes.
        progress : callable, optional
            Told the bytes of each pack that was checked.
        """
        from nbmlops.store import verification

        self._sweep(again=True)
        return verification.verify(self._folder, self._index, full=full, progress=progress)

    def repair(self, source: str | Folder, damages: Sequence[Damage] | None = None) -> Repair:
        """Replace what is damaged by good copies, of this store where it has some, else of `source`.

        Packs that are damaged are written anew; what is left of the old files is not referred to any more.

        Parameters
        ----------
        source : str or Folder
            A folder or URL that was pushed to.
        damages : sequence of Damage, optional
            What to repair; by default what `verify(full=True)` finds.

        Raises
        ------
        NotFoundError
            When there is nothing at `source`.
        UnavailableError
            When `source` or this store cannot be used now.
        """
        from nbmlops.store import repair

        found = self.verify(full=True).damages if damages is None else damages
        return repair.repair(self._folder, self._index, self._elsewhere(source), found)

    def push(
        self,
        digests: Iterable[str],
        target: str | Folder,
        progress: Progress | None = None,
        cache: Path | None = None,
    ) -> Transfer:
        """Send objects to a folder or URL, only what it does not have; every byte is re-hashed before it goes.

        An interrupted push leaves whole packs only; the next one goes on from there.

        Parameters
        ----------
        digests : iterable of str
            The objects.
        target : str or Folder
            A folder or an fsspec URL; made when it is not there.
        progress : callable, optional
            Told the bytes of each chunk as it was sent or skipped.
        cache : Path, optional
            A folder of this machine for what was read of the packs there; it may be lost.

        Raises
        ------
        NotFoundError
            When this store lacks one of the objects.
        CorruptError
            When one is damaged here; the target never gets an object of which a part is missing.
        UnavailableError
            When the target cannot be written.
        """
        from nbmlops.store import transfer

        there = self._elsewhere(target)
        return transfer.push(self._shelves, list(dict.fromkeys(digests)), there, progress, cache)

    def pull(
        self,
        digests: Iterable[str],
        source: str | Folder,
        progress: Progress | None = None,
        cache: Path | None = None,
    ) -> Arrived:
        """Fetch objects from a folder or URL, only what this store does not have; each chunk is re-hashed on arrival.

        An interrupted pull keeps what arrived; the next one goes on from there. Parameters are as in `push`.

        Raises
        ------
        NotFoundError
            When the source lacks one of the objects.
        CorruptError
            When one is damaged there; nothing of it can be read here then.
        UnavailableError
            When the source cannot be read, or this store not be written.
        """
        from nbmlops.store import arrival

        there = self._elsewhere(source)
        self._sweep()
        here = arrival.Store(self._folder, self._index, self._clock)
        return arrival.pull(here, list(dict.fromkeys(digests)), there, progress, cache)

    def _elsewhere(self, where: str | Folder) -> Folder:
        folder = folder_at(where) if isinstance(where, str) else where
        if folder.where == self._folder.where:
            raise InvalidError(f"{folder.where} is this store itself", hint="give another folder or URL")
        return folder

    def missing(self, digests: Iterable[str]) -> set[str]:
        """Those of some objects that the store does not have."""
        wanted = set(digests) - {EMPTY}
        wanted -= self._index.objects(wanted).keys()
        return wanted - self._index.places(wanted).keys()

    def purge(
        self, objects: Iterable[str], progress: Progress | None = None, held: Callable[[], Collection[str]] = tuple
    ) -> Rewritten:
        """Remove objects at once, with all bytes that only they have.

        Afterwards the packs hold nothing but what the index points at. Cut off, it finishes when it is called again.
        What `held` gives when it is asked stays; `progress` is told the bytes of each few packs.
        Raises `CorruptError` when something that is to stay is damaged, `ConflictError` when others keep storing.
        """
        from nbmlops.store import purging

        return purging.purge(self._folder, self._index, objects, progress, held)

    def reindex(self) -> Reindexed:
        """Enter into the index what the packs hold and it lacks, as after the loss of the catalog."""
        from nbmlops.store import verification

        return verification.reindex(self._folder, self._index, self._clock.now())

    def _sweep(self, *, again: bool = False) -> None:
        if again or not self._swept:
            self._folder.sweep()
            self._swept = True
