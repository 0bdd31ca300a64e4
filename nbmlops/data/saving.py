"""How a table gets into the store: as a Parquet file of its own, or as a recipe of what is there."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.data import files
from nbmlops.data.frames import to_arrow
from nbmlops.data.table_files import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.data.layout import Written
    from nbmlops.data.parts import Reading
    from nbmlops.data.recipes import Recipe
    from nbmlops.store.ingest import Ingest
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.roots import Holder
    from nbmlops.store.versions import Version, Versions

__all__ = ["Tables", "needs"]

Progress = Callable[[int], None]
_REMEMBERED = 4
_ROWS_EACH = 1 << 18
# Where the version with the same content came from; this one comes from elsewhere.
_ITS_OWN = frozenset({"query", "source"})
_LEAST_SHARE, _MOST_SHARE = 0.2, 1.5


def needs(version: Version | Holder) -> list[str]:
    """Digests of the objects that a table or file cannot be read without, its root first."""
    identity = [version.digest] if version.detail["format"] == "table" else []
    return list(dict.fromkeys([version.root, *identity, *version.detail.get("needs", ())]))


class Tables:
    """Saves tables.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of data.
    objects : ObjectStore
        Where the bytes go.
    scratch : Path
        Folder for temporary files.
    """

    def __init__(self, versions: Versions, objects: ObjectStore, scratch: Path) -> None:
        self._versions = versions
        self._objects = objects
        self._scratch = scratch
        self._seen: OrderedDict[int, None] = OrderedDict()

    def saw(self, version_id: int) -> None:
        """Remember a version that was just saved or loaded here: what is saved next may be made from it."""
        self._seen.pop(version_id, None)
        self._seen[version_id] = None
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def save(
        self, value: Any, name: str, allow_empty: bool, progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        """Store a table, or the one in a file; what it is and what the catalog keeps of it."""
        from nbmlops.data.identity import TableHasher
        from nbmlops.data.parts import reading_of

        if isinstance(value, TableFile):
            return self.save_reading(reading_of(value), value.name, name, allow_empty, progress)
        table = to_arrow(value, allow_empty=allow_empty)
        if table.num_rows:  # without rows there is nothing to unify, and Arrow would drop the categories
            table = table.unify_dictionaries()
        earlier = list(self._earlier(name, table))
        if not earlier:
            return self._write_first(table, self._cut_before(name), progress)
        hasher = TableHasher(table.schema)
        hasher.update(table)
        content = hasher.content()
        if (there := self._there(content, table.schema)) is not None:
            return there
        for version in earlier:
            if (made := self.as_recipe(table, content, version)) is not None:
                return made
        return self.write(table.schema, iter([table]), self._cut_before(name), content, progress)

    def _there(self, content: bytes, schema: pa.Schema) -> tuple[files.Saved, dict[str, Any]] | None:
        """What is kept already of a table with some content, under whatever name."""
        there = self._versions.with_content(digests.of_bytes(content))
        if there is None or not self._objects.is_whole(needs(there)):
            return None
        known = files.Saved(there.digest, there.root, there.size, 0, tuple(needs(there)))
        own = {key: value for key, value in there.detail.items() if key not in _ITS_OWN}
        return known, own | {"columns": _described(schema)}

    def save_reading(
        self, reading: Reading, what: str, name: str, allow_empty: bool, progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        """Store a table that is read part by part; `what` is what messages call it."""
        import pyarrow as pa

        from nbmlops.data.csv_reading import Widened

        while True:
            parts = _told(_some(reading, what, allow_empty), progress)
            try:
                return self.write(reading.schema, parts, self._cut_before(name))
            except Widened:
                continue
            except pa.ArrowMemoryError:
                raise
            except pa.ArrowException as error:
                said = str(error).splitlines()[0]
                hint = "save it as it is: `ml data save PATH --as file`"
                raise InvalidError(f"{what} holds what a table cannot: {said}", hint=hint) from error

    def write(
        self,
        schema: pa.Schema,
        parts: Iterator[pa.Table],
        cut_by: tuple[str, ...],
        content: bytes | None = None,
        progress: Progress | None = None,
    ) -> tuple[files.Saved, dict[str, Any]]:
        """Store a table as a file of its own; what it is and what the catalog keeps of it, as `save` gives it."""
        with files.scratch(self._scratch) as file:
            written = _written(file, schema, parts, cut_by, content)
            return self._take_in(file, written, schema, progress)

    def _write_first(
        self, table: pa.Table, cut_by: tuple[str, ...], progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        """Store a table that comes from nothing here: its identity is made while it is written, not before."""
        from nbmlops.data.identity import TableHasher

        TableHasher(table.schema).update(table.slice(0, 1))  # refuses by its name a column that cannot be kept
        with files.scratch(self._scratch) as file:
            written = _written(file, table.schema, iter([table]), cut_by, None)
            there = self._there(written.content, table.schema)
            return there or self._take_in(file, written, table.schema, progress)

    def _take_in(
        self, file: BinaryIO, written: Written, schema: pa.Schema, progress: Progress | None
    ) -> tuple[files.Saved, dict[str, Any]]:
        with self._objects.batch() as batch:
            root = batch.add(file, progress, written.ends)
            digest = batch.add(io.BytesIO(written.content))
            new_bytes = sum(stored.new_bytes for stored in batch.finish())
        columns = _described(schema)
        detail = {"format": "table", "rows": written.rows, "columns": columns, "cut_by": written.cut_by}
        return files.Saved(digest, root, written.size, new_bytes, (digest,)), detail

    def as_recipe(self, table: pa.Table, content: bytes, earlier: Version) -> tuple[files.Saved, dict[str, Any]] | None:
        """Store a table as a recipe of an earlier one, when that is worth it; `content` is its identity."""
        from nbmlops.data import deriving, recipes
        from nbmlops.data.stored import StoredTable

        with StoredTable(self._objects, earlier) as source, self._objects.batch() as batch:
            known = self._objects.read(earlier.digest)
            recipe = deriving.derive(table, content, source, known, lambda part: self._add(batch, part))
            if recipe is None:
                return None
            packed = recipes.render(recipe)
            for beside in packed.beside:
                batch.add(io.BytesIO(beside))
            root, digest = batch.add(io.BytesIO(packed.content)), batch.add(io.BytesIO(content))
            new_bytes = sum(stored.new_bytes for stored in batch.finish())
        detail = {
            "format": "table",
            "rows": table.num_rows,
            "columns": _described(table.schema),
            "cut_by": _cut_of(earlier, recipe),
        }
        saved = files.Saved(digest, root, table.nbytes, new_bytes, (digest, *packed.needs))
        return saved, detail | {"layout": "recipe", "needs": packed.needs}

    def _add(self, batch: Ingest, part: pa.Table) -> str:
        import pyarrow as pa

        from nbmlops.data import layout

        with files.scratch(self._scratch) as file:
            with pa.OSFile(f"/dev/fd/{file.fileno()}", "wb") as sink:
                # It shares nothing with other files, and each group has dictionaries of its own: so few large ones.
                written = layout.write(part.schema, [part], sink, (), b"-", _ROWS_EACH)
            return batch.add(file, None, written.ends)

    def _earlier(self, name: str, table: pa.Table) -> Iterator[Version]:
        """Versions that a table may be made from: the newest of its name, and what was saved or loaded here of late."""
        candidates = [*self._newest(name), *self._still()]
        names = set(table.column_names)
        for version in {version.id: version for version in candidates}.values():
            detail: Mapping[str, Any] = version.detail
            if detail["format"] != "table" or not names & {column[0] for column in detail["columns"]}:
                continue
            near = _LEAST_SHARE * detail["rows"] <= table.num_rows <= _MOST_SHARE * detail["rows"]
            if near and not self._objects.missing(needs(version)):  # it may be known by its lineage only
                yield version

    def _still(self) -> Iterator[Version]:
        """What was saved or loaded here, the latest first, as far as the catalog has it: it may have been restored."""
        for version_id in reversed(self._seen):
            with suppress(NotFoundError):
                yield self._versions.get(version_id)

    def _newest(self, name: str) -> list[Version]:
        try:
            return [self._versions.resolve(name)]
        except NotFoundError:
            return []

    def _cut_before(self, name: str) -> tuple[str, ...]:
        """The columns that chose the row groups of the newest version, if it is a table."""
        return next((tuple(version.detail.get("cut_by", ())) for version in self._newest(name)), ())


def _written(
    file: BinaryIO, schema: pa.Schema, parts: Iterator[pa.Table], cut_by: tuple[str, ...], content: bytes | None
) -> Written:
    import pyarrow as pa

    from nbmlops.data import layout

    # Arrow opens the nameless file for itself: it must not write through Python, see `layout.write`.
    with pa.OSFile(f"/dev/fd/{file.fileno()}", "wb") as sink:
        return layout.write(schema, parts, sink, cut_by, content)


def _described(schema: pa.Schema) -> list[list[Any]]:
    """What the catalog keeps of the columns."""
    from nbmlops.data.identity import column_type

    return [[field.name, column_type(field.type), field.nullable] for field in schema]


def _some(reading: Reading, what: str, allow_empty: bool) -> Iterator[pa.Table]:
    """The parts of a table that has rows, or that may have none."""
    rows = 0
    for part in reading.parts():
        rows += part.num_rows
        yield part
    if not rows and not allow_empty:
        raise InvalidError(f"{what} has no rows", hint="if it is meant to be empty, save it with --allow-empty")
    if not rows:
        yield reading.schema.empty_table()


def _told(parts: Iterator[pa.Table], progress: Progress | None) -> Iterator[pa.Table]:
    """The same parts; how many bytes they hold is told as they come."""
    for part in parts:
        if progress is not None:
            progress(part.nbytes)
        yield part


def _cut_of(earlier: Version, recipe: Recipe) -> list[str]:
    """What chose the groups of the earlier table, as far as the new one has it."""
    return [column for column in earlier.detail.get("cut_by", ()) if column in recipe.schema.names]
