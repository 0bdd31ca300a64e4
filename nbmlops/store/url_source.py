"""A file or a folder at an address, looked at, fetched, and looked at again: what changed meanwhile is refused."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, NamedTuple, Protocol

from nbmlops.core.errors import ConflictError, NotFoundError
from nbmlops.store.addresses import is_on_web
from nbmlops.store.stamp import Stamp
from nbmlops.store.streams import write_at
from nbmlops.store.url_files import UrlFiles

__all__ = ["Part", "Seen", "UrlSource", "differences", "source_at"]

Progress = Callable[[int], None]
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

    def look(self) -> Seen:
        """What lies there now; `NotFoundError` when nothing does."""

    def fetch(self, seen: Seen, sink: BinaryIO, progress: Progress | None = None) -> dict[str, Part]:
        """Write all files into an empty one, one after the other; `ConflictError` when they are others by now."""


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
    return _Tree(url)


class _Web:
    """A file on a web server, which has no folders."""

    def __init__(self, url: str) -> None:
        from nbmlops.store.web_files import WebFile

        self._file = WebFile(url)
        self.where = self._file.where

    def look(self) -> Seen:
        return Seen({"": self._file.stamp()}, is_folder=False)

    def fetch(self, seen: Seen, sink: BinaryIO, progress: Progress | None = None) -> dict[str, Part]:
        stamp = self._file.fetch(sink, progress)
        _refuse_changed(self.where, seen, Seen({"": stamp}, is_folder=False))
        _refuse_changed(self.where, seen, self.look())
        return {"": Part(0, os.fstat(sink.fileno()).st_size)}


class _Tree:
    """A file or a folder of a file system that fsspec knows."""

    def __init__(self, url: str) -> None:
        self._files = UrlFiles(url)
        self.where = self._files.where
        self._is_folder = url.endswith("/")

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

        def read(path: str, offset: int, length: int) -> int:
            try:
                content = self._files.read(path, offset, length)
            except FileNotFoundError:
                content = b""
            if len(content) != length:
                raise ConflictError(f"{self._at(path)} changed while it was read", hint="do it again")
            write_at(sink.fileno(), content, parts[path].begin + offset)
            return length

        blocks = (
            (path, offset, min(_BLOCK, part.size - offset))
            for path, part in parts.items()
            for offset in range(0, part.size, _BLOCK)
        )
        for length in _ahead(read, blocks):
            if progress is not None:
                progress(length)
        try:
            _refuse_changed(self.where, seen, self.look())
        except NotFoundError as error:
            raise ConflictError(f"{self.where} was removed while it was read") from error
        return parts

    def _at(self, path: str) -> str:
        return f"{self.where}/{path}" if path else self.where


def _ahead(work: Callable[[str, int, int], int], blocks: Iterable[tuple[str, int, int]]) -> Iterator[int]:
    """Results in order, of a few at a time, so that neither memory nor a queue grows with what is fetched."""
    pool = ThreadPoolExecutor(_READERS, thread_name_prefix="nbmlops-fetch")
    running: deque[Future[int]] = deque()
    try:
        for block in blocks:
            running.append(pool.submit(work, *block))
            if len(running) > 2 * _READERS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _refuse_changed(where: str, before: Seen, now: Seen) -> None:
    changes = [f"{path or where} ({', '.join(said)})" for path, said in differences(before, now).items()]
    if changes:
        more = f" and {len(changes) - 3:,} more" if len(changes) > 3 else ""
        raise ConflictError(
            f"what lies at {where} changed while it was read: {', '.join(changes[:3])}{more}; nothing was saved",
            hint="do it again",
        )


def differences(before: Seen, now: Seen) -> dict[str, list[str]]:
    """What is told otherwise of each file that is another by now, or is in one of two only."""
    found = {path: stamp.changes(now.files[path]) for path, stamp in before.files.items() if path in now.files}
    found |= {path: ["removed"] for path in before.files.keys() - now.files.keys()}
    found |= {path: ["added"] for path in now.files.keys() - before.files.keys()}
    return {path: said for path, said in sorted(found.items()) if said}
