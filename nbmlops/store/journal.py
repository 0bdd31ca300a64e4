"""A process's own log of facts: a call returns when the operating system has the bytes, the catalog follows.

What the operating system has, a killed process does not lose. Each process appends to a file of its own and holds a
lock on it for as long as it lives; whoever can take the lock of another's file knows that its writer is gone, and
puts what it holds into the catalog. The format is specified in ``docs/formats/journal.md``.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import threading
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nbmlops.core.errors import UnavailableError, UnsupportedError

__all__ = ["Entry", "Journal", "abandoned", "read"]

_PROTOCOL = 1
_HEAD = ["nbmlops-journal", _PROTOCOL]
_ENDING = ".ndjson"
_BLOCK = 1 << 20
_LARGEST = 64 << 20
"""Bytes after which a journal goes on in a new file, so that what the catalog has can be let go."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Entry(NamedTuple):
    """One line: where it ends in its file, in bytes, and what it says; None for a line that is damaged."""

    end: int
    fact: list[Any] | None


class Journal:
    """The file that this process appends to; a forked child begins its own.

    Parameters
    ----------
    folder : Path
        Where the journals lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        # Their descriptors by path, oldest first; the locks hold until the catalog has the files.
        self._open: dict[Path, int] = {}
        self._descriptor: int | None = None
        self._size = 0
        self.written = 0
        """Bytes that were appended, in all files."""
        _journals.add(self)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of this process that were not let go yet, oldest first; the last one may still grow."""
        with self._guard:
            return tuple(self._open)

    def append(self, *fact: Any) -> None:
        """Write one fact; it is with the operating system when this returns.

        Raises
        ------
        UnavailableError
            When the disk is full or cannot be written; nothing of the fact is kept then.
        ValueError
            When it holds NaN or an infinity, which JSON cannot write.
        """
        self.append_text(_encode(fact))

    def append_text(self, fact: str) -> None:
        """`append` of a fact that is JSON already, in one line."""
        line = _line(fact)
        with self._guard:
            if self._descriptor is None or self._size > _LARGEST:
                self._begin()
            self._write(line)

    def _write(self, line: bytes) -> None:
        assert self._descriptor is not None
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # Half a line would hide the next one.
            os.ftruncate(self._descriptor, self._size)
            raise UnavailableError(
                f"cannot write to the journal in {self._folder}: {error.strerror}",
                hint="free some space, then log it again",
            ) from error
        self._size += written
        self.written += written

    def _begin(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
            path, descriptor = self._locked()
        except OSError as error:
            raise UnavailableError(
                f"cannot write to {self._folder}: {error.strerror}", hint="check its permissions and free space"
            ) from error
        self._open[path] = self._descriptor = descriptor
        self._size = 0
        self._write(_line(_encode(_HEAD)))

    def _locked(self) -> tuple[Path, int]:
        """A new file, and its descriptor, which holds the lock."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        while True:
            path = self._folder / f"{secrets.token_hex(16)}{_ENDING}"
            descriptor = os.open(path, flags, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return path, descriptor
            # Before it was locked, somebody took it for abandoned and removed it.
            os.close(descriptor)

    def let_go(self, path: Path, size: int) -> bool:
        """Remove a file of which the catalog has so many bytes; False when it has grown since, or may grow still."""
        with self._guard:
            growing = self._open[path] == self._descriptor
            if growing and self._size != size:
                return False
            path.unlink(missing_ok=True)
            os.close(self._open.pop(path))
            if growing:
                self._descriptor = None
            return True

    def close(self) -> None:
        """Leave the files that are still there to whoever opens the workspace next."""
        with self._guard:
            self._drop()

    def leave(self) -> None:
        """In a forked child: what is open is the parent's."""
        self._guard = threading.Lock()
        self._drop()

    def _drop(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open, self._descriptor = {}, None


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _in_child() -> None:
    # A child that kept the lock would make its dead parent look alive.
    for journal in list(_journals):
        journal.leave()


os.register_at_fork(after_in_child=_in_child)


def _line(fact: str) -> bytes:
    try:
        said = fact.encode()
    except UnicodeEncodeError:
        # No database keeps half of a character; one that is refused would hold up all that comes after it.
        said = fact.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return b"%08x %s\n" % (zlib.crc32(said), said)


def read(path: Path, start: int = 0, most: int = _BLOCK) -> Iterator[Entry]:
    """Entries from a place on where one begins; a last line without an end is not there yet.

    Parameters
    ----------
    path : Path
        The file.
    start : int
        Where to begin, in bytes.
    most : int
        How many bytes to have in memory at once, when no line is longer.

    Raises
    ------
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    with path.open("rb") as file:
        file.seek(start)
        end, rest = start, b""
        while block := file.read(most):
            *lines, rest = (rest + block).split(b"\n")
            for line, fact in zip(lines, _facts(lines), strict=True):
                end += len(line) + 1
                if end == len(line) + 1 and fact is not None:
                    _check_head(path, fact)
                else:
                    yield Entry(end, fact)


def _facts(lines: list[bytes]) -> list[list[Any] | None]:
    """What lines say; read as one array, which takes a third of the time that reading each would."""
    whole = [line[9:] if line[:9] == b"%08x " % zlib.crc32(line[9:]) else b"null" for line in lines]
    facts: list[list[Any] | None] = json.loads(b"[%s]" % b",".join(whole))
    return facts


def _check_head(path: Path, fact: list[Any]) -> None:
    if fact != _HEAD:
        raise UnsupportedError(
            f"the journal {path} is written in a form that this nbmlops does not know: {fact!r}"[:300],
            hint="pip install --upgrade nbmlops",
        )


@contextmanager
def abandoned(folder: Path) -> Iterator[list[Path]]:
    """The journals whose writers are gone, oldest first; nobody else is given them meanwhile."""
    found: list[tuple[int, Path]] = []
    descriptors: list[int] = []
    try:
        for path in sorted(folder.glob(f"*{_ENDING}")) if folder.is_dir() else ():
            descriptor = _taken(path)
            if descriptor is not None:
                descriptors.append(descriptor)
                found.append((os.fstat(descriptor).st_mtime_ns, path))
        yield [path for _, path in sorted(found)]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _taken(path: Path) -> int | None:
    """A descriptor that holds the lock of a file; None when somebody else has it, or the file has gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
