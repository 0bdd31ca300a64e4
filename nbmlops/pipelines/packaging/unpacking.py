"""A package that is to run: looked at as a whole, its data fetched, its notebooks and modules laid out in a folder."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, UnavailableError
from nbmlops.pipelines.packaging.archive import SUFFIX, opened
from nbmlops.pipelines.packaging.needed import bring, missing, refuse_missing
from nbmlops.pipelines.packaging.parts import DATA, frozen_of
from nbmlops.pipelines.plan import Home

if TYPE_CHECKING:
    from nbmlops.pipelines.freezing import Frozen
    from nbmlops.pipelines.packaging.archive import Archive
    from nbmlops.pipelines.stores import Stores

__all__ = ["Unpacked", "is_package", "unpack"]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was in a package: the frozen pipeline, its digest, where its code lies, and its notebooks in step order."""

    frozen: Frozen
    digest: str
    home: Home
    notebooks: tuple[Path, ...]


def is_package(name: str) -> bool:
    """Whether a name is the path of a package.

    Examples
    --------
    >>> is_package("sent/delays-v3.pipeline.zip"), is_package("delays@production")
    (True, False)
    """
    return name.endswith(SUFFIX)


def unpack(path: Path, scratch: Path, stores: Stores) -> Unpacked:
    """Look at all of a package, then lay it out; nothing of it has been executed then.

    Parameters
    ----------
    path : Path
        The package.
    scratch : Path
        Folder for what may be lost.
    stores : Stores
        Where the data is that it reads, and where that goes which comes along and is not here.

    Raises
    ------
    NotFoundError
        When there is no such file, or what it reads is neither here nor in it.
    CorruptError
        When it is damaged, or no package.
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    with opened(path) as archive:
        frozen, digest = frozen_of(archive), str(archive.head["digest"])
        if any(part.startswith(DATA) for part in archive.parts):
            _take_data(archive, frozen, scratch, stores)
    refuse_missing(stores, frozen.lock, path.name)
    root = (scratch / "packages" / digest[:16]).resolve()
    notebooks = {
        name: json.dumps(each, indent=1, ensure_ascii=False).encode() for name, each in frozen.notebooks.items()
    }
    _lay_out(root, {**frozen.modules, **notebooks})
    home = Home(root, tuple(root / entry for entry in frozen.path))
    return Unpacked(frozen, digest, home, tuple(root / name for name in frozen.notebooks))


def _take_data(archive: Archive, frozen: Frozen, scratch: Path, stores: Stores) -> None:
    """Fetch what is not here from what came along."""
    lacking = missing(stores, frozen.lock)
    if not lacking:
        return
    folder = scratch / f"package-{secrets.token_hex(8)}"
    try:
        for part in archive.parts:
            if part.startswith(DATA):
                archive.copy(part, folder / part)
        bring(stores, lacking, folder / DATA)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each whole or not at all: others may run the same package at this moment."""
    for name, content in files.items():
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise InvalidError(f"{path} leads out of {root}", hint=f"remove {root}, which may be lost")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.read_bytes() == content:
                continue
            made = path.with_name(f".{secrets.token_hex(8)}")
            made.write_bytes(content)
            made.replace(path)
        except OSError as error:
            raise UnavailableError(
                f"cannot unpack {name} into {root}: {error.strerror}", hint="check permissions and free space"
            ) from error
