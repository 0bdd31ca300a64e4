"""What holds between columns is found, and what holds by chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbmlops.checks.engine import judge
from nbmlops.checks.frames import table_of
from nbmlops.checks.infer import infer
from nbmlops.checks.variation import FIGURES, ROWS, next_count, next_mean, rounded

RANDOM = np.random.default_rng(0)
ROWS_OF = 4_000


def suite_text(**columns: object) -> str:
    return str(infer([table_of(pd.DataFrame(columns))]))


def numbers(scale: int = 1_000) -> np.ndarray:
    return RANDOM.integers(0, scale, ROWS_OF)


def test_sums_products_and_copies_are_found() -> None:
    a, b = numbers(), numbers()
    assert 'expr("total == a + b")' in suite_text(a=a, b=b, total=a + b)
    assert 'expr("area == a * b")' in suite_text(a=a, b=b, area=a * b)
    assert 'expr("a == copy")' in suite_text(a=a, copy=a)


def test_a_sum_of_floats_has_a_tolerance_and_odd_names_are_quoted() -> None:
    a, b = RANDOM.normal(size=ROWS_OF), RANDOM.normal(size=ROWS_OF)
    text = suite_text(**{"a b": a, "class": b, "t": a + b})
    assert 'abs(t - (col(\\"a b\\") + col(\\"class\\"))) < ' in text


def test_a_clock_that_differs_by_a_column_is_found_over_midnight_too() -> None:
    start = RANDOM.integers(0, 1440, ROWS_OF)
    delay = RANDOM.integers(-20, 300, ROWS_OF)
    end = (start + delay) % 1440
    frame = pd.DataFrame(
        {"start_time": start // 60 * 100 + start % 60, "end_time": end // 60 * 100 + end % 60, "delay": delay}
    )
    suite = infer([table_of(frame)])
    assert "% 1440 == 0" in str(suite)
    noon = frame.assign(end_time=frame["end_time"] % 1200)
    assert "expr" in {each.check for each in judge(table_of(noon), suite) if each.status == "failed"}


def test_the_parts_of_a_date_are_found_and_the_hours_of_a_time_zone() -> None:
    at = pd.Timestamp(2013, 1, 1) + pd.to_timedelta(RANDOM.integers(0, 24 * 300, ROWS_OF), unit="h")
    local = at + pd.Timedelta(hours=-5)
    text = suite_text(at=at, month=at.month, hour=local.hour)
    assert 'expr("month(at) == month")' in text
    assert 'expr("(hour(at) - hour) % 24 in (4, 5, 6)")' in text, "winter and summer"


def test_an_order_is_found_where_mixed_rows_would_break_it() -> None:
    low = RANDOM.normal(size=ROWS_OF)
    assert 'expr("low <= high")' in suite_text(low=low, high=low + RANDOM.exponential(1, ROWS_OF))
    assert "<=" not in suite_text(small=numbers(10), large=numbers(10) + 10_000)


def test_what_moves_together_lies_in_a_band_that_mixed_rows_leave() -> None:
    x = RANDOM.normal(100, 20, ROWS_OF)
    frame = pd.DataFrame({"x": x, "y": 3 * x + RANDOM.normal(0, 5, ROWS_OF)})
    suite = infer([table_of(frame)])
    assert "abs(x - (" in str(suite)
    mixed = frame.assign(y=np.sort(frame["y"]))
    assert [each.check for each in judge(table_of(mixed), suite) if each.status == "failed"] == ["expr"]


def test_what_is_missing_together_is_found() -> None:
    gone = RANDOM.random(ROWS_OF) < 0.05
    rather = gone & (RANDOM.random(ROWS_OF) < 0.5)
    a, b, c = (np.where(mask, np.nan, RANDOM.normal(size=ROWS_OF)) for mask in (gone, gone, rather))
    text = suite_text(a=a, b=b, c=c)
    assert 'expr("(b is null) == (a is null)")' in text
    assert 'expr("c is not null or a is null")' in text


def test_what_decides_a_column_is_found_and_a_constant_is_decided_by_nothing() -> None:
    origin = RANDOM.choice(["EWR", "JFK", "LGA"], ROWS_OF)
    dest = RANDOM.choice([f"D{n:02}" for n in range(30)], ROWS_OF)
    length = {key: 100 + n for n, key in enumerate(sorted({*zip(origin, dest, strict=True)}))}
    distance = [length[key] for key in zip(origin, dest, strict=True)]
    text = suite_text(origin=origin, dest=dest, distance=distance, same=7)
    (line,) = (line for line in text.splitlines() if line.startswith("distance:"))
    assert "depends(origin, dest), mostly(0.98)" in line
    assert "depends" not in next(line for line in text.splitlines() if line.startswith("same:"))


def test_columns_that_have_nothing_to_do_with_each_other_stay_alone() -> None:
    text = suite_text(
        **{f"c{n}": RANDOM.normal(size=ROWS_OF) for n in range(8)}, word=RANDOM.choice(["a", "b"], ROWS_OF)
    )
    assert text.count("expr") == text.count("% 1 != 0") == 8, "only that each has fractions"
    assert "depends" not in text


def test_a_few_rows_say_nothing_of_relations() -> None:
    assert "expr" not in suite_text(a=range(50), b=range(50))


# -- between versions ---------------------------------------------------------------------------------


def test_the_mean_of_the_next_version_is_bounded_as_students_t_says() -> None:
    means = [10.0, 12.0, 11.0, 9.0, 11.0, 10.0]
    low, high = next_mean(means, 8.4) or (0, 0)
    reach = stats.t.ppf(1 - FIGURES / 2, 5) * np.std(means, ddof=1) * np.sqrt(1 + 1 / 6)
    assert (low, high) == pytest.approx((np.mean(means) - reach, np.mean(means) + reach), rel=1e-12)


def test_two_means_are_bounded_by_what_versions_use_to_differ() -> None:
    low, high = next_mean([10.0, 12.0], 10.0) or (0, 0)
    scale = np.sqrt((2.0 + 3 * 2.5**2) / 4 * (1 + 1 / 2))
    assert (low, high) == pytest.approx(11 + np.array([-1, 1]) * stats.t.ppf(1 - FIGURES / 2, 4) * scale, rel=1e-12)


def test_fractions_do_not_get_lost_unseen() -> None:
    frame = pd.DataFrame({"x": np.round(RANDOM.normal(10, 4, ROWS_OF), 2)})
    suite = infer([table_of(frame)])
    assert 'expr("x % 1 != 0"), mostly(0.49)' in str(suite)
    assert [each.check for each in judge(table_of(frame.round()), suite) if each.status == "failed"] == ["expr"]


def test_means_that_hardly_differ_leave_half_a_deviation_and_wild_ones_say_nothing() -> None:
    assert next_mean([5.0, 5.0], 2.0) == (4.0, 6.0)
    assert next_mean([0.0, 100.0], 1.0) is None
    assert next_mean([1.0, 1.0], 0.0) is None


def test_the_next_count_lies_outside_as_seldom_as_is_said() -> None:
    random = np.random.default_rng(2)
    tables = 20_000
    # Versions that differ as the prior says they do, on average.
    spread = 0.1 / np.sqrt(random.chisquare(3, tables) / 3)
    counts = np.exp(random.normal(10, spread[:, None], (tables, 4)))
    intervals = [next_count([round(each) for each in row[:3]], ROWS) for row in counts]
    outside = sum(not low <= row[3] <= high for (low, high), row in zip(intervals, counts, strict=True))
    assert outside / tables == pytest.approx(ROWS, abs=4 * (ROWS / tables) ** 0.5)


@given(st.floats(-1e12, 1e12, allow_subnormal=False), st.integers(1, 6))
def test_rounding_goes_outward_and_not_far(value: float, digits: int) -> None:
    down, up = rounded(value, digits, up=False), rounded(value, digits, up=True)
    slack = 1e-7 * abs(value)
    assert down - slack <= value <= up + slack
    assert up - down <= abs(value) * 10.0 ** (1 - digits) * 1.01 + slack
