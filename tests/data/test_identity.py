"""The logical digest depends on schema and values, and on nothing else."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.data.identity import TableHasher, of_table

VALUES = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "double": st.floats(),
    "string": st.text(max_size=8),
    "binary": st.binary(max_size=8),
    "bool": st.booleans(),
    "timestamp[us]": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),
    "date32": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "duration[us]": st.timedeltas(timedelta(-9), timedelta(9)),
}
TYPES = {
    **{name: pa.type_for_alias(name) for name in VALUES},
    "duration[us]": pa.duration("us"),
}


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    name = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(st.none() | VALUES[name], min_size=12, max_size=12))
    return pa.array(values, TYPES[name])


@settings(max_examples=150)
@given(columns(), st.integers(1, 11))
def test_the_cut_into_batches_does_not_matter(column: pa.Array, cut: int) -> None:
    whole = pa.table({"x": column})
    hasher = TableHasher(whole.schema)
    for part in (whole.slice(0, cut), whole.slice(cut)):
        hasher.update(part)
    assert hasher.digest() == of_table(whole)


@settings(max_examples=60)
@given(columns(), st.integers(1, 5), st.sampled_from(["none", "zstd"]))
def test_a_parquet_file_of_any_layout_has_the_same_digest(column: pa.Array, group: int, compression: str) -> None:
    table, sink = pa.table({"x": column}), io.BytesIO()
    pq.write_table(table, sink, row_group_size=group, compression=compression)
    assert of_table(pq.read_table(io.BytesIO(sink.getvalue()))) == of_table(table)


@settings(max_examples=150)
@given(columns(), columns())
def test_other_values_have_another_digest(one: pa.Array, other: pa.Array) -> None:
    same = one.type == other.type and repr(one.to_pylist()) == repr(other.to_pylist())
    assert (of_table(pa.table({"x": one})) == of_table(pa.table({"x": other}))) == same


def test_the_width_of_offsets_and_codes_does_not_matter() -> None:
    texts = ["a", None, "bc", ""]
    assert of_table(pa.table({"x": pa.array(texts, pa.large_string())})) == of_table(pa.table({"x": pa.array(texts)}))
    narrow = pa.array(texts).dictionary_encode()
    wide = pa.DictionaryArray.from_arrays(narrow.indices.cast(pa.int64()), narrow.dictionary)
    assert of_table(pa.table({"x": wide})) == of_table(pa.table({"x": narrow}))


def test_what_lies_below_a_null_does_not_matter() -> None:
    hidden = pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([7, 99]).tobytes())])
    assert of_table(pa.table({"x": hidden})) == of_table(pa.table({"x": pa.array([7, None], pa.int64())}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1, 2]), pa.array([2, 1])),
        (pa.array([1, None]), pa.array([1, 0])),
        (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
        (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
        (pa.array([0.0]), pa.array([-0.0])),
        (pa.array([[1], [2, 3]]), pa.array([[1, 2], [3]])),
        (pa.array([None, []], pa.list_(pa.int64())), pa.array([[], None], pa.list_(pa.int64()))),
        (pa.array([{"a": None}]), pa.array([None], pa.struct({"a": pa.null()}))),
        (pa.array([Decimal("1.10")]), pa.array([Decimal("1.20")])),
        (
            pa.array([datetime(2020, 1, 1)], pa.timestamp("us")),
            pa.array([datetime(2020, 1, 1)], pa.timestamp("us", "UTC")),
        ),
    ],
)
def test_a_difference_shows(one: pa.Array, other: pa.Array) -> None:
    assert of_table(pa.table({"x": one})) != of_table(pa.table({"x": other}))


def test_names_order_of_columns_and_index_are_part_of_the_table() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2]})
    variants = [frame, frame[["b", "a"]], frame.rename(columns={"a": "c"}), frame.set_index("a"), frame.set_axis([5])]
    assert len({of_table(pa.Table.from_pandas(variant)) for variant in variants}) == len(variants)


def test_a_frame_equals_the_arrow_table_of_its_values() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [0.5, np.nan]})
    table = pa.table({"a": [1, 2], "b": ["x", None], "c": pa.array([0.5, None])})
    assert of_table(pa.Table.from_pandas(frame)) == of_table(table)


def test_the_digest_of_a_known_table_never_changes() -> None:
    table = pa.table({"n": pa.array([1, None, 3]), "s": ["a", None, "ü"], "f": [0.5, float("nan"), None]})
    assert of_table(table) == GOLDEN


GOLDEN = "050ad14728d789e834703590f46d4d123258965f420c13d9595136e3305c43f4"
