"""How differences between versions of data look."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from nbmlops.data.diff_records import ArrayChange, ColumnChange, DataDiff, FileChange, RowCounts, SchemaChange, Shape
from nbmlops.render import dispatch
from nbmlops.render.bars import Bars, Charted
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Drawing, Lines, Look, Part, line, table
from nbmlops.render.table import Column, Table
from nbmlops.render.units import count, extent, number, size

__all__: list[str] = []

_SHOWN = 40
_UNNAMED = re.compile(r"__index_level_(\d+)__")
_SIGNS = {"added": "+", "removed": "-", "modified": "~", "retyped": "~", "moved": "↕"}
_BY = {"content": "rows found again by content", "position": "rows found again by position"}


@looks(DataDiff)
def _(diff: DataDiff) -> Look:
    head = f"{diff.before} → {diff.after}"
    if diff.same:
        return Look(line(head, Part("the same content", "good")))
    body: list[Block] = []
    if diff.rows is not None:
        body += _of_tables(diff)
        summary = [Part(words) for words in _row_words(diff.rows)]
        how = _BY.get(diff.by, f"rows found again by {', '.join(diff.key)}")
        order = Part("in another order", "warn") if diff.reordered else None
        return Look(line(head, *summary, order, Part(how, "muted")), body=tuple(body))
    if diff.array is not None:
        return Look(line(head, *_array_words(diff.array)))
    if diff.files and diff.format == "folder":
        amounts = {what: sum(file.what == what for file in diff.files) for what in ("added", "removed", "modified")}
        tally = [count(amount, f"file {what}", f"files {what}") for what, amount in amounts.items() if amount]
        return Look(line(head, *tally), body=(_file_table(diff.files),))
    was, now = (diff.files[0].before, diff.files[0].after) if diff.files else (None, None)
    sizes = f"{size(was or 0)} → {size(now or 0)}"
    return Look(line(head, sizes), body=(Drawing("\n".join(diff.lines)),) if diff.lines else ())


def _array_words(array: ArrayChange) -> list[str]:
    words = []
    if array.before_shape != array.after_shape:
        words.append(f"{extent(array.before_shape)} → {extent(array.after_shape)}")
    if array.before_dtype != array.after_dtype:
        words.append(f"{array.before_dtype} → {array.after_dtype}")
    if array.differing is not None:
        total = math.prod(array.after_shape)
        differ = f"{array.differing:,} of {count(total, 'element')} differ"
        words.append(differ if array.differing else "the same elements, kept in another way")
    if array.largest is not None:
        words.append(f"by at most {number(array.largest)}")
    return words


def _row_words(rows: RowCounts) -> list[str]:
    words = [f"{rows.before:,} → {count(rows.after, 'row')}"]
    for amount, what in ((rows.added, "added"), (rows.removed, "removed"), (rows.changed, "changed")):
        if amount:
            words.append(f"{amount:,} {what}")
    return words if len(words) > 1 else [*words, "no row is another"]


def _of_tables(diff: DataDiff) -> list[Block]:
    body: list[Block] = []
    if diff.schema:
        body.append(Lines(tuple(line(Part(_schema_words(change))) for change in diff.schema[:_SHOWN])))
    changed = [column for column in diff.columns if column.cells is None or column.cells or _differ(column)]
    if changed:
        rows = tuple(
            Charted(_called(c.column), _column_words(c), c.before.bars, c.after.bars) for c in changed[:_SHOWN]
        )
        body.append(Bars(rows, max(0, len(changed) - _SHOWN)))
    if diff.cells:
        names = diff.key or ("row",)
        shown = [
            (*map(_value, cell.row), _called(cell.column), _value(cell.before), _value(cell.after))
            for cell in diff.cells
        ]
        body.append(_table((*names, "column", "before", "after"), shown, "changed cells"))
    for rows_of, title in ((diff.added, "added rows"), (diff.removed, "removed rows")):
        if rows_of:
            columns = list(rows_of[0])[:12]
            cells = [[_value(row[name]) for name in columns] for row in rows_of]
            body.append(_table(columns, cells, title))
    return body


def _differ(column: ColumnChange) -> bool:
    return dataclasses.replace(column.before, rows=0) != dataclasses.replace(column.after, rows=0)


def _schema_words(change: SchemaChange) -> str:
    sign = _SIGNS[change.what]
    if change.what == "moved":
        return f"{sign} column {_called(change.column)} moved from place {change.before} to {change.after}"
    types = " → ".join(kind for kind in (change.before, change.after) if kind)
    return f"{sign} column {_called(change.column)} {change.what}: {types}"


def _column_words(column: ColumnChange) -> str:
    words = [count(column.cells, "cell")] if column.cells else []
    before, after = column.before, column.after
    if before.nulls != after.nulls:
        words.append(f"nulls {before.nulls:,} → {after.nulls:,}")
    if before.mean is not None and after.mean is not None and before.mean != after.mean:
        words.append(f"mean {_mean(before)} → {_mean(after)}")
    if before.distinct is not None and after.distinct is not None and before.distinct != after.distinct:
        words.append(f"{before.distinct:,} → {after.distinct:,} values")
    if before.top and after.top and not words[1:]:
        words += _moved_most(before, after)
    return ", ".join(words)


def _mean(shape: Shape) -> str:
    mean = shape.mean or 0.0
    return datetime.fromtimestamp(mean, UTC).strftime("%Y-%m-%d %H:%M") if shape.is_time else number(mean)


def _moved_most(before: Shape, after: Shape) -> list[str]:
    """The value whose share moved most."""
    shares = [{value: amount / max(1, s.rows - s.nulls) for value, amount in s.top} for s in (before, after)]
    moved = {value: shares[1].get(value, 0) - shares[0].get(value, 0) for value in shares[0].keys() & shares[1].keys()}
    if not moved:
        return []
    value = max(moved, key=lambda one: abs(moved[one]))
    return [f"{value!r} {shares[0][value]:.1%} → {shares[1][value]:.1%}"] if abs(moved[value]) >= 0.001 else []


def _file_table(files: tuple[FileChange, ...]) -> Block:
    rows = [
        (_SIGNS[f.what], f.path, "" if f.before is None else size(f.before), "" if f.after is None else size(f.after))
        for f in files
    ]
    return table(("", "file", ">before", ">after"), rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], title: str) -> Table:
    """A table under the names of columns, which may begin with anything."""
    return Table.of([Column(_called(name)) for name in names], rows, title)


def _called(column: str) -> str:
    """A column as people know it; an index without a name is kept under one that pandas made."""
    found = _UNNAMED.fullmatch(column)
    return column if found is None else f"(index {found[1]})" if found[1] != "0" else "(index)"


def _value(value: Any) -> str:
    return "null" if value is None else number(value) if isinstance(value, float) else str(value)


@dispatch.json.register
def _(obj: DataDiff) -> dict[str, Any]:
    fields = [field.name for field in dataclasses.fields(obj) if field.name != "changes"]
    return {name: dispatch.json(getattr(obj, name)) for name in fields}
