"""Read data that stays where it is, once it was found to be what was tracked."""

from __future__ import annotations

import mmap
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from blake3 import blake3

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UntrustedError
from nbmlops.data import files
from nbmlops.data.places import LocalPlace, place_at
from nbmlops.data.tracked import Entry, Tracked
from nbmlops.store.stamp import Stamp
from nbmlops.store.streams import Window, digest_of_file
from nbmlops.store.url_source import Part, Seen, UrlSource, refuse_changed

if TYPE_CHECKING:
    from nbmlops.data.stored import StoredTable
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["Held", "TrackedReading", "described"]

Progress = Callable[[int], None]
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """The files of a place, at hand: where they are, or fetched into one file of this machine.

    `base` is the path of the place when it is one of this machine, else `file` has all files as `parts` of it.
    """

    base: Path | None
    file: BinaryIO
    parts: Mapping[str, Part]

    @classmethod
    @contextmanager
    def of(
        cls, place: UrlSource | LocalPlace, seen: Seen, spare: BinaryIO, progress: Progress | None = None
    ) -> Iterator[Held]:
        """Have them in the body of a ``with``; `ConflictError` when they change meanwhile."""
        if not isinstance(place, LocalPlace):
            yield cls(None, spare, place.fetch(seen, spare, progress))
            return
        yield cls(place.path, spare, {path: Part(0, stamp.size or 0) for path, stamp in seen.files.items()})
        refuse_changed(place.where, seen, place.look())

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """One of the files as a stream."""
        if self.base is None:
            yield cast("BinaryIO", Window(self.file.fileno(), *self.parts[path]))
        else:
            with (self.base / path).open("rb") as file:
                yield file

    def entries(self) -> dict[str, Entry]:
        """Digests and sizes, of bytes that are read for it."""
        found = {}
        for path, part in self.parts.items():
            with self.open(path) as stream:
                found[path] = Entry(digest_of_file(stream), part.size)
        return found

    @contextmanager
    def view(self) -> Iterator[FileView]:
        """The only file as memory."""
        if self.base is None:
            yield FileView(self.file.fileno(), self.parts[""].size)
        else:
            with self.base.open("rb") as file:
                yield FileView(file.fileno(), self.parts[""].size)


