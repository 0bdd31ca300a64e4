"""Whether a column is personal is told from some of its values, the same of parts as of the whole."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.profiling import profile
from nbmlops.profiling.personal.identifiers import NATIONAL, luhn
from nbmlops.profiling.personal.kinds import tail
from nbmlops.profiling.personal.signs import kind_by_name, merge_signs, of_numbers, of_texts, personal_kind


def cards(count: int) -> list[int]:
    generator = random.Random(7)
    made = []
    for _ in range(count):
        body = "4" + "".join(generator.choices("0123456789", k=14))
        made.append(int(next(body + digit for digit in "0123456789" if luhn(body + digit))))
    return made


def of_kind(name: str, low: int, high: int, count: int) -> list[int]:
    """Numbers that a national test passes, some of which have lost the zeros that they begin with."""
    _, test = NATIONAL[name]
    generator, made = random.Random(3), []
    while len(made) < count:
        number = generator.randrange(low, high)
        if test(str(number).zfill(len(str(high - 1)))):
            made.append(number)
    return made


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"user{number}@example.org" for number in range(300)], "e-mail address"),
        (["Maria Curie", "John Smith", "Anna Lee", "x"], "name of a person"),
        ([f"+49 170 {number}" for number in range(1_000_000, 1_000_300)], "telephone number"),
        ([f"N{number}" for number in range(300)], ""),
        (["United Air Lines Inc.", "Delta Air Lines Inc.", "Martin State Airport"], ""),
        ([f"2026-01-{day:02d} 12:30:45" for day in range(1, 29)], ""),
        ([], ""),
    ],
)
def test_texts(values, kind):
    assert personal_kind(of_texts(values)) == kind


@pytest.mark.parametrize("type_", ["int64", "float64"])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (cards(100), "payment card"),
        (of_kind("Dutch BSN", 10**6, 10**9, 100), "Dutch BSN"),
        (of_kind("Polish PESEL", 10**8, 10**11, 100), "Polish PESEL"),
        (list(range(10**9, 10**9 + 5_000)), ""),
        ([1_700_000_000_000_000 + number for number in range(500)], ""),
        ([], ""),
    ],
)
def test_numbers(values, kind, type_):
    assert personal_kind(of_numbers(np.array(values, type_))) == kind


@given(st.lists(st.sampled_from(["ann@example.org", "N14228", "Maria Curie", "x"]), max_size=40), st.integers(1, 5))
def test_what_is_seen_in_parts_adds_up(texts, parts):
    seen = [of_texts(texts[start::parts]) for start in range(parts)]
    assert merge_signs(seen) == of_texts(texts)


@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.0, 6e-5, 0.01, 0.1, 0.3, 0.9]))
def test_the_tail_is_the_binomial_one(good, tried, chance):
    # In fractions: scipy's own errs by 1e-8 where the tail is as small as 1e-291.
    one, hits = Fraction(chance), range(good, tried + 1)
    exact = sum(math.comb(tried, each) * one**each * (1 - one) ** (tried - each) for each in hits)
    assert tail(good, tried, chance) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


@given(st.integers(0, 2**32))
def test_random_numbers_are_no_persons(seed):
    generator = np.random.default_rng(seed)
    for low, high in ((10**6, 10**9), (10**8, 10**11), (4 * 10**15, 5 * 10**15)):
        assert personal_kind(of_numbers(generator.integers(low, high, 400))) == ""


def test_a_column_of_several_parts_is_told_by_all_of_them():
    frame = pd.DataFrame({"a": cards(40) * 10})
    parts = [profile(frame[start : start + 40]) for start in range(0, 400, 40)]
    assert personal_kind(type(parts[0]).merged(parts).column("a").signs) == "payment card"


def test_names_of_columns():
    assert kind_by_name("customerEmail") == "e-mail address"
    assert kind_by_name("phone", largest=4.9e12) == "telephone number"
    assert kind_by_name("mobile", largest=1.0) == ""
    assert kind_by_name("race") == ""
    assert kind_by_name("dep_delay") == ""
