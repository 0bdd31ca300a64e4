"""Shapley values against their closed forms, and against one another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.serving.endpoint.shapley import MOST_ASKED, orders_for, shares

Worth = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
COLUMNS = 5


def game(seed: int) -> Worth:
    """A worth for every coalition, without any structure."""
    worths = np.random.default_rng(seed).normal(size=1 << COLUMNS)
    return lambda taken: worths[taken @ (1 << np.arange(COLUMNS))]


def by_definition(worth: Worth) -> np.ndarray[Any, Any]:
    """The mean effect of each column over all orders."""
    total, orders = np.zeros(COLUMNS), list(permutations(range(COLUMNS)))
    for order in orders:
        taken = np.zeros((COLUMNS + 1, COLUMNS), bool)
        for at, column in enumerate(order):
            taken[at + 1 :, column] = True
        for column, (before, after) in zip(order, pairwise(worth(taken).tolist()), strict=True):
            total[column] += after - before
    return total / len(orders)


@given(st.integers(0, 1_000))
def test_with_all_coalitions_it_is_the_mean_over_all_orders(seed: int) -> None:
    worth = game(seed)
    found = shares(worth, COLUMNS, None)
    np.testing.assert_allclose(found.contributions, by_definition(worth), atol=1e-12)
    assert not found.errors.any()


@given(st.integers(0, 1_000), st.sampled_from([None, 4, 20]))
def test_contributions_and_base_add_up_to_the_answer(seed: int, orders: int | None) -> None:
    worth = game(seed)
    found = shares(worth, COLUMNS, orders)
    whole = worth(np.ones((1, COLUMNS), bool))[0]
    assert found.base == worth(np.zeros((1, COLUMNS), bool))[0]
    assert found.base + found.contributions.sum() == pytest.approx(whole, abs=1e-12)


def test_the_standard_error_is_how_far_the_drawn_ones_are_off() -> None:
    off = []
    for seed in range(60):
        worth = game(seed)
        found = shares(worth, COLUMNS, 40)
        off += ((found.contributions - by_definition(worth)) / found.errors).tolist()
    # Of a Student distribution with 19 degrees of freedom; the orders are the same for all games.
    assert 0.6 < np.std(off) < 1.5


def test_pairs_that_undo_each_other_are_exact_where_only_two_columns_meet() -> None:
    """Each order and its reverse: an effect that two columns have together is halved, in every pair."""
    found = shares(lambda taken: 1.0 * (taken[:, 0] & taken[:, 1]), COLUMNS, 4)
    np.testing.assert_allclose(found.contributions, [0.5, 0.5, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.errors, 0, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 2, 10, 11, 30, 400, 5_000])
def test_what_is_asked_stays_within_its_bound_as_far_as_columns_allow(columns: int) -> None:
    orders = orders_for(columns, 100)
    if orders is None:
        assert (1 << columns) * 100 <= MOST_ASKED
    else:
        assert orders % 2 == 0
        assert orders == 4 or orders * (columns - 1) * 100 <= MOST_ASKED
