"""What is saved, brought into the store: a table or an array of the notebook, a file, a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.core.refs import check_name
from nbmlops.data import files
from nbmlops.data.table_files import TableFile, kind_of_file

if TYPE_CHECKING:
    from nbmlops.data.saving import Tables
    from nbmlops.store.objects import ObjectStore

__all__ = ["How", "Intake", "called", "refuse_url"]

Progress = Callable[[int], None]
Taken = tuple[files.Saved, dict[str, Any]]
"""What lies in the store now, and what the catalog keeps of it."""


class How(NamedTuple):
    """How something is to be taken in: as what, whether a table may be empty, and who is told of bytes."""

    as_: str | None = None
    allow_empty: bool = False
    progress: Progress | None = None


def called(value: Any, name: str | None) -> str:
    """The name to save under: the given one, else that of the file.

    Raises
    ------
    InvalidError
        When there is none, or it is no name, or what is to be saved is a URL.
    """
    if isinstance(value, str):
        refuse_url(value)
    if name is None and not isinstance(value, str | Path):
        raise InvalidError("what is saved from memory needs a name", hint='ml.data.save(flights, "flights")')
    return check_name(_stem(Path(value)) if name is None else name)


def refuse_url(words: str) -> None:
    """Say that nothing is read from URLs.

    Raises
    ------
    InvalidError
        When `words` are one; only its scheme is told, for the rest may hold a secret.
    """
    scheme, there, _ = words.partition("://")
    if there and scheme.isascii() and scheme.isalnum():
        raise InvalidError(
            f"an address that begins with {scheme}:// cannot be saved from", hint="download it, and save the file"
        )


def _stem(path: Path) -> str:
    # The name of flights.csv.gz is flights; a folder has no ending.
    inner = Path(path.stem)
    return inner.stem if kind_of_file(path.name) and kind_of_file(inner.name) else path.stem


class Intake:
    """Takes in.

    Parameters
    ----------
    objects : ObjectStore
        Where the bytes go.
    tables : Tables
        Saves tables.
    own : Path
        Folder of the workspace's own state, which is not to be saved.
    """

    def __init__(self, objects: ObjectStore, tables: Tables, own: Path) -> None:
        self._objects = objects
        self._tables = tables
        self._own = own

    def take(self, value: Any, name: str, how: How) -> Taken:
        """Bring a value into the store under no name yet; `name` tells what it is likely to share with.

        Raises
        ------
        InvalidError
            When it cannot be kept.
        NotFoundError
            When a path does not exist.
        ConflictError
            When a file changed while it was read.
        """
        if how.as_ not in {None, "table", "file"}:
            raise InvalidError(f"nothing can be saved as {how.as_!r}", hint="as a table or as a file, or leave it out")
        if isinstance(value, str | Path):
            return self._take_path(Path(value), name, how)
        if how.as_ == "file":
            raise InvalidError("what is in memory cannot be saved as a file", hint="write the file, then save that")
        from nbmlops.data import arrays

        if arrays.is_array(value) and how.as_ is None:
            return arrays.save_array(self._objects, value, how.progress)
        return self._tables.save(value, name, how.allow_empty, how.progress)

    def _take_path(self, path: Path, name: str, how: How) -> Taken:
        if not path.exists():
            raise NotFoundError(f"there is no file {path}", hint=_neighbours(path))
        files.refuse_special(path, own=self._own)
        if path.is_dir():
            if how.as_ is not None:
                raise InvalidError(f"{path} is a folder and cannot be saved as a {how.as_}", hint="leave out --as")
            return files.save_folder(self._objects, path, how.progress), {"format": "folder"}
        if how.as_ == "table" or (how.as_ is None and kind_of_file(path.name) == "parquet"):
            with files.unchanged(path):
                return self._tables.save(TableFile.at(path), name, how.allow_empty, how.progress)
        return files.save_file(self._objects, path, how.progress), {"format": "file", "filename": path.name}


def _neighbours(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()])
