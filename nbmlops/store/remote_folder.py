"""Packs at an fsspec URL: S3, GCS, Azure, memory, SFTP and whatever else has a file system there."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from nbmlops.core.errors import DependencyError, UnavailableError, UnsupportedError
from nbmlops.store.folders import SUFFIX, PackFile, unavailable

__all__ = ["UrlFolder"]

# Here a file appears whole, when its upload is complete, and renaming would be a copy.
_ATOMIC = frozenset("s3 s3a gs gcs abfs abfss az adl oci memory".split())
_EXTRAS = {"s3": "s3", "s3a": "s3"}


class UrlFolder:
    """Packs in ``<url>/packs``.

    Parameters
    ----------
    url : str
        Where; credentials come from the environment, as fsspec's file systems find them.
    """

    def __init__(self, url: str) -> None:
        self.where = url.rstrip("/")
        scheme = url.partition("://")[0]
        try:
            self._files, root = fsspec.core.url_to_fs(self.where)
        except ValueError as error:
            raise UnsupportedError(
                f"no file system is known for {scheme}://", hint="give a folder or an s3:// URL"
            ) from error
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            hint = f"pip install 'nbmlops[{extra}]'" if extra else f"install it: {error}"
            raise DependencyError(f"{scheme}:// needs a package that is not installed", hint=hint) from error
        self._packs = f"{root}/packs"
        self._atomic = scheme in _ATOMIC

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, UnavailableError):
            raise
        # Each file system has its own family of errors, so all of them are taken, and none is dropped.
        except Exception as error:
            said = str(error) or type(error).__name__
            raise UnavailableError(
                f"{self.where} cannot be used: {said}",
                hint="check the URL, the network and the credentials, then try again",
            ) from error

    def _path(self, name: str) -> str:
        return f"{self._packs}/{name}{SUFFIX}"

    def names(self) -> dict[str, int]:
        """Sizes of all packs in bytes, by name."""
        try:
            with self._reached():
                self._files.invalidate_cache()  # other processes write here too
                found = self._files.ls(self._packs, detail=True)
        except FileNotFoundError:
            return {}
        bases = ((entry["name"].rstrip("/").rsplit("/", 1)[-1], entry["size"]) for entry in found)
        return {base.removesuffix(SUFFIX): int(size) for base, size in bases if base.endswith(SUFFIX)}

    def size(self, name: str) -> int | None:
        """Size of one pack in bytes, or None when it is not there."""
        try:
            with self._reached():
                self._files.invalidate_cache()
                return int(self._files.info(self._path(name))["size"])
        except FileNotFoundError:
            return None

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of a pack, fewer at its end."""
        with self._reached():
            content = self._files.cat_file(self._path(name), start=offset, end=offset + length)
        assert isinstance(content, bytes)
        return content

    def create(self) -> PackFile:
        """Begin a new pack, in a temporary file of this machine."""
        return _UrlPack(self)

    def sync(self) -> None:
        """Do nothing: an upload that was confirmed is there."""

    def sweep(self) -> int:
        """Remove nothing: other machines' uploads cannot be told from abandoned ones."""
        return 0

    def upload(self, file: Any, name: str) -> None:
        """Store a local file under a pack's name, all of it or nothing."""
        with self._reached():
            self._files.makedirs(self._packs, exist_ok=True)
            if self._atomic:
                self._files.put_file(file.name, self._path(name))
                return
            temporary = f"{self._packs}/.writing-{secrets.token_hex(8)}"
            try:
                self._files.put_file(file.name, temporary)
                self._files.mv(temporary, self._path(name))
            except BaseException:
                if self._files.exists(temporary):
                    self._files.rm_file(temporary)
                raise


class _UrlPack:
    def __init__(self, folder: UrlFolder) -> None:
        self._folder = folder
        self._file = tempfile.NamedTemporaryFile(prefix="nbmlops-", suffix=SUFFIX)  # noqa: SIM115 - closed by abort

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise unavailable(error, Path(self._file.name).parent) from error

    def seal(self, name: str) -> None:
        try:
            self._file.flush()
            self._folder.upload(self._file, name)
        finally:
            self._file.close()

    def abort(self) -> None:
        self._file.close()
