"""Pairs are compared as scipy correlates them, and of all pairs together as seldom wrongly as it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from nbmlops.checks.drift.pairs import COLUMNS, Side, _correlations, correlation, scores_of, shifted
from nbmlops.checks.drift.rows import Rows
from nbmlops.checks.drift.verdict import ALPHA

TIMES = int(os.environ.get("NBMLOPS_SOAK_JOINT", "100"))


def rows_of(before: Any, after: Any, levels: dict[int, tuple[str, ...]] | None = None) -> Rows:
    known = levels or {}
    width = before.shape[1]
    names = tuple(f"x{place}" for place in range(width))
    return Rows(names, tuple(known.get(place) for place in range(width)), before, after, len(before), len(after), {})


def normal(seed: Any, size: int) -> Any:
    one = seed.normal(size=size)
    return np.column_stack((one, 0.8 * one + 0.6 * seed.normal(size=size), seed.normal(size=size)))


def skewed(seed: Any, size: int) -> Any:
    made = np.exp(2 * normal(seed, size))
    made[seed.random(size) < 0.2, 2] = np.nan
    return np.column_stack((made, np.where(seed.random(size) < 0.97, 0.0, made[:, 0])))


def levels(seed: Any, size: int) -> Any:
    return np.column_stack((seed.integers(0, 20, size), np.minimum(seed.zipf(1.5, size), 20), seed.random(size) < 0.3))


LEVELS = {0: tuple("abcdefghijklmnopqrst"), 1: tuple("abcdefghijklmnopqrstu"), 2: ("no", "yes")}
TABLES: dict[str, tuple[Callable[[Any, int], Any], dict[int, tuple[str, ...]]]] = {
    "normal": (normal, {}),
    "skewed, missing, mostly nought": (skewed, {}),
    "20 levels, uneven levels, binary": (levels, LEVELS),
}


def least(kind: str, seed: Any, before: int, after: int) -> float:
    draw, known = TABLES[kind]
    rows = rows_of(draw(seed, before), draw(seed, after), known)
    found = shifted(rows, scores_of(rows))
    assert found is not None
    return min((pair.p for pair in found.pairs), default=1.0)


@pytest.mark.parametrize("size", [50, 200])
@pytest.mark.parametrize("kind", TABLES)
def test_one_of_a_hundred_tables_without_drift_has_any_pair_that_is_called_shifted(kind: str, size: int) -> None:
    seed = np.random.default_rng([size, *kind.encode()])
    found = [least(kind, seed, 4 * size, size) for _ in range(TIMES)]
    # One of 10,000 such tests fails by chance.
    for level, lowest, highest in ((ALPHA, 0.004, 0.02), (0.1, 0.07, 0.13)):
        alarms = sum(p <= level for p in found)
        assert stats.binom.ppf(1e-4, TIMES, lowest) <= alarms <= stats.binom.isf(1e-4, TIMES, highest)


@pytest.mark.parametrize(("size", "change"), [(200, 0.8), (1_000, 0.4), (5_000, 0.2)])
def test_the_pair_that_changed_is_found_among_many_and_no_other(size: int, change: float) -> None:
    seed = np.random.default_rng(size)
    before, after = seed.normal(size=(5_000, 20)), seed.normal(size=(size, 20))
    after[:, 7] = change * after[:, 4] + (1 - change**2) ** 0.5 * after[:, 7]
    found = shifted(rows := rows_of(before, after), scores_of(rows))
    assert found is not None
    assert found.judged == 190
    assert [(pair.one.place, pair.other.place) for pair in found.pairs] == [(4, 7)]
    assert found.pairs[0].p == 0.001


def test_correlations_of_blocks_are_spearmans() -> None:
    values = np.random.default_rng(1).integers(0, 9, (60, 4)).astype(float)
    sides = [Side(place) for place in range(4)]
    pairs = np.triu_indices(4, 1)
    (found,) = _correlations(values, sides, 60, 1, pairs)
    expected = stats.spearmanr(values).statistic[pairs]
    assert found == pytest.approx(expected, abs=1e-6)


def test_correlations_are_of_rows_that_have_both_values() -> None:
    seed = np.random.default_rng(2)
    one, other = seed.normal(size=50), seed.normal(size=50)
    one[:9], other[40:] = np.nan, np.nan
    assert correlation(one, other) == pytest.approx(stats.spearmanr(one[9:40], other[9:40]).statistic)
    assert correlation(one, np.ones(50)) is None
    assert correlation(one, np.full(50, np.nan)) is None


def test_the_p_value_is_that_of_a_permutation_test_of_the_largest_difference() -> None:
    seed = np.random.default_rng(3)
    before, after = seed.normal(size=(36, 2)), seed.normal(size=(36, 2))
    after[:, 1] += 0.7 * after[:, 0]
    found = shifted(rows := rows_of(before, after), scores_of(rows))
    assert found is not None
    side = [Side(0), Side(1)]
    blocks = np.concatenate([_correlations(own, side, 6, 6, (np.array([0]), np.array([1]))) for own in (before, after)])
    whole = blocks[:, 0] - blocks[:, 0].mean()
    sums = np.array([abs(whole[[*chosen]].sum()) for chosen in combinations(range(12), 6)])
    exact = float(np.mean(sums >= abs(whole[6:].sum()) - 1e-6))
    assert found.pairs[0].p == pytest.approx(exact, abs=4 * (exact / 999) ** 0.5 + 0.001)


def test_levels_that_are_rare_stand_in_no_pair_and_many_columns_are_cut() -> None:
    seed = np.random.default_rng(4)
    before, after = levels(seed, 400), levels(seed, 400)
    sides = scores_of(rows_of(before, after, LEVELS))
    assert [side.code for side in sides if side.place == 2] == [1]
    assert all(side.code is not None for side in sides)
    assert 2 <= len([side for side in sides if side.place == 1]) <= 12
    wide = np.zeros((30, COLUMNS + 20))
    assert len(scores_of(rows_of(wide, wide))) == COLUMNS


def test_pairs_that_few_rows_make_are_counted_and_not_judged() -> None:
    seed = np.random.default_rng(5)
    before, after = (np.column_stack((np.zeros(size), np.zeros(size), seed.normal(size=size))) for size in (3_000, 300))
    before[:2, :2] = 1.0
    found = shifted(rows := rows_of(before, after), scores_of(rows))
    assert found is not None
    assert found.rare >= 1
    assert found.judged + found.rare == 3


VALUES = st.one_of(st.floats(-3, 3), st.just(np.nan), st.integers(0, 2).map(float))


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_values_are_compared_and_only_their_order_counts(data: st.DataObject) -> None:
    shapes = [(data.draw(st.integers(20, 60)), 3) for _ in range(2)]
    before, after = (data.draw(hnp.arrays(np.float64, shape, elements=VALUES)) for shape in shapes)
    found = shifted(rows := rows_of(before, after), scores_of(rows))
    assert found is not None
    assert all(0 < pair.p <= 1 for pair in found.pairs)
    assert found.judged + found.rare == 3
    stretched = shifted(other := rows_of(before * 8, after * 8), scores_of(other))
    assert stretched == found
