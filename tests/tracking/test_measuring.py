"""Metrics in the forms that people have them: numbers, mappings, vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.measuring import measured
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def test_mappings_become_names_with_dots_and_vectors_successive_steps(workspace: Workspace) -> None:
    with workspace.run("gbm") as run:
        run.log({"val": {"auc": 0.9, "by": {"month": np.float32(0.5)}}}, loss=[3, 2.5])
        run.log(loss=1)
        run.log({"val": {"loss": np.array([0.3, np.nan, np.inf])}}, step=10)
    assert run.record.metrics["val.auc"] == 0.9
    assert run.record.metrics["val.by.month"] == 0.5
    assert workspace.run.history("gbm", "loss") == [(0, 3.0), (1, 2.5), (2, 1.0)]
    (first, nan, last) = workspace.run.history("gbm", "val.loss")
    assert (first, nan[0], last) == ((10, 0.3), 11, (12, float("inf")))
    assert math.isnan(nan[1])


def test_a_long_vector_is_kept_whole(workspace: Workspace) -> None:
    numbers = np.arange(1_001) / 7
    with workspace.run("gbm") as run:
        run.log(loss=numbers)
    assert workspace.run.history("gbm", "loss") == list(enumerate(numbers.tolist()))


@pytest.mark.parametrize(
    "vector",
    [[1, 2], (1.0, 2.0), np.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2]), pa.array([1, 2])],
    ids=lambda value: type(value).__module__,
)
def test_a_vector_comes_in_any_form(vector: Any) -> None:
    assert measured({"loss": vector}) == ({}, {"loss": [1.0, 2.0]})


def test_an_array_of_one_number_is_a_number() -> None:
    assert measured({"a": np.array([2.0]), "b": np.array(3)}) == ({"a": 2.0, "b": 3.0}, {})


@pytest.mark.parametrize("value", ["good", ["good"], None, np.zeros((2, 1)), {"deep": "good"}, [[1.0]], object()])
def test_what_is_no_number_is_refused_and_nothing_is_logged(workspace: Workspace, value: Any) -> None:
    with workspace.run("gbm") as run:
        with pytest.raises(
            InvalidError,
            match=r"(?s)the metric note.* must be a number, not .*\nhint: (keep text as a tag|numbers of one)",
        ):
            run.log(auc=1, note=value)
        assert run.record.metrics == {}


def test_a_name_comes_once() -> None:
    with pytest.raises(InvalidError, match=r"the metric val\.auc is given twice"):
        measured({"val.auc": 1, "val": {"auc": 2}})


_NUMBERS = st.floats(allow_nan=False)
_NAMES = st.text("abc", min_size=1, max_size=3)
_NESTED = st.recursive(_NUMBERS, lambda inner: st.dictionaries(_NAMES, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(_NAMES, _NESTED))
def test_every_number_of_a_mapping_is_found_by_its_path(values: dict[str, Any]) -> None:
    for name, number in measured(values)[0].items():
        found: Any = values
        for key in name.split("."):
            found = found[key]
        assert found == number
