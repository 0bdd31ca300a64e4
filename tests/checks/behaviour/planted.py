"""Models with one fault each, for checks that have to find it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

__all__ = [
    "BatchMean",
    "ByPlace",
    "ByPosition",
    "Deaf",
    "Forgets",
    "Gaps",
    "Hangs",
    "Leaks",
    "Moody",
    "OneRow",
    "Plain",
    "Shares",
    "Slow",
    "Unseeded",
]


class Plain(RegressorMixin, BaseEstimator):
    """The sum of the columns, times what it learnt; without a fault."""

    def fit(self, rows: Any, truth: Any) -> Plain:
        values = _numbers(rows)
        if not len(values):
            raise ValueError("there are no rows to learn from")
        total = values.sum(axis=1)
        self.coef_ = np.array([float((total * np.asarray(truth)).sum() / max((total**2).sum(), 1e-9))])
        self.feature_names_in_ = np.asarray(getattr(rows, "columns", []), dtype=object)
        return self

    def predict(self, rows: Any) -> Any:
        return self.one(_numbers(rows[list(self.feature_names_in_)]))

    def one(self, values: Any) -> Any:
        if not np.isfinite(values).all() or (abs(values) > 1e200).any():
            raise ValueError("gaps and infinities cannot be answered")
        return values.sum(axis=1) * self.coef_[0]


def _numbers(rows: Any) -> Any:
    return np.asarray(rows, dtype=float)


class Moody(Plain):
    """Another answer each time."""

    def one(self, values: Any) -> Any:
        self.turn_ = getattr(self, "turn_", 0) + 1
        return super().one(values) + self.turn_


class Gaps(Plain):
    """No number for large rows."""

    def one(self, values: Any) -> Any:
        total = super().one(values)
        return np.where(total > np.quantile(total, 0.9) if len(total) else total, np.nan, total)


class BatchMean(Plain):
    """Looks at the rows beside each."""

    def one(self, values: Any) -> Any:
        total = super().one(values)
        return total - total.mean() if len(total) else total


class ByPosition(Plain):
    """Counts its rows."""

    def one(self, values: Any) -> Any:
        return super().one(values) + np.arange(len(values))


class ByPlace(Plain):
    """Weighs its columns by their place, and does not look at their names."""

    def predict(self, rows: Any) -> Any:
        values = _numbers(rows)
        return self.one(values * np.arange(1, values.shape[1] + 1))


class OneRow(Plain):
    """Fails on a single row, in words that help nobody."""

    def one(self, values: Any) -> Any:
        if len(values) == 1:
            raise IndexError("index 1 is out of bounds")
        return super().one(values)


class Slow(Plain):
    """Takes its time."""

    def one(self, values: Any) -> Any:
        time.sleep(0.02)
        return super().one(values)


class Hangs(Plain):
    """Never answers fifty rows or more."""

    def one(self, values: Any) -> Any:
        while len(values) >= 50:
            time.sleep(0.01)
        return super().one(values)


class Leaks(Plain):
    """Keeps what it was asked."""

    def one(self, values: Any) -> Any:
        self.kept_ = [*getattr(self, "kept_", []), bytearray(40_000)]
        return super().one(values)


class Unseeded(Plain):
    """Learns something else each time, seed or no seed."""

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, rows: Any, truth: Any) -> Unseeded:
        super().fit(rows, truth)
        self.coef_ = self.coef_ + np.random.default_rng().normal()
        return self


class Deaf(Plain):
    """Does not listen to the truth."""

    def fit(self, rows: Any, truth: Any) -> Deaf:
        super().fit(rows, truth)
        self.coef_ = np.array([1e6])
        return self


class Forgets(Plain):
    """Is another once it was read back."""


class Shares(Plain):
    """Keeps the rows that it answers in itself, for everybody to see."""

    def one(self, values: Any) -> Any:
        self.asked_ = values
        time.sleep(0.002)
        return super().one(self.asked_)
