"""What differs between two versions of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArrayChange", "CellChange", "ColumnChange", "DataDiff", "FileChange", "RowCounts", "SchemaChange", "Shape"]

By = Literal["key", "position", "content"]


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A column that came, went, or has another type or place; `before` and `after` are its types, or its places."""

    column: str
    what: Literal["added", "removed", "retyped", "moved"]
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of a column are distributed.

    `mean`, `low` and `high` are of numbers, and of times in seconds since 1970; `bars` counts values in intervals
    that both versions share; `top` are the most frequent values of text and categories.
    """

    rows: int
    nulls: int
    distinct: int | None = None
    mean: float | None = None
    low: Any = None
    high: Any = None
    bars: tuple[int, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that is not the same in both versions: cells that differ in rows that both have, and its two shapes.

    `cells` is None when rows were told apart by their content, so that none could change.
    """

    column: str
    cells: int | None
    before: Shape
    after: Shape


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell that changed: the key of its row, or the number of it, and both values."""

    row: tuple[Any, ...]
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of both versions, and what became of them; `changed` is None where rows are told apart by content."""

    before: int
    after: int
    added: int = 0
    removed: int = 0
    changed: int | None = None
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file of a folder that came, went or has another content; sizes in bytes."""

    path: str
    what: Literal["added", "removed", "modified"]
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ArrayChange:
    """What differs between two arrays.

    `differing` counts the elements that are not the same, None when the shapes are others or the types do not compare;
    `largest` is the largest absolute difference of two real numbers.
    """

    before_shape: tuple[int, ...]
    after_shape: tuple[int, ...]
    before_dtype: str
    after_dtype: str
    differing: int | None
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class DataDiff:
    """What differs between two versions.

    Attributes
    ----------
    before, after : str
        References of the versions.
    format : str
        ``table``, ``array``, ``file`` or ``folder``.
    same : bool
        Whether the content is the same.
    by : str
        What rows were found again by: a ``key``, their ``position``, or their ``content``.
    key : tuple of str
        The key's columns.
    reordered : bool
        Whether rows that both have stand in another order.
    schema, columns, cells, added, removed
        Changes of the schema, of columns, a sample of changed cells, and of rows that came and went.
    rows : RowCounts
        Of a table.
    files : tuple of FileChange
        Of a folder.
    lines : tuple of str
        Of a text file: what differs, as ``diff -u`` writes it.
    array : ArrayChange
        Of an array.
    """

    before: str
    after: str
    format: str
    same: bool
    by: By = "content"
    key: tuple[str, ...] = ()
    reordered: bool = False
    rows: RowCounts | None = None
    schema: tuple[SchemaChange, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    cells: tuple[CellChange, ...] = ()
    added: tuple[dict[str, Any], ...] = ()
    removed: tuple[dict[str, Any], ...] = ()
    files: tuple[FileChange, ...] = ()
    lines: tuple[str, ...] = ()
    array: ArrayChange | None = None
    changes: Callable[[], pd.DataFrame] | None = field(default=None, repr=False, compare=False)

    def to_pandas(self) -> pd.DataFrame:
        """All changes as a long frame, not only the sample.

        Returns
        -------
        pandas.DataFrame
            A row for each cell that changed, and for each cell of a row that came or went, with ``change``, the key (or
            ``row``, the number of the row), ``column``, ``before`` and ``after``; of a folder a row for each file; of
            arrays their shapes and types.

        Raises
        ------
        InvalidError
            When so much differs that it would not be all.
        """
        import pandas as pd

        if self.changes is not None:
            return self.changes()
        if self.array is not None:
            shapes = ["shape", self.array.before_shape, self.array.after_shape]
            types = ["dtype", self.array.before_dtype, self.array.after_dtype]
            return pd.DataFrame([shapes, types], columns=["change", "before", "after"])
        rows = [[file.what, file.path, file.before, file.after] for file in self.files]
        return pd.DataFrame(rows, columns=["change", "path", "before", "after"])
