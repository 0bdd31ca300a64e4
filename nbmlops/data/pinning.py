"""The verb that pins data which stays where it is: track."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from nbmlops.data import files
from nbmlops.data.intake import called
from nbmlops.data.labelling import Labelling, labels
from nbmlops.data.places import LocalPlace, place_at
from nbmlops.data.table_files import kind_of_file
from nbmlops.data.tracked import Entry, Tracked
from nbmlops.store.addresses import last_part

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.store.url_source import Seen, UrlSource

__all__ = ["Pinning"]

Progress = Callable[[int], None]


class Pinning(Labelling):
    """What makes versions of data that is not stored."""

    def track(
        self,
        where: str | Path,
        name: str | None = None,
        *,
        message: str | None = None,
        tags: Mapping[str, Any] | None = None,
        alias: str | None = None,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Record a file, a folder or a Delta table that stays where it is, and by what it is known again.

        It is read through once and not stored; `load` reads it where it is, after it was found to be the same still. Of
        a Delta table the version is recorded, with its files, which are not read.

        Parameters
        ----------
        where : str or Path
            Its address, such as ``s3://bucket/flights.parquet``, without password or query, or its path.
        name : str, optional
            What to call it; by default its own name without its ending.
        message : str, optional
            Why it is tracked.
        tags : mapping, optional
            Tags of this version, by key.
        alias : str, optional
            An alias to move to this version.
        progress : callable, optional
            Called with numbers of bytes as they are read.

        Returns
        -------
        DataVersion
            The new version, or the newest one when it is of the same content at the same place.

        Raises
        ------
        InvalidError
            When the address has a password or a query, or what lies there cannot be tracked.
        NotFoundError
            When nothing lies there.
        UnavailableError
            When it cannot be read.
        ConflictError
            When it changed while it was read; nothing is recorded then.
        """
        given = str(where)
        own = self._scratch.parent
        place = place_at(str(Path.cwd() / where) if isinstance(where, Path) else _from_here(given), own.parent, own)
        tracked_as = called(given if isinstance(where, str) else where, name)
        tagged = labels(tracked_as, tags, alias)
        origin = self._versions.origin()
        self._lock.read()  # a lock that cannot be read is said before anything is read
        found, detail = self._look_through(place, progress)
        stored = self._objects.put(found.render())
        taken = files.Saved(stored.digest, stored.digest, found.size, stored.new_bytes)
        content = {**asdict(taken), "message": message, "detail": detail | origin.detail()}
        return self._enter(tracked_as, content, tagged, alias)

    def _look_through(self, place: UrlSource | LocalPlace, progress: Progress | None) -> tuple[Tracked, dict[str, Any]]:
        """What lies at a place, and what the catalog keeps of it."""
        from nbmlops.data.delta import is_delta
        from nbmlops.data.url_intake import refuse_paths

        seen = place.look()
        detail: dict[str, Any] = {"format": "tracked", "tracked": "folder", "source": place.where}
        with files.scratch(self._scratch) as spare:
            if is_delta(seen.files):
                return self._look_into_delta(place, seen, detail)
            if seen.is_folder:
                refuse_paths(place.where, seen.files)
                found = place.digests(seen, spare, progress)
                sizes = {path: Entry(found[path], stamp.size or 0) for path, stamp in seen.files.items()}
                return Tracked(place.where, "folder", sizes), detail
            stamp = seen.files[""]
            own = last_part(place.where) if "://" in place.where else Path(place.where).name
            detail |= {"tracked": "file", "filename": own, "etag": stamp.etag, "written": stamp.written}
            if kind_of_file(own) == "parquet":
                digest, size = _of_table(place, seen, spare, progress, detail)
            else:
                digest = place.digests(seen, spare, progress)[""]
                size = stamp.size if stamp.size is not None else spare.seek(0, 2)
        return Tracked(place.where, "file", {"": Entry(digest, size)}), detail

    def _look_into_delta(
        self, place: UrlSource | LocalPlace, seen: Seen, detail: dict[str, Any]
    ) -> tuple[Tracked, dict[str, Any]]:
        from nbmlops.data.delta import DeltaAt

        table = DeltaAt(place.address, place.where)
        version = table.version
        known = {"tracked": "delta", "etag": f"version {version}", **table.described()}
        return Tracked(place.where, "delta", table.active(seen.files), version), detail | known


def _from_here(where: str) -> str:
    return where if "://" in where else str(Path.cwd() / where)


def _of_table(
    place: UrlSource | LocalPlace, seen: Seen, spare: BinaryIO, progress: Progress | None, detail: dict[str, Any]
) -> tuple[str, int]:
    """Digest and size of a Parquet file; into `detail` go its rows and columns."""
    from nbmlops.data.tracked_reading import Held, described

    with Held.of(place, seen, spare, progress) as held:
        entry = held.entries()[""]
        detail |= described(held, place.where)
    return entry
