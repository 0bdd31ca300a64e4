"""Compare tables that are too large for memory: rows that may be the same are dealt to the same file, then compared."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.data.diff_records import CellChange, RowCounts
from nbmlops.data.diffing import Compared, Side, TableDiff, common_type, diff_tables, frame, hashed

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.data.stored import StoredTable

__all__ = ["diff_large", "diff_positions"]


def diff_positions(what: TableDiff, before: StoredTable, after: StoredTable, sample: int) -> Compared:
    """Compare tables whose rows stand where they stood, part by part."""
    total = Compared(RowCounts(before.rows, after.rows, 0, 0, 0, 0))
    names, start = list(what.differing), 0
    for old, new in zip(before.batches(names), after.batches(names), strict=True):
        one, other = (_in_memory(frame(part)) for part in (old, new))
        found = diff_tables(what, one, other, sample - len(total.sample))
        found.sample = [CellChange((start + c.row[0],), c.column, c.before, c.after) for c in found.sample]
        _add(total, found, sample)
        start += one.rows
    return total


def diff_large(
    what: TableDiff, before: StoredTable, after: StoredTable, sample: int, parts: int, folder: Path
) -> Compared:
    """Compare tables by files of a scratch folder, `parts` for each."""
    names = what.common if what.by == "content" else tuple(dict.fromkeys([*what.key, *what.common]))
    by = what.key if what.by == "key" else what.common
    total = Compared(RowCounts(before.rows, after.rows, 0, 0, None if what.by == "content" else 0, 0))
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="diff-", dir=folder) as place:
        empty = [frame(table.read(list(by), sample=1)).schema for table in (before, after)]
        kinds = {name: common_type(empty[0][name], empty[1][name]) for name in by}
        hashing = (by, {name: kind for name, kind in kinds.items() if kind is not None})
        old = _deal(before, names, hashing, parts, Path(place) / "before")
        new = _deal(after, names, hashing, parts, Path(place) / "after")
        for one, other in zip(old, new, strict=True):
            _add(total, diff_tables(what, _in_file(one), _in_file(other), sample), sample)
    return total


def _deal(
    table: StoredTable, names: Sequence[str], hashing: tuple[Sequence[str], dict[str, Any]], parts: int, folder: Path
) -> list[Path]:
    import pyarrow.parquet as pq

    folder.mkdir()
    paths = [folder / f"{number}.parquet" for number in range(parts)]
    with ExitStack() as stack:
        writers: list[Any] = []
        for batch in table.batches(list(names)):
            rows = frame(batch).select(list(names))
            numbers = hashed(rows, *hashing) % parts
            for number in range(parts):
                part = rows.filter(numbers == number).to_arrow()
                if len(writers) <= number:
                    writers.append(stack.enter_context(pq.ParquetWriter(paths[number], part.schema, compression="lz4")))
                writers[number].write_table(part.cast(writers[number].schema))
    return paths


def _in_memory(rows: pl.DataFrame) -> Side:
    return Side(rows.height, lambda names: rows.select(list(names)))


def _in_file(path: Path) -> Side:
    import polars as pl

    count = pl.scan_parquet(path).select(pl.len()).collect().item()
    return Side(count, lambda names: pl.read_parquet(path, columns=list(names), use_pyarrow=False))


def _add(total: Compared, found: Compared, sample: int) -> None:
    one, other = total.counts, found.counts
    changed = None if one.changed is None or other.changed is None else one.changed + other.changed
    total.counts = RowCounts(
        *(one.before, one.after, one.added + other.added, one.removed + other.removed),
        changed=changed,
        unchanged=one.unchanged + other.unchanged,
    )
    for name, count in found.cells.items():
        total.cells[name] = total.cells.get(name, 0) + count
    total.reordered |= found.reordered
    total.sample += found.sample[: sample - len(total.sample)]
    total.added += found.added[: sample - len(total.added)]
    total.removed += found.removed[: sample - len(total.removed)]
