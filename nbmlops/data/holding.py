"""What is known of the bytes of versions of data, for those who send and fetch them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, get_args

from nbmlops.core.digests import is_digest
from nbmlops.core.errors import CorruptError, NbmlopsError, UnavailableError
from nbmlops.data import files
from nbmlops.data.records import DataVersion, Format
from nbmlops.data.saving import needs

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["DataHolding"]

_TEXTS = ("source", "query", "tracked", "etag", "written")


class DataHolding:
    """Which objects a version of data is made of, and whether they are what it says."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def needs(self, version: Version) -> list[str]:
        """Objects that a version cannot be read without, its root first."""
        return needs(version)

    def parts(self, version: Version, read: Callable[[str], bytes] | None = None) -> list[str]:
        """Files of a folder, which its listing names; `read` gives an object, by default one that is here."""
        if version.detail["format"] != "folder":
            return []
        listing = (read or self._objects.read)(version.root)
        return [member.digest for member in files.listed(listing).values()]

    def recognise(self, version: Version) -> None:
        """Raise `CorruptError` unless what is told of a version is what data has: all that lists and loads rely on."""
        try:
            known, detail = DataVersion.of(version), version.detail
            own = detail.get("filename", version.name)
            holds = (
                detail["format"] in get_args(Format)
                and PurePath(own).name == own != ".."
                and all(isinstance(detail.get(key), str | None) for key in _TEXTS)
                and ((known.format == "tracked") == (known.tracked in {"file", "folder", "delta"}))
                and (known.format != "tracked" or known.source is not None)
                and (known.rows is None or type(known.rows) is int)
                and all(is_digest(each) for each in detail.get("needs", ()))
                and all(isinstance(each, str) for each in detail.get("cut_by", ()))
                and all({type(part) for part in column[:2]} <= {str} for column in detail.get("columns", ()))
                and (known.format != "table" or (type(known.rows) is int and known.rows >= 0 and "columns" in detail))
                and (known.format != "array" or (known.shape is not None and known.dtype is not None))
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _wrong(version, f"what is told of it cannot be: {error!r}"[:200]) from error
        if not holds:
            raise _wrong(version, "what is told of it cannot be")

    def check(self, version: Version) -> None:
        """Raise `CorruptError` unless what is here gives the version's digest; a table is read through for that."""
        try:
            found = version.root if version.detail["format"] != "table" else self._of_table(version)
        except UnavailableError:
            raise  # it says nothing of what was pulled
        except (KeyError, TypeError, ValueError, NbmlopsError) as error:
            raise _wrong(version, f"it cannot be read: {error!r}"[:200]) from error
        if found != version.digest:
            raise _wrong(version, "its bytes give another digest")

    def _of_table(self, version: Version) -> str:
        from nbmlops.data.identity import TableHasher
        from nbmlops.data.stored import StoredTable

        with StoredTable(self._objects, version) as stored:
            told = [column[0] for column in version.detail["columns"]]
            if told != stored.schema.names:
                raise ValueError("it has other columns than is told")
            hasher: TableHasher | None = None
            rows = 0
            for part in stored.batches():
                hasher = hasher or TableHasher(part.schema)
                hasher.update(part)
                rows += part.num_rows
            if rows != version.detail["rows"]:
                raise ValueError(f"it has {rows:,} rows, not as many as is told")
            assert hasher is not None
            return hasher.digest()


def _wrong(version: Version, why: str) -> CorruptError:
    return CorruptError(
        f"what was pulled as {version.ref} is not {version.digest[:16]}: {why}; it was not added",
        hint="push it again from a workspace that has it, or pull from another remote",
    )
