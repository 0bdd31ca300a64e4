from __future__ import annotations

import numpy as np
import pytest

from nbmlops.serving.deployments.sequential import LEAST, Sample, judge, judge_pairs, margin

SIMULATIONS, LENGTH, RISK = 2_000, 5_000, 0.05


def ever_decided(values: np.ndarray, challenged: np.ndarray) -> bool:
    """Whether somebody who looks after every observation would once have decided."""
    sides = [np.cumsum(side) for side in (challenged, ~challenged)]
    sums = [np.cumsum(np.where(side, values, 0.0)) for side in (challenged, ~challenged)]
    squares = [np.cumsum(np.where(side, values**2, 0.0)) for side in (challenged, ~challenged)]
    ready = (sides[0] >= LEAST) & (sides[1] >= LEAST)
    counts = [side[ready] for side in sides]
    means = [total[ready] / count for total, count in zip(sums, counts, strict=True)]
    variances = [
        (square[ready] - count * mean**2) / (count - 1)
        for square, count, mean in zip(squares, counts, means, strict=True)
    ]
    total = counts[0] + counts[1]
    scale = (counts[0] * variances[0] + counts[1] * variances[1]) / total
    variance = sum(np.maximum(own, scale) / count for own, count in zip(variances, counts, strict=True))
    # While nobody was ever wrong nothing varies, and nothing is decided.
    varied = scale > 1e-12
    means, scale, variance = [mean[varied] for mean in means], scale[varied], variance[varied]
    # As `margin`, of which the test below says that it is the same.
    mixed = 2 * scale / 2_000
    odds = np.log(1 / RISK) + 0.5 * np.log((variance + mixed) / variance)
    width = np.sqrt(2 * variance * (variance + mixed) / mixed * odds)
    return bool((np.abs(means[0] - means[1]) > width).any())


def draws(kind: str, random: np.random.Generator) -> np.ndarray:
    if kind == "right or wrong":
        return (random.random(LENGTH) < 0.8).astype(float)
    if kind == "seldom wrong":
        return (random.random(LENGTH) < 0.97).astype(float)
    return random.lognormal(0.0, 1.0, LENGTH)


@pytest.mark.parametrize("kind", ["right or wrong", "seldom wrong", "errors with a long tail"])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_equal_versions_are_seldom_told_apart_however_often_one_looks(kind: str, share: float) -> None:
    random = np.random.default_rng(7)
    wrong = sum(ever_decided(draws(kind, random), random.random(LENGTH) < share) for _ in range(SIMULATIONS))
    print(f"{kind}, {share:.0%} to the challenger: {wrong / SIMULATIONS:.2%} of {SIMULATIONS:,} told apart")
    assert wrong / SIMULATIONS <= RISK


def test_the_simulation_looks_with_the_interval_of_the_product() -> None:
    random = np.random.default_rng(3)
    for effect in (0.0, 0.05, 0.1, 0.2):
        challenged = random.random(LENGTH) < 0.5
        values = (random.random(LENGTH) < np.where(challenged, 0.7 + effect, 0.7)).astype(float)
        verdicts = []
        for stop in range(250, LENGTH, 250):
            some, side = values[:stop], challenged[:stop]
            verdicts.append(judge(Sample.of(some[side].tolist()), Sample.of(some[~side].tolist()), RISK).is_decided)
        assert ever_decided(values, challenged) >= any(verdicts)


def test_a_difference_that_is_there_is_found() -> None:
    random = np.random.default_rng(5)
    found = 0
    for _ in range(200):
        challenged = random.random(LENGTH) < 0.5
        found += ever_decided((random.random(LENGTH) < np.where(challenged, 0.86, 0.80)).astype(float), challenged)
    assert found > 180


def test_what_is_still_needed_would_decide() -> None:
    one, other = Sample(500, 0.82, 0.1476), Sample(4_500, 0.80, 0.16)
    verdict = judge(one, other)
    assert not verdict.is_decided
    assert verdict.needed is not None
    factor = 1 + verdict.needed / 5_000
    more = [Sample(round(each.count * factor), each.mean, each.variance) for each in (one, other)]
    less = [Sample(round(each.count * factor * 0.98), each.mean, each.variance) for each in (one, other)]
    assert judge(*more).is_decided
    assert not judge(*less).is_decided


