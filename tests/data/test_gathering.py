"""Rows picked from columns are those that Arrow picks, whatever the type and however many chunks there are."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.data import gathering

_VALUES: dict[str, tuple[list[Any], pa.DataType]] = {
    "whole": ([1, None, 3, -7, 5], pa.int16()),
    "floats": ([0.5, None, float("inf"), -0.0, 2.0], pa.float64()),
    "halves": ([1.0, None, 2.0, 0.5, 3.0], pa.float16()),
    "times": (
        [datetime(2013, 1, day, tzinfo=UTC) if day != 3 else None for day in range(1, 6)],
        pa.timestamp("us", "UTC"),
    ),
    "truths": ([True, None, False, False, True], pa.bool_()),
    "text": (["a", None, "", "čaj", "a"], pa.large_string()),
    "narrow text": (["a", None, "", "čaj", "a"], pa.string()),
    "codes": (["x", None, "y", "x", "z"], pa.dictionary(pa.int32(), pa.string())),
    "lists": ([[1], None, [], [2, None], [3]], pa.list_(pa.int64())),
    "objects": ([{"a": 1}, None, {"a": None}, {"a": 2}, {"a": 3}], pa.struct([("a", pa.int64())])),
    "decimals": ([Decimal("1.50"), None, Decimal("2.00"), Decimal("0.25"), Decimal("9.99")], pa.decimal128(5, 2)),
    "nothing": ([None] * 5, pa.null()),
}


def _table(repeats: int, chunks: int) -> pa.Table:
    """Each kind of column, some chunks of it, each with a dictionary of its own and an offset."""
    made = {}
    for name, (values, kind) in _VALUES.items():
        each = pa.array(values * repeats, pa.string() if pa.types.is_dictionary(kind) else kind)
        each = each.dictionary_encode() if pa.types.is_dictionary(kind) else each
        made[name] = pa.chunked_array([each.slice(start) for start in range(chunks)], kind)
    return pa.table(made)


@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_rows_by_number_are_those_that_arrow_takes(data: st.DataObject, repeats: int, chunks: int) -> None:
    table = _table(repeats, chunks)
    rows = data.draw(st.lists(st.integers(0, table.num_rows - 1), max_size=20))
    found = gathering.taken(table, np.array(rows, np.int64))
    assert found.to_pylist() == table.take(pa.array(rows, pa.int64())).to_pylist()
    assert found.schema.types == table.schema.types


@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_rows_by_mask_are_those_that_arrow_filters(data: st.DataObject, repeats: int, chunks: int) -> None:
    table = _table(repeats, chunks)
    mask = pa.array(data.draw(st.lists(st.booleans(), min_size=table.num_rows, max_size=table.num_rows)), pa.bool_())
    found = gathering.kept(table, mask)
    assert found.to_pylist() == table.filter(mask).to_pylist()
    assert found.schema.types == table.schema.types


def test_rows_that_follow_each_other_are_not_copied() -> None:
    table = pa.table({"a": pa.array(range(100))})
    found = gathering.taken(table, np.arange(10, 20))
    assert found.column("a").to_pylist() == list(range(10, 20))
    assert found.column("a").chunk(0).buffers()[1].address == table.column("a").chunk(0).buffers()[1].address


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("count", [0, 5, 300_000])
def test_codes_are_written_out_as_text(kind: pa.DataType, count: int) -> None:
    words = pa.array((["a", None, "", "čaj", "a"] * -(-count // 5))[:count], pa.string())
    column = pa.chunked_array([words.dictionary_encode(), words.slice(2).dictionary_encode()])
    found = gathering.written_out(column, kind)
    assert found.type == kind
    assert found.to_pylist() == column.to_pylist()


@pytest.mark.parametrize("first", ["codes", "text"])
def test_tables_on_end_have_text_in_one_way(first: str) -> None:
    text = pa.table({"a": pa.array(["x", None, "y"], pa.large_string())})
    codes = pa.table({"a": pa.array(["y", "z", None]).dictionary_encode()})
    parts = [codes, text] if first == "codes" else [text, codes]
    found = gathering.joined(parts)
    assert found.column("a").to_pylist() == [value for part in parts for value in part.column("a").to_pylist()]
    assert gathering.taken(found, np.array([5, 0])).column("a").to_pylist() == [
        parts[1].column("a").to_pylist()[2],
        parts[0].column("a").to_pylist()[0],
    ]
