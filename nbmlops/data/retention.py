"""Which objects versions of data need, and what the lock refers to: for the gc, which knows no data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.data import files
from nbmlops.data.saving import needs
from nbmlops.store.roots import Roots

if TYPE_CHECKING:
    from nbmlops.data.lockfile import LockFile
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.roots import Holder, Needs, Outside
    from nbmlops.store.versions import Versions

__all__ = ["roots_of"]


def roots_of(versions: Versions, objects: ObjectStore, lock: LockFile) -> Roots:
    """What refers to objects in the workspace whose versions of data these are."""
    return Roots(versions.catalog, versions.clock, {"data": _needs_in(objects)}, _locked_by(lock))


def _needs_in(objects: ObjectStore) -> Needs:
    """What gives all objects that a version of data cannot be read without, the files of a folder too."""
    listed: dict[str, list[str]] = {}

    def files_of(folder: str) -> list[str]:
        # A listing that was never pulled, as its folder is only known here, may be pulled at any moment.
        if folder not in listed and not objects.missing([folder]):
            listed[folder] = [member.digest for member in files.members(objects, folder).values()]
        return listed.get(folder, [])

    def all_of(version: Holder) -> list[str]:
        return needs(version) + (files_of(version.root) if version.detail["format"] == "folder" else [])

    return all_of


def _locked_by(lock: LockFile) -> Outside:
    """What gives the contents that the lock names."""

    def locked() -> dict[tuple[str, str], str]:
        return {("data", digest): "nbmlops.lock names it" for digest in lock.read().values()}

    return locked
