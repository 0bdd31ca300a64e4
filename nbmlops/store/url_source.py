"""A file or a folder at an address, looked at, fetched, and looked at again: what changed meanwhile is refused."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from blake3 import blake3

from nbmlops.core.errors import ConflictError, NotFoundError
from nbmlops.store.addresses import is_on_web
from nbmlops.store.stamp import Stamp
from nbmlops.store.streams import Window, digest_of_file, write_at

if TYPE_CHECKING:
    from nbmlops.store.url_files import UrlFiles

__all__ = ["Part", "Seen", "UrlSource", "refuse_changed", "source_at"]

Progress = Callable[[int], None]
_Block = tuple[str, int, bytes]
_BLOCK = 4 << 20
_READERS = 8


class Seen(NamedTuple):
    """What lies at an address: the stamps of the files of a folder by their paths, or of one file, by an empty one."""

    files: Mapping[str, Stamp]
    is_folder: bool


class Part(NamedTuple):
    """Where a file begins among all that were fetched, and its size in bytes."""

    begin: int
    size: int


class UrlSource(Protocol):
    """What can be fetched from an address."""

    @property
    def where(self) -> str:
        """The address as it may be shown."""

    @property
    def address(self) -> str:
        """The address as others can open it, if they find the credentials."""

    def look(self) -> Seen:
        """What lies there now; `NotFoundError` when nothing does."""

    def fetch(self, seen: Seen, sink: BinaryIO, progress: Progress | None = None) -> dict[str, Part]:
        """Write all files into an empty one, one after the other; `ConflictError` when they are others by now."""

    def digests(self, seen: Seen, spare: BinaryIO, progress: Progress | None = None) -> dict[str, str]:
        """Digests of all files; `spare` is an empty file to be used. `ConflictError` as in `fetch`."""


def source_at(url: str) -> UrlSource:
    """What can be fetched from an address; nothing is asked of it yet.

    Raises
    ------
    InvalidError
        When it cannot be taken apart, or holds credentials that belong into the environment.
    UnsupportedError
        When no file system is known for it.
    DependencyError
        When its file system needs a package that is not installed.
    """
    if is_on_web(url):
        return _Web(url)
    from nbmlops.store.url_files import UrlFiles

    return _Tree(UrlFiles(url), is_folder=url.endswith("/"))


class _Web:
    """A file on a web server, which has no folders."""

    def __init__(self, url: str) -> None:
        from nbmlops.store.web_files import WebFile

        self._file = WebFile(url)
        self.where = self.address = self._file.where

    def look(self) -> Seen:
        return Seen({"": self._file.stamp()}, is_folder=False)

    def fetch(self, seen: Seen, sink: BinaryIO, progress: Progress | None = None) -> dict[str, Part]:
        stamp = self._file.fetch(sink, progress)
        refuse_changed(self.where, seen, Seen({"": stamp}, is_folder=False))
        refuse_changed(self.where, seen, self.look())
        return {"": Part(0, os.fstat(sink.fileno()).st_size)}

    def digests(self, seen: Seen, spare: BinaryIO, progress: Progress | None = None) -> dict[str, str]:
        (part,) = self.fetch(seen, spare, progress).values()
        return {"": digest_of_file(cast("BinaryIO", Window(spare.fileno(), *part)))}


class _Tree:
    """A file or a folder of a file system that fsspec knows."""

    def __init__(self, files: UrlFiles, *, is_folder: bool) -> None:
        self._files = files
        self.where = self.address = files.where
        self._is_folder = is_folder

    def look(self) -> Seen:
        try:
            stamp = None if self._is_folder else self._files.stamp("")
        except FileNotFoundError:
            raise NotFoundError(f"there is nothing at {self.where}", hint="check the address") from None
        if stamp is not None:
            return Seen({"": stamp}, is_folder=False)
        found = self._files.stamps("")
        if not found:
            raise NotFoundError(f"there are no files below {self.where}", hint="check the address")
        return Seen(found, is_folder=True)

    def fetch(self, seen: Seen, sink: BinaryIO, progress: Progress | None = None) -> dict[str, Part]:
        parts, end = {}, 0
        for path in sorted(seen.files):
            parts[path] = Part(end, seen.files[path].size or 0)
            end += parts[path].size
        for path, offset, content in self._blocks(seen, progress):
            write_at(sink.fileno(), content, parts[path].begin + offset)
        return parts

    def digests(self, seen: Seen, spare: BinaryIO, progress: Progress | None = None) -> dict[str, str]:  # noqa: ARG002 - nothing has to be kept
        hashers = {path: blake3(max_threads=blake3.AUTO) for path in seen.files}
        for path, _, content in self._blocks(seen, progress):
            hashers[path].update(content)
        return {path: hasher.hexdigest() for path, hasher in hashers.items()}

    def _blocks(self, seen: Seen, progress: Progress | None) -> Iterator[_Block]:
        """All files in blocks, in order; at the end they have to be what they were."""

        def read(path: str, offset: int, length: int) -> _Block:
            try:
                content = self._files.read(path, offset, length)
            except FileNotFoundError:
                content = b""
            if len(content) != length:
                raise ConflictError(f"{self._at(path)} changed while it was read", hint="do it again")
            return path, offset, content

        sizes = {path: seen.files[path].size or 0 for path in sorted(seen.files)}
        blocks = (
            (path, offset, min(_BLOCK, size - offset))
            for path, size in sizes.items()
            for offset in range(0, size, _BLOCK)
        )
        for block in _ahead(read, blocks):
            if progress is not None:
                progress(len(block[2]))
            yield block
        try:
            refuse_changed(self.where, seen, self.look())
        except NotFoundError as error:
            raise ConflictError(f"{self.where} was removed while it was read") from error

    def _at(self, path: str) -> str:
        return f"{self.where}/{path}" if path else self.where


def _ahead(work: Callable[[str, int, int], _Block], blocks: Iterable[tuple[str, int, int]]) -> Iterator[_Block]:
    """Results in order, of a few at a time, so that neither memory nor a queue grows with what is fetched."""
    pool = ThreadPoolExecutor(_READERS, thread_name_prefix="nbmlops-fetch")
    running: deque[Future[_Block]] = deque()
    try:
        for block in blocks:
            running.append(pool.submit(work, *block))
            if len(running) > 2 * _READERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def refuse_changed(where: str, before: Seen, now: Seen) -> None:
    """Refuse what is not the same any more.

    Raises
    ------
    ConflictError
        When a file came, went, or is another by what is told of it.
    """
    changes = [f"{path or where} ({', '.join(said)})" for path, said in _differences(before, now).items()]
    if changes:
        more = f" and {len(changes) - 3:,} more" if len(changes) > 3 else ""
        raise ConflictError(
            f"what lies at {where} changed while it was read: {', '.join(changes[:3])}{more}; nothing was saved",
            hint="do it again",
        )


def _differences(before: Seen, now: Seen) -> dict[str, list[str]]:
    found = {path: stamp.changes(now.files[path]) for path, stamp in before.files.items() if path in now.files}
    found |= {path: ["removed"] for path in before.files.keys() - now.files.keys()}
    found |= {path: ["added"] for path in now.files.keys() - before.files.keys()}
    return {path: said for path, said in sorted(found.items()) if said}
