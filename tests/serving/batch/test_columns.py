"""A column of a table is taken as a whole, and that gives what a request gets value by value."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.models.records import SignatureField
from nbmlops.serving.batch.columns import taken
from nbmlops.serving.endpoint.fields import Column, Unseen
from nbmlops.serving.endpoint.refusals import Fault

NUMBERS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
REALS = st.one_of(st.none(), st.floats(width=64))
TEXTS = st.one_of(st.none(), st.sampled_from(["UA", "AA", "B6", "", "ü"]))
KINDS = ["double", "float", "int64", "int16", "uint8", "bool", "string", "unknown"]


def both(field: SignatureField, values: pa.ChunkedArray, unseen: Unseen = "refuse") -> None:
    """Take values both ways, and compare arrays, types and faults."""
    whole_faults: list[Fault] = []
    each_faults: list[Fault] = []
    with np.errstate(over="ignore"):
        whole = taken(Column(field, unseen), values, whole_faults)
        each = Column(field, unseen).take(values.to_pylist(), each_faults)
    assert whole_faults == each_faults
    if not each_faults:
        assert whole.dtype == each.dtype
        np.testing.assert_array_equal(whole, each)


@given(st.lists(NUMBERS), st.sampled_from(KINDS), st.booleans())
def test_whole_numbers_are_taken_as_a_request_has_them(values: list[int | None], kind: str, nullable: bool) -> None:
    both(SignatureField("x", kind, nullable), pa.chunked_array([pa.array(values, pa.int64())]))


@given(st.lists(REALS), st.sampled_from(KINDS), st.booleans())
def test_real_numbers_are_taken_as_a_request_has_them(values: list[float | None], kind: str, nullable: bool) -> None:
    both(SignatureField("x", kind, nullable), pa.chunked_array([pa.array(values, pa.float64())]))


@given(
    st.lists(TEXTS, min_size=1),
    st.lists(TEXTS),
    st.sampled_from(["refuse", "null", "pass"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, ("UA", "AA"), ("UA", "AA", "B6", "", "ü")]),
)
def test_texts_and_categories_are_taken_as_a_request_has_them(
    first: list[str | None], second: list[str | None], unseen: Unseen, nullable: bool, coded: bool, known: Any
) -> None:
    values = pa.chunked_array([pa.array(first, pa.string()), pa.array(second, pa.string())])
    if coded:
        values = values.dictionary_encode()
    both(SignatureField("x", "string", nullable, known), values, unseen)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "values",
    [pa.array([True, None, False]), pa.array([True, False]), pa.array([], pa.float64()), pa.nulls(3), pa.array([[1]])],
    ids=str,
)
def test_what_is_of_another_type_has_the_faults_of_a_request(kind: str, values: pa.Array) -> None:
    both(SignatureField("x", kind), pa.chunked_array([values]))


def test_times_without_a_zone_are_taken_as_a_request_has_them() -> None:
    times = [datetime(2013, 1, 1, 5, 15, 0, 7), None, datetime(1969, 12, 31)]
    for unit in ("us", "ms", "s"):
        values = pa.chunked_array([pa.array(times, pa.timestamp("us")).cast(pa.timestamp(unit), safe=False)])
        both(SignatureField("x", "timestamp[us]"), values)


def test_a_day_is_its_midnight() -> None:
    faults: list[Fault] = []
    field = SignatureField("x", "date32")
    found = taken(Column(field), pa.chunked_array([pa.array([date(2013, 1, 1), None])]), faults)
    assert not faults
    assert found.tolist() == [datetime(2013, 1, 1), None]
