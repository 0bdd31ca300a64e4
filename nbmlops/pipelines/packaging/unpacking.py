"""A package that is to run: looked at as a whole, its data fetched, its notebooks and modules laid out in a folder."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.pipelines.laying_out import lay_out
from nbmlops.pipelines.packaging.archive import SUFFIX, opened
from nbmlops.pipelines.packaging.needed import bring, missing, refuse_missing
from nbmlops.pipelines.packaging.parts import DATA, frozen_of

if TYPE_CHECKING:
    from nbmlops.pipelines.freezing import Frozen
    from nbmlops.pipelines.packaging.archive import Archive
    from nbmlops.pipelines.plan import Home
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
    home, notebooks = lay_out(frozen, scratch / "packages" / digest[:16])
    return Unpacked(frozen, digest, home, notebooks)


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
