"""Who is still writing: each process holds a lock on a file of its own for as long as it lives.

A lock goes with its process, however that ends, and never comes back; so whoever can take the lock
of another writer's file knows that the writer is gone. Process ids are never looked at: they are
reused, and mean nothing in another container.

A token is ``PLACE-WRITER``. The place stands for the folder of lock files: several workspaces may
share one catalog, and only who has the folder can tell whether a writer of it lives.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from nbmlops.core.errors import UnavailableError

__all__ = ["Writer", "is_alive", "is_held", "is_here", "place"]


class Writer:
    """A process as a writer of one workspace.

    Parameters
    ----------
    folder : Path
        Where the lock files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self._token = ""
        self._owner = 0
        self._guard = threading.Lock()
        # A child that kept the lock would make its dead parent look alive.
        os.register_at_fork(after_in_child=self._leave)

    @property
    def token(self) -> str:
        """Name of this process's file; made and locked on first use, anew in a forked child."""
        with self._guard:
            return self._locked()

    def _leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._guard = None, threading.Lock()

    def _locked(self) -> str:
        if self._descriptor is None or self._owner != os.getpid():
            try:
                self._folder.mkdir(exist_ok=True)
                self._token, self._owner = f"{place(self._folder)}-{secrets.token_hex(16)}", os.getpid()
                path = self._folder / self._token
                self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise UnavailableError(
                    f"cannot write to {self._folder}: {error.strerror}", hint="check its permissions and free space"
                ) from error
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self._token

    def close(self) -> None:
        """Give up the lock and remove the file."""
        if self._descriptor is not None and self._owner == os.getpid():
            (self._folder / self._token).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def place(folder: Path) -> str:
    """The folder's own id, 16 hex digits; made on first use, by one of those who need it at once."""
    path = folder / "place"
    if not path.exists():
        made = folder / f"place-{secrets.token_hex(8)}"
        made.write_text(secrets.token_hex(8), encoding="ascii")
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_text(encoding="ascii")


def is_here(folder: Path, token: str) -> bool:
    """Whether the writer with this token belongs to this folder, so that whether it lives can be told."""
    place = folder / "place"
    return place.exists() and token.startswith(place.read_text(encoding="ascii"))


def is_alive(folder: Path, token: str) -> bool:
    """Whether the writer with this token still lives; a dead one's file is removed.

    A writer of another folder counts as alive: whether it is, is for those to say who have that folder.
    """
    if not is_here(folder, token):
        return True
    path = folder / token
    held = is_held(path)
    if held is False:
        path.unlink(missing_ok=True)
    return bool(held)


def is_held(path: Path) -> bool | None:
    """Whether a living process holds the lock of a file; None when there is no such file.

    The system lets go of the lock of a process that dies, so the lock tells who lives.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
