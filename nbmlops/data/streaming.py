"""Tables that need not fit in memory: opened to be read part by part, and saved as their parts come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import check_name
from nbmlops.data.labelling import Labelling, labels
from nbmlops.data.loading import Loading
from nbmlops.data.records import DataVersion, a_or_an

if TYPE_CHECKING:
    from nbmlops.data.parts import Reading
    from nbmlops.data.stored import StoredTable
    from nbmlops.store.versions import Version

__all__ = ["Streaming"]

Progress = Callable[[int], None]


class Streaming(Labelling, Loading):
    """What other verbs that make a table of tables are built on."""

    def table_version(self, ref: str) -> Version:
        """The version that a reference means, which is a table whose bytes are here.

        Raises
        ------
        NotFoundError
            When there is no such version, or its bytes are not here.
        InvalidError
            When it is no table.
        """
        version = self._present(self._resolve(ref, False))
        kind = version.detail["format"]
        if kind != "table" and not (kind == "tracked" and "rows" in version.detail):
            raise InvalidError(f"{version.ref} is {a_or_an(kind)}, not a table", hint="only tables have rows")
        return version

    def opened(self, version: Version, columns: Sequence[str] | None = None) -> AbstractContextManager[StoredTable]:
        """Open a table to read some of its columns; it is left to the caller to say that it was read."""
        return self._opened(version, columns, None)

    def stream(
        self,
        reading: Reading,
        name: str,
        made_from: Sequence[Version],
        *,
        message: str | None = None,
        tags: Mapping[str, Any] | None = None,
        alias: str | None = None,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Save what is read part by part as the newest version of a name; until its last part nothing has that name.

        Parameters
        ----------
        reading : Reading
            The rows.
        name : str
            What to call it.
        made_from : sequence of Version
            The versions that the rows are made from.
        message : str, optional
            Why it was made.
        tags : mapping, optional
            Tags of this version, by key.
        alias : str, optional
            An alias to move to this version.
        progress : callable, optional
            Called with numbers of bytes as they come.

        Raises
        ------
        InvalidError
            When the name, a tag or the alias is not acceptable.
        """
        tagged = labels(check_name(name), tags, alias)
        self._lock.read()  # a lock that cannot be read is said before anything is saved
        origin = self._versions.origin()
        saved, detail = self._tables.save_reading(reading, name, name, True, progress)
        for version in made_from:
            self._lineage.record("reads", version)
        kept = {each.name: getattr(saved, each.name) for each in fields(saved)}
        content = {**kept, "message": message, "detail": detail | origin.detail()}
        return self._enter(name, content, tagged, alias)
