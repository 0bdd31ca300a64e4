"""Files at an fsspec URL, asked for with patience: bounded tries, bounded waiting, nothing believed unchecked.

A network loses requests, answers half, or answers after the work is done. So every request may be sent again:
what is written has a name that says its content, and whoever comes second with a name changes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fsspec
import fsspec.asyn

from nbmlops.core.errors import DependencyError, InvalidError, UnsupportedError
from nbmlops.store.patience import SLOWEST, Patience, SpoiltError
from nbmlops.store.stamp import Stamp
from nbmlops.store.url_errors import code_of, explained, refuse_credentials

__all__ = ["UrlFiles"]

# Here a file appears whole, when its upload is complete, folders need not be made, and renaming would be a copy.
_ATOMIC = frozenset("s3 s3a gs gcs abfs abfss az adl oci memory".split())
_EXTRAS = {"s3": "s3", "s3a": "s3"}
# What the file systems call the time at which a file was written.
_WRITTEN = ("LastModified", "last_modified", "updated", "mtime", "created")
_ETAGS = ("ETag", "etag", "generation", "sha")


class UrlFiles:
    """Files below a URL, by their path relative to it.

    Parameters
    ----------
    url : str
        Where; credentials come from the environment, as fsspec's file systems find them. A server on S3 may be silent
        for as many seconds as ``NBMLOPS_REMOTE_TIMEOUT`` says, 20 by default.

    Raises
    ------
    InvalidError
        When the URL holds credentials.
    UnsupportedError
        When no file system is known for it.
    DependencyError
        When its file system needs a package that is not installed.
    """

    def __init__(self, url: str) -> None:
        self.where = refuse_credentials(url).rstrip("/")
        scheme = url.partition("://")[0]
        self._patience = Patience(self.where)
        self._timeout, self._tried = self._patience.timeout, self._patience.tried
        options: dict[str, Any] = {}
        if scheme in {"s3", "s3a"}:
            patience = {"connect_timeout": min(10.0, self._timeout), "read_timeout": self._timeout}
            # A try is one request: the tries are counted here, for all file systems alike.
            config = {**patience, "retries": {"total_max_attempts": 1}, "max_pool_connections": 32}
            options = {"use_listings_cache": False, "skip_instance_cache": True, "config_kwargs": config}
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.where, **options)
        except ValueError as error:
            raise UnsupportedError(
                f"no file system is known for {scheme}://", hint="give a folder or an s3:// URL"
            ) from error
        except ImportError as error:
            extra = _EXTRAS.get(scheme)
            hint = f"pip install 'nbmlops[{extra}]'" if extra else f"install it: {error}"
            raise DependencyError(f"{scheme}:// needs a package that is not installed", hint=hint) from error
        if options:
            self._files.retries = 1
        self._atomic = scheme in _ATOMIC
        if self._atomic and not self._root.strip("/"):
            raise InvalidError(f"{scheme}:// names no bucket", hint=f"{scheme}://bucket/prefix")

    def sizes(self, folder: str) -> dict[str, int]:
        """Sizes in bytes of the files right in a folder, by name; none when there is no such folder."""
        try:
            found = self._tried(lambda: self._fresh("ls", self._path(folder), detail=True))
        except FileNotFoundError:
            return {}
        return {_base(each["name"]): int(each["size"]) for each in found if each["type"] == "file"}

    def find(self, folder: str) -> dict[str, int]:
        """Sizes in bytes of all files below a folder, by their path relative to it."""
        return {path: int(told["size"]) for path, told in self._below(folder).items()}

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """What tells the files below a folder from others that they may become, by their path relative to it."""
        return {path: _stamp(told) for path, told in self._below(folder).items() if path and path[-1:] != "/"}

    def stamp(self, path: str) -> Stamp | None:
        """What tells a file from another that it may become; None when it is a folder.

        Raises
        ------
        FileNotFoundError
            When neither is there.
        """
        told = self._tried(lambda: self._fresh("info", self._path(path)))
        return None if told["type"] == "directory" else _stamp(told)

    def _below(self, folder: str) -> dict[str, Mapping[str, Any]]:
        if not self._atomic:
            return self._walk(folder)
        top = self._path(folder)
        found = self._tried(lambda: self._fresh("find", top, detail=True))
        return {name[name.index(top) + len(top) + 1 :]: told for name, told in found.items()}

    def _walk(self, folder: str) -> dict[str, Mapping[str, Any]]:
        # Not fsspec's own walk, to which a folder that cannot be listed is an empty one.
        try:
            listed = self._tried(lambda: self._fresh("ls", self._path(folder), detail=True))
        except FileNotFoundError:
            return {}
        found: dict[str, Mapping[str, Any]] = {}
        for each in listed:
            name = _base(each["name"])
            if each["type"] == "directory":
                inner = self._walk(f"{folder}/{name}" if folder else name)
                found |= {f"{name}/{path}": told for path, told in inner.items()}
            else:
                found[name] = each
        return found

    def size(self, path: str) -> int | None:
        """Size of a file in bytes, or None when it is not there."""
        try:
            return int(self._tried(lambda: self._fresh("info", self._path(path)))["size"])
        except FileNotFoundError:
            return None

    def written(self, path: str) -> datetime | None:
        """When a file was written, or None when it is not there, or the place does not tell."""
        try:
            told = self._tried(lambda: self._fresh("info", self._path(path)))
        except FileNotFoundError:
            return None
        return _when(told)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Bytes of a file, fewer at its end.

        Raises
        ------
        FileNotFoundError
            When it is not there.
        """

        def work() -> bytes:
            content = self._part(path, offset, length)
            if len(content) != length:
                # Fewer than asked for is the end of the file, or an answer that was cut off.
                left = max(0, int(self._fresh("info", self._path(path))["size"]) - offset)
                if len(content) != min(length, left):
                    raise SpoiltError(f"{len(content)} bytes came of {min(length, left)}")
            return content

        return self._tried(work)

    def _part(self, path: str, offset: int, length: int) -> bytes:
        try:
            content = self._ask("cat_file", self._path(path), start=offset, end=offset + length, moved=length)
        except OSError as error:
            if code_of(error) != "InvalidRange":
                raise
            return b""  # it ends before
        assert isinstance(content, bytes)
        return content

    def fetch(self, path: str) -> bytes:
        """All of a small file.

        Raises
        ------
        FileNotFoundError
            When it is not there.
        """
        size = self.size(path)
        if size is None:
            raise FileNotFoundError(path)
        return self.read(path, 0, size)

    def write(self, path: str, content: bytes) -> None:
        """Store a file, all of it or nothing, in the place of one that has its name."""
        self._write(path, content, new=False)

    def write_new(self, path: str, content: bytes) -> bool:
        """Store a file unless there is one of its name, then False; of two at once one wins."""
        return self._write(path, content, new=True)

    def remove(self, path: str) -> None:
        """Remove a file; nothing when it is not there."""
        try:
            self._tried(lambda: self._ask("rm_file", self._path(path)))
        except FileNotFoundError:
            return

    def _write(self, path: str, content: bytes, *, new: bool) -> bool:
        at, check = self._path(path), hashlib.md5(content, usedforsecurity=False).hexdigest()
        spoilt = False

        def work() -> bool:
            nonlocal spoilt
            fresh = new and not spoilt
            try:
                self._send(at, content, new=fresh)
            except FileExistsError:
                return False
            spoilt = True
            self._confirm(at, len(content), check)
            return True

        try:
            return self._tried(work)
        except FileNotFoundError as error:
            raise explained(self.where, error, 1) from error

    def _send(self, at: str, content: bytes, *, new: bool) -> None:
        if self._atomic:
            mode = {"mode": "create"} if new else {}
            try:
                self._ask("pipe_file", at, content, moved=len(content), **mode)
            except OSError as error:
                if new and code_of(error) in {"PreconditionFailed", "412"}:
                    raise FileExistsError(at) from error
                raise
            return
        if new and self._files.exists(at):
            raise FileExistsError(at)
        folder, _, _ = at.rpartition("/")
        self._files.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.writing-{secrets.token_hex(8)}"
        try:
            self._files.pipe_file(temporary, content)
            self._files.mv(temporary, at)
        except BaseException:
            if self._files.exists(temporary):
                self._files.rm_file(temporary)
            raise

    def _confirm(self, at: str, size: int, check: str) -> None:
        """Raise unless what lies there is what was sent: by its ETag where that is its MD5, else read back."""
        there = self._fresh("info", at)
        if int(there["size"]) == size and str(there.get("ETag", "")).strip('"') == check:
            return
        content = self._ask("cat_file", at, start=0, end=size + 1, moved=size) if size else b""
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != check:
            raise SpoiltError(f"{there['size']} bytes lie there of {size} that were sent, or others")

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def _fresh(self, verb: str, *arguments: Any, **options: Any) -> Any:
        self._files.invalidate_cache()  # other processes write here too
        return self._ask(verb, *arguments, **options)

    def _ask(self, verb: str, *arguments: Any, moved: int = 0, **options: Any) -> Any:
        if not getattr(self._files, "async_impl", False):
            return getattr(self._files, verb)(*arguments, **options)
        # The client's own timeouts do not see a server that takes a request and never reads its body.
        limit = 3 * self._timeout + moved / SLOWEST
        work = getattr(self._files, f"_{verb}")
        return fsspec.asyn.sync(self._files.loop, work, *arguments, timeout=limit, **options)


def _base(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]


def _stamp(told: Mapping[str, Any]) -> Stamp:
    etag = next((str(told[key]) for key in _ETAGS if told.get(key)), None)
    size, when = told.get("size"), _when(told)
    return Stamp(None if size is None else int(size), etag, when.isoformat() if when else None)


def _when(told: Mapping[str, Any]) -> datetime | None:
    for key in _WRITTEN:
        when = told.get(key)
        if isinstance(when, int | float):
            return datetime.fromtimestamp(when, UTC)
        if isinstance(when, str):
            when = datetime.fromisoformat(when)
        if isinstance(when, datetime):
            return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None
