"""A table for people: headers, cells as text, numbers to the right; written as aligned plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nbmlops.render.width import clip, escaped_bytes, pad, safe, width

__all__ = ["Column", "Table"]

_GAP = "  "
_NARROWEST = 8
_SHORT = 16
"""Columns of a date with its minute."""
_ROW_TAGS, _CELL_TAGS, _RIGHT_TAGS = 10, 9, 19


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; what is in it stands to the `right` when it is a number."""

    header: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headers; `omitted` counts the rows that are not in it.

    Examples
    --------
    >>> print(Table.of([Column("name"), Column("rows", right=True)], [["flights", "80,789"], ["航班", "12"]]).text())
    name       rows
    flights  80,789
    航班         12
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    omitted: int = 0

    @classmethod
    def of(cls, columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str = "") -> Table:
        """Build a table; headers and cells are made safe to show."""
        shown = tuple(Column(safe(column.header), column.right) for column in columns)
        return cls(shown, tuple(tuple(safe(cell) for cell in row) for row in rows), safe(title))

    def without_empty_columns(self) -> Table:
        """The same table without the columns that say nothing in any row."""
        kept = [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return Table(tuple(self.columns[place] for place in kept), rows, self.title, self.omitted)

    def within(self, budget: int) -> Table:
        """The first rows, as many as an HTML page of `budget` bytes holds; long cells are shortened.

        `omitted` says how many rows are missing.
        """
        kept: list[tuple[str, ...]] = []
        for row in self.rows:
            cells = tuple(clip(cell, 200) for cell in row)
            budget -= self._row_bytes(cells)
            if budget < 0:
                break
            kept.append(cells)
        columns = tuple(replace(column, header=clip(column.header, 80)) for column in self.columns)
        return Table(columns, tuple(kept), clip(self.title, 200), self.omitted + len(self.rows) - len(kept))

    @property
    def is_led_shortly(self) -> bool:
        """Whether each cell of the first column is short, as a date is: a narrow page breaks other columns then."""
        return bool(self.rows) and all(width(row[0]) <= _SHORT for row in self.rows)

    @property
    def cost(self) -> int:
        """Bytes that its rows take in HTML."""
        return sum(self._row_bytes(tuple(clip(cell, 200) for cell in row)) for row in self.rows)

    def _row_bytes(self, cells: Sequence[str]) -> int:
        tags = _ROW_TAGS + sum(_RIGHT_TAGS if column.right else _CELL_TAGS for column in self.columns)
        return tags + sum(map(escaped_bytes, cells))

    def text(self, columns: int | None = None) -> str:
        """Write it in aligned columns, no wider than `columns`; None leaves the width open."""
        widths = self._fitted(columns)
        lines = [self.title] if self.title else []
        lines.append(self._line(tuple(column.header for column in self.columns), widths))
        lines += [self._line(row, widths) for row in self.rows]
        if self.omitted:
            lines.append(f"… and {self.omitted:,} more")
        return "\n".join(lines)

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = [
            pad(clip(cell, columns), columns, right=column.right)
            for cell, columns, column in zip(row, widths, self.columns, strict=True)
        ]
        return _GAP.join(cells).rstrip()

    def _fitted(self, limit: int | None) -> list[int]:
        """Widths of the columns; while they are too wide together, the widest text gives way."""
        widths = [
            max(width(column.header), *(width(row[place]) for row in self.rows), 0)
            for place, column in enumerate(self.columns)
        ]
        if limit is None:
            return widths
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - limit
        text = [place for place, column in enumerate(self.columns) if not column.right]
        while excess > 0 and text:
            widest = max(text, key=widths.__getitem__)
            if widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
            excess -= 1
        return widths
