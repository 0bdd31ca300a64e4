"""What differs between two versions of what is tracked: by their records, and by rows where both can still be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from nbmlops.data import comparing
from nbmlops.data.diff_records import DataDiff, FileChange

if TYPE_CHECKING:
    from nbmlops.data.stored import StoredTable
    from nbmlops.data.tracked_reading import TrackedReading
    from nbmlops.store.versions import Version

__all__ = ["diff_tracked"]


def diff_tracked(
    reading: TrackedReading, before: Version, after: Version, key: Sequence[str], sample: int, scratch: Path
) -> DataDiff:
    """Compare two versions.

    Raises
    ------
    InvalidError
        When they are of unlike kinds, or the key does not serve.
    ConflictError, NotFoundError, UnavailableError
        When a key asks for rows, and one of them cannot be read any more.
    """
    old, new = reading.record(before), reading.record(after)
    if old.kind != new.kind:
        raise InvalidError(
            f"{before.ref} is a tracked {old.kind} and {after.ref} a tracked {new.kind}: they cannot be compared",
            hint=f"`ml data history {before.name}` tells what each version is",
        )
    with_rows = all("rows" in version.detail for version in (before, after))
    if key and not with_rows:
        raise InvalidError(f"a tracked {old.kind} has no key", hint=f"`ml data diff {before.ref} {after.ref}`")
    if old.digest == new.digest:
        return DataDiff(before.ref, after.ref, old.kind, same=True)
    # At one place there is one content, but for Delta tables, which keep their versions.
    if with_rows and (key or old.where != new.where or old.kind == "delta"):
        try:
            opener = comparing.Opener(reading.table, _content)
            return comparing.tables(opener, before, after, key, sample, scratch)
        except (ConflictError, NotFoundError, UnavailableError):
            if key:
                raise
    if old.kind == "file":
        change = FileChange(str(after.detail["filename"]), "modified", before.size, after.size)
        return DataDiff(before.ref, after.ref, "file", same=False, files=(change,), lines=tuple(old.changes(new.files)))
    return DataDiff(before.ref, after.ref, "folder", same=False, files=comparing.listings(old.files, new.files))


def _content(version: Version, table: StoredTable) -> bytes:  # noqa: ARG001 - others look into the version
    from nbmlops.data.identity import TableHasher

    hasher: TableHasher | None = None
    for part in table.batches():
        hasher = hasher or TableHasher(part.schema)
        hasher.update(part)
    assert hasher is not None  # there is one part at least
    return hasher.content()
