"""Write what takes the place of a table: without some rows, or the same rows in files of its own.

A successor names no object of the table before it. Where that was a recipe, a recipe on the successors of what it was
made from is tried first, so that a chain of versions stays as small as it was.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import short
from nbmlops.core.errors import CorruptError
from nbmlops.data import layout
from nbmlops.data.frames import pandas_index
from nbmlops.data.identity import TableHasher
from nbmlops.data.stored import StoredTable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.data.saving import Tables
    from nbmlops.data.survey import Content
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.redaction import Redaction
    from nbmlops.store.versions import Version

__all__ = ["Successors", "with_content"]

_CONTENT = frozenset({"columns", "cut_by", "format", "layout", "needs", "profile", "rows"})
"""What the catalog keeps of a table's content; the rest is of the version."""

_IN_MEMORY = 256 << 20
_TRIED = 3
_LABEL = "__index_level_0__"
_OWN = (b"pandas", b"nbmlops.categories", b"ARROW:schema")


class Successors:
    """Writes successors to the store, each content once.

    Parameters
    ----------
    objects : ObjectStore
        Where tables lie.
    tables : Tables
        Writes them.
    redaction : Redaction
        What is to leave the notes that a table carries about itself.
    progress : callable, optional
        Told the bytes of each content that was written.
    """

    def __init__(
        self,
        objects: ObjectStore,
        tables: Tables,
        redaction: Redaction,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._objects = objects
        self._tables = tables
        self._redaction = redaction
        self._progress = progress
        self._made: list[tuple[Version, Version]] = []

    def write(self, content: Content) -> Version:
        """Write the table of a content without what is to leave; the version as it will be."""
        return self._write(content.version, _Changes(content, self._redaction))

    def rewrite(self, version: Version) -> Version:
        """Write a table anew as it is, in files of its own.

        Raises
        ------
        CorruptError
            When it would get another digest, which means that it is not what was saved.
        """
        made = self._write(version, None)
        if made.digest != version.digest:
            raise CorruptError(
                f"{version.ref} gives the digest {short(made.digest)} when it is written anew; nothing was changed",
                hint="`ml store verify --full`",
            )
        return made

    def _write(self, version: Version, changes: _Changes | None) -> Version:
        with StoredTable(self._objects, version) as stored:
            parts = _parts(stored, changes)
            first = next(parts)
            made = None
            if version.detail.get("layout") == "recipe" and version.size <= _IN_MEMORY:
                import pyarrow as pa

                first = pa.concat_tables([first, *parts])
                parts = iter(())
                made = self._recipe(first, version)
            if made is None:
                cut_by = tuple(version.detail.get("cut_by", ()))
                rows = itertools.chain([first], parts)
                made = self._tables.write(first.schema, rows, cut_by)
        saved, detail = made
        kept = {key: value for key, value in version.detail.items() if key not in {"layout", "needs", "profile"}}
        after = replace(
            version,
            digest=saved.digest,
            root=saved.root,
            size=saved.size,
            new_bytes=saved.new_bytes,
            detail={**kept, **detail},
        )
        self._made.append((version, after))
        if self._progress is not None:
            self._progress(version.size)
        return after

    def _recipe(self, table: pa.Table, version: Version) -> Any:
        hasher = TableHasher(table.schema)
        hasher.update(table)
        content = hasher.content()
        for earlier in self._earlier(version):
            made = self._tables.as_recipe(table, content, earlier)
            if made is not None:
                return made
        return None

    def _earlier(self, version: Version) -> Iterator[Version]:
        """Successors of what shares files with a version, the last ones first."""
        needed = set(version.detail.get("needs", ()))
        related = (
            after for before, after in reversed(self._made) if needed & {before.root, *before.detail.get("needs", ())}
        )
        yield from itertools.islice(related, _TRIED)


def _parts(stored: StoredTable, changes: _Changes | None) -> Iterator[pa.Table]:
    """The rows that stay, in parts that fit in memory; at least one part, which may be empty."""
    import numpy as np

    names = list(stored.schema.names)
    given = False
    for part in stored.slices():
        kept = part if changes is None else np.setdiff1d(part, changes.content.rows, assume_unique=True)
        if len(kept):
            table = stored.take(names, kept)
            yield table if changes is None else changes.apply(table, kept, stored.rows)
            given = True
    if not given:
        nothing = np.empty(0, np.int64)
        table = stored.take(names, nothing)
        yield table if changes is None else changes.apply(table, nothing, stored.rows)


class _Changes:
    """What becomes of a part of a table besides its rows: its categories, its index, and its notes about itself."""

    def __init__(self, content: Content, redaction: Redaction) -> None:
        self.content = content
        self._redaction = redaction

    def apply(self, table: pa.Table, kept: np.ndarray, rows: int) -> pa.Table:
        """The part as it is to be written; `kept` are the numbers of its rows in the table of `rows` rows."""
        import pyarrow as pa

        for name, gone in self.content.drops.items():
            column, at = table.column(name), table.schema.get_field_index(name)
            values = [value for value in column.chunk(0).dictionary.to_pylist() if value not in gone]
            left = pa.array(values, column.type.value_type)
            column = layout.as_category(column, left, column.type.ordered)
            table = table.set_column(at, table.schema.field(at).with_type(column.type), column)
        metadata = {key: self._note(key, value) for key, value in (table.schema.metadata or {}).items()}
        if b"pandas" in metadata and len(self.content.rows):
            described = json.loads(metadata[b"pandas"])
            table = _counted_anew(table, described, kept, rows - len(self.content.rows))
            metadata[b"pandas"] = json.dumps(described).encode()
        return table.replace_schema_metadata(metadata or None)

    def _note(self, key: bytes, value: bytes) -> bytes:
        if key in _OWN:
            return value
        try:
            return self._redaction.text(value.decode()).encode()
        except UnicodeDecodeError:
            return value


def _counted_anew(table: pa.Table, described: dict[str, Any], kept: np.ndarray, rows: int) -> pa.Table:
    """Let an index that counts the rows from 0 on count those that stay; another one becomes a column of its labels."""
    import pyarrow as pa

    index = described["index_columns"]
    if len(index) != 1 or not isinstance(index[0], dict):
        return table
    counting = index[0]
    if not pandas_index(table.schema):
        counting["stop"] = rows
        return table
    name = counting["name"]
    label = name if name and name not in table.column_names else _LABEL
    described["index_columns"] = [label]
    described["columns"].append(
        {"name": name, "field_name": label, "pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    )
    return table.append_column(label, pa.array(counting["start"] + counting["step"] * kept, pa.int64()))


def with_content(version: Version, content: Version) -> Version:
    """A version with the content of another, and all else as it is."""
    own = {key: value for key, value in version.detail.items() if key not in _CONTENT}
    detail = own | {key: value for key, value in content.detail.items() if key in _CONTENT}
    # One whose content was there before added nothing, and does not now.
    new_bytes = content.new_bytes if version.new_bytes else 0
    return replace(
        version, digest=content.digest, root=content.root, size=content.size, new_bytes=new_bytes, detail=detail
    )
