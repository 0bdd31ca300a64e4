"""What lies at an address, brought into the store: a file as it is, a table of it, or a folder.

It is fetched into a file without a name in the workspace's own folder for temporary files, which is gone however this
process ends; only what came whole, and was not changed meanwhile, goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from nbmlops.core.errors import InvalidError
from nbmlops.data import files
from nbmlops.data.table_files import TableFile, kind_of_file
from nbmlops.store.addresses import last_part
from nbmlops.store.streams import Window
from nbmlops.store.url_source import Part, source_at

if TYPE_CHECKING:
    from nbmlops.data.intake import How, Taken
    from nbmlops.data.saving import Tables
    from nbmlops.store.objects import ObjectStore

__all__ = ["refuse_paths", "take_url"]


def take_url(objects: ObjectStore, tables: Tables, scratch: Path, url: str, name: str, how: How) -> Taken:
    """Bring what lies at an address into the store, as `Intake.take` does.

    Raises
    ------
    InvalidError
        When the address cannot be taken apart, or what lies there not be kept.
    NotFoundError
        When nothing lies there.
    UnavailableError
        When it cannot be fetched.
    ConflictError
        When it changed while it was read.
    UnsupportedError
        When no file system is known for it.
    DependencyError
        When its file system needs a package that is not installed.
    """
    source = source_at(url)
    seen = source.look()
    own = last_part(source.where)
    if seen.is_folder:
        if how.as_ is not None:
            raise InvalidError(f"{source.where} is a folder and cannot be saved as a {how.as_}", hint="leave out --as")
        refuse_paths(source.where, seen.files)
    with files.scratch(scratch) as file:
        parts = source.fetch(seen, file, how.progress)
        file.seek(0)
        kept: dict[str, Any] = {"source": source.where}
        if seen.is_folder:
            return _folder(objects, file, parts), {"format": "folder", **kept}
        if how.as_ == "table" or (how.as_ is None and kind_of_file(own) == "parquet"):
            there = TableFile(Path(f"/dev/fd/{file.fileno()}"), own)
            saved, detail = tables.save(there, name, how.allow_empty, None)
            return saved, {**detail, **kept}
        stored = objects.put(file)
        saved = files.Saved(stored.digest, stored.digest, stored.size, stored.new_bytes)
        return saved, {"format": "file", "filename": own or name, **kept}


def _folder(objects: ObjectStore, file: BinaryIO, parts: Mapping[str, Part]) -> files.Saved:
    windows = [cast("BinaryIO", Window(file.fileno(), part.begin, part.size)) for part in parts.values()]
    stored = objects.put_many(windows)
    return files.save_listing(objects, dict(zip(parts, stored, strict=True)))


def refuse_paths(where: str, paths: Mapping[str, object]) -> None:
    """Refuse what could not be written as a folder of this machine.

    Raises
    ------
    InvalidError
        When a path leads out of the folder, or is both a file and a folder, as keys of S3 may be.
    """
    above = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    for path in paths:
        plain = PurePosixPath(path)
        if plain.is_absolute() or ".." in plain.parts or plain.as_posix() != path or "\0" in path:
            raise InvalidError(
                f"{where} holds {path!r}, which cannot be the path of a file", hint="give it another key"
            )
        if path in above:
            raise InvalidError(f"{where} holds {path!r} both as a file and as a folder", hint="give it another key")
