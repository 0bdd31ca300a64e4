"""A figure that happened to be perfect before is no reason to call one that is nearly so worse."""

from __future__ import annotations

import pytest

from nbmlops.monitoring.estimation.estimates import Estimate
from nbmlops.monitoring.kinds.quality import is_worse


@pytest.mark.parametrize(
    ("was", "now", "worse"),
    [
        ((1.0, 0.0, 100), (0.98, 0.0014, 10_000), False),
        ((1.0, 0.0, 100), (0.90, 0.003, 10_000), True),
        ((1.0, 0.0, 10_000), (0.98, 0.0014, 10_000), True),
        ((0.9, 0.01, 900), (0.86, 0.01, 900), False),
        ((0.9, 0.01, 900), (0.85, 0.01, 900), True),
        ((0.9, 0.01, 900), (0.95, 0.01, 900), False),
    ],
)
def test_worse_is_what_chance_does_not_explain(
    was: tuple[float, float, int], now: tuple[float, float, int], worse: bool
) -> None:
    assert is_worse(Estimate("accuracy", *now, most=1.0), Estimate("accuracy", *was, most=1.0)) is worse


def test_a_loss_is_worse_when_it_is_higher() -> None:
    assert is_worse(Estimate("mae", 2.0, 0.1, 100), Estimate("mae", 1.0, 0.1, 100))
    assert not is_worse(Estimate("mae", 1.0, 0.1, 100), Estimate("mae", 2.0, 0.1, 100))