def test_nothing_is_needed_of_what_is_decided_and_nobody_knows_of_equals() -> None:
    assert judge(Sample(5_000, 0.9, 0.09), Sample(5_000, 0.8, 0.16)).needed == 0
    assert judge(Sample(5_000, 0.8, 0.16), Sample(5_000, 0.8, 0.16)).needed is None
    assert judge(Sample(0, 0.0, 0.0), Sample(5_000, 0.8, 0.16)).needed is None


def test_answers_that_never_vary_decide_nothing() -> None:
    assert not judge(Sample(500, 1.0, 0.0), Sample(500, 1.0, 0.0)).is_decided
    assert margin(0.0, 0.0, 0.05) == float("inf")


def test_a_sample_has_the_mean_and_the_variance_of_its_values() -> None:
    values = np.random.default_rng(1).normal(3, 2, 1_000)
    sample = Sample.of(values.tolist())
    assert sample.mean == pytest.approx(values.mean())
    assert sample.variance == pytest.approx(values.var(ddof=1))


def ever_decided_in_pairs(differences: np.ndarray) -> bool:
    """Whether somebody who looks after every pair would once have decided."""
    count = np.arange(1, len(differences) + 1)
    mean = np.cumsum(differences) / count
    variance = (np.cumsum(differences**2) - count * mean**2) / np.maximum(count - 1, 1)
    ready = (count >= LEAST) & (variance > 1e-12)
    count, mean, variance = count[ready], mean[ready], variance[ready]
    own, mixed = variance / count, variance / 2_000
    odds = np.log(1 / RISK) + 0.5 * np.log((own + mixed) / own)
    return bool((np.abs(mean) > np.sqrt(2 * own * (own + mixed) / mixed * odds)).any())


def paired(kind: str, random: np.random.Generator) -> np.ndarray:
    if kind == "seldom unlike":
        return random.choice([-1.0, 0.0, 1.0], LENGTH, p=[0.02, 0.96, 0.02])
    if kind == "scores of probabilities":
        late, hard = random.random(LENGTH) < 0.3, random.beta(2, 4, LENGTH)
        one, other = (np.clip(hard + random.normal(0, 0.1, LENGTH), 0, 1) for _ in range(2))
        return (one - late) ** 2 - (other - late) ** 2
    return random.normal(0, 1, LENGTH) * random.lognormal(0.0, 1.0, LENGTH)


@pytest.mark.parametrize("kind", ["seldom unlike", "scores of probabilities", "a long tail"])
def test_equal_versions_in_shadow_are_seldom_told_apart_however_often_one_looks(kind: str) -> None:
    random = np.random.default_rng(11)
    wrong = sum(ever_decided_in_pairs(paired(kind, random)) for _ in range(SIMULATIONS))
    print(f"{kind}, in pairs: {wrong / SIMULATIONS:.2%} of {SIMULATIONS:,} told apart")
    assert wrong / SIMULATIONS <= RISK


def test_the_simulation_of_pairs_looks_with_the_interval_of_the_product() -> None:
    random = np.random.default_rng(3)
    for effect in (0.0, 0.05, 0.1):
        differences = random.normal(effect, 1.0, LENGTH)
        looks = [judge_pairs(Sample.of(differences[:stop].tolist()), RISK) for stop in range(100, LENGTH + 1, 100)]
        assert ever_decided_in_pairs(differences) >= any(look.is_decided for look in looks)
        assert all(look.low < look.effect < look.high for look in looks)


def test_what_pairs_still_need_would_decide() -> None:
    verdict = judge_pairs(Sample(1_000, -0.005, 0.01))
    assert not verdict.is_decided
    assert verdict.needed is not None
    assert judge_pairs(Sample(1_000 + verdict.needed, -0.005, 0.01)).is_decided
    assert not judge_pairs(Sample(1_000 + round(0.98 * verdict.needed), -0.005, 0.01)).is_decided
    assert judge_pairs(Sample(5_000, 0.0, 0.0)).needed is None
