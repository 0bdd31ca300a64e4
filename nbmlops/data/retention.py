"""For the store, which knows no data: what versions of it need, what copies would take, what the lock refers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbmlops.data import files
from nbmlops.data.saving import needs
from nbmlops.store.roots import Roots

if TYPE_CHECKING:
    from nbmlops.data.lockfile import LockFile
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.roots import Copies, Holder, Needs, Outside
    from nbmlops.store.versions import Versions

__all__ = ["roots_of"]


def roots_of(versions: Versions, objects: ObjectStore, lock: LockFile) -> Roots:
    """What refers to objects in the workspace whose versions of data these are."""
    needs, copies = {"data": _needs_in(objects)}, {"data": _copies_in(objects)}
    return Roots(versions.catalog, versions.clock, needs, _locked_by(lock), copies)


def _copies_in(objects: ObjectStore) -> Copies:
    """What gives the bytes that a plain copy of each version would take, by its id.

    That is the size of a file, a folder, an array, and of the Parquet file of a table. A table that is kept as a recipe
    has no file of its own: it is reckoned as its share, by rows and columns, of the longest table among those whose
    files it takes rows from. Where none of them is known any more, its values' bytes in memory count. Of what is only
    tracked, the record counts.
    """

    def copies(holders: Sequence[Holder]) -> dict[int, int]:
        sizes = {one.id: one.size for one in holders}
        tables = [one for one in holders if one.detail["format"] == "table"]
        files = {one.root: one for one in tables if one.detail.get("layout") != "recipe"}
        tracked = [one for one in holders if one.detail["format"] == "tracked"]
        stored = objects.parts[1].objects([*files, *(one.root for one in tracked)])
        sizes.update({one.id: stored[one.root].size for one in tracked if one.root in stored})
        for one in tables:
            source = one
            if one.detail.get("layout") == "recipe":
                sources = [files[digest] for digest in one.detail["needs"] if digest in stored and digest in files]
                source = max(sources, key=lambda table: table.detail["rows"], default=one)
            if source.root in stored and source.root in files:
                rows = one.detail["rows"] / max(1, source.detail["rows"])
                columns = len(one.detail["columns"]) / max(1, len(source.detail["columns"]))
                share = 1.0 if source is one else rows * columns
                sizes[one.id] = round(stored[source.root].size * share)
        return sizes

    return copies


def _needs_in(objects: ObjectStore) -> Needs:
    """What gives all objects that a version of data cannot be read without, the files of a folder too."""
    listed: dict[str, list[str]] = {}

    def files_of(folder: str) -> list[str]:
        # A listing that was never pulled, as its folder is only known here, may be pulled at any moment.
        if folder not in listed and not objects.missing([folder]):
            listed[folder] = [member.digest for member in files.members(objects, folder).values()]
        return listed.get(folder, [])

    def profile_of(version: Holder) -> list[str]:
        # It can be made again, so a version does not need it; but as long as the version stays, so does it.
        digest = version.detail.get("profile")
        return [] if digest is None or objects.missing([digest]) else [digest]

    def all_of(version: Holder) -> list[str]:
        return (
            needs(version)
            + profile_of(version)
            + (files_of(version.root) if version.detail["format"] == "folder" else [])
        )

    return all_of


def _locked_by(lock: LockFile) -> Outside:
    """What gives the contents that the lock names."""

    def locked() -> dict[tuple[str, str], str]:
        return {("data", digest): "nbmlops.lock names it" for digest in lock.read().values()}

    return locked
