"""All verbs on data; here the one that saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.core.refs import check_name
from nbmlops.data import arrays, files
from nbmlops.data.frames import is_parquet
from nbmlops.data.labelling import Labelling, labels
from nbmlops.data.loading import Loading
from nbmlops.data.records import DataVersion

__all__ = ["Data"]

Progress = Callable[[int], None]


class Data(Loading, Labelling):
    """Versions of tables, arrays, files and folders.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``data``.
    aliases : Aliases
        Their aliases.
    objects : ObjectStore
        Where the bytes lie.
    lineage : Lineage
        Where reads are recorded.
    lock : LockFile
        The project's ``nbmlops.lock``.
    scratch : Path
        Folder of the workspace for temporary files and for files handed out.
    """

    def save(
        self,
        value: Any,
        name: str | None = None,
        *,
        message: str | None = None,
        tags: Mapping[str, Any] | None = None,
        alias: str | None = None,
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Save a table, an array, a file or a folder as the newest version of a name.

        Parameters
        ----------
        value : pandas.DataFrame, pyarrow.Table, polars.DataFrame, numpy.ndarray, str or Path
            What to save. A path of a Parquet file is saved as the table in it, any other as it is.
        name : str, optional
            What to call it; by default the file's name without its ending.
        message : str, optional
            Why it was made.
        tags : mapping, optional
            Tags of this version, by key; content that is saved already gets them too.
        alias : str, optional
            An alias to move to this version.
        allow_empty : bool
            Whether a table without rows may be saved.
        progress : callable, optional
            Called with numbers of bytes as they are stored.

        Returns
        -------
        DataVersion
            The new version, or the newest one when it has this content already.

        Raises
        ------
        InvalidError
            When the name or the table is not acceptable; nothing is saved then.
        NotFoundError
            When the path does not exist.
        """
        path = Path(value) if isinstance(value, str | Path) else None
        called = _called(path, name)
        tagged = labels(called, tags, alias)
        self._lock.read()  # a lock that cannot be read is said before anything is saved
        saved, detail = self._take(value if path is None else path, called, allow_empty, progress)
        return self._enter(called, {**asdict(saved), "message": message, "detail": detail}, tagged, alias)

    def _take(
        self, value: Any, name: str, allow_empty: bool, progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        """Bring a value into the store: what lies there now, and what the catalog keeps of it."""
        if arrays.is_array(value):
            return arrays.save_array(self._objects, value, progress)
        if not isinstance(value, Path):
            return self._tables.save(value, name, allow_empty, progress)
        files.refuse_special(value, own=self._scratch.parent)
        if value.is_dir():
            return files.save_folder(self._objects, value, progress), {"format": "folder"}
        if is_parquet(value):
            return self._tables.save(value, name, allow_empty, progress)
        return files.save_file(self._objects, value, progress), {"format": "file", "filename": value.name}


def _called(path: Path | None, name: str | None) -> str:
    """The name to save under: the given one, else that of the file, which must be there."""
    if name is None:
        if path is None:
            raise InvalidError("what is saved from memory needs a name", hint='ml.data.save(flights, "flights")')
        name = path.stem
    check_name(name)
    if path is not None and not path.exists():
        raise NotFoundError(f"there is no file {path}", hint=_neighbours(path))
    return name


def _neighbours(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()])
