"""A place that versions are pushed to and pulled from: packs, a record of each version, and what was erased."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.errors import UnavailableError
from nbmlops.store.folders import Folder
from nbmlops.store.local_folder import LocalFolder

__all__ = ["Remote", "folder_at"]


class Remote:
    """A remote, opened; nothing is asked of it yet.

    Parameters
    ----------
    where : str
        A folder, or an fsspec URL such as ``s3://bucket/prefix``.
    name : str, optional
        What people call it; `where` by default.

    It raises as `UrlFiles` does.
    """

    def __init__(self, where: str, name: str | None = None) -> None:
        from nbmlops.store.local_files import LocalFiles
        from nbmlops.store.remote_records import RemoteRecords
        from nbmlops.store.remote_tombstones import RemoteTombstones

        self.folder: Folder
        local = _local(where)
        if local is not None:
            self.folder, files = LocalFolder(local), LocalFiles(local)
            self.records, self.tombstones = RemoteRecords(files), RemoteTombstones(files)
        else:
            from nbmlops.store.remote_folder import UrlFolder
            from nbmlops.store.url_files import UrlFiles

            at = UrlFiles(where)
            self.folder, self.records, self.tombstones = UrlFolder(at), RemoteRecords(at), RemoteTombstones(at)
        self._local = local
        self.where = self.folder.where
        self.name = name or self.where

    def refuse_missing(self) -> None:
        """Raise `UnavailableError` when the place is a folder that is not there, as on a disk that is not mounted."""
        if self._local is not None and not self._local.is_dir():
            raise UnavailableError(
                f"there is no folder {self._local}", hint="mount it; or make it, if nothing was ever pushed to it"
            )


def folder_at(where: str) -> Folder:
    """The packs in a folder or at a URL; raises as `UrlFiles` does."""
    local = _local(where)
    if local is not None:
        return LocalFolder(local)
    from nbmlops.store.remote_folder import UrlFolder

    return UrlFolder(where)


def _local(where: str) -> Path | None:
    """The folder that is meant, None for a URL."""
    where = where.removeprefix("file://")
    return None if "://" in where else Path(where).expanduser().resolve()
