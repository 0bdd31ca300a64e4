"""Where pack files lie, as a port: a local folder, or any place that fsspec can write to."""

from __future__ import annotations

import errno
from datetime import datetime
from pathlib import Path
from typing import Protocol

from nbmlops.core.errors import UnavailableError

__all__ = ["SUFFIX", "Folder", "PackFile", "Writing", "unavailable"]

SUFFIX = ".pack"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LOCKED = {errno.EACCES, errno.EPERM, errno.EROFS}


class PackFile(Protocol):
    """A pack being written; nobody sees it before it is sealed."""

    def write(self, data: bytes) -> None:
        """Append bytes."""

    def seal(self, name: str) -> None:
        """Make it visible, whole, under its name."""

    def abort(self) -> None:
        """Leave nothing of it; does nothing after `seal`."""


class Writing(Protocol):
    """A sign that somebody writes packs here; it goes with the process at the latest."""

    def close(self) -> None:
        """Take the sign away: what was written is in the index, or of no use."""


class Folder(Protocol):
    """A place that holds packs, by name.

    All methods raise `UnavailableError` when the place cannot be used now.
    """

    where: str
    near: bool

    def names(self) -> dict[str, int]:
        """Sizes of all packs in bytes, by name."""

    def size(self, name: str) -> int | None:
        """Size of one pack in bytes, or None when it is not there."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a pack, fewer at its end.

        Raises
        ------
        FileNotFoundError
            When the pack is not there.
        BrokenError
            When the disk cannot give these bytes back.
        """

    def enlist(self) -> Writing:
        """Show that packs are about to be written, and entered into the index."""

    def abandoned(self, name: str, before: datetime) -> bool:
        """Whether a pack that no index knows was written before a time, and nobody lives who could still enter it."""

    def create(self) -> PackFile:
        """Begin a new pack."""

    def remove(self, name: str) -> None:
        """Remove a pack; one that is gone already is no error. `sync` makes it survive a power cut."""

    def sync(self) -> None:
        """Make what was sealed and removed so far survive a power cut."""

    def sweep(self) -> int:
        """Remove what writers that died have left, and give its number."""


def unavailable(error: OSError, where: str | Path) -> UnavailableError:
    """Say what a failed read or write of `where` means for its owner."""
    if error.errno in _FULL:
        return UnavailableError(
            f"no space is left for {where}; nothing was stored", hint="free some space, then do it again"
        )
    if error.errno in _LOCKED:
        return UnavailableError(f"{where} may not be read or written: {error.strerror}", hint=f"check: ls -ld {where}")
    return UnavailableError(f"{where} failed: {error.strerror or error}", hint="`ml doctor`")
