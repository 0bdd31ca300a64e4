"""``nbmlops.lock``: which content each name had, as text beside the code, so that git keeps it.

An old git commit thereby finds the data it was made with: ``load --locked`` reads the digest here.
"""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nbmlops.core.errors import CorruptError, NotFoundError, UnavailableError, nearest

__all__ = ["LockFile"]

_HEAD = "# Which content each name has: written by nbmlops, kept in git.\n"


class LockFile:
    """The lock of one project.

    Parameters
    ----------
    path : Path
        ``nbmlops.lock`` in the project's folder.
    guard : Path
        A file that writers lock, so that two of them do not lose each other's line.
    """

    def __init__(self, path: Path, guard: Path) -> None:
        self._path = path
        self._guard = guard

    @property
    def name(self) -> str:
        """Name of the file."""
        return self._path.name

    def read(self) -> dict[str, str]:
        """Digest by name; empty when there is no file.

        Raises
        ------
        CorruptError
            When the file is not what `write` writes, for instance with conflict markers of a merge.
        """
        if not self._path.exists():
            return {}
        try:
            table = tomllib.loads(self._path.read_text(encoding="utf-8")).get("data", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise CorruptError(
                f"{self._path.name} cannot be read: {error}",
                hint="settle the merge by hand, or: git checkout nbmlops.lock",
            ) from None
        return {name: str(digest) for name, digest in table.items()}

    def digest(self, name: str) -> str:
        """Digest that the lock has for a name.

        Raises
        ------
        NotFoundError
            When it has none.
        """
        known = self.read()
        if name not in known:
            raise NotFoundError(f"{self._path.name} has no line for {name!r}", hint=nearest(name, known))
        return known[name]

    def refresh(self, names: Iterable[str], digest_of: Callable[[str], str]) -> None:
        """Set some names to the digest that they have while the file is locked, so that no older one wins."""
        with self._locked():
            self._change({name: digest_of(name) for name in names})

    def update(self, changes: Mapping[str, str | None]) -> None:
        """Set the digests of some names, and drop those given as None."""
        with self._locked():
            self._change(changes)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self._guard.open("w") as guard:
                fcntl.flock(guard, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise UnavailableError(
                f"cannot write {self._path}: {error.strerror}; what was saved is saved",
                hint="check space and permissions",
            ) from error

    def _change(self, changes: Mapping[str, str | None]) -> None:
        before = self.read()
        after = {name: digest for name, digest in {**before, **changes}.items() if digest is not None}
        if after != before:
            self._write({name: str(digest) for name, digest in after.items()})

    def _write(self, digests: Mapping[str, str]) -> None:
        lines = [f'"{name}" = "{digest}"\n' for name, digest in sorted(digests.items())]
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(_HEAD + "\n[data]\n" + "".join(lines))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
