"""Which rows of which versions an erasure takes, and which values leave the lists of categories with them.

A category that no row has any more still stands in its list, and is written into every row group of a file. So what
the erased rows held goes from the lists too, unless rows that stay hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import short
from nbmlops.core.errors import InvalidError
from nbmlops.data.stored import StoredTable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from nbmlops.data.literals import Literals
    from nbmlops.data.secret import SecretCondition
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.versions import Version

__all__ = ["Content", "Survey", "is_table"]

_Values = dict[str, set[Any]]


@dataclass(slots=True)
class Content:
    """One content, which several versions may have: the rows that are to leave, and values of its categories."""

    version: Version
    rows: np.ndarray
    """Numbers of the rows, rising, int64."""
    lists: Mapping[str, tuple[Any, ...]]
    """The categories of each column that has some."""
    drops: dict[str, frozenset[Any]] = field(default_factory=dict)
    """The categories that are to leave."""

    @property
    def is_touched(self) -> bool:
        """Whether anything of it is to leave."""
        return bool(len(self.rows) or self.drops)


def is_table(version: Version) -> bool:
    """Whether a version is a table that lies in the store."""
    return bool(version.detail["format"] == "table" and "columns" in version.detail)


class Survey:
    """Looks through contents; each digest once.

    Parameters
    ----------
    objects : ObjectStore
        Where they lie.
    condition : SecretCondition
        Which rows are to leave.
    literals : Literals
        The values that the condition names.
    progress : callable, optional
        Told the bytes of each content that was looked through.
    """

    def __init__(
        self,
        objects: ObjectStore,
        condition: SecretCondition,
        literals: Literals,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._objects = objects
        self._condition = condition
        self._literals = literals
        self._progress = progress
        self._seen: dict[str, Content] = {}
        self._used: dict[tuple[str, str], set[Any]] = {}
        self.gone: _Values = {}
        """The values that left the lists of categories, by column."""

    def can_judge(self, version: Version) -> bool:
        """Whether a version has all columns of the condition."""
        return is_table(version) and not self._condition.missing({column[0] for column in version.detail["columns"]})

    def refuse_unknown(self, versions: Sequence[Version]) -> None:
        """Refuse a condition that fits none of the versions of some names.

        Raises
        ------
        InvalidError
            When each of them lacks a column of it; tells the columns that there are.
        """
        for name in dict.fromkeys(version.name for version in versions):
            own = [version for version in versions if version.name == name]
            if any(self.can_judge(version) for version in own):
                continue
            tables = [version for version in own if is_table(version)]
            if not tables:
                raise InvalidError(
                    f"{name} is no table, and rows leave tables only",
                    hint=f"`ml data delete {name}`",
                )
            columns = [column[0] for column in tables[-1].detail["columns"]]
            raise InvalidError(
                f"no version of {name} has all the columns that the condition names",
                hint=f"texts stand in quotes; the columns are {', '.join(columns[:20])}",
            )

    def look(self, versions: Iterable[Version]) -> list[Content]:
        """Look through versions that can be judged, together: what rows of one hold stays in the lists of all."""
        found = [self.content(version) for version in {version.digest: version for version in versions}.values()]
        self._settle(found)
        return found

    def content(self, version: Version) -> Content:
        """What of one version is to leave; its categories are not settled yet."""
        if version.digest not in self._seen:
            with StoredTable(self._objects, version) as stored:
                rows = self._rows(stored, version)
                lists = {name: tuple(values.to_pylist()) for name, (values, _) in stored.categories.items()}
            self._seen[version.digest] = Content(version, rows, lists)
            if self._progress is not None:
                self._progress(version.size)
        return self._seen[version.digest]

    def _rows(self, stored: StoredTable, version: Version) -> np.ndarray:
        import numpy as np

        condition = self._condition.on(stored.schema)
        found = [np.empty(0, np.int64)]
        for part in stored.slices(stored.candidates(condition)):
            holds = self._condition.holds(condition, stored.take(condition.columns, part), version.ref)
            found.append(part[holds])
        return np.concatenate(found)

    def _settle(self, contents: Sequence[Content]) -> None:
        """Find the categories that are to leave: what erased rows hold or the condition names, and no other row has."""
        held = self._held(contents)
        for name, values in held.items():
            used = set[Any]().union(*(self._used_in(content, name, values) for content in contents))
            self.gone.setdefault(name, set()).update(values - used)
        for content in contents:
            content.drops = {
                name: gone
                for name, values in content.lists.items()
                if (gone := frozenset(values) & self.gone.get(name, set()))
            }

    def _held(self, contents: Sequence[Content]) -> _Values:
        """Values in the lists of categories that erased rows hold, or that the condition compares a column with."""
        held: _Values = {}
        for content in contents:
            for name, values in content.lists.items():
                named = self._literals.by_column.get(name, frozenset())
                held.setdefault(name, set()).update(value for value in values if value in named)
            if content.lists and len(content.rows):
                with StoredTable(self._objects, content.version) as stored:
                    for part in stored.slices(content.rows):
                        table = stored.take(list(content.lists), part)
                        for name in content.lists:
                            held[name].update(_distinct(table.column(name)))
        return {name: values - {None} for name, values in held.items() if values - {None}}

    def _used_in(self, content: Content, name: str, values: set[Any]) -> set[Any]:
        """Those of some values that rows have that stay."""
        import numpy as np

        if name not in content.lists or not values & set(content.lists[name]):
            return set()
        key = content.version.digest, name
        if key not in self._used:
            found = set[Any]()
            with StoredTable(self._objects, content.version) as stored:
                for part in stored.slices():
                    kept = np.setdiff1d(part, content.rows, assume_unique=True)
                    found.update(_distinct(stored.take([name], kept).column(name)))
            self._used[key] = found
        return self._used[key] & values

    def holds_any(self, version: Version, digest: str, rows: int) -> bool:
        """Whether a file of rows, of which a version takes some, holds what is to leave, or may."""
        import pyarrow.parquet as pq

        names = set(pq.ParquetFile(self._objects.open(digest)).schema_arrow.names)
        lacking = self._condition.missing(names)
        if lacking:
            # What has only some of the columns cannot be judged, so it is not trusted.
            return lacking < len(self._condition.columns)
        plain = {"format": "table", "rows": rows, "columns": [[name] for name in names]}
        content = self.content(replace(version, digest=digest, root=digest, detail=plain))
        held = any(set(values) & self.gone.get(name, set()) for name, values in content.lists.items())
        return bool(len(content.rows)) or held

    def holds_stray(self, digest: str) -> bool:
        """Whether an object that nothing refers to, as of a save that was cut off, holds what is to leave, or may."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._objects.open(digest) as stream:
            if stream.read(4) != b"PAR1":
                stream.seek(0)
                return self._literals.redaction().is_in_stream(stream, self._progress)
        try:
            file = pq.ParquetFile(self._objects.open(digest))
            missing = self._condition.missing(set(file.schema_arrow.names))
            if missing:
                return missing < len(self._condition.columns)
            condition = self._condition.on(file.schema_arrow)
            parts = (pa.Table.from_batches([batch]) for batch in file.iter_batches(columns=condition.columns))
            return any(self._condition.holds(condition, part, short(digest)).any() for part in parts)
        except (InvalidError, pa.ArrowException):  # no version needs it, so it is not kept on trust
            return True


def _distinct(column: pa.ChunkedArray) -> set[Any]:
    import pyarrow.compute as pc

    plain = column.cast(column.type.value_type)
    return set(pc.unique(plain).to_pylist())
