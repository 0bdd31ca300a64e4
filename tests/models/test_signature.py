"""What a model takes and gives, learnt from an example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbmlops.core.errors import InvalidError, UnsupportedError
from nbmlops.models.records import ModelSignature, Output, SignatureField
from nbmlops.models.signature import infer

FRAME = pd.DataFrame(
    {
        "hour": np.arange(40, dtype="int8"),
        "wind": np.where(np.arange(40) % 7, np.arange(40.0), np.nan),
        "carrier": pd.Categorical(["UA", "AA"] * 20, categories=["AA", "UA"]),
    }
)
LATE = np.arange(40) % 3 == 0


def classifier() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype").fit(FRAME, LATE)


def test_a_table_is_described_column_by_column() -> None:
    signature = infer(classifier(), FRAME)
    assert signature.form == "table"
    assert signature.inputs == (
        SignatureField("hour", "int8", nullable=False),
        SignatureField("wind", "double", nullable=True),
        SignatureField("carrier", "category<string, ordered=0>", nullable=False, categories=("AA", "UA")),
    )
    assert signature.outputs == (
        Output("predict", "bool", (None,), (False, True)),
        Output("predict_proba", "float64", (None, 2), (False, True)),
    )


def test_arrow_and_arrays_are_described_too() -> None:
    rows = FRAME[["hour", "wind"]].fillna(0.0)
    model = LinearRegression().fit(rows, FRAME.hour)
    assert [field.type for field in infer(model, pa.Table.from_pandas(rows)).inputs] == ["int8", "double"]
    model = LinearRegression().fit(rows.to_numpy(), FRAME.hour)
    signature = infer(model, rows.to_numpy())
    assert (signature.form, signature.inputs[1]) == ("array", SignatureField("x1", "double", nullable=True))
    assert signature.outputs == (Output("predict", "float64", (None,)),)


def test_texts_and_transformers_are_described_too() -> None:
    words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["one two", "three"] * 5, ["a", "b"] * 5)
    signature = infer(words, ["one", "two"])
    assert (signature.form, signature.outputs[0].classes) == ("texts", ("a", "b"))
    assert infer(TfidfVectorizer().fit(["one two"]), ["one"]).outputs == (Output("transform", "float64", (None, 2)),)


def test_without_an_example_the_names_are_those_that_the_model_remembers() -> None:
    assert infer(classifier()).inputs[0] == SignatureField("hour", "unknown")
    assert infer(StandardScaler().fit([[1.0, 2.0]])).form == "array"
    assert infer(classifier()).outputs == ()


@pytest.mark.parametrize("example", [None, FRAME])
def test_it_comes_back_from_json(example: pd.DataFrame | None) -> None:
    signature = infer(classifier(), example)
    assert ModelSignature.from_json(signature.to_json()) == signature


def test_one_of_a_later_format_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="format 99"):
        ModelSignature.from_json({**infer(classifier()).to_json(), "format": 99})


@pytest.mark.parametrize(
    ("example", "why"),
    [(FRAME.head(0), "no rows"), ("flights", "is a str"), (np.arange(3), "is a ndarray"), ({"a": [1]}, "is a dict")],
)
def test_what_is_no_example_is_refused(example: object, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        infer(classifier(), example)


def test_a_column_of_objects_is_named() -> None:
    odd = FRAME.assign(hour=[object()] * 40)
    with pytest.raises(InvalidError, match="'hour'"):
        infer(classifier(), odd)
