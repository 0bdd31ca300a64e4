"""What is known of a version of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbmlops.store.versions import Version

__all__ = ["Column", "DataRow", "DataVersion", "Format", "a_or_an"]

Format = Literal["table", "array", "file", "folder", "tracked"]


def a_or_an(kind: str) -> str:
    """A format with its article, for sentences.

    Examples
    --------
    >>> a_or_an("table"), a_or_an("array")
    ('a table', 'an array')
    """
    if kind == "tracked":
        return "tracked where it is"
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its Arrow type as text, and whether it holds nulls."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class DataVersion:
    """One immutable version of a table, an array, a file or a folder, or of what is tracked where it is.

    `size` is in bytes as the content lies in the store before compression and sharing; `new_bytes`
    is what this version added to the store. `number` is None until the pipeline run that wrote the
    version commits. `run` is the friendly name of the run that made it, `script` the program where it was no notebook,
    `git` the commit, the branch and whether there were changes besides; `source` the address it was fetched from,
    or the URL of the database that answered to `query`.
    `judged` is number and status of the newest report on it, which `show` and `history` look up.
    What is `tracked`, a file, a folder or a Delta table, stays at its `source`, and `etag` is how it was marked there.
    """

    id: int
    name: str
    number: int | None
    digest: str
    format: Format
    rows: int | None
    columns: tuple[Column, ...]
    shape: tuple[int, ...] | None
    dtype: str | None
    size: int
    new_bytes: int
    message: str | None
    author: str
    created_at: datetime
    run_id: str | None
    notebook: str | None
    cell_id: str | None
    aliases: tuple[str, ...]
    tags: Mapping[str, str] = field(hash=False)
    deleted_at: datetime | None
    ref: str
    run: str | None = None
    script: str | None = None
    git: Mapping[str, Any] | None = None
    source: str | None = None
    tracked: str | None = None
    etag: str | None = None
    query: str | None = None
    judged: tuple[int, str] | None = None

    @classmethod
    def of(cls, version: Version) -> DataVersion:
        """The record of a row of the catalog."""
        detail: Any = version.detail
        own = {key: getattr(version, key) for key in cls.__slots__ if hasattr(version, key)}
        return cls(
            **own,
            format=detail["format"],
            rows=detail.get("rows"),
            columns=tuple(Column(*column) for column in detail.get("columns", ())),
            shape=tuple(detail["shape"]) if "shape" in detail else None,
            dtype=detail.get("dtype"),
            notebook=detail.get("notebook"),
            cell_id=detail.get("cell_id"),
            script=detail.get("script"),
            git=detail.get("git"),
            **{key: detail.get(key) for key in ("source", "tracked", "etag", "query")},
        )


@dataclass(frozen=True, slots=True)
class DataRow:
    """What a table of versions shows of one; `columns` is how many it has, the rest is as in `DataVersion`."""

    name: str
    ref: str
    number: int | None
    format: Format
    rows: int | None
    columns: int
    size: int
    new_bytes: int
    message: str | None
    author: str
    created_at: datetime
    aliases: tuple[str, ...]
    tags: Mapping[str, str] = field(hash=False)
    deleted_at: datetime | None
    judged: tuple[int, str] | None = None

    @classmethod
    def of(cls, version: Version, judged: tuple[int, str] | None = None) -> DataRow:
        """The row of a version, of which no more than this was read."""
        detail = version.detail
        own = {key: getattr(version, key) for key in cls.__slots__ if hasattr(version, key)}
        kept = {"format": detail["format"], "rows": detail.get("rows"), "columns": detail.get("columns", 0)}
        return cls(**own, **kept, judged=judged)
