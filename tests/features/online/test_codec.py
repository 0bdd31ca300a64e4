"""Keys and rows are written and read back exactly."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.features.online.codec import Decoder, encoded_rows, key_of, keys_of, kind_of


@given(st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.none())))
def test_whole_keys_are_the_same_alone_and_among_others(values: list[int | None]) -> None:
    alone = keys_of([values], ["whole"])
    assert alone == [None if value is None else key_of([value], ["whole"]) for value in values]


@given(st.lists(st.text()))
def test_texts_are_keys_each_its_own(values: list[str]) -> None:
    found = keys_of([values], ["text"])
    assert found == [key_of([value], ["text"]) for value in values]
    assert len(set(found)) == len(set(values))


@given(st.lists(st.tuples(st.floats(), st.integers(-(2**63), 2**64 - 1), st.text(), st.booleans()), min_size=1))
def test_plain_rows_come_back_bit_by_bit(rows: list[tuple[float, int, str, bool]]) -> None:
    columns = [("real", "double"), ("whole", "int64"), ("text", "string"), ("truth", "bool")]
    kinds = {"real": pl.Float64, "whole": pl.Int128, "text": pl.String, "truth": pl.Boolean}
    frame = pl.DataFrame(rows, schema=kinds, orient="row")
    decode = Decoder(columns, [name for name, _ in columns])
    for row, text in zip(rows, encoded_rows(frame, list(kinds)), strict=True):
        real, *rest = decode.row(text)
        assert rest == list(row[1:])
        assert real == row[0] or (math.isnan(real) and math.isnan(row[0]))


@pytest.mark.parametrize(
    "value",
    [
        datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC),
        datetime(1969, 2, 1, 1, 2, 3, 4),
        date(2024, 2, 29),
        timedelta(days=-1, microseconds=3),
        Decimal("1.50"),
        b"\x00\xff",
        [1.5, None],
        None,
    ],
)
def test_other_values_come_back_too(value: Any) -> None:
    array = pa.array([value, None])
    frame = pl.DataFrame(pl.from_arrow(pa.table({"x": array})))
    texts = encoded_rows(frame, ["x"])
    decode = Decoder([("x", str(array.type)), ("y", "double")][:1], ["x"])
    assert [decode.row(text) for text in texts] == [[value], [None]]


def test_kinds_of_keys() -> None:
    assert [kind_of(name) for name in ("string", "int32", "uint64", "timestamp[us]")] == [
        "text",
        "whole",
        "whole",
        "other",
    ]
