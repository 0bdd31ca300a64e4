"""The verb ``blame``: which version, and with it which cell, run and commit, last changed a column.

Going back from a version, a column is compared with the version before. Equal digests of the column (`identity`) end
the question without reading it. Where they differ, the column changed when a cell of it did: a cell of a row that both
versions have. A version that only dropped, added or moved rows changed the rows, and the search goes on behind it.

Rows are found again as `diff` finds them: by the key, or by position where there are as many and most stand where they
stood. Else there is nothing to tell one row from another, and the values decide: when the column only lost values, or
only gained some, dropping or adding rows explains it; when it did both, its cells changed.

Behind the first version of a name comes the table that it was made from, when lineage knows exactly one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nbmlops.core.errors import InvalidError, UnavailableError
from nbmlops.data.frames import names_of, pick
from nbmlops.data.loading import Loading
from nbmlops.data.records import DataVersion, a_or_an
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from nbmlops.data.stored import StoredTable
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["Blame", "Blaming"]

Change = Literal["first", "added", "type", "cells", "rows"]


@dataclass(frozen=True, slots=True)
class Blame:
    """Who last changed a column.

    Attributes
    ----------
    column : str
        The column.
    change : str
        ``cells``: values of rows that were there before; ``type``; ``added``: the column was not there before;
        ``first``: nothing before it is known.
    cells : int, optional
        How many cells, where rows could be found again.
    version : DataVersion
        The version that did it: with its message, author, notebook, cell, run and commit.
    rows_since : tuple of str
        Versions since then that dropped, added or moved rows, and left its cells as they were; newest first.
    """

    column: str
    change: Change
    cells: int | None
    version: DataVersion
    rows_since: tuple[str, ...] = ()


class Blaming(Loading):
    """What tells who changed what."""

    def blame(
        self, ref: str, *, column: str | Sequence[str] | None = None, key: str | Sequence[str] = ()
    ) -> Listing[Blame]:
        """Tell which version last changed each column.

        Parameters
        ----------
        ref : str
            The version of a table to begin with; a name means the newest.
        column : str or sequence of str, optional
            Columns to ask for; all by default.
        key : str or sequence of str
            Columns that tell the rows apart, as for `diff`.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidError
            When it is not a table, or has no such column.
        """
        version = self._versions.resolve(ref)
        if version.detail["format"] != "table":
            raise InvalidError(
                f"{version.ref} is {a_or_an(version.detail['format'])}, which has no columns",
                hint=f"`ml data history {version.name}`",
            )
        known = [one[0] for one in version.detail["columns"]]
        wanted = known if column is None else pick(names_of(column), known)
        return Listing(self._blamed(version, wanted, names_of(key)), Blame)

    def _blamed(self, version: Version, wanted: Sequence[str], key: Sequence[str]) -> list[Blame]:
        found: dict[str, Blame] = {}
        since: dict[str, list[str]] = {name: [] for name in wanted}
        seen = {version.id}
        while open_ := [name for name in wanted if name not in found]:
            before = self._behind(version)
            if before is None or before.id in seen:
                changes: dict[str, tuple[Change, int | None]] = dict.fromkeys(open_, ("first", None))
            else:
                changes = _changed(self._objects, before, version, open_, key, self._scratch)
                seen.add(before.id)
            for name, (change, cells) in changes.items():
                if change == "rows":
                    since[name].append(version.ref)
                else:
                    found[name] = Blame(name, change, cells, DataVersion.of(version), tuple(since[name]))
            if before is not None:
                version = before
        return [found[name] for name in wanted]

    def _behind(self, version: Version) -> Version | None:
        """The version before one, of the same name; behind the first, the only table that it was made from."""
        older = self._older(version)
        if not older:
            made_from = [number for kind, number in self._lineage.made_from(version) if kind == "data"]
            tables = (self._versions.get(number) for number in made_from)
            older = [one for one in tables if one.detail["format"] == "table" and one.freed_at is None]
            if len(older) > 1:
                return None
        before = next((one for one in older if one.detail["format"] == "table"), None)
        if before is not None and self.exchange.absent(before):
            raise UnavailableError(
                f"{before.ref} is only known here, so what changed since cannot be told",
                hint=f"`ml data pull {before.ref}`",
            )
        return before


def _changed(
    objects: ObjectStore, before: Version, after: Version, names: Sequence[str], key: Sequence[str], scratch: Path
) -> dict[str, tuple[Change, int | None]]:
    """What happened to columns from one version to the next; those that are as they were are left out."""
    from nbmlops.data.comparing import compared
    from nbmlops.data.diffing import TableDiff
    from nbmlops.data.stored import StoredTable

    if before.digest == after.digest:
        return {}
    with StoredTable(objects, before) as old, StoredTable(objects, after) as new:
        what = TableDiff.of(old, new, (objects.read(before.digest), objects.read(after.digest)), key)
        retyped = {change.column for change in what.schema if change.what == "retyped"}
        found: dict[str, tuple[Change, int | None]] = {
            name: ("type", None) if name in retyped else ("added", None)
            for name in names
            if name in retyped or name not in what.common
        }
        asked = tuple(name for name in names if name in what.differing and name not in found)
        if asked and what.by != "content":
            narrow = replace(what, differing=asked)
            cells = compared(narrow, (before, old), (after, new), 0, scratch)[0].cells
            found |= {name: ("cells", cells[name]) if cells.get(name) else ("rows", None) for name in asked}
        elif asked:
            found |= {name: ("rows" if _only_rows(old, new, name) else "cells", None) for name in asked}
    return found


def _only_rows(before: StoredTable, after: StoredTable, name: str) -> bool:
    """Whether dropping rows alone, or adding rows alone, explains the values of a column."""
    import numpy as np

    old, new = (np.unique(_hashes(table, name), return_counts=True) for table in (before, after))
    return _within(old, new) or _within(new, old)


def _hashes(table: StoredTable, name: str) -> np.ndarray:
    import numpy as np

    from nbmlops.data.diffing import frame, hashed

    parts = [hashed(frame(part), [name]).to_numpy() for part in table.batches([name])]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _within(few: tuple[np.ndarray, np.ndarray], many: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether one collection of values holds each value of another at least as often."""
    import numpy as np

    values, counts = many
    if not len(values):
        return not len(few[0])
    places = np.minimum(np.searchsorted(values, few[0]), len(values) - 1)
    return bool(((values[places] == few[0]) & (counts[places] >= few[1])).all())
