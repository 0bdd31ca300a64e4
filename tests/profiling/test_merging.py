"""The profile of the parts is that of the whole, whatever the split and the order."""

from __future__ import annotations

import itertools
import math
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.profiling import ColumnProfile, Profile, profile
from nbmlops.profiling.profiler import profile_parts
from nbmlops.profiling.sketches import HASHES, RANK_ERROR

REALS = st.one_of(st.none(), st.integers(-5, 5).map(float), st.floats(width=64))
WORDS = st.one_of(st.none(), st.sampled_from(["", "UA", "N14228", "é 1"]), st.text(max_size=8))
TIMES = st.one_of(st.none(), st.datetimes())
ROWS = st.lists(st.tuples(REALS, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), WORDS, st.booleans(), TIMES))
SCHEMA = pa.schema(
    [("real", "float64"), ("whole", "int64"), ("word", "string"), ("flag", "bool"), ("at", pa.timestamp("us"))]
)
EXACT = ("rows", "nulls", "nan", "above", "below", "counts", "hashes", "bins", "patterns")


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[]] * len(SCHEMA)
    return pa.table([pa.array(list(column), field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def assert_alike(first: ColumnProfile, second: ColumnProfile) -> None:
    for key in EXACT:
        assert getattr(first, key) == getattr(second, key), key
    one, other = first.moments, second.moments
    assert (one.count, one.min, one.max) == (other.count, other.min, other.max)
    reach = max(abs(one.min), abs(one.max))
    if one.count and reach < 1e150:
        assert one.mean == pytest.approx(other.mean, rel=1e-9, abs=1e-9 * reach)
        assert one.m2 == pytest.approx(other.m2, rel=1e-9, abs=1e-9 * reach * reach * one.count)


@given(ROWS, st.lists(st.integers(0, 50), max_size=4), st.randoms(use_true_random=False))
def test_any_split_in_any_order_merges_to_the_profile_of_the_whole(rows, cuts, random):
    ends = sorted({0, *(min(cut, len(rows)) for cut in cuts), len(rows)})
    parts = [table(rows[start:end]) for start, end in itertools.pairwise(ends)] or [table(rows)]
    random.shuffle(parts)
    whole, merged = profile(table(rows)), Profile.merged(map(profile, parts))
    assert merged.rows == len(rows)
    for first, second in zip(whole.columns, merged.columns, strict=True):
        assert_alike(first, second)


@given(ROWS, ROWS, ROWS)
def test_merging_is_associative(first, second, third):
    one, two, three = (profile(table(rows)) for rows in (first, second, third))
    for left, right in zip(one.merge(two).merge(three).columns, one.merge(two.merge(three)).columns, strict=True):
        assert_alike(left, right)


def test_many_values_are_summarised_alike_by_parts_and_whole():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "real": random.lognormal(size=60_000),
            "whole": random.integers(0, 5_000, 60_000),
            "word": [f"N{number:05}" for number in random.integers(0, 20_000, 60_000)],
        }
    )
    whole = profile(frame)
    merged = Profile.merged(profile(frame.iloc[start : start + 7_000]) for start in range(0, 60_000, 7_000))
    for name in frame:
        first, second = whole.column(name), merged.column(name)
        for key in ("rows", "hashes", "bins", "patterns"):
            assert getattr(first, key) == getattr(second, key)
        assert first.counts is None
        assert second.counts is None
        # Four standard errors.
        assert second.distinct == pytest.approx(frame[name].nunique(), rel=4 / math.sqrt(HASHES - 2))
    for name in ("real", "whole"):
        ordered = np.sort(frame[name].to_numpy())
        for found in (whole, merged):
            at = found.column(name).quantile(np.linspace(0.01, 0.99, 25))
            low, high = (np.searchsorted(ordered, at, side) / len(ordered) for side in ("left", "right"))
            asked = np.linspace(0.01, 0.99, 25)
            # The stated error holds in 99 of 100 cases, of which there are fifty.
            assert np.all((low - 2 * RANK_ERROR <= asked) & (asked <= high + 2 * RANK_ERROR))


def test_correlations_of_parts_are_those_of_the_whole_pair_by_pair():
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(1e6, 1.0, (5_000, 3)), columns=list("abc"))
    frame["d"] = frame["a"] - 2 * frame["b"]
    frame = frame.mask(random.random(frame.shape) < 0.2)
    frame.loc[:999, "c"] = np.nan
    merged = Profile.merged(profile(frame.iloc[start : start + 500]) for start in range(0, 5_000, 500))
    np.testing.assert_allclose(merged.comoments.correlations(), frame.corr().to_numpy(), rtol=1e-7)
    np.testing.assert_allclose(profile(frame).comoments.correlations(), frame.corr().to_numpy(), rtol=1e-7)


def test_a_part_without_a_value_of_a_column_goes_with_the_others():
    some = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    none = pa.table({"a": pa.nulls(3), "b": pa.nulls(3)})
    merged = profile(some).merge(profile(none))
    assert merged == profile(none).merge(profile(some))
    assert [(column.kind, column.nulls) for column in merged.columns] == [("number", 3), ("text", 4)]
    assert merged.comoments.names == ("a",)


def test_unlike_columns_are_refused_by_name():
    first = profile(pa.table({"delay": [1.0], "carrier": ["UA"]}))
    with pytest.raises(InvalidError, match="'tailnum' on one side only"):
        first.merge(profile(pa.table({"delay": [1.0], "carrier": ["UA"], "tailnum": ["N1"]})))
    with pytest.raises(InvalidError, match="'delay' of number does not go with 'delay' of text"):
        first.merge(profile(pa.table({"delay": ["late"], "carrier": ["UA"]})))


def test_parts_of_unlike_columns_are_refused():
    with pytest.raises(InvalidError, match="'b' on one side only"):
        profile_parts([pa.table({"a": [1]}), pa.table({"a": [1], "b": [2]})])
    with pytest.raises(InvalidError, match="no profile to merge"):
        profile_parts([])


def test_every_kind_of_table_has_one_profile():
    frame = pd.DataFrame({"n": [1, 2, 2], "t": ["a", "b", "b"], "x": [0.5, None, 1.5]})
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    for same in (arrow, pl.from_arrow(arrow), arrow.to_batches()[0]):
        assert [column.counts for column in profile(same).columns] == [
            column.counts for column in profile(frame).columns
        ]


def test_profiles_travel_between_processes_in_few_bytes():
    random = np.random.default_rng(0)
    made = profile(pd.DataFrame({f"c{number}": random.normal(size=20_000) for number in range(20)}))
    assert len(pickle.dumps(made)) < 300_000
    assert pickle.loads(pickle.dumps(made)) == made


def test_parts_are_profiled_by_processes():
    frame = pd.DataFrame({"n": np.arange(9_000) % 700, "t": ["a", "b", "c"] * 3_000})
    parts = [frame.iloc[start : start + 3_000] for start in range(0, 9_000, 3_000)]
    found = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(profile)(part) for part in parts)
    merged, whole = Profile.merged(found), profile(frame)
    assert [column.counts for column in merged.columns] == [column.counts for column in whole.columns]
