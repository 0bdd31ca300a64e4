"""What goes wrong with a table on its way, planted one at a time in a month of flights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

__all__ = ["CORRUPTIONS", "Corruption"]

Corruption = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
_TIMES = ("dep_time", "sched_dep_time", "arr_time", "sched_arr_time")


def _duplicated_day(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([month, month[month["day"] == 7]], ignore_index=True)


def _truncated(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return month.head(len(month) // 2)


def _mojibake(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    # UTF-16 that was read as Latin-1.
    return month.assign(dest=[text.encode("utf-16-le").decode("latin-1") for text in month["dest"]])


def _off_by_one(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    joined = month.assign(distance=month["distance"].shift(1).bfill().astype("int64"))
    return joined.assign(air_time=month["air_time"].shift(1))


def _sorted_alone(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return month.assign(air_time=np.sort(month["air_time"].to_numpy()))


def _outliers(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    delays = month["dep_delay"].to_numpy().copy()
    delays[np.random.default_rng(0).choice(len(delays), 5, replace=False)] = 99_999
    return month.assign(dep_delay=delays)


def _more_nulls(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    values = month["arr_delay"].copy()
    present = np.flatnonzero(values.notna())
    missing = int(values.isna().sum())
    values.iloc[np.random.default_rng(0).choice(present, missing, replace=False)] = np.nan
    return month.assign(arr_delay=values)


def _twelve_hours(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return month.assign(dep_time=month["dep_time"].where(month["dep_time"] < 1300, month["dep_time"] - 1200))


def _month_day_swapped(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    # As readers do that take 04/05 for the fourth of May, and 04/13 for what it is.
    swaps = month["day"] <= 12
    return month.assign(
        month=month["month"].where(~swaps, month["day"]), day=month["day"].where(~swaps, month["month"])
    )


def _two_months(month: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([before.tail(len(before) // 4), month], ignore_index=True)


def _half_precision(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return month.assign(**{name: month[name].astype("float16").astype("float64") for name in (*_TIMES, "distance")})


def _seconds(month: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return month.assign(air_time=month["air_time"] * 60)


CORRUPTIONS: dict[str, Corruption] = {
    "miles became kilometres": lambda m, _: m.assign(distance=(m["distance"] * 1.609344).round().astype("int64")),
    "minutes became seconds": _seconds,
    "two columns are swapped": lambda m, _: m.assign(dep_delay=m["arr_delay"], arr_delay=m["dep_delay"]),
    "origin and destination are swapped": lambda m, _: m.assign(origin=m["dest"], dest=m["origin"]),
    "one day came twice": _duplicated_day,
    "the time zone is shifted": lambda m, _: m.assign(time_hour=m["time_hour"] - pd.Timedelta(hours=5)),
    "the file is cut in half": _truncated,
    "the encoding is broken": _mojibake,
    "a join is off by one row": _off_by_one,
    "a column is dropped": lambda m, _: m.drop(columns="minute"),
    "a column is renamed": lambda m, _: m.rename(columns={"dep_delay": "departure_delay"}),
    "a category is renamed": lambda m, _: m.assign(carrier=m["carrier"].replace("US", "American")),
    "a sign is flipped": lambda m, _: m.assign(arr_delay=-m["arr_delay"]),
    "defaults stand for nulls": lambda m, _: m.assign(dep_delay=m["dep_delay"].fillna(0)),
    "ids are recycled": lambda m, _: m.assign(flight=m["flight"] % 100),
    "month and day are swapped": _month_day_swapped,
    "a decimal comma made text": lambda m, _: m.assign(
        air_time=m["air_time"].map("{:.1f}".format).str.replace(".", ",")
    ),
    "last month came again": lambda _, before: before,
    "floats lost precision": _half_precision,
    "one column is sorted by itself": _sorted_alone,
    "five outliers came in": _outliers,
    "nulls doubled": _more_nulls,
    "the clock has twelve hours": _twelve_hours,
    "blanks trail": lambda m, _: m.assign(carrier=m["carrier"] + " "),
    "the case changed": lambda m, _: m.assign(origin=m["origin"].str.lower()),
    "one carrier alone was loaded": lambda m, _: m[m["carrier"] == "UA"],
    "last month's end is in it": _two_months,
    "a sentinel stands for nulls": lambda m, _: m.assign(air_time=m["air_time"].fillna(-1)),
    "years have two digits": lambda m, _: m.assign(year=m["year"] % 100),
    "the header came as a row": lambda m, _: pd.concat(
        [pd.DataFrame([dict(zip(m, m, strict=True))]), m.astype(object)]
    ).astype(str),
}
"""By name: from this month and the one before it to what arrives."""
