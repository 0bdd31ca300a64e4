"""The verdict is calibrated: at any size as few false alarms as it says, and what has moved is found."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nbmlops.checks.drift.verdict import (
    ALPHA,
    RATE,
    adjusted,
    compare_categories,
    compare_numbers,
    found_in_nine_of_ten,
)

TIMES = int(os.environ.get("NBMLOPS_SOAK_DRIFT", "600"))
REFERENCE = 5_000
NUMBERS: dict[str, Callable[[Any, int], Any]] = {
    "normal": lambda seed, size: seed.normal(size=size),
    "skewed": lambda seed, size: seed.lognormal(size=size),
    "hours": lambda seed, size: seed.integers(0, 24, size).astype(float),
}
LEVELS: dict[str, Callable[[Any, int], Any]] = {
    "20 levels": lambda seed, size: seed.integers(0, 20, size),
    "uneven levels": lambda seed, size: np.minimum(seed.zipf(1.5, size), 20),
    "binary": lambda seed, size: (seed.random(size) < 0.3).astype(int),
}


def p_value(kind: str, seed: Any, size: int) -> float:
    if kind in NUMBERS:
        return compare_numbers(*(np.sort(NUMBERS[kind](seed, each)) for each in (REFERENCE, size))).p
    return compare_categories(*(np.bincount(LEVELS[kind](seed, each), minlength=21) for each in (REFERENCE, size))).p


@pytest.mark.parametrize("size", [50, 200, 5_000])
@pytest.mark.parametrize("kind", [*NUMBERS, *LEVELS])
def test_one_of_a_hundred_columns_without_drift_is_called_drifted(kind: str, size: int) -> None:
    seed = np.random.default_rng([size, *kind.encode()])
    alarms = sum(p_value(kind, seed, size) <= ALPHA for _ in range(TIMES))
    # Between 0.4 % and 2 %, but for what so few draws leave open: one of 10,000 such tests fails by chance.
    low, high = stats.binom.ppf(1e-4, TIMES, 0.004), stats.binom.isf(1e-4, TIMES, 0.02)
    assert low <= alarms <= high


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_p_values_of_columns_without_drift_are_spread_evenly(number: int) -> None:
    seed = np.random.default_rng(number)
    found = [p_value("normal", seed, 100) for _ in range(60)]
    assert stats.kstest(found, "uniform").pvalue > 1e-7


def test_of_two_hundred_columns_without_drift_seldom_one_is_called_so() -> None:
    seed = np.random.default_rng(5)
    tables = max(20, TIMES // 30)
    alarmed = 0
    for _ in range(tables):
        found = [
            compare_numbers(np.sort(seed.normal(size=2_000)), np.sort(seed.normal(size=200))).p for _ in range(200)
        ]
        rates = adjusted(found)
        alarmed += any(p <= ALPHA and rate <= RATE for p, rate in zip(found, rates, strict=True))
    assert alarmed <= stats.binom.isf(1e-4, tables, 0.06)


def test_a_normal_column_that_moves_is_found_as_often_as_the_best_test_there_is_would() -> None:
    seed = np.random.default_rng(2)
    pairs = [(seed.normal(size=REFERENCE), seed.normal(0.5, 1, 50)) for _ in range(TIMES)]
    ours = sum(compare_numbers(np.sort(one), np.sort(other)).p <= ALPHA for one, other in pairs)
    best = sum(stats.ttest_ind(one, other).pvalue <= ALPHA for one, other in pairs)
    assert ours >= best - 0.06 * TIMES


@pytest.mark.parametrize(
    "moved",
    [
        lambda seed: seed.normal(0, 2, 200),
        lambda seed: seed.choice([-1.0, 1.0], 200) + seed.normal(0, 0.2, 200),
        lambda seed: np.abs(seed.normal(size=200)),
        lambda seed: np.zeros(200),
        lambda seed: seed.normal(size=200) * 1e9,
    ],
    ids=["wider", "two peaks", "folded", "constant", "another unit"],
)
def test_another_shape_is_found(moved: Callable[[Any], Any]) -> None:
    seed = np.random.default_rng(4)
    found = compare_numbers(np.sort(seed.normal(size=REFERENCE)), np.sort(moved(seed)))
    assert found.p < 1e-4
    assert found.effect > 0.1


def test_the_effect_is_how_far_a_normal_column_moved() -> None:
    seed = np.random.default_rng(1)
    for far in (0.2, 0.5, 1.0):
        one, other = np.sort(seed.normal(size=50_000)), np.sort(seed.normal(far, 1, 50_000))
        assert compare_numbers(one, other).effect == pytest.approx(far, rel=0.15)
        assert compare_numbers(one, other).direction > 0 > compare_numbers(other, one).direction


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50),
)
def test_any_numbers_are_compared_and_only_their_order_counts(first: list[float], second: list[float]) -> None:
    one, other = np.sort(np.array(first)), np.sort(np.array(second))
    found = compare_numbers(one, other)
    assert 0 <= found.p <= 1
    assert found.effect >= 0
    places = {value: float(place) for place, value in enumerate(np.unique(np.concatenate((one, other))).tolist())}
    ranked = compare_numbers(*(np.array([places[value] for value in each.tolist()]) for each in (one, other)))
    assert ranked.p == pytest.approx(found.p)
    assert compare_numbers(one, one).effect == 0


@settings(deadline=None)
@given(st.data(), st.integers(1, 30))
def test_any_levels_are_compared(data: st.DataObject, size: int) -> None:
    counts = st.lists(st.integers(0, 10**6), min_size=size, max_size=size).filter(any)
    found = compare_categories(data.draw(counts), data.draw(counts))
    assert 0 <= found.p <= 1
    assert 0 <= found.effect <= 1


def test_fishers_test_has_the_mid_p_value() -> None:
    before, after = np.array([8.0, 2.0]), np.array([1.0, 9.0])
    table = stats.hypergeom(20, 9, 10)
    own = table.pmf(1)
    expected = sum(table.pmf(k) for k in range(10) if table.pmf(k) < own * (1 - 1e-9)) + sum(
        table.pmf(k) / 2 for k in range(10) if abs(table.pmf(k) - own) < 1e-9 * own
    )
    assert compare_categories(before, after).p == pytest.approx(expected)


def test_rates_are_those_of_benjamini_and_hochberg() -> None:
    values = np.random.default_rng(3).random(50) ** 3
    assert adjusted(list(values)) == pytest.approx(stats.false_discovery_control(values))
    assert adjusted([]) == []


def test_what_can_be_found_in_so_few_rows_is_said() -> None:
    assert found_in_nine_of_ten(5_000, 50) == pytest.approx(0.548, abs=0.01)
