"""Small files of a remote that is a folder on a disk: whole, durable and never overwritten."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from nbmlops.store.folders import unavailable
from nbmlops.store.local_folder import locked_file, make_folder, sync_file, sync_folder

__all__ = ["LocalFiles"]

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class LocalFiles:
    """Files below a folder, by their path relative to it."""

    def __init__(self, root: Path) -> None:
        self.where = str(root)
        self._root = root

    def find(self, folder: str) -> dict[str, int]:
        """Sizes in bytes of all files below a folder, by their path relative to it."""
        top = self._root / folder
        found: dict[str, int] = {}

        def failed(error: OSError) -> None:
            # A folder that is not there holds nothing; one that cannot be read is not an empty one.
            if not isinstance(error, FileNotFoundError):
                raise unavailable(error, top) from error

        for inside, _, names in os.walk(top, onerror=failed):
            for name in names:
                path = Path(inside) / name
                with contextlib.suppress(FileNotFoundError):
                    found[path.relative_to(top).as_posix()] = path.stat().st_size
        return found

    def fetch(self, path: str) -> bytes:
        """All of a file.

        Raises
        ------
        FileNotFoundError
            When it is not there.
        """
        try:
            return (self._root / path).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise unavailable(error, self._root / path) from error

    def write_new(self, path: str, content: bytes) -> bool:
        """Store a file unless there is one of its name, then False; of two at once one wins."""
        target, packs = self._root / path, self._root / "packs"
        if target.exists():
            return False
        try:
            for folder in (packs, target.parent):
                make_folder(folder)
            # Written among the packs, where what a writer that died has left is swept.
            temporary, handle = locked_file(packs)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    sync_file(file.fileno())
                    new = _put(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(target.parent)
        except OSError as error:
            raise unavailable(error, target) from error
        return new

    def remove(self, path: str) -> None:
        """Remove a file; nothing when it is not there."""
        target = self._root / path
        try:
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                sync_folder(target.parent)
        except OSError as error:
            raise unavailable(error, target) from error


def _put(temporary: Path, target: Path) -> bool:
    """Give a file its name, unless the name is taken."""
    try:
        # A link, unlike a rename, fails when the name is taken.
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            return False
        temporary.rename(target)
    return True
