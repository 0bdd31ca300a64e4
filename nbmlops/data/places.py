"""Places outside of the store that data may stay at: addresses, and paths of this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from nbmlops.core.errors import NotFoundError
from nbmlops.data import files
from nbmlops.store.addresses import local_path, scheme_of
from nbmlops.store.stamp import Stamp
from nbmlops.store.streams import digest_of_file
from nbmlops.store.url_errors import refuse_credentials
from nbmlops.store.url_source import Seen, UrlSource, source_at

__all__ = ["LocalPlace", "place_at"]

Progress = Callable[[int], None]


class LocalPlace:
    """A file or a folder of this machine.

    Parameters
    ----------
    path : Path
        Where it is.
    root : Path
        The project's folder; what lies below it is called by its path from there, as others have it too.
    own : Path
        Folder of the workspace's own state, in which nothing of the kind can be.
    """

    def __init__(self, path: Path, root: Path, own: Path) -> None:
        self.path = path
        whole, root = path.resolve(), root.resolve()
        self.where = whole.relative_to(root).as_posix() if whole.is_relative_to(root) else whole.as_uri()
        self.address = str(whole)
        self._own = own

    def look(self) -> Seen:
        """What lies there now.

        Raises
        ------
        NotFoundError
            When nothing does.
        InvalidError
            When it cannot be tracked.
        """
        if not self.path.exists():
            raise NotFoundError(f"there is nothing at {self.where}", hint="check the path")
        files.refuse_special(self.path, own=self._own)
        if self.path.is_file():
            return Seen({"": _stamp(self.path)}, is_folder=False)
        names, _ = files.walk(self.path)
        return Seen({name: _stamp(self.path / name) for name in names}, is_folder=True)

    def digests(self, seen: Seen, spare: BinaryIO, progress: Progress | None = None) -> dict[str, str]:  # noqa: ARG002 - as other places
        """Digests of all files; `ConflictError` when one changes meanwhile."""
        found = {}
        for path in seen.files:
            whole = self.path / path
            with files.unchanged(whole), whole.open("rb") as file:
                found[path] = digest_of_file(file)
            if progress is not None:
                progress(seen.files[path].size or 0)
        return found


def place_at(where: str, root: Path, own: Path) -> UrlSource | LocalPlace:
    """The place that an address or a path means; a relative path begins at `root`.

    Raises
    ------
    InvalidError
        When it is an address with a password or a query: it has to be opened again, and they are not kept.
    UnsupportedError, DependencyError
        When its file system cannot be used.
    """
    if scheme_of(where) in {"", "file"}:
        return LocalPlace(local_path(where) if scheme_of(where) else root / where, root, own)
    return source_at(refuse_credentials(where))


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return Stamp(found.st_size, None, datetime.fromtimestamp(found.st_mtime, UTC).isoformat())
