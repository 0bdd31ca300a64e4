"""Formats of models: what each holds, what it refuses, and that what was saved is what is loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from nbmlops.core.errors import InvalidError, NbmlopsError, UnsupportedError, UntrustedError
from nbmlops.models.formats.onnx_model import BOUND
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator

COLUMNS = ["a", "b", "noise"]
PREDICTOR = """
class Above:
    def __init__(self, limit):
        self.limit = limit
    def predict(self, rows):
        return rows["a"] > self.limit
    def to_json(self):
        return {"limit": self.limit}
    @classmethod
    def from_json(cls, values):
        return cls(values["limit"])
"""


@pytest.fixture
def predictors(tmp_path: Path) -> Iterator[ModuleType]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "predictors.py").write_text(PREDICTOR)
    sys.path.insert(0, str(tmp_path / "code"))
    yield importlib.import_module("predictors")
    sys.path.remove(str(tmp_path / "code"))
    del sys.modules["predictors"]


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        RandomForestClassifier(10, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        HistGradientBoostingClassifier(max_iter=10, random_state=0),
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_classifier_as_onnx_answers_within_the_bound(
    registry: Registry, estimator: Any, train: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    estimator.fit(train[COLUMNS], train.late)
    saved = registry.models.save(estimator, "delay", example=train[COLUMNS], format="onnx")
    loaded = registry.models.load("delay")
    assert (saved.format, saved.libraries["onnxruntime"] != "") == ("onnx", True)
    assert saved.estimator == f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    rows = holdout[COLUMNS]
    np.testing.assert_array_equal(loaded.predict(rows), estimator.predict(rows))
    np.testing.assert_allclose(loaded.predict_proba(rows), estimator.predict_proba(rows), rtol=BOUND, atol=BOUND)


@pytest.mark.parametrize(
    "estimator",
    [LinearRegression(), RandomForestRegressor(10, random_state=0), HistGradientBoostingRegressor(max_iter=10)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_regressor_as_onnx_answers_within_the_bound(
    registry: Registry, estimator: Any, train: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    estimator.fit(train[COLUMNS].to_numpy(), train.a * 2 + train.b)
    registry.models.save(estimator, "delay", example=train[COLUMNS].to_numpy(), format="onnx")
    loaded = registry.models.load("delay")
    assert not hasattr(loaded, "predict_proba")
    rows = holdout[COLUMNS].to_numpy()
    np.testing.assert_allclose(loaded.predict(rows), estimator.predict(rows), rtol=BOUND, atol=BOUND)


def test_onnx_takes_a_table_with_texts_in_any_order_of_columns(registry: Registry, train: pd.DataFrame) -> None:
    rows = train[["a", "b"]].assign(carrier=np.where(train.noise > 0, "UA", "AA"))
    columns = make_column_transformer((OneHotEncoder(), ["carrier"]), (StandardScaler(), ["a", "b"]))
    model = make_pipeline(columns, LogisticRegression()).fit(rows, np.where(train.late, "late", "on time"))
    registry.models.save(model, "delay", example=rows, format="onnx")
    loaded = registry.models.load("delay")
    assert loaded.predict(rows[["carrier", "b", "a"]]).tolist() == model.predict(rows).tolist()
    with pytest.raises(InvalidError, match="lack columns that the model takes: carrier"):
        loaded.predict(rows[["a", "b"]])
    with pytest.raises(InvalidError, match="the column carrier lacks a value"):
        loaded.predict(rows.assign(carrier=None))


def test_onnx_loaded_and_saved_again_is_the_same_version(
    registry: Registry, good: LogisticRegression, train: pd.DataFrame
) -> None:
    first = registry.models.save(good, "delay", example=train[COLUMNS], format="onnx")
    again = registry.models.save(registry.models.load("delay"), "delay", example=train[COLUMNS])
    assert again == first


def test_onnx_without_an_example_is_refused(registry: Registry, good: LogisticRegression) -> None:
    with pytest.raises(InvalidError, match="written as ONNX with an example"):
        registry.models.save(good, "delay", format="onnx")


def test_onnx_that_answers_differently_is_refused_with_the_difference(registry: Registry) -> None:
    rows = np.array([[2.0**60], [2.0**60 + 2.0**40], [2.0**60 + 2.0**41]])
    model = RandomForestRegressor(5, bootstrap=False, random_state=0).fit(rows / 2.0**60 - 1, [0.0, 1.0, 5.0])
    model.predict = lambda given: given[:, 0] * 3.0  # type: ignore[method-assign]
    with pytest.raises(InvalidError, match=r"as ONNX differ by \S+ from its own on the example; at most 1e-05"):
        registry.models.save(model, "delay", example=rows / 2.0**60 - 1, format="onnx")


def test_what_skl2onnx_cannot_write_is_refused(registry: Registry, train: pd.DataFrame) -> None:
    model = make_pipeline(FunctionTransformer(np.sinh), LogisticRegression()).fit(train[COLUMNS], train.late)
    with pytest.raises(UnsupportedError, match="Pipeline cannot be written as ONNX"):
        registry.models.save(model, "delay", example=train[COLUMNS], format="onnx")


def test_a_format_that_is_nowhere_is_refused(registry: Registry, good: LogisticRegression) -> None:
    with pytest.raises(InvalidError, match="there is no format 'onxx'") as refused:
        registry.models.save(good, "delay", format="onxx")
    assert refused.value.hint == "did you mean onnx?"


def test_joblib_is_refused_for_what_skops_holds(registry: Registry, good: LogisticRegression) -> None:
    with pytest.raises(InvalidError, match="a skops file can hold this LogisticRegression"):
        registry.models.save(good, "delay", format="joblib")


@pytest.fixture
def search(train: pd.DataFrame) -> BaseEstimator:
    """Holds a distribution of scipy, which no skops file may hold."""
    found = RandomizedSearchCV(LogisticRegression(), {"C": uniform(0.1, 1)}, n_iter=2, random_state=0)
    return found.fit(train[COLUMNS], train.late)


def test_joblib_loads_for_whom_it_was_saved_by(registry: Registry, search: Any, train: pd.DataFrame) -> None:
    with pytest.raises(UntrustedError, match="nobody can trust"):
        registry.models.save(search, "delay", example=train[COLUMNS])
    saved = registry.models.save(search, "delay", example=train[COLUMNS], format="joblib")
    assert saved.format == "joblib"
    loaded = registry.models.load("delay")
    np.testing.assert_array_equal(loaded.predict(train[COLUMNS]), search.predict(train[COLUMNS]))


def test_joblib_of_another_person_needs_trust_in_their_code(registry: Registry, search: Any, tmp_path: Path) -> None:
    signer = registry.models.save(search, "delay", format="joblib").signer
    other = Keyring(tmp_path / "other")
    models = registry.as_seen_by(other)
    with pytest.raises(UntrustedError, match="which you do not trust"):
        models.load("delay")
    with pytest.raises(InvalidError, match="not the id of a key that you trust"):
        models.trust_type(f"joblib:{signer}")
    other.trust_key(registry.keyring.public_key(), "a colleague")
    with pytest.raises(UntrustedError, match="runs any code that its signer put in") as refused:
        models.load("delay")
    assert "model trust joblib:" in str(refused.value.hint)
    models.trust_type(f"joblib:{signer}")
    assert models.load("delay").n_iter == 2
    assert registry.audit.events()[0].subject == f"joblib:{signer}"


def test_joblib_says_that_it_runs_code(registry: Registry, search: Any) -> None:
    from nbmlops.models import views  # noqa: F401 - registers the looks
    from nbmlops.render.dispatch import text

    assert "runs code when it is loaded" in text(registry.models.save(search, "delay", format="joblib"))


def test_a_plain_predictor_is_saved_once_its_class_is_trusted(
    registry: Registry, predictors: ModuleType, train: pd.DataFrame
) -> None:
    with pytest.raises(UntrustedError, match=r"predictors\.Above.*not reviewed"):
        registry.models.save(predictors.Above(0.5), "rule", example=train[COLUMNS])
    registry.models.trust_type("predictors.Above")
    saved = registry.models.save(predictors.Above(0.5), "rule", example=train[COLUMNS])
    assert (saved.format, saved.estimator) == ("plain", "predictors.Above")
    loaded = registry.models.load("rule")
    assert (type(loaded), loaded.limit) == (predictors.Above, 0.5)
    assert registry.models.save(loaded, "rule", example=train[COLUMNS]) == saved


def test_a_plain_predictor_gives_values_that_json_holds(registry: Registry, predictors: ModuleType) -> None:
    registry.models.trust_type("predictors.Above")
    for limit in (float("nan"), {1, 2}, object()):
        with pytest.raises(InvalidError, match="gives what JSON cannot hold"):
            registry.models.save(predictors.Above(limit), "rule")
    with pytest.raises(InvalidError, match="lacks predict, to_json or the class method from_json"):
        registry.models.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), "rule", format="plain")


def test_verify_tells_what_holds(registry: Registry, good: LogisticRegression, search: Any, tmp_path: Path) -> None:
    registry.models.save(good, "delay")
    registry.models.save(search, "search", format="joblib")
    seals = {seal.ref: seal for seal in registry.models.verify(every=True)}
    assert all(seal.holds for seal in seals.values())
    assert set(seals) == {"delay@v1", "search@v1"}
    other = Keyring(tmp_path / "other")
    stranger = registry.as_seen_by(other)
    (seal,) = stranger.verify("delay")
    assert (seal.content, seal.signature, seal.types, seal.holds) == ("held", "broken", "", False)
    other.trust_key(registry.keyring.public_key())
    found = {seal.ref: seal.types for seal in stranger.verify(every=True)}
    assert found == {"delay@v1": "held", "search@v1": "broken"}


def test_verify_finds_changed_bytes(registry: Registry, good: LogisticRegression) -> None:
    registry.models.save(good, "delay")
    for pack in (registry.folder / "objects").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 500:
            content = bytearray(pack.read_bytes())
            content[len(content) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(content)
    (seal,) = registry.models.verify("delay")
    assert (seal.content, seal.signature, seal.holds) == ("broken", "", False)


def test_verify_asks_for_a_version_or_all(registry: Registry) -> None:
    with pytest.raises(InvalidError, match="say which version"):
        registry.models.verify()
    with pytest.raises(NbmlopsError):
        registry.models.verify("delay")
