"""Packs in a folder on a disk, safe from crashes, power cuts and other writers.

A pack is written to a temporary file in the same folder, synced, renamed, and the folder synced before anything
refers to it. The writer holds a lock on its temporary file, so one that nobody locks was left by a process that
died, and may go.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from nbmlops.store.folders import SUFFIX, PackFile, Writing, unavailable
from nbmlops.store.packs import BrokenError

__all__ = ["LocalFolder", "locked_file", "make_folder", "sync_file", "sync_folder"]

_TEMPORARY = ".writing-"
_SIGN = ".writer-"


class LocalFolder:
    """Packs in ``<root>/packs`` on a disk."""

    near = True

    def __init__(self, root: Path) -> None:
        self.where = str(root)
        self._packs = root / "packs"
        self._shelf = f"{self._packs}{os.sep}"

    def _path(self, name: str) -> Path:
        return self._packs / f"{name}{SUFFIX}"

    def names(self) -> dict[str, int]:
        """Sizes of all packs in bytes, by name."""
        try:
            with os.scandir(self._packs) as found:
                return {e.name.removesuffix(SUFFIX): e.stat().st_size for e in found if e.name.endswith(SUFFIX)}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise unavailable(error, self._packs) from error

    def size(self, name: str) -> int | None:
        """Size of one pack in bytes, or None when it is not there."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(error, self._path(name)) from error

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a pack, fewer at its end."""
        try:
            handle = os.open(
                f"{self._shelf}{name}{SUFFIX}", os.O_RDONLY
            )  # often: a Path would take as long as the read
            try:
                return os.pread(handle, length, offset)
            finally:
                os.close(handle)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno == errno.EIO:
                raise BrokenError("the disk cannot read it") from error
            raise unavailable(error, self._path(name)) from error

    def enlist(self) -> Writing:
        """Show that packs are about to be written, and entered into the index."""
        try:
            make_folder(self._packs)
            return _Sign(*locked_file(self._packs, _SIGN))
        except OSError as error:
            raise unavailable(error, self._packs) from error

    def abandoned(self, name: str, before: datetime) -> bool:
        """Whether a pack that no index knows was written before a time, and nobody lives who could still enter it."""
        try:
            written = self._path(name).stat().st_mtime
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unavailable(error, self._path(name)) from error
        return written < before.timestamp() and not any(began <= written for began in self._signs())

    def _signs(self) -> Iterator[float]:
        """When each writer that lives began."""
        for path in self._packs.glob(f"{_SIGN}*"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield os.fstat(file.fileno()).st_mtime

    def create(self) -> PackFile:
        """Begin a new pack."""
        try:
            make_folder(self._packs)
            return _LocalPack(self._packs)
        except OSError as error:
            raise unavailable(error, self._packs) from error

    def remove(self, name: str) -> None:
        """Remove a pack; one that is gone already is no error."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise unavailable(error, self._path(name)) from error

    def sync(self) -> None:
        """Make what was sealed and removed so far survive a power cut."""
        try:
            sync_folder(self._packs)
        except OSError as error:
            raise unavailable(error, self._packs) from error

    def sweep(self) -> int:
        """Remove what writers that died have left, and give its number."""
        swept = 0
        # A folder that may not be written has nothing that could be swept.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            for path in [*self._packs.glob(f"{_TEMPORARY}*"), *self._packs.glob(f"{_SIGN}*")]:
                with contextlib.suppress(OSError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    swept += 1
        return swept


class _Sign:
    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle: int | None = handle

    def close(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):  # what cannot be removed now is swept later
                self._path.unlink()
            os.close(self._handle)
            self._handle = None


class _LocalPack:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path, self._handle = locked_file(folder)
        self._sealed = False

    def write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError as error:
            raise unavailable(error, self._folder) from error

    def seal(self, name: str) -> None:
        try:
            # Tried once: after a failed fsync the kernel may have dropped the pages that it could not write.
            sync_file(self._handle)
            self._path.rename(self._folder / f"{name}{SUFFIX}")
            self._sealed = True
        except OSError as error:
            raise unavailable(error, self._folder) from error
        os.close(self._handle)

    def abort(self) -> None:
        if not self._sealed:
            self._sealed = True
            with contextlib.suppress(OSError):  # what cannot be removed now is swept later
                self._path.unlink()
            os.close(self._handle)


def locked_file(folder: Path, prefix: str = _TEMPORARY) -> tuple[Path, int]:
    """A new temporary file and its open handle, which holds the lock that says that its writer lives."""
    while True:
        path = folder / f"{prefix}{secrets.token_hex(8)}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return path, handle
        os.close(handle)  # a sweep took it for abandoned before it was locked


def sync_file(handle: int) -> None:
    """Make the bytes of an open file survive a power cut."""
    # On macOS fsync stops at the drive's cache.
    if hasattr(fcntl, "F_FULLFSYNC"):
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that a power cut does not take it away."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
