"""Verbs on data: save, load, list, show, history, delete, restore, rename, push."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, nearest
from nbmlops.core.refs import Ref, check_name
from nbmlops.data import files, output
from nbmlops.data.frames import is_parquet, pick
from nbmlops.data.lockfile import LockFile
from nbmlops.data.records import DataVersion
from nbmlops.store import lineage

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore, Transfer
    from nbmlops.store.versions import Version, Versions

__all__ = ["Data"]

Progress = Callable[[int], None]


class Data:
    """Versions of tables, files and folders.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``data``.
    objects : ObjectStore
        Where the bytes lie.
    lineage : Lineage
        Where reads are recorded.
    lock : LockFile
        The project's ``nbmlops.lock``.
    scratch : Path
        Folder of the workspace for temporary files and for files handed out.
    """

    def __init__(
        self, versions: Versions, objects: ObjectStore, lineage: Lineage, lock: LockFile, scratch: Path
    ) -> None:
        self._versions = versions
        self._objects = objects
        self._lineage = lineage
        self._lock = lock
        self._scratch = scratch

    def save(
        self,
        value: Any,
        name: str | None = None,
        *,
        message: str | None = None,
        allow_empty: bool = False,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Save a table, a file or a folder as the newest version of a name.

        Parameters
        ----------
        value : pandas.DataFrame, pyarrow.Table, polars.DataFrame, str or Path
            What to save. A path of a Parquet file is saved as the table in it, any other as it is.
        name : str, optional
            What to call it; by default the file's name without its ending.
        message : str, optional
            Why it was made.
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
        if path is not None:
            files.refuse_special(path, own=self._scratch.parent)
        self._lock.read()  # a lock that cannot be read is said before anything is saved
        if path is None or (path.is_file() and is_parquet(path)):
            saved, detail = self._save_table(value if path is None else path, called, allow_empty, progress)
        elif path.is_dir():
            saved, detail = files.save_folder(self._objects, path, progress), {"format": "folder"}
        else:
            detail = {"format": "file", "filename": path.name}
            saved = files.save_file(self._objects, path, progress)
        active = lineage.current()
        detail |= {"notebook": active.notebook, "cell_id": active.cell_id}
        version = self._versions.add(called, **asdict(saved), message=message, detail=detail)
        # Inside a pipeline run the names move, and with them the lock, when the run commits.
        if active.pipeline_run_id is None:
            self.lock_newest([called])
        return DataVersion.of(version)

    def _save_table(
        self, value: Any, name: str, allow_empty: bool, progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        import pyarrow as pa

        from nbmlops.data import layout
        from nbmlops.data.identity import column_type
        from nbmlops.data.parts import parts_of

        schema, parts = parts_of(value, allow_empty=allow_empty)
        with files.scratch(self._scratch) as file:
            # Arrow opens the nameless file for itself: it must not write through Python, see `layout.write`.
            with pa.OSFile(f"/dev/fd/{file.fileno()}", "wb") as sink:
                written = layout.write(schema, parts, sink, self._cut_before(name))
            stored = self._objects.put(file, progress=progress, ends=written.ends)
        columns = [[field.name, column_type(field.type), field.nullable] for field in schema]
        detail = {"format": "table", "rows": written.rows, "columns": columns, "cut_by": written.cut_by}
        return files.Saved(written.digest, stored.digest, stored.size, stored.new_bytes), detail

    def _cut_before(self, name: str) -> Sequence[str]:
        """The columns that chose the row groups of the newest version, if it is a table."""
        try:
            return tuple(self._versions.resolve(name).detail.get("cut_by", ()))
        except NotFoundError:
            return ()

    def load(
        self,
        ref: str,
        *,
        columns: Sequence[str] | None = None,
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
        columns : sequence of str, optional
            Columns to read; the others are not touched.
        as_ : {"pandas", "arrow", "polars", "path"}, optional
            What to return; a table as pandas and a file or folder as a path by default.
        to : str or Path, optional
            Where to write it, a table as Parquet or CSV by the ending; the path is returned. In a folder that is there
            it gets its own name.
        locked : bool
            Take the content that ``nbmlops.lock`` names instead of the newest.
        overwrite : bool
            Whether `to` may be there already.

        Raises
        ------
        NotFoundError
            When there is no such version.
        CorruptError
            When the stored bytes are not what was saved; none of them is handed out.
        ConflictError
            When `to` is there already; nothing is written then.
        """
        version = self._resolve(ref, locked)
        detail: Any = version.detail
        wanted = as_ or ("path" if to is not None or detail["format"] != "table" else "pandas")
        if wanted not in {"pandas", "arrow", "polars", "path"}:
            raise InvalidError(f"data cannot be loaded as {wanted!r}", hint="pandas, arrow, polars or path")
        if detail["format"] == "table":
            table = self._table(version, columns)
            result = self._write(table, version, to, overwrite) if wanted == "path" else _as(table, wanted)
        elif columns or wanted != "path":
            raise InvalidError(
                f"{version.ref} is a {detail['format']}, not a table",
                hint=f"load it as a path: `ml data load {version.ref} --as path`",
            )
        else:
            result = self._place(version, to, overwrite)
        self._lineage.record("reads", "data", version.id)
        return result

    def _resolve(self, ref: str, locked: bool) -> Version:
        parsed = Ref.parse(ref)
        if not locked:
            return self._versions.resolve(parsed)
        if not parsed.is_bare:
            raise InvalidError(
                f"{ref} names a version already, so the lock has no say", hint=f"`ml data load {parsed.name} --locked`"
            )
        return self._versions.resolve(Ref(parsed.name, prefix=self.locked(parsed.name)))

    def locked(self, name: str) -> str:
        """Digest that a locked load of a name means: what a frozen pipeline pins, else what ``nbmlops.lock`` says.

        Raises
        ------
        NotFoundError
            When the lock has no line for the name.
        """
        return lineage.current().pins.get(f"lock:{name}") or self._lock.digest(name)

    def _table(self, version: Version, columns: Sequence[str] | None) -> pa.Table:
        from nbmlops.data import layout

        known = [column[0] for column in version.detail["columns"]]
        with self._objects.open(version.root) as source:
            return layout.read(source, None if columns is None else pick(columns, known))

    def _write(self, table: pa.Table, version: Version, to: str | Path | None, overwrite: bool) -> Path:
        own = f"{version.name}.parquet"
        target = output.target_of(to, own, overwrite=overwrite) if to is not None else self._handout(version) / own
        output.write_table(table, target)
        return target

    def _place(self, version: Version, to: str | Path | None, overwrite: bool) -> Path:
        own = version.name if version.detail["format"] == "folder" else version.detail["filename"]
        target = output.target_of(to, own, overwrite=overwrite) if to is not None else self._handout(version) / own
        if version.detail["format"] == "folder":
            return files.write_folder(self._objects, version.root, target)
        return files.write_file(self._objects, version.root, target)

    def _handout(self, version: Version) -> Path:
        folder = self._scratch / version.digest[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def show(self, ref: str) -> DataVersion:
        """What is known of a version."""
        return DataVersion.of(self._versions.resolve(ref))

    def history(self, name: str) -> list[DataVersion]:
        """All versions of a name, newest first."""
        return [DataVersion.of(version) for version in self._versions.history(name)]

    def delete(self, ref: str, *, unlock: bool = False) -> list[DataVersion]:
        """Hide a version, or with a bare name all of them, until `restore` or the end of the grace period.

        Parameters
        ----------
        ref : str
            What to delete.
        unlock : bool
            Take it out of ``nbmlops.lock`` too, which otherwise holds it.

        Raises
        ------
        RefusedError
            While an alias or the lock refers to it.
        """
        name = Ref.parse(ref).name
        locked = None if unlock else self._lock.read().get(name)

        def guard(version: Version) -> None:
            if version.digest == locked:
                raise RefusedError(
                    f"{version.ref} cannot be deleted: nbmlops.lock names it", hint=f"`ml data delete {ref} --unlock`"
                )

        gone = self._versions.delete(ref, guard=guard)
        if unlock and self._lock.read().get(name) in {version.digest for version in gone}:
            self._lock.update({name: None})
        return [DataVersion.of(version) for version in gone]

    def restore(self, ref: str) -> list[DataVersion]:
        """Bring back what was deleted."""
        return [DataVersion.of(version) for version in self._versions.restore(ref)]

    def rename(self, old: str, new: str) -> DataVersion:
        """Give all versions of a name another name, in the lock too."""
        self._versions.rename(old, new)
        locked = self._lock.read().get(old)
        if locked:
            self._lock.update({old: None, new: locked})
        return self.show(new)

    def lock_newest(self, names: Sequence[str]) -> None:
        """Write into the lock what some names mean now, when the file's turn comes; others may save meanwhile."""
        self._lock.refresh(names, lambda name: self._versions.resolve(name).digest)

    def push(self, target: str, refs: Sequence[str] = (), *, progress: Progress | None = None) -> Transfer:
        """Copy versions to a folder or URL; only what is missing there travels.

        Parameters
        ----------
        target : str
            A folder or an fsspec URL.
        refs : sequence of str
            What to push; all versions of all data by default.
        progress : callable, optional
            Called with numbers of bytes as they are sent.
        """
        if refs:
            meant = [self._versions.resolve(ref) for ref in refs]
        else:
            meant = [version for newest in self._versions.newest() for version in self._versions.history(newest.name)]
        wanted: list[str] = []
        for version in meant:
            wanted.append(version.root)
            if version.detail["format"] == "folder":
                wanted += [digest for digest, _ in files.members(self._objects, version.root).values()]
        return self._objects.push(dict.fromkeys(wanted), target, progress=progress)

    def list(self) -> list[DataVersion]:
        """The newest version of every name."""
        return [DataVersion.of(version) for version in self._versions.newest()]


def _called(path: Path | None, name: str | None) -> str:
    """The name to save under: the given one, else that of the file, which must be there."""
    if name is None:
        if path is None:
            raise InvalidError("a table needs a name to be saved under", hint='ml.data.save(flights, "flights")')
        name = path.stem
    check_name(name)
    if path is not None and not path.exists():
        raise NotFoundError(f"there is no file {path}", hint=_neighbours(path))
    return name


def _as(table: pa.Table, wanted: str) -> Any:
    if wanted == "pandas":
        return table.to_pandas()
    if wanted == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table


def _neighbours(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    return nearest(path.name, [entry.name for entry in path.parent.iterdir()])
