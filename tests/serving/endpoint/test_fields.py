"""A column of a request against what the signature says of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nbmlops.models.records import SignatureField
from nbmlops.serving.endpoint.fields import Column
from nbmlops.serving.endpoint.refusals import Fault


def taken(kind: str, values: list[Any], *, unseen: Any = "refuse", **more: Any) -> tuple[list[Any], list[str]]:
    faults: list[Fault] = []
    array = Column(SignatureField("c", kind, **more), unseen).take(values, faults)
    return array.tolist(), [fault.message for fault in faults]


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("double", [1, 2.5], [1.0, 2.5]),
        ("int64", [1, 2.0], [1, 2]),
        ("int8", [-128, 127], [-128, 127]),
        ("bool", [True, False], [True, False]),
        ("string", ["a", None], ["a", None]),
        ("unknown", ["a", 1, 2.5, True], ["a", 1, 2.5, True]),
    ],
)
def test_values_of_the_type_are_taken_as_they_are(kind: str, values: list[Any], wanted: list[Any]) -> None:
    assert taken(kind, values) == (wanted, [])


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("double", "1", "is no number"),
        ("double", math.inf, "is not finite"),
        ("double", True, "is no number"),
        ("int64", 1.5, "is no whole number"),
        ("int64", math.inf, "is not finite"),
        ("int8", 128, "does not fit"),
        ("uint8", -1, "does not fit"),
        ("bool", 1, "is neither true nor false"),
        ("string", 1, "is no text"),
        ("timestamp[us]", "yesterday", "is no time"),
        ("unknown", [1], "is no plain value"),
    ],
)
def test_values_of_another_type_are_faults(kind: str, value: Any, why: str) -> None:
    values, faults = taken(kind, [value])
    assert values == []
    assert why in faults[0]


def test_a_null_is_a_fault_only_where_the_model_has_seen_none() -> None:
    assert taken("double", [None, 1.0], nullable=False)[1] == ["is null, and the model has seen none there"]
    found = taken("int64", [None, 1])[0]
    assert math.isnan(found[0])
    assert found[1] == 1.0


def test_unseen_categories_are_refused_made_null_or_passed_on() -> None:
    known = {"categories": ("EWR", "JFK")}
    assert taken("string", ["EWR", "LAX"], **known)[1] == ["'LAX' is none of the 2 categories"]
    assert taken("string", ["EWR", "LAX"], unseen="null", **known) == (["EWR", None], [])
    assert taken("string", ["EWR", "LAX"], unseen="pass", **known) == (["EWR", "LAX"], [])
    assert taken("string", [["EWR"]], unseen="pass", **known)[1] == ["a list is none of the 2 categories"]


def test_times_are_read_with_their_zone() -> None:
    found = Column(SignatureField("c", "timestamp[us]")).take(["2013-01-01T02:00:00+02:00", None], [])
    assert found[0] == np.datetime64("2013-01-01T00:00:00")
    assert np.isnat(found[1])
