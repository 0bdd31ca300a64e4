"""The remotes of a project, by name: a table of its ``pyproject.toml``, so that git carries it to everybody.

Everything else in that file stays as people wrote it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError, UntrustedError, nearest
from nbmlops.core.refs import check_name
from nbmlops.workspace import layout

if TYPE_CHECKING:
    from nbmlops.store.remote import Remote
    from nbmlops.workspace.layout import Marker

__all__ = ["RemoteName", "Remotes"]


@dataclass(frozen=True, slots=True)
class RemoteName:
    """A remote of the project: what it is called and where it is."""

    name: str
    where: str


class Remotes:
    """Verbs on remotes.

    Parameters
    ----------
    marker : Marker
        The workspace.
    trusted : callable
        Whether this person trusts it: what its project names is used only then.
    """

    def __init__(self, marker: Marker, trusted: Callable[[], bool]) -> None:
        self._root = marker.root
        self._guard = marker.state / "settings.guard"
        self.trusted = trusted

    def add(self, name: str, where: str) -> RemoteName:
        """Give a place to push to and pull from a name in the project's ``pyproject.toml``.

        Parameters
        ----------
        name : str
            What to call it, such as ``origin``.
        where : str
            A folder, or an fsspec URL such as ``s3://bucket/prefix``, without credentials. A folder that is not
            absolute is meant from where one stands, and kept as seen from the project.

        Raises
        ------
        InvalidError
            When the URL holds credentials, or the name is not one.
        ConflictError
            When there is a remote of that name.
        UnsupportedError
            When no file system is known for the URL.
        """
        check_name(name)
        kept = self._kept(where)
        with self._changed() as table:
            if name in table:
                raise ConflictError(
                    f"there is a remote {name} already: {table[name]}", hint=f"`ml remote remove {name}` first"
                )
            table[name] = kept
        return RemoteName(name, kept)

    def remove(self, name: str) -> RemoteName:
        """Forget a remote; what lies there stays.

        Raises
        ------
        NotFoundError
            When there is no remote of that name.
        """
        with self._changed() as table:
            if name not in table:
                raise _unknown(name, list(table))
            where = str(table.pop(name))
        return RemoteName(name, where)

    def names(self) -> tuple[str, ...]:
        """Names of all remotes of the project."""
        return tuple(sorted(self._known()))

    def open(self, named: str | None) -> Remote:
        """A remote by its name, a folder or a URL; with None the only one that the project names.

        Raises
        ------
        NotFoundError
            When nothing has that name, or there is none.
        InvalidError
            When one has to be named.
        UntrustedError
            When the project names it and is not trusted.
        """
        from nbmlops.store.remote import Remote

        known = self._known()
        if named is None:
            named = _only(known)
        if named not in known:
            if not _is_place(named):
                raise _unknown(named, list(known))
            return Remote(named)
        if not self.trusted():
            raise UntrustedError(
                f"pyproject.toml of {self._root} names the remote {named}, "
                "and you have not said that you trust this workspace",
                hint="look at [tool.nbmlops] in it, then `ml trust`",
            )
        where = known[named]
        # A folder is meant from the project's root, wherever in it one stands.
        return Remote(where if "://" in where else str(self._root / Path(where).expanduser()), named)

    def _known(self) -> dict[str, str]:
        # Read anew each time: the file may have been edited since the workspace was opened.
        return dict(layout.settings_of(self._root).remotes)

    def _kept(self, where: str) -> str:
        from nbmlops.store.remote import Remote

        Remote(where)  # refuses what no remote can be
        if "://" in where or where.startswith("~") or Path(where).is_absolute():
            return where
        return os.path.relpath(Path(where).resolve(), self._root)

    @contextmanager
    def _changed(self) -> Iterator[MutableMapping[str, Any]]:
        """The table of remotes, to be changed; written when the body ends well, whole or not at all."""
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        path = self._root / "pyproject.toml"
        try:
            with self._guard.open("w") as guard:
                fcntl.flock(guard, fcntl.LOCK_EX)
                text = path.read_bytes().decode() if path.exists() else ""
                document = tomlkit.parse(text)
                table: Any = document
                for key in ("tool", "nbmlops", "remotes"):
                    if key not in table:
                        table[key] = tomlkit.table(is_super_table=key != "remotes")
                    table = table[key]
                yield table
                if not table:
                    del document["tool"]["nbmlops"]["remotes"]
                _replace(path, tomlkit.dumps(document).encode())
        except OSError as error:
            raise UnavailableError(f"cannot write {path}: {error.strerror}", hint="check its permissions") from error
        except (TOMLKitError, UnicodeDecodeError) as error:
            raise InvalidError(f"{path} cannot be read: {error}", hint="mend that line, then try again") from None

    def list(self) -> list[RemoteName]:
        """The remotes that the project names, by name."""
        return [RemoteName(name, where) for name, where in sorted(self._known().items())]


def _replace(path: Path, content: bytes) -> None:
    from nbmlops.data import files

    target = path.resolve()  # behind a link, which stays one

    def write(sink: IO[bytes]) -> None:
        sink.write(content)
        if target.exists():
            os.fchmod(sink.fileno(), target.stat().st_mode & 0o777)

    files.write_atomically(target, write)


def _only(known: dict[str, str]) -> str:
    if not known:
        raise NotFoundError(
            "the project names no remote", hint="`ml remote add origin URL`, or say where with --to or --from"
        )
    if len(known) > 1:
        raise InvalidError(
            f"there are {len(known)} remotes: {', '.join(sorted(known))}", hint="say which with --to or --from"
        )
    return next(iter(known))


def _is_place(text: str) -> bool:
    """Whether a text is a folder or a URL, rather than a name with a slip in it."""
    return "/" in text or text.startswith((".", "~")) or Path(text).is_dir()


def _unknown(name: str, known: list[str]) -> NotFoundError:
    hint = nearest(name, known) or (f"there is {', '.join(sorted(known))}" if known else "`ml remote add NAME URL`")
    return NotFoundError(f"there is no remote named {name!r}; a folder is written as ./{name}", hint=hint)
