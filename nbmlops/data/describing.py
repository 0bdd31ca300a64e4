"""The verb that describes: profile, of a version, a file or a table in memory; and profiles made after saves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError
from nbmlops.core.settings import Profiles
from nbmlops.data.afterwards import Pause
from nbmlops.data.frames import pandas_index
from nbmlops.data.loading import Loading
from nbmlops.data.records import a_or_an
from nbmlops.data.table_files import TableFile, kind_of_file

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.data.records import DataVersion
    from nbmlops.data.stored import StoredTable
    from nbmlops.profiling.records import Profile
    from nbmlops.store.versions import Version

__all__ = ["Describing", "profile_file"]

Progress = Callable[[int], None]
_MOST_ROWS, _FEWEST_ROWS, _VALUES = 1 << 17, 1_024, 1 << 21
"""Rows of a part that is profiled in the background, and its values, which are its size in memory."""


class Describing(Loading):
    """What tells what tables hold."""

    profiles: Profiles = Profiles()
    """Which tables are profiled after they were saved."""
    _looked_at: tuple[tuple[str, Any], Profile] | None = None
    """The profile that was looked at last, by the digests of its version and of itself: wide ones take long to read."""

    def profile(self, value: Any, *, progress: Progress | None = None) -> Profile:
        """Tell what a table holds: counts, nulls, ends, quantiles, distinct and frequent values, correlations.

        The profile of a version is made after it was saved, or else when it is first asked for, and kept with it. Files
        larger than memory are read in parts.

        Parameters
        ----------
        value : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            A version such as ``flights@v3``, the path of a Parquet, CSV or JSON lines file, or a table.
        progress : callable, optional
            Called with numbers of bytes as they are read.

        Raises
        ------
        NotFoundError
            When there is no such version or file.
        InvalidError
            When it is no table, or a file cannot be read.
        CorruptError
            When the stored bytes are not what was saved.
        """
        if isinstance(value, Path) or (isinstance(value, str) and kind_of_file(value) and Path(value).exists()):
            return profile_file(Path(value), progress)
        if not isinstance(value, str):
            from nbmlops.profiling import profiler

            return profiler.profile(value)
        version = self._present(self._versions.resolve(value))
        if self._later.settle(version.id):
            version = self._versions.get(version.id)
        found = self._kept_profile(version) or self._made_profile(version, progress)
        self._lineage.record("reads", version)
        return replace(found, of=version.ref)

    def kept_profile(self, ref: str) -> Profile | None:
        """The profile that is kept with a version; None where `profile` would have to make it first."""
        version = self._versions.resolve(ref)
        key = version.digest, version.detail.get("profile")
        known = self._looked_at  # once: panels ask from several threads
        found = known[1] if known is not None and known[0] == key else self._kept_profile(version)
        if found is None:
            return None
        self._looked_at = key, found
        return replace(found, of=version.ref)

    def _kept_profile(self, version: Version) -> Profile | None:
        """The profile that was kept with a version; None when there is none that can be read, and it is to be made."""
        from nbmlops.profiling import document
        from nbmlops.profiling.personal.masking import masked_profile

        digest = version.detail.get("profile")
        if digest is None or self._objects.missing([digest]):
            return None
        try:
            found = document.read(self._objects.read(digest))
        except (CorruptError, NotFoundError):
            return None  # made again, it is the same
        # An earlier nbmlops kept what is personal too.
        return found if found.digest == version.digest and masked_profile(found) is found else None

    def _made_profile(self, version: Version, progress: Progress | None) -> Profile:
        from nbmlops.profiling import profiler

        if "rows" not in version.detail:
            kind = a_or_an(str(version.detail["format"]))
            raise InvalidError(f"{version.ref} is {kind}, not a table", hint="profile a table")
        with self._opened(version, None, None) as stored:
            index = _index(stored)
            made = profiler.profile_parts((part.drop_columns(index) for part in stored.batches()), progress)
        return self._keep(version, made)

    def _profile_later(self, saved: DataVersion) -> None:
        """Have a version profiled in the background, if its table is neither too small nor too large for that."""
        values = (saved.rows or 0) * len(saved.columns)
        asked = self.profiles
        if asked.after_saves and saved.format == "table" and asked.least <= values <= asked.most:
            self._later.add(saved.id, partial(self._profile_in_turn, saved.id))

    def _profile_in_turn(self, version_id: int, pause: Pause) -> None:
        """Profile a version from what is stored, in small steps."""
        from nbmlops.data.stored import StoredTable
        from nbmlops.profiling import profiler

        version = self._versions.get(version_id)
        if self._kept_profile(version) is not None:
            return
        # A thread of Arrow's that lets go of what was read while the process ends takes it down (pyarrow 26).
        with StoredTable(self._objects, version, threads=False) as stored:
            index = _index(stored)
            names = [name for name in stored.schema.names if name not in index]
            made = profiler.profile_in_turn(_small_parts(stored, names), pause)
        pause()
        self._keep(version, made)

    def _keep(self, version: Version, made: Profile) -> Profile:
        """Keep a profile with the version that it is of."""
        from nbmlops.data import queries
        from nbmlops.profiling import document
        from nbmlops.profiling.personal.masking import masked_profile

        made = masked_profile(replace(made, of=version.ref, digest=version.digest))
        stored_as = self._objects.put(document.write(made)).digest
        keep = partial(queries.keep_profile, version.id, version.digest, stored_as)
        if not self._versions.catalog.transact(keep):
            # Rows of the version were erased meanwhile: what tells of them is not to stay.
            self._objects.purge([stored_as])
        return made


def _index(stored: StoredTable) -> list[str]:
    """The columns of a pandas index, which is left out as it is of a frame in memory."""
    return [name for name in pandas_index(stored.schema) if name in stored.schema.names]


def _small_parts(stored: StoredTable, names: Sequence[str]) -> Iterator[pa.Table]:
    """Columns of the rows in order, in parts of bounded size; at least one part, which may be empty."""
    import numpy as np

    rows = min(_MOST_ROWS, max(_FEWEST_ROWS, _VALUES // max(1, len(names))))
    for start in range(0, max(1, stored.rows), rows):
        yield stored.take(names, np.arange(start, min(start + rows, stored.rows)))
        stored.forget()


def profile_file(path: Path, progress: Progress | None = None) -> Profile:
    """Profile the table in a file, part by part.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InvalidError
        When it holds no table, or cannot be read.
    """
    from nbmlops.data.csv_reading import Widened
    from nbmlops.data.parts import reading_of
    from nbmlops.profiling import profiler

    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", hint="name a Parquet, CSV or JSON lines file")
    reading = reading_of(TableFile.at(path))
    while True:
        try:
            return replace(profiler.profile_parts(reading.parts(), progress), of=path.name)
        except Widened:
            continue  # a later row needed a wider type: all is read anew with it
