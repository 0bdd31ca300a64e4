"""Packs at an fsspec URL: S3, GCS, Azure, memory, SFTP and whatever else has a file system there."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbmlops.store.folders import SUFFIX, PackFile, Writing, unavailable
from nbmlops.store.url_files import UrlFiles

__all__ = ["UrlFolder"]

# A writer that lives enters its packs within this time; one that was stopped for longer finds that it has to do again.
_ENTERED_BY = timedelta(days=1)


class UrlFolder:
    """Packs in ``<url>/packs``.

    Parameters
    ----------
    url : str or UrlFiles
        Where.
    """

    near = False

    def __init__(self, url: str | UrlFiles) -> None:
        self._files = UrlFiles(url) if isinstance(url, str) else url
        self.where = self._files.where

    @staticmethod
    def _path(name: str) -> str:
        return f"packs/{name}{SUFFIX}"

    def names(self) -> dict[str, int]:
        """Sizes of all packs in bytes, by name."""
        found = self._files.sizes("packs")
        return {name.removesuffix(SUFFIX): size for name, size in found.items() if name.endswith(SUFFIX)}

    def size(self, name: str) -> int | None:
        """Size of one pack in bytes, or None when it is not there."""
        return self._files.size(self._path(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a pack, fewer at its end."""
        return self._files.read(self._path(name), offset, length)

    def enlist(self) -> Writing:
        """Show nothing: here the age of a pack has to tell that its writer is gone."""
        return _Unseen()

    def abandoned(self, name: str, before: datetime) -> bool:
        """Whether a pack that no index knows was written before a time, and at least a day ago."""
        written = self._files.written(self._path(name))
        return written is not None and written < min(before, datetime.now(UTC) - _ENTERED_BY)

    def create(self) -> PackFile:
        """Begin a new pack, in a temporary file of this machine."""
        return _UrlPack(self._files)

    def remove(self, name: str) -> None:
        """Remove a pack; one that is gone already is no error."""
        self._files.remove(self._path(name))

    def sync(self) -> None:
        """Do nothing: what was confirmed is done."""

    def sweep(self) -> int:
        """Remove nothing: other machines' uploads cannot be told from abandoned ones."""
        return 0


class _Unseen:
    def close(self) -> None:
        """Do nothing."""


class _UrlPack:
    def __init__(self, files: UrlFiles) -> None:
        self._files = files
        self._file = tempfile.TemporaryFile(prefix="nbmlops-")  # noqa: SIM115 - closed by seal and abort

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise unavailable(error, Path(tempfile.gettempdir())) from error

    def seal(self, name: str) -> None:
        try:
            self._file.seek(0)
            self._files.write(f"packs/{name}{SUFFIX}", self._file.read())
        except OSError as error:
            raise unavailable(error, Path(tempfile.gettempdir())) from error
        finally:
            self._file.close()

    def abort(self) -> None:
        self._file.close()
