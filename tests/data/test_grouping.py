"""Row groups end where the content says so: whatever the parts, and again after an edit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from nbmlops.data.grouping import LONGEST, WINDOW, choose, groups

GENERATOR = np.random.default_rng(0)
ROWS = 400_000
TABLE = pa.table(
    {
        "year": np.full(ROWS, 2013, np.int64),
        "minute": np.arange(ROWS) // 7,
        "delay": pa.array(GENERATOR.normal(size=ROWS), mask=GENERATOR.random(ROWS) < 0.1),
        "carrier": np.array(["UA", "AA", "B6"])[GENERATOR.integers(0, 3, ROWS)],
    }
)


def sizes(table: pa.Table, columns: list[str], *ends: int) -> list[int]:
    def parts() -> Iterator[pa.Table]:
        for begin, end in zip((0, *ends), (*ends, table.num_rows), strict=True):
            yield table.slice(begin, end - begin)

    found = list(groups(parts(), columns))
    assert pa.concat_tables(found).equals(table)
    return [group.num_rows for group in found]


def starts(found: list[int]) -> set[int]:
    return set(np.cumsum(found).tolist())


def test_groups_keep_their_bounds() -> None:
    found = sizes(TABLE, ["delay", "minute"])
    assert all(WINDOW <= size <= LONGEST for size in found[:-1])
    assert 1.3 * WINDOW < ROWS / len(found) < 3 * WINDOW


@pytest.mark.parametrize("ends", [(1,), (200_000,), tuple(range(999, ROWS, 999)), (ROWS - 1,), (70_000, 70_000)])
def test_how_the_rows_come_does_not_matter(ends: tuple[int, ...]) -> None:
    assert sizes(TABLE, ["delay", "carrier"], *ends) == sizes(TABLE, ["delay", "carrier"])


def test_behind_an_insert_and_a_removal_the_cuts_are_the_same_again() -> None:
    before = starts(sizes(TABLE, ["delay", "minute"]))
    inserted = pa.concat_tables([TABLE.slice(0, 200_000), TABLE.slice(5, 400), TABLE.slice(200_000)])
    after = starts(sizes(inserted, ["delay", "minute"]))
    moved = {start if start < 200_000 else start + 400 for start in before}
    assert len(after ^ moved) <= 2
    removed = starts(sizes(TABLE.slice(1_000), ["delay", "minute"]))
    assert len({start + 1_000 for start in removed} ^ before) <= 2


@pytest.mark.parametrize("columns", [["year"], []])
def test_where_the_content_chooses_nothing_groups_have_a_bound(columns: list[str]) -> None:
    assert sizes(TABLE, columns, 150_000) == [LONGEST] * (ROWS // LONGEST) + [ROWS % LONGEST]


def test_an_empty_table_is_one_empty_group() -> None:
    assert [group.num_rows for group in groups(iter([TABLE.slice(0, 0)]), ["delay"])] == [0]


def test_the_columns_with_the_most_values_are_chosen_and_kept() -> None:
    chosen = choose(TABLE.schema, TABLE)
    assert chosen == ["delay", "minute", "year"]
    wider = TABLE.append_column("noise", pa.array(GENERATOR.normal(size=ROWS)))
    assert choose(wider.schema, wider, chosen) == chosen
    assert choose(TABLE.schema, TABLE, ["noise"]) == chosen
    assert choose(TABLE.select(["carrier"]).schema, TABLE.select(["carrier"])) == ["carrier"]
    nested = pa.table({"x": [[1], [2]]})
    assert choose(nested.schema, nested) == []


@pytest.mark.parametrize(
    "values",
    [
        pa.array(np.arange(100_000), pa.timestamp("us", tz="UTC")),
        pa.array(np.arange(100_000), pa.int64()).cast(pa.date64()),
        pa.array((np.arange(100_000) % 3_000).astype(np.int32)).cast(pa.time32("s")),
        pa.array(np.arange(100_000, dtype=np.uint8)),
        pa.array(np.arange(100_000, dtype=np.float32)),
        pa.array(np.arange(100_000), pa.duration("ns")),
        pa.array([None] * 100_000, pa.int32()),
        pa.array([str(number) for number in range(100_000)], pa.large_string()),
    ],
    ids=lambda values: str(values.type),
)
def test_every_plain_type_gives_priorities_and_nulls_do_too(values: Any) -> None:
    with_nulls = pa.table({"x": pa.concat_arrays([values.slice(0, 10), pa.nulls(50_000, values.type), values])})
    assert sizes(with_nulls, ["x"], 20_000, 60_000) == sizes(with_nulls, ["x"])
