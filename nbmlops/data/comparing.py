"""The verb ``diff``: tables, folders and files."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import InvalidError
from nbmlops.data import files
from nbmlops.data.array_diff import diff_arrays
from nbmlops.data.diff_records import DataDiff, FileChange
from nbmlops.data.records import a_or_an

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from nbmlops.data.diffing import Columns, Compared, Side, TableDiff
    from nbmlops.data.files import Member
    from nbmlops.data.stored import StoredTable
    from nbmlops.data.tracked import Entry
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["Opener", "compared", "diff", "listings", "tables"]

_IN_MEMORY = 256 << 20
_PART = 96 << 20
_TEXT = 4 << 20
_LINES = 400
_ALL = 10_000_000


def diff(
    objects: ObjectStore, before: Version, after: Version, key: Sequence[str], sample: int, scratch: Path
) -> DataDiff:
    """Compare two versions.

    Raises
    ------
    InvalidError
        When they are of unlike kinds, or the key does not serve.
    """
    kinds = [str(version.detail["format"]) for version in (before, after)]
    if kinds[0] != kinds[1]:
        raise InvalidError(
            f"{before.ref} is {a_or_an(kinds[0])} and {after.ref} {a_or_an(kinds[1])}: they cannot be compared",
            hint=f"`ml data history {before.name}` tells what each version is",
        )
    if sample < 0:
        raise InvalidError(f"a sample of {sample} rows cannot be shown", hint="give a number from 0 on")
    if key and kinds[0] != "table":
        raise InvalidError(f"{a_or_an(kinds[0])} has no key", hint=f"`ml data diff {before.ref} {after.ref}`")
    if kinds[0] == "table":
        stored = Opener(lambda version: _table(objects, version), lambda version, _: objects.read(version.digest))
        return tables(stored, before, after, key, sample, scratch)
    same = before.digest == after.digest
    if kinds[0] == "array":
        change = None if same else diff_arrays(objects, before, after, scratch)
        return DataDiff(before.ref, after.ref, "array", same, array=change)
    if kinds[0] == "folder":
        changes = () if same else _folders(objects, before, after)
        return DataDiff(before.ref, after.ref, "folder", same, files=changes)
    lines = () if same else _texts(objects, before, after)
    sizes = () if same else (FileChange(after.detail["filename"], "modified", before.size, after.size),)
    return DataDiff(before.ref, after.ref, "file", same, files=sizes, lines=lines)


class Opener(NamedTuple):
    """How a version is opened as a table, and what its identity is made of."""

    open: Callable[[Version], AbstractContextManager[StoredTable]]
    content: Callable[[Version, StoredTable], bytes]


def _table(objects: ObjectStore, version: Version) -> StoredTable:
    from nbmlops.data.stored import StoredTable

    return StoredTable(objects, version)


def tables(opener: Opener, before: Version, after: Version, key: Sequence[str], sample: int, scratch: Path) -> DataDiff:
    """Compare two versions that can be opened as tables."""
    from nbmlops.data.diff_records import RowCounts
    from nbmlops.data.diffing import TableDiff, column_changes

    if before.digest == after.digest:
        count = int(before.detail["rows"])
        rows = RowCounts(count, count, changed=0, unchanged=count)
        nothing = TableDiff("position", (), (), (), ())
        return DataDiff(
            before.ref, after.ref, "table", True, "position", rows=rows, changes=lambda: _long(nothing, None)
        )
    with opener.open(before) as old, opener.open(after) as new:
        what = TableDiff.of(old, new, (opener.content(before, old), opener.content(after, new)), key)
        found, sides = compared(what, (before, old), (after, new), sample, scratch)
        columns = tuple(column_changes(what, *sides, found.cells))

    def changes() -> pd.DataFrame:
        with opener.open(before) as old, opener.open(after) as new:
            return _long(what, compared(what, (before, old), (after, new), _ALL, scratch)[0])

    return DataDiff(
        *(before.ref, after.ref, "table", False, what.by, what.key, found.reordered, found.counts, what.schema),
        columns=columns,
        cells=tuple(found.sample),
        added=tuple(found.added),
        removed=tuple(found.removed),
        changes=changes,
    )


def compared(
    what: TableDiff, before: tuple[Version, StoredTable], after: tuple[Version, StoredTable], sample: int, scratch: Path
) -> tuple[Compared, tuple[Columns, Columns]]:
    """Compare, in memory what fits; and how the columns that differ can be read once more."""
    from nbmlops.data import dealing
    from nbmlops.data.diffing import diff_tables

    (old, old_table), (new, new_table) = before, after
    read = tuple(dict.fromkeys([*what.key, *(what.common if what.by == "content" else what.differing)]))
    size = max(old.size, new.size) * len(read) / max(1, len(old.detail["columns"]))
    if size <= _IN_MEMORY:
        written_out = read if what.by == "content" else what.key
        first, second = (_side(table, read, written_out) for table in (old_table, new_table))
        return diff_tables(what, first, second, sample), (_held(first), _held(second))
    columns = _parts(old_table), _parts(new_table)
    if what.by == "position":
        return dealing.diff_positions(what, old_table, new_table, sample), columns
    return dealing.diff_large(what, old_table, new_table, sample, int(size // _PART) + 1, scratch), columns


def _side(table: StoredTable, ahead: Sequence[str], written_out: Sequence[str]) -> Side:
    """A table in memory: the columns `ahead` are read at once, others when they are asked for, each once.

    Text that is not to be `written_out`, because rows are told apart by it, stays codes where it is stored as such.
    """
    import polars as pl

    from nbmlops.data.diffing import Side, frame

    held: dict[str, pl.Series] = {}

    def read(names: Sequence[str]) -> pl.DataFrame:
        if missing := [name for name in names if name not in held]:
            whole = [name for name in missing if name in written_out]
            coded = [name for name in missing if name not in written_out]
            for made in (frame(table.read(whole).select(whole)), _coded_frame(table.coded(coded))):
                held.update((column.name, column) for column in made)
        return pl.DataFrame([held[name] for name in names])

    read(ahead)
    return Side(table.rows, read)


def _coded_frame(table: pa.Table) -> pl.DataFrame:
    """An Arrow table for comparing cell by cell: its text in codes becomes categories, alike in all frames."""
    import polars as pl
    import pyarrow as pa

    from nbmlops.data import layout

    text = pa.dictionary(pa.int32(), pa.string())
    coded = [field.name for field in table.schema if field.type == text]
    plain = layout.plain(table.drop_columns(coded))
    columns = [(name, (table if name in coded else plain).column(name)) for name in table.column_names]
    return pl.DataFrame([pl.Series(name, pl.from_arrow(column)) for name, column in columns])


def _held(side: Side) -> Columns:
    return lambda name: lambda: iter(side.read([name]))


def _parts(table: StoredTable) -> Columns:
    from nbmlops.data.diffing import frame

    return lambda name: lambda: (frame(part)[name] for part in table.batches([name]))


def _long(what: TableDiff, found: Compared | None) -> pd.DataFrame:
    import pandas as pd

    if found is not None and _is_cut(found):
        raise InvalidError(
            "the two versions differ in more cells and rows than one frame can hold",
            hint="load both, and compare fewer columns or rows",
        )
    names = list(what.key) if what.by == "key" else ["row"] if what.by == "position" else []
    rows: list[list[Any]] = []
    if found is not None:
        rows += [["changed", *cell.row, cell.column, cell.before, cell.after] for cell in found.sample]
        for change, those in (("added", found.added), ("removed", found.removed)):
            for row in those:
                for column, value in row.items():
                    if column not in what.key:
                        sides = [None, value] if change == "added" else [value, None]
                        rows.append([change, *(row.get(name) for name in names), column, *sides])
    return pd.DataFrame(rows, columns=["change", *names, "column", "before", "after"])


def _is_cut(found: Compared) -> bool:
    """Whether more differs than is in the sample."""
    counts = found.counts
    return (
        len(found.sample) < sum(found.cells.values())
        or len(found.added) < counts.added
        or len(found.removed) < counts.removed
    )


def _folders(objects: ObjectStore, before: Version, after: Version) -> tuple[FileChange, ...]:
    return listings(*(files.members(objects, version.root) for version in (before, after)))


def listings(old: Mapping[str, Member | Entry], new: Mapping[str, Member | Entry]) -> tuple[FileChange, ...]:
    """Files that differ, from the listings alone."""
    changes = []
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        if was != now:
            what = "added" if was is None else "removed" if now is None else "modified"
            changes.append(FileChange(path, what, was and was.size, now and now.size))  # type: ignore[arg-type]
    return tuple(changes)


def _texts(objects: ObjectStore, before: Version, after: Version) -> tuple[str, ...]:
    """What differs between two text files of moderate size, as ``diff -u`` writes it; nothing for others."""
    if max(before.size, after.size) > _TEXT:
        return ()
    try:
        old, new = (objects.read(version.root).decode().splitlines() for version in (before, after))
    except UnicodeDecodeError:
        return ()
    lines = list(difflib.unified_diff(old, new, before.ref, after.ref, lineterm="", n=2))
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"… and {len(lines) - _LINES:,} more lines"]
    return tuple(lines)
