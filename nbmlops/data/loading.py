"""The verb that reads: load, whole or by columns and rows, into memory or into a file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.data import files, output
from nbmlops.data.frames import names_of, pick
from nbmlops.data.keeping import Keeping
from nbmlops.data.records import a_or_an

if TYPE_CHECKING:
    from nbmlops.data.diff_records import DataDiff
    from nbmlops.data.stored import StoredTable
    from nbmlops.data.tracked_reading import TrackedReading
    from nbmlops.store.versions import Version

__all__ = ["Loading"]

# What a format can be loaded as, its default first; a file and a folder only as a path.
_TABLE = ("pandas", "arrow", "polars", "path")
_KINDS = {"table": _TABLE, "array": ("numpy", "path")}


class Loading(Keeping):
    """What reads versions."""

    @cached_property
    def _tracked(self) -> TrackedReading:
        from nbmlops.data.tracked_reading import TrackedReading

        return TrackedReading(self._objects, self._scratch, self._trusted)

    def load(
        self,
        ref: str,
        *,
        columns: str | Sequence[str] | None = None,
        where: str | None = None,
        sample: int | None = None,
        as_: str | None = None,
        to: str | Path | None = None,
        locked: bool = False,
        overwrite: bool = False,
    ) -> Any:
        """Load a version; every byte is hashed again before it is handed out.

        Parameters
        ----------
        ref : str
            Which version: ``flights``, ``flights@v3``, ``flights@production``, ``flights@7f3a9c``.
        columns : str or sequence of str, optional
            Columns to read; the others are not touched.
        where : str, optional
            A condition on any columns, as in ``month = 2 and carrier in ("UA", "AA")``, for the rows to read.
        sample : int, optional
            How many rows to draw: at random, but the same ones each time, in the table's order.
        as_ : {"pandas", "arrow", "polars", "numpy", "path"}, optional
            What to return; a table as pandas, an array as numpy and a file or folder as a path by default.
        to : str or Path, optional
            Where to write it, a table as Parquet or CSV by the ending, an array as NPY; the path is returned. In a
            folder that is there it gets its own name.
        locked : bool
            Take the content that ``nbmlops.lock`` names instead of the newest.
        overwrite : bool
            Whether `to` may be there already.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidError
            When a column is not there, or the condition does not parse.
        CorruptError
            When the stored bytes are not what was saved; none of them is handed out.
        ConflictError
            When `to` is there already, or what is tracked has changed; nothing is written then.
        """
        version = self._present(self._resolve(ref, locked), locked=locked)
        result = self._read(
            version, output.Rows(None if columns is None else names_of(columns), where, sample), as_, to, overwrite
        )
        self._lineage.record("reads", version)
        return result

    def diff(
        self, before: str, after: str | None = None, *, key: str | Sequence[str] = (), sample: int = 10
    ) -> DataDiff:
        """Tell what differs between two versions.

        Parameters
        ----------
        before : str
            A version; alone, it is compared with the one before it.
        after : str, optional
            Another version, of the same name or not.
        key : str or sequence of str
            Columns that tell the rows of a table apart. Without them rows are found again by their position, when
            there are as many and most stand where they stood, or else by their content.
        sample : int
            How many changed cells, and how many added and removed rows, to show.

        Raises
        ------
        NotFoundError
            When there is no such version, or none before it.
        InvalidError
            When they are of unlike kinds, or the key is null or not unique in one of them.
        """
        from nbmlops.data import comparing

        second = self._versions.resolve(before if after is None else after)
        hint = f"name two versions: `ml data diff {second.ref} OTHER`"
        first = self._versions.before(second, hint) if after is None else self._versions.resolve(before)
        for version in (first, second):
            self._present(version)
        if first.detail["format"] == second.detail["format"] == "tracked":
            from nbmlops.data.tracked_diff import diff_tracked

            found = diff_tracked(self._tracked, first, second, names_of(key), sample, self._scratch)
        else:
            found = comparing.diff(self._objects, first, second, names_of(key), sample, self._scratch)
        for version in (first, second):
            self._lineage.record("reads", version)
        return found

    def _older(self, version: Version) -> list[Version]:
        """The versions of the same name before one, newest first."""
        number = version.number or 1 << 31  # what has none yet is newer than all that have
        return [one for one in self._versions.history(version.name) if (one.number or 0) < number]

    def _read(
        self, version: Version, asked: output.Rows, as_: str | None, to: str | Path | None, overwrite: bool
    ) -> Any:
        kind = str(version.detail["format"])
        is_table = kind == "table" or (kind == "tracked" and "rows" in version.detail)
        able = _TABLE if is_table else _KINDS.get(kind, ("path",))
        wanted = as_ or ("path" if to is not None else able[0])
        if wanted not in able:
            raise InvalidError(
                f"{version.ref} is {a_or_an(kind)}, which cannot be loaded as {wanted!r}",
                hint=f"load it as one of {', '.join(able)}"
                if len(able) > 1
                else f"`ml data load {version.ref} --as path`",
            )
        if is_table and not (kind == "tracked" and wanted == "path" and _is_whole(version, asked, to)):
            return self._read_table(version, asked, wanted, to, overwrite)
        if asked != (None, None, None):
            raise InvalidError(
                f"{version.ref} is {a_or_an(kind)}, not a table",
                hint=f"load all of it: `ml data load {version.ref}`",
            )
        if wanted == "numpy":
            from nbmlops.data import arrays

            with self._objects.open(version.root) as source:
                return arrays.read_array(source)
        return self._place(version, to, overwrite)

    def _read_table(
        self, version: Version, asked: output.Rows, wanted: str, to: str | Path | None, overwrite: bool
    ) -> Any:
        if asked.sample is not None and asked.sample < 1:
            raise InvalidError(f"a sample of {asked.sample} rows cannot be drawn", hint="give a number from 1 on")
        known = [column[0] for column in version.detail["columns"]]
        columns = None if asked.columns is None else pick(asked.columns, known)
        with self._opened(version, columns, asked.where) as stored:
            self._tables.saw(version.id)
            if wanted != "path":
                return output.given_as(stored.read(columns, where=asked.where, sample=asked.sample), wanted)
            target = self._target(version, f"{version.name}.parquet", to, overwrite)
            if asked.sample is None:
                parts = stored.batches(columns, where=asked.where)
            else:
                parts = iter([stored.read(columns, where=asked.where, sample=asked.sample)])
            first = next(parts)
            output.write_table(first.schema, itertools.chain([first], parts), target)
            return target

    def _opened(
        self, version: Version, columns: Sequence[str] | None, where: str | None
    ) -> AbstractContextManager[StoredTable]:
        from nbmlops.data.stored import StoredTable

        if version.detail["format"] == "tracked":
            return self._tracked.table(version, columns, where)
        return StoredTable(self._objects, version)

    def _place(self, version: Version, to: str | Path | None, overwrite: bool) -> Path:
        own = version.detail.get("filename", version.name)
        if version.detail["format"] == "tracked":
            target = None if to is None else output.target_of(to, own, overwrite=overwrite)
            return self._tracked.place(version, target)
        if version.detail["format"] == "array":
            own = f"{version.name}.npy"
            output.refuse_ending(to, ".npy", "an array")
        target = self._target(version, own, to, overwrite)
        if version.detail["format"] == "folder":
            return files.write_folder(self._objects, version.root, target)
        return files.write_file(self._objects, version.root, target)

    def _target(self, version: Version, own: str, to: str | Path | None, overwrite: bool) -> Path:
        if to is not None:
            return output.target_of(to, own, overwrite=overwrite)
        folder = self._scratch / version.digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder / own


def _is_whole(version: Version, asked: output.Rows, to: str | Path | None) -> bool:
    """Whether a tracked file is wanted as it is, and not what can be read of it."""
    if version.detail["tracked"] != "file":
        return False
    own = Path(str(version.detail["filename"]))
    return asked == (None, None, None) and (to is None or Path(to).is_dir() or Path(to).suffix == own.suffix)
