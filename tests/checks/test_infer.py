"""A suite learnt from three months accepts the fourth, and catches what goes wrong in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from nbmlops.checks.bounds import Spread, date_bounds, null_bound, number_bounds, row_bounds
from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.patterns import common_pattern
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError


def month(number: int, rows: int = 20_000) -> pd.DataFrame:
    """Departures like those of a real month: late ones are rare and very late, cancelled ones have no times."""
    random = np.random.default_rng(number)
    day = random.integers(1, 29, rows)
    hour = random.choice(np.arange(5, 24), rows)
    delay = np.round(random.exponential(40, rows) * (random.random(rows) < 0.3) - random.integers(0, 12 + number, rows))
    distance = random.choice(random.integers(80, 3_000, 90), rows)
    cancelled = random.random(rows) < 0.02 + 0.002 * number
    frame = pd.DataFrame(
        {
            "year": 2013,
            "month": number,
            "day": day,
            "hour": hour,
            "dep_time": np.where(cancelled, np.nan, hour * 100 + random.integers(0, 60, rows)),
            "dep_delay": np.where(cancelled, np.nan, delay),
            "carrier": random.choice(["UA", "AA", "B6", "DL"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "flight": np.arange(rows) // 28 + 1,
            "tailnum": [f"N{value}" for value in random.integers(1_000, 99_999, rows)],
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
            "air_time": np.where(cancelled, np.nan, np.round(distance / 8 + random.normal(20, 5, rows))),
            "distance": distance,
            "share": random.beta(2, 2, rows),
            "latitude": random.normal(40, 3, rows),
            "time_hour": pd.to_datetime({"year": 2013, "month": number, "day": day, "hour": hour}).dt.tz_localize(
                "UTC"
            ),
        }
    )
    frame["day"] = np.arange(rows) % 28 + 1
    return frame


@pytest.fixture(scope="module")
def suite() -> Suite:
    return infer([table_of(pd.concat([month(number) for number in (1, 2, 3)], ignore_index=True))], "flights")


def failed(frame: pd.DataFrame, suite: Suite) -> set[str]:
    return {each.label for each in judge(table_of(frame), suite) if each.status in ("failed", "errored")}


def test_what_was_learnt_is_code_that_reads_as_itself(suite: Suite) -> None:
    assert Suite.parse(str(suite), "flights") == suite
    text = str(suite)
    assert "month: integer, between(1, 12), no nulls" in text
    assert "year: integer, between(2003, 2023), no nulls" in text
    assert "dep_time: integer, between(0, 2400), nulls < 5%" in text
    assert 'carrier: string, in("AA", "B6", "DL", "UA"), mostly(0.99)' in text
    assert 'tailnum: string, matches("N[0-9]{3,6}"), mostly(0.99)' in text
    assert "latitude: number, between(-90, 90)" in text
    assert "share: number, between(0, 1)" in text
    assert 'time_hour: datetime, between("2003-01-01", "2023-12-31")' in text
    assert "table: rows between(6000, 600_000), key(month, day, flight), columns(exact), warn" in text


@pytest.mark.parametrize("number", [4, 5, 7, 12])
def test_later_months_pass_without_a_warning(suite: Suite, number: int) -> None:
    assert {each.status for each in judge(table_of(month(number)), suite)} == {"passed"}


def duplicated_day(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame[frame.day == 7]], ignore_index=True)


FAULTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "minutes became seconds": (lambda f: f.assign(air_time=f.air_time * 60), "air_time between"),
    "a sentinel stands for nothing": (lambda f: f.assign(dep_delay=f.dep_delay.fillna(-999)), "dep_delay between"),
    "a sign was lost": (lambda f: f.assign(distance=-f.distance), "distance between"),
    "columns were swapped": (lambda f: f.assign(carrier=f.origin, origin=f.carrier), "carrier in"),
    "a day came twice": (duplicated_day, "key"),
    "the file was cut off": (lambda f: f.head(500), "rows"),
    "nulls came in": (lambda f: f.assign(origin=f.origin.where(f.day != 3)), "origin nulls"),
    "many more nulls came in": (lambda f: f.assign(dep_delay=f.dep_delay.where(f.day > 6)), "dep_delay nulls"),
    "numbers became text": (lambda f: f.assign(distance=f.distance.astype(str)), "distance type"),
    "times became text": (lambda f: f.assign(time_hour=f.time_hour.astype(str)), "time_hour type"),
    "whole numbers broke": (lambda f: f.assign(flight=f.flight + 0.5), "flight type"),
    "the encoding broke": (lambda f: f.assign(tailnum="Ã" + f.tailnum), "tailnum matches"),
    "letters became small": (lambda f: f.assign(carrier=f.carrier.str.lower()), "carrier in"),
    "spaces came in": (lambda f: f.assign(tailnum=f.tailnum + " "), "tailnum matches"),
    "months count from 0": (lambda f: f.assign(month=0), "month between"),
    "a clock ran over": (lambda f: f.assign(hour=f.hour + 12), "hour between"),
    "the epoch was taken for a date": (lambda f: f.assign(time_hour=pd.Timestamp(0, tz="UTC")), "time_hour between"),
    "shares became percent": (lambda f: f.assign(share=f.share * 100), "share between"),
    "degrees were scaled": (lambda f: f.assign(latitude=f.latitude * 10), "latitude between"),
    "a column is gone": (lambda f: f.drop(columns="distance"), "distance present"),
    "a column was renamed": (lambda f: f.rename(columns={"dep_delay": "delay"}), "dep_delay present"),
    "everything is empty": (lambda f: f.head(0), "rows"),
    "infinities came in": (lambda f: f.assign(share=f.share / (f.day != 5)), "share between"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(suite: Suite, name: str) -> None:
    plant, expected = FAULTS[name]
    assert expected in failed(plant(month(4)), suite)


def test_a_new_column_warns() -> None:
    learnt = infer([table_of(month(1))])
    found = judge(table_of(month(1).assign(extra=1)), learnt)
    assert [(each.label, each.status) for each in found if each.status != "passed"] == [("columns", "warned")]


def test_an_empty_table_teaches_nothing() -> None:
    with pytest.raises(InvalidError, match="nothing to learn from"):
        infer([table_of(month(1).head(0))])


def test_one_row_teaches_little_and_accepts_its_like() -> None:
    suite = infer([table_of(month(1).head(1))])
    assert failed(month(1).head(1), suite) == set()
    assert not any("matches" in str(each) or "in(" in str(each) for each in suite.columns)


def test_a_column_of_nothing_may_hold_anything_later() -> None:
    suite = infer([table_of(pd.DataFrame({"x": [1, 2], "none": [None, None]}))])
    assert failed(pd.DataFrame({"x": [1, 2], "none": ["a", "b"]}), suite) == set()


def test_a_key_found_by_accident_is_no_key() -> None:
    random = np.random.default_rng(0)
    pairs = random.permutation(10_000)[:300]
    frame = pd.DataFrame({"a": pairs // 100, "b": pairs % 100})
    assert not frame.duplicated().any()
    assert "key" not in str(infer([table_of(frame)]))
    unique = pd.DataFrame({"word": [f"w{place % 7}" for place in range(400)]})
    unique["id"] = [f"u{place}" for place in range(400)]
    assert "key(id)" in str(infer([table_of(unique)]))


def test_hundreds_of_columns_of_any_name_are_learnt() -> None:
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(50, 300)), columns=[f"Größe №{n} 时间" for n in range(300)]
    )
    suite = infer([table_of(frame)], "wide")
    assert len(suite.columns) == 300
    assert Suite.parse(str(suite), "wide") == suite


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("month", (1, 3), "between(1, 12)"),
        ("flights_per_month", (10, 30), "between(0, 40)"),
        ("month", (0, 11), "between(0, 17)"),
        ("latitude", (30, 50), "between(-90, 90)"),
        ("temperature", (-10, 30), "between(-30, 50)"),
        ("debt", (-40, 0), "between(-60, 0)"),
        ("late", (0, 1), "between(0, 1)"),
        ("score", (3, 100), "between(0, 100)"),
        ("same", (7, 7), "between(0, )"),
        ("negative", (-7, -7), "between(, 0)"),
    ],
)
def test_the_range_of_whole_numbers(name: str, seen: tuple[int, int], expected: str) -> None:
    low, high = seen
    middle = (low + high) / 2
    spread = Spread(1_000, low, high, middle, low, high, whole=True)
    assert number_bounds(name, spread).words == expected


def test_ranges_of_floats_are_written_short() -> None:
    spread = Spread(1_000, 0.1, 0.3, 0.2, 0.1, 0.3, whole=False)
    assert number_bounds("x", spread).words == "between(0, 0.4)"


@pytest.mark.parametrize(
    ("missing", "rows", "expected"),
    [
        (0, 20_000, "no nulls"),
        (0, 1_000, "nulls < 0.3%"),
        (0, 2, None),
        (33, 1_000, "nulls < 7%"),
        (1, 1_000, "nulls < 1%"),
        (700, 1_000, "nulls < 85%"),
        (3, 4, "nulls < 88%"),
    ],
)
def test_the_bound_of_nulls_leaves_room(missing: int, rows: int, expected: str | None) -> None:
    found = null_bound(missing, rows)
    assert (None if found is None else found.words) == expected


def test_the_bounds_of_dates_and_rows() -> None:
    assert date_bounds("2013-01-01", "2013-03-31T23:00:00").words == 'between("2003-01-01", "2023-12-31")'
    assert date_bounds("0005-01-01", "9999-01-01").words == 'between("0001-01-01", "9999-12-31")'
    assert row_bounds(27_004).words == "rows between(2000, 280_000)"
    assert row_bounds(1).words == "rows between(1, 10)"


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (
            [f"2013-01-{day:02d}T10:00:00Z" for day in range(1, 29)],
            "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
        ),
        ([f"N{n}" for n in range(100, 200)], "N[0-9]{3}"),
        (["EWR", "JFK", "LGA"], "[A-Z]{3}"),
        (["ab-1", "abc-22"], r"[a-z]{1,4}-[0-9]{0,3}"),
        (["Größe", "Länge"], r"[A-Z][a-z]{0,2}[\p{L}\p{M}][a-z\p{L}]"),
        (["a b c, d; e (f)", "x! y?"], None),
        (["x" * 100, "y" * 90], None),
        (["", "", ""], None),
    ],
)
def test_the_pattern_of_strings(values: list[str], pattern: str | None) -> None:
    if pattern is not None and "Gr" not in values[0]:
        assert common_pattern(values) == pattern
    found = common_pattern(values)
    assert (found is None) == (pattern is None)
    if found is not None:
        frame = pd.DataFrame({"x": values})
        from nbmlops.checks.suite import SuiteBuilder

        assert judge(table_of(frame), SuiteBuilder().column("x").matches(found).done())[0].status == "passed"