class FileView:
    """A file of this machine as memory that is filled where it is asked for.

    Parameters
    ----------
    file : int
        Descriptor of the file, which has to stay open.
    size : int
        Its bytes.
    """

    def __init__(self, file: int, size: int) -> None:
        # Not a map of the file itself: should it be cut meanwhile, that would end the process.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self.memory = mmap.mmap(-1, max(size, 1), flags=flags)
        self._file = file
        self.size = size

    def need(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Read some ranges.

        Raises
        ------
        ConflictError
            When the file ends before.
        """
        memory = memoryview(self.memory)
        for begin, end in ranges:
            done = begin
            while done < end:
                if not (count := os.preadv(self._file, [memory[done : min(end, done + _BLOCK)]], done)):
                    raise ConflictError("the file was cut off while it was read", hint="do it again")
                done += count

    def forget(self, before: int) -> None:
        """Give back the memory of what lies before an offset."""
        if pages := before // mmap.PAGESIZE * mmap.PAGESIZE:
            self.memory.madvise(mmap.MADV_DONTNEED, 0, pages)


def described(held: Held, where: str) -> dict[str, Any]:
    """Rows and columns of a Parquet file, for the catalog.

    Raises
    ------
    InvalidError
        When it is none, or a name of it cannot be told from another.
    """
    import pyarrow as pa

    from nbmlops.data.frames import refuse_names
    from nbmlops.data.pieces import File

    with held.view() as view:
        try:
            file = File(view)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InvalidError(
                f"{where} cannot be read as Parquet: {str(error).splitlines()[0]}",
                hint="mend it, or give it an ending that says what it is",
            ) from None
        refuse_names(file.schema.names)
        columns = [[field.name, str(field.type), field.nullable] for field in file.schema]
        return {"rows": file.rows, "columns": columns}


class TrackedReading:
    """Reads what was tracked.

    Parameters
    ----------
    objects : ObjectStore
        Where the records lie.
    scratch : Path
        Folder for temporary files, in the workspace's own.
    trusted : callable
        Whether the workspace is trusted: only then an address that it names is asked.
    """

    def __init__(self, objects: ObjectStore, scratch: Path, trusted: Callable[[], bool]) -> None:
        self._objects = objects
        self._scratch = scratch
        self._trusted = trusted

    @contextmanager
    def verified(self, version: Version) -> Iterator[Held]:
        """What was tracked, at hand in the body of a ``with``, every byte hashed.

        Raises
        ------
        NotFoundError
            When it is not there any more.
        ConflictError
            When it is not the same any more; what has changed is told.
        UntrustedError
            When it is at an address, and the workspace is not trusted.
        """
        record = self.record(version)
        place, seen = self._look(version, record)
        told = _told(version).changes(seen.files[""]) if not seen.is_folder else []
        sizes = {path: record.files[path].digest for path in record.files}
        self._refuse(version, record, told, {p: Entry(sizes.get(p, ""), s.size or 0) for p, s in _sized(seen, record)})
        with files.scratch(self._scratch) as spare, Held.of(place, seen, spare) as held:
            self._refuse(version, record, told, held.entries())
            yield held

    def _look(self, version: Version, record: Tracked) -> tuple[UrlSource | LocalPlace, Seen]:
        own = self._scratch.parent
        place = place_at(record.where, own.parent, own)
        if not isinstance(place, LocalPlace) and not self._trusted():
            raise UntrustedError(
                f"{version.ref} lies at {record.where}, and you have not said that you trust this workspace",
                hint="look at the address, then `ml trust`",
            )
        try:
            return place, place.look()
        except NotFoundError:
            raise NotFoundError(
                f"nothing is left at {record.where}, where {version.ref} was tracked",
                hint=f"put it back, or track what there is now: `ml data track WHERE {version.name}`",
            ) from None

    def _refuse(self, version: Version, record: Tracked, told: list[str], now: Mapping[str, Entry]) -> None:
        if changes := record.changes(now):
            said = list(dict.fromkeys([*told, *changes]))
            more = f" and {len(said) - 4:,} more" if len(said) > 4 else ""
            # A path in the record begins at the project's folder, one that is typed where one stands.
            at = record.where if "://" in record.where else str(self._scratch.parents[1] / record.where)
            raise ConflictError(
                f"{record.where} has changed since {version.ref} was tracked: {', '.join(said[:4])}{more}",
                hint=f"track it again: `ml data track {shlex.quote(at)} {version.name}`",
            )

    @contextmanager
    def table(
        self, version: Version, columns: Sequence[str] | None = None, where: str | None = None
    ) -> Iterator[StoredTable]:
        """The table in a Parquet file or a Delta table that was tracked.

        Of a Delta table there may be only `columns`, those of the condition `where`, and the rows that can meet it.
        """
        from nbmlops.data.stored import StoredTable

        if version.detail["tracked"] == "delta":
            with self._delta(version, columns, where) as table:
                yield table
            return
        with self.verified(version) as held, held.view() as view, StoredTable(_Only(view), version) as table:
            yield table

    @contextmanager
    def _delta(self, version: Version, columns: Sequence[str] | None, where: str | None) -> Iterator[StoredTable]:
        from nbmlops.data.delta import DeltaAt
        from nbmlops.data.stored import StoredTable

        record = self.record(version)
        place, seen = self._look(version, record)
        known = DeltaAt(place.address, record.where, record.delta)
        self._refuse(version, record, [], known.active(seen.files))
        there = {path: Entry("", seen.files[path].size or 0) for path in record.files if path in seen.files}
        self._refuse(version, record, [], there)
        with files.scratch(self._scratch) as spare:
            rows = known.write(spare, columns, where)
            told = replace(version, detail={**version.detail, "rows": rows})
            with StoredTable(_Only(FileView(spare.fileno(), spare.seek(0, os.SEEK_END))), told) as table:
                yield table

    def place(self, version: Version, target: Path | None) -> Path:
        """The path of what was tracked, or of a copy: at `target`, or of what is not on this machine in the scratch.

        Raises as `verified` does.
        """
        known = self.record(version).files
        with self.verified(version) as held:
            if target is None and held.base is not None:
                return held.base
            to = target or self._own(version)
            for path in held.parts:
                at = files.below(to, path) if path else to
                at.parent.mkdir(parents=True, exist_ok=True)
                with held.open(path) as source:
                    files.write_atomically(at, partial(_copy, source, known[path].digest))
            return to

    def record(self, version: Version) -> Tracked:
        """What was recorded."""
        return Tracked.parse(self._objects.read(version.root))

    def _own(self, version: Version) -> Path:
        folder = self._scratch / version.digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(version.detail.get("filename", version.name))


@dataclass(frozen=True, slots=True)
class _Only:
    """One file, whatever is asked for."""

    held: FileView

    def view(self, digest: str) -> FileView:  # noqa: ARG002 - there is one
        return self.held

    def read(self, digest: str) -> bytes:
        raise NotFoundError(f"{digest} is not stored")


def _copy(source: BinaryIO, digest: str, sink: IO[bytes]) -> None:
    """Copy what has a digest, and see that it has it: it was hashed before, but that was before."""
    hasher = blake3()
    while block := source.read(_BLOCK):
        hasher.update(block)
        sink.write(block)
    if hasher.hexdigest() != digest:
        raise ConflictError("the file changed while it was read; nothing was written", hint="do it again")


def _told(version: Version) -> Stamp:
    return Stamp(version.size, version.detail.get("etag"), version.detail.get("written"))


def _sized(seen: Seen, record: Tracked) -> Iterator[tuple[str, Stamp]]:
    """Of each file what is known of its size before it is read; of one of unknown size what was recorded."""
    for path, stamp in seen.files.items():
        yield path, stamp if stamp.size is not None or path not in record.files else Stamp(record.files[path].size)
