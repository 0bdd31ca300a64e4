"""What is told of one column is what pandas and numpy tell of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.profiling import ColumnProfile, lattice, profile


def of(values: object, type_: object = None) -> ColumnProfile:
    return profile(pa.table({"it": pa.array(values, type_)})).column("it")


def test_numbers_that_are_none_are_counted_apart():
    found = of([1.0, None, math.nan, math.inf, -math.inf, math.inf, 3.0])
    assert (found.rows, found.nulls, found.nan, found.above, found.below, found.valid) == (7, 1, 1, 2, 1, 2)
    assert (found.moments.min, found.moments.max, found.moments.mean) == (1.0, 3.0, 2.0)
    assert found.moments.std == pytest.approx(math.sqrt(2))


def test_a_large_mean_takes_nothing_from_the_spread():
    values = 1e9 + np.random.default_rng(0).normal(size=50_000)
    assert of(values).moments.std == pytest.approx(values.std(ddof=1), rel=1e-6)


@given(st.lists(st.integers(-50, 50), min_size=1), st.floats(0.001, 1))
def test_quantiles_of_counted_values_are_exact(values, share):
    expected = np.quantile(values, share, method="inverted_cdf")
    assert of(values, "float64").quantile(share) == pytest.approx(expected)


def test_ranks_of_counted_values_are_exact():
    assert of([1, 2, 2, 4]).rank(np.array([0, 1, 2, 3, 4])).tolist() == [0, 0.25, 0.75, 0.75, 1]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_each_number_lies_in_its_bin(values):
    bins = lattice.number_bins(np.array(values))
    for value, number in zip(values, bins.tolist(), strict=True):
        if number == 0:
            assert abs(value) < 2.0**-64
        elif abs(number) < 1024:
            size = abs(number)
            assert lattice.lower_edge(size) <= abs(value) < lattice.lower_edge(size + 1)
            assert (value > 0) == (number > 0)


def test_whole_numbers_that_doubles_would_mix_up_stay_apart():
    found = of([2**60 + each for each in range(500)])
    assert found.counts is None
    assert found.distinct == pytest.approx(500, rel=0.3)


def test_instants_are_microseconds_whatever_their_unit():
    at = datetime(2013, 7, 4, 12, tzinfo=UTC)
    expected = at.timestamp() * 1e6
    for unit in ("s", "ms", "us", "ns"):
        found = of([at, None], pa.timestamp(unit, "UTC"))
        assert (found.kind, found.counts, found.nulls) == ("time", ((expected, 1),), 1)
    assert found.bins == ((43 * 12 + 6, 1),)
    assert lattice.month_edge(0) == 0.0
    assert of([at.date()], pa.date32()).moments.min == datetime(2013, 7, 4, tzinfo=UTC).timestamp() * 1e6


def test_other_kinds():
    assert of([True, False, True]).counts == ((0.0, 1), (1.0, 2))
    assert of([Decimal("1.50"), Decimal("2.25")]).moments.max == 2.25
    assert (of([[1], None]).kind, of([[1], None]).nulls) == ("other", 1)
    assert of([None, None]).kind == "nothing"
    assert of([], "float64").rows == 0
    assert math.isnan(of([], "float64").quantile(0.5))


def test_categories_that_no_row_has_are_not_counted():
    frame = pd.DataFrame({"it": pd.Categorical(["b", None, "b"], categories=["a", "b", "c"])})
    found = profile(frame).column("it")
    assert (found.kind, found.counts, found.nulls) == ("text", (("b", 2),), 1)


def test_texts_have_lengths_and_patterns():
    found = of(["N14228", "N9", "ünï", ""])
    assert dict(found.patterns) == {"A9": 2, "waw": 1, "": 1}
    assert (found.moments.min, found.moments.max, found.moments.mean) == (0, 6, 2.75)


def test_a_common_text_among_many_is_found():
    values = [f"id-{number}" for number in range(20_000)] + ["same"] * 3_000
    found = of(values)
    assert found.counts is None
    assert found.frequent[0][0] == "same"
    assert 3_000 - found.missed <= found.frequent[0][1] <= 3_000
    assert dict(found.patterns)["a-9"] == 20_000


def test_a_common_number_among_many_is_found():
    values = np.concatenate([np.random.default_rng(0).random(20_000), np.zeros(8_000)])
    assert of(values).frequent[0] == (0.0, pytest.approx(8_000, rel=0.15))


def test_long_texts_are_not_kept():
    found = of(["x" * 300, "x" * 300, "y"])
    assert found.counts is None
    assert "x" * 300 not in dict(found.common)
    assert found.distinct == 2


def test_the_same_number_as_whole_and_as_real_is_one_value():
    whole = profile(pa.table({"it": np.arange(3_000)}))
    real = profile(pa.table({"it": np.arange(3_000.0)}))
    merged = whole.merge(real).column("it")
    assert merged.hashes == whole.column("it").hashes
    assert merged.type == "double|int64"


def test_what_is_no_table_is_refused():
    with pytest.raises(InvalidError, match="list is not a table"):
        profile([1, 2])
    with pytest.raises(InvalidError, match="several columns named 'a'"):
        profile(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InvalidError, match="no columns"):
        profile(pd.DataFrame())
    with pytest.raises(InvalidError, match="cannot be profiled"):
        profile(pd.DataFrame({"a": [1, "x", {}]}))
    with pytest.raises(NotFoundError, match="no column 'arr'"):
        profile(pd.DataFrame({"b": [1]})).column("arr")
