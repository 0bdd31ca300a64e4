"""What is saved, brought into the store: a table or an array of the notebook, a file, a folder, an address, a query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.core.refs import check_name
from nbmlops.data import files
from nbmlops.data.query import Query
from nbmlops.data.table_files import TableFile, kind_of_file
from nbmlops.store.addresses import last_part, local_path, scheme_of, shown

if TYPE_CHECKING:
    from nbmlops.data.saving import Tables
    from nbmlops.store.objects import ObjectStore

__all__ = ["How", "Intake", "called"]

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
        When there is none, or it is no name.
    """
    if name is not None:
        return check_name(name)
    if not isinstance(value, str | Path):
        raise InvalidError("what is saved from memory needs a name", hint='ml.data.save(flights, "flights")')
    if isinstance(value, str) and scheme_of(value):
        where = shown(value)
        if not (last := last_part(where)):
            raise InvalidError(f"{where} has no name of its own", hint=f"give it one: `ml data save {where} NAME`")
        return check_name(_stem(Path(last)))
    return check_name(_stem(Path(value)))


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
            When a path does not exist, or nothing lies at an address.
        UnavailableError
            When what lies at an address cannot be fetched.
        ConflictError
            When a file changed while it was read.
        """
        if how.as_ not in {None, "table", "file"}:
            raise InvalidError(f"nothing can be saved as {how.as_!r}", hint="as a table or as a file, or leave it out")
        if isinstance(value, str) and scheme_of(value):
            return self._take_url(value, name, how)
        if isinstance(value, str | Path):
            return self._take_path(Path(value), name, how)
        if isinstance(value, Query):
            from nbmlops.data.query_intake import take_query

            return take_query(self._tables, self._own / "scratch", value, name, how)
        if how.as_ == "file":
            raise InvalidError("what is in memory cannot be saved as a file", hint="write the file, then save that")
        from nbmlops.data import arrays

        if arrays.is_array(value) and how.as_ is None:
            return arrays.save_array(self._objects, value, how.progress)
        return self._tables.save(value, name, how.allow_empty, how.progress)

    def _take_url(self, url: str, name: str, how: How) -> Taken:
        if scheme_of(url) == "file":
            path = local_path(url)
            saved, detail = self._take_path(path, name, how)
            return saved, {**detail, "source": path.as_uri()}
        from nbmlops.data.url_intake import take_url

        return take_url(self._objects, self._tables, self._own / "scratch", url, name, how)

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
