"""What can be stored: bytes, a stream or a file; opened, and if need be gone back to."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from blake3 import blake3

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.store.folders import unavailable
from nbmlops.store.turns import CollectedError

__all__ = ["Source", "Stored", "Window", "digest_of_file", "opened", "small_content", "taken", "way_back", "write_at"]

_BLOCK = 16 * 1024 * 1024
_TRIES = 2

Source = bytes | BinaryIO | Path


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is in the store: its digest, its size, and the bytes that it added, as written."""

    digest: str
    size: int
    new_bytes: int


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """A source as a stream.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidError
        When the path is a folder.
    UnavailableError
        When it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    elif isinstance(source, Path):
        try:
            stream = source.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {source}", hint="check the path") from error
        except IsADirectoryError as error:
            raise InvalidError(f"{source} is a folder", hint="store its files one by one") from error
        except OSError as error:
            raise unavailable(error, source) from error
        with stream:
            yield stream
    else:
        yield source


def small_content(path: Path, most: int) -> bytes | None:
    """Content of a file of at most so many bytes; None of any other, of which `opened` tells what it is."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = os.read(handle, most + 1)
        return None if len(content) > most or (content and os.read(handle, 1)) else content
    except OSError:
        return None
    finally:
        os.close(handle)


def digest_of_file(stream: BinaryIO) -> str:
    """Digest of an open file from where it stands to its end."""
    hasher, block = blake3(max_threads=blake3.AUTO), memoryview(bytearray(_BLOCK))
    while count := stream.readinto(block):  # type: ignore[attr-defined]  # files have it
        hasher.update(block[:count])
    return hasher.hexdigest()


def taken(sources: Iterable[Source], take: Callable[[], list[Stored]]) -> list[Stored]:
    """Take sources in; from the beginning, if it can be found, when a gc removed what was found stored already."""
    back = way_back(sources)
    for _ in range(_TRIES):
        try:
            return take()
        except CollectedError:
            if not back():
                raise
    return take()


def way_back(sources: Iterable[Source]) -> Callable[[], bool]:
    """What leads back to where the sources stand now, as often as it is called; it says False when there is no way."""
    if not isinstance(sources, Sequence):  # an iterator gives each of them once
        return lambda: False
    streams = [source for source in sources if not isinstance(source, bytes | bytearray | memoryview | Path)]
    if not all(isinstance(stream, io.IOBase) and stream.seekable() for stream in streams):
        return lambda: False
    starts = [stream.tell() for stream in streams]

    def back() -> bool:
        for stream, start in zip(streams, starts, strict=True):
            stream.seek(start)
        return True

    return back


def write_at(file: int, content: bytes, at: int) -> None:
    """Write all of some bytes at a place of an open file of this machine; `UnavailableError` when its disk is full."""
    rest = memoryview(content)
    try:
        while rest:
            count = os.pwrite(file, rest, at)
            at, rest = at + count, rest[count:]
    except OSError as error:
        raise unavailable(error, "what was being fetched") from error


class Window(io.RawIOBase):
    """A part of an open file as a stream of its own.

    Parameters
    ----------
    file : int
        Descriptor of the file, which has to stay open.
    begin, size : int
        Where the part begins, and its bytes.
    """

    def __init__(self, file: int, begin: int, size: int) -> None:
        super().__init__()
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place of the part."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readinto(self, target: Any) -> int:
        """Read into a buffer, at most to the end of the part."""
        block = memoryview(target)
        count = os.preadv(self._file, [block[: max(0, self._size - self._at)]], self._begin + self._at)
        self._at += count
        return count
