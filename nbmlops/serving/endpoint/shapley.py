"""Shapley values of one answer: what each column adds to it, against the answers to rows of a background.

A coalition is a set of columns that have the explained row's values while the others have those of the background;
its worth is the mean answer over the background (the interventional value function of Lundberg and Lee, "A unified
approach to interpreting model predictions", NIPS 2017). A column's value is its mean effect over all orders in which
columns can be taken over. With few columns every coalition is asked and the value is exact; with more, orders are
drawn, each together with its reverse (antithetic; Strumbelj and Kononenko, "Explaining prediction models and
individual predictions with feature contributions", Knowledge and Information Systems 41, 2014). Each order's effects
add up to the answer less the base value, so their means do too, however few are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

__all__ = ["MOST_ASKED", "Shares", "orders_for", "shares"]

Worth = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
"""The worth of coalitions, a row of truth values each."""

MOST_ASKED = 1 << 16
"""Answers to composed rows that the explanation of one row may take, as far as columns allow."""
_MOST_PAIRS = 64
_FEWEST_PAIRS = 2
_SEED = 2014


@dataclass(frozen=True, slots=True)
class Shares:
    """What each column adds, and the standard error of that over the drawn orders; 0 when all were asked."""

    base: float
    contributions: np.ndarray[Any, Any]
    errors: np.ndarray[Any, Any]


def orders_for(columns: int, background: int, most: int = MOST_ASKED) -> int | None:
    """How many orders are drawn, an even number; None when all coalitions can be asked instead.

    Examples
    --------
    >>> orders_for(4, 100), orders_for(20, 100), orders_for(400, 100)
    (None, 34, 4)
    """
    if columns < most.bit_length() and (1 << columns) * background <= most:
        return None
    pairs = most // (2 * (columns - 1) * background)
    return 2 * max(_FEWEST_PAIRS, min(_MOST_PAIRS, pairs))


def shares(worth: Worth, columns: int, orders: int | None) -> Shares:
    """The Shapley value of each column.

    Parameters
    ----------
    worth : callable
        Takes an array of truth values, shape (coalitions, columns), and gives the worth of each coalition.
    columns : int
        How many there are.
    orders : int, optional
        How many orders to draw, an even number; by default every coalition is asked. The same are drawn each time.

    Examples
    --------
    >>> found = shares(lambda taken: taken @ np.array([1.0, -2.0]) + 5, 2, None)
    >>> found.base, found.contributions.tolist()
    (5.0, [1.0, -2.0])
    """
    return _exact(worth, columns) if orders is None else _drawn(worth, columns, orders // 2)


def _exact(worth: Worth, columns: int) -> Shares:
    coalitions = np.arange(1 << columns)
    taken = (coalitions[:, None] >> np.arange(columns)) & 1 == 1
    worths, sizes = worth(taken), taken.sum(axis=1)
    each = [factorial(size) * factorial(columns - size - 1) / factorial(columns) for size in range(columns)]
    weights = np.array([*each, 0.0])
    found = []
    for column in range(columns):
        without = coalitions[~taken[:, column]]
        found.append(weights[sizes[without]] @ (worths[without | (1 << column)] - worths[without]))
    return Shares(float(worths[0]), np.array(found), np.zeros(columns))


def _drawn(worth: Worth, columns: int, pairs: int) -> Shares:
    random = np.random.default_rng(_SEED)
    ends = worth(np.array([np.zeros(columns, bool), np.ones(columns, bool)]))
    means = np.empty((pairs, columns))
    for number in range(pairs):
        order = random.permutation(columns)
        means[number] = (_along(worth, order, ends) + _along(worth, order[::-1], ends)) / 2
    return Shares(float(ends[0]), means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(pairs))


def _along(worth: Worth, order: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What each column adds when columns are taken over in this order."""
    columns = len(order)
    ranks = np.empty(columns, int)
    ranks[order] = np.arange(columns)
    taken = ranks[None, :] < np.arange(1, columns)[:, None]
    worths = np.concatenate([ends[:1], worth(taken), ends[1:]])
    added: np.ndarray[Any, Any] = np.diff(worths)[ranks]
    return added
