"""A champion is compared by an interval: no worse, worse, or too few rows to tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from nbmlops.checks.model.champion import comparable
from nbmlops.checks.model.shown import least_gain, no_worse, rows_needed
from nbmlops.checks.models import METRICS, Comparison, compare

AUC, ACCURACY = METRICS["roc_auc"], METRICS["accuracy"]


def comparison(gain: float, low: float, high: float, rows: int = 1_000) -> Comparison:
    return Comparison(0.7 + gain, 0.7, gain, low, high, rows, rows)


@pytest.mark.parametrize(
    ("found", "tolerance", "status"),
    [
        (comparison(0.02, 0.01, 0.03), 0, "passed"),
        (comparison(-0.01, -0.015, -0.005), 0, "failed"),
        (comparison(-0.01, -0.015, -0.005), 0.02, "passed"),
        (comparison(0.01, -0.01, 0.03), 0, "warned"),
        (comparison(0, 0, 0), 0, "passed"),
        (comparison(0.3, 0.3, 0.3, rows=1), 0, "warned"),
    ],
)
def test_the_verdict_is_read_from_the_interval(found: Comparison, tolerance: float, status: str) -> None:
    assert no_worse(AUC, found, tolerance, "delay@v1", 0.025).status == status


def test_what_is_not_shown_says_how_many_rows_would_show_it() -> None:
    outcome = no_worse(AUC, comparison(0.01, -0.01, 0.03), 0, "delay@v1", 0.025)
    assert "1,000 rows do not show it either way, about 8,172 would" not in outcome.detail
    error = 0.04 / 2 / norm.ppf(0.975)
    wanted = int(np.ceil(1_000 * ((norm.ppf(0.975) + norm.ppf(0.8)) * error / 0.01) ** 2))
    assert f"about {wanted:,} would" in outcome.detail
    assert rows_needed(comparison(0, -0.01, 0.01), 0, 0.025) is None


def test_so_many_rows_show_it_with_the_power_that_is_said() -> None:
    """The number of rows is asked of one sample, and the power counted over others of that size."""
    generator = np.random.default_rng(3)

    def answers(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        known = np.ones(rows, dtype=bool)
        return known, generator.random(rows) < 0.8, generator.random(rows) < 0.75

    many = compare(ACCURACY, *answers(100_000))
    spread = least_gain(many, 0.025) * np.sqrt(100_000)
    needed = int((spread / 0.05) ** 2)
    shown = sum(compare(ACCURACY, *answers(needed)).low > 0 for _ in range(200))
    print(f"{needed} rows showed a gain of 0.05 in {shown} of 200 samples")
    assert 140 <= shown <= 178


def test_a_smaller_risk_asks_for_a_wider_interval() -> None:
    generator = np.random.default_rng(0)
    known, first, second = (generator.random(300) < 0.6 for _ in range(3))
    wide, narrow = (compare(ACCURACY, known, first, second, risk=risk) for risk in (0.005, 0.1))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_models_of_other_classes_are_not_compared() -> None:
    rows = [[0.0], [1.0], [2.0]]
    two, three = (LogisticRegression().fit(rows, labels) for labels in ([0, 0, 1], [0, 1, 2]))
    assert comparable(two, two)
    assert not comparable(two, three)
    assert not comparable(two, object())
    assert comparable(object(), object())
