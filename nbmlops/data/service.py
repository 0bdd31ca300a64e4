"""All verbs on data; here the one that saves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from nbmlops.data.blaming import Blaming
from nbmlops.data.concatenating import Concatenating
from nbmlops.data.describing import Describing
from nbmlops.data.forgetting import Forgetting
from nbmlops.data.intake import How, Intake, called
from nbmlops.data.labelling import labels
from nbmlops.data.pinning import Pinning
from nbmlops.data.records import DataVersion
from nbmlops.data.travelling import Travelling

__all__ = ["Data"]

Progress = Callable[[int], None]


class Data(Forgetting, Blaming, Describing, Concatenating, Pinning, Travelling):
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
    exchange : callable
        Gives what goes to remotes and comes from them, when it is first needed.
    """

    def save(
        self,
        value: Any,
        name: str | None = None,
        *,
        as_: str | None = None,
        message: str | None = None,
        tags: Mapping[str, Any] | None = None,
        alias: str | None = None,
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Save a table, an array, a file or a folder as the newest version of a name.

        Parameters
        ----------
        value : pandas.DataFrame, pyarrow.Table, polars.DataFrame, numpy.ndarray, str, Path or Query
            What to save. A path of a Parquet file is saved as the table in it, any other as it is. So is the address of
            a file or a folder, as ``s3://bucket/flights.parquet`` or ``https://host/flights.csv``; its password and its
            query are used, and kept nowhere. A `Query` is saved as the table of its rows.
        name : str, optional
            What to call it; by default the file's name without its ending.
        as_ : {"table", "file"}, optional
            Save a file as the table in it, also one of CSV or JSON lines; or as it is, also one of Parquet.
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
            When the path does not exist, or nothing lies at the address.
        UnavailableError
            When what lies at the address cannot be fetched.
        ConflictError
            When a file changed while it was read; nothing is saved then.
        """
        with self._later.first():
            saved = self._save(value, called(value, name), How(as_, allow_empty, progress), message, tags, alias)
        self._profile_later(saved)
        return saved

    def _save(
        self,
        value: Any,
        name: str,
        how: How,
        message: str | None,
        tags: Mapping[str, Any] | None,
        alias: str | None,
    ) -> DataVersion:
        tagged = labels(name, tags, alias)
        origin = self._versions.origin()
        self._lock.read()  # a lock that cannot be read is said before anything is saved
        taken, detail = Intake(self._objects, self._tables, self._scratch.parent).take(value, name, how)
        kept = {each.name: getattr(taken, each.name) for each in fields(taken)}  # not a copy of thousands of digests
        content = {**kept, "message": message, "detail": detail | origin.detail()}
        return self._enter(name, content, tagged, alias)
