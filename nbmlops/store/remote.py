"""A place that versions are pushed to and pulled from: packs, and a record of each version."""

from __future__ import annotations

from pathlib import Path

from nbmlops.store.folders import Folder
from nbmlops.store.local_files import LocalFiles
from nbmlops.store.local_folder import LocalFolder
from nbmlops.store.remote_records import RemoteRecords

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
        self.folder: Folder
        local = _local(where)
        if local is not None:
            self.folder, files = LocalFolder(local), LocalFiles(local)
            self.records = RemoteRecords(files)
        else:
            from nbmlops.store.remote_folder import UrlFolder
            from nbmlops.store.url_files import UrlFiles

            at = UrlFiles(where)
            self.folder, self.records = UrlFolder(at), RemoteRecords(at)
        self.where = self.folder.where
        self.name = name or self.where


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
