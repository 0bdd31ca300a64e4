"""Save a model, load it, and what is refused."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, UnsupportedError, UntrustedError
from nbmlops.store.lineage import Active, Executing, activate
from tests.models.registry import Registry

THIRD_PARTY = """
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

class Double(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self
    def transform(self, X):
        return X * 2

def halve(X):
    return X / 2
"""


@pytest.fixture
def third_party(tmp_path: Path) -> Iterator[ModuleType]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "third_party.py").write_text(THIRD_PARTY)
    sys.path.insert(0, str(tmp_path / "code"))
    yield importlib.import_module("third_party")
    sys.path.remove(str(tmp_path / "code"))
    del sys.modules["third_party"]


def test_what_is_loaded_predicts_what_was_saved(
    registry: Registry, good: LogisticRegression, holdout: pd.DataFrame
) -> None:
    columns = holdout[["a", "b", "noise"]]
    saved = registry.models.save(good, "delay", example=columns, message="first")
    loaded = registry.models.load("delay")
    np.testing.assert_array_equal(loaded.predict_proba(columns), good.predict_proba(columns))
    assert (saved.ref, saved.format, saved.message) == ("delay@v1", "skops", "first")
    assert saved.estimator == "sklearn.linear_model._logistic.LogisticRegression"
    assert saved.signer == registry.keyring.sign(b"").key
    assert saved.libraries["scikit-learn"]
    assert saved == registry.models.show("delay@v1")


def test_the_same_model_again_is_the_same_version(
    registry: Registry, good: LogisticRegression, train: pd.DataFrame
) -> None:
    first = registry.models.save(good, "delay")
    again = LogisticRegression().fit(train[["a", "b", "noise"]], train.late)
    assert registry.models.save(again, "delay") == first
    assert registry.models.save(registry.models.load("delay"), "delay") == first


def test_verbs_on_versions(registry: Registry, good: LogisticRegression, poor: LogisticRegression) -> None:
    models = registry.models
    models.save(good, "delay")
    models.save(poor, "delay")
    assert [version.number for version in models.history("delay")] == [2, 1]
    assert [version.ref for version in models.list()] == ["delay@v2"]
    models.delete("delay@v2")
    assert models.show("delay").number == 1
    assert [version.ref for version in models.restore("delay@v2")] == ["delay@v2"]
    assert models.rename("delay", "late").ref == "late@v2"
    with pytest.raises(NotFoundError, match="no model named 'delay'"):
        models.load("delay")


def test_a_version_with_an_alias_is_not_deleted(registry: Registry, good: LogisticRegression) -> None:
    registry.models.save(good, "delay")
    registry.models.promote("delay", "champion")
    with pytest.raises(RefusedError, match="the alias champion is on it"):
        registry.models.delete("delay")


def test_a_model_knows_the_data_that_its_run_had_read(
    registry: Registry, good: LogisticRegression, train: pd.DataFrame
) -> None:
    registry.data.save(train, "delays_train")
    with activate(Active("f" * 32, notebook="4_train.ipynb", cell=Executing(1, "abc", "0" * 64, "fit()"))):
        registry.data.load("delays_train")
        saved = registry.models.save(good, "delay")
    assert saved.inputs == ("delays_train@v1",)
    assert (saved.run_id, saved.notebook, saved.cell_id) == ("f" * 32, "4_train.ipynb", "abc")


@pytest.mark.parametrize("value", [42, "model", None, LogisticRegression, {"a": 1}])
def test_what_is_no_estimator_is_refused(registry: Registry, value: object) -> None:
    with pytest.raises(InvalidError, match="no scikit-learn estimator"):
        registry.models.save(value, "delay")


def test_an_estimator_that_is_not_fitted_is_refused(registry: Registry) -> None:
    with pytest.raises(InvalidError, match="LogisticRegression is not fitted"):
        registry.models.save(LogisticRegression(), "delay")


def test_an_example_of_other_columns_is_refused(
    registry: Registry, good: LogisticRegression, holdout: pd.DataFrame
) -> None:
    with pytest.raises(InvalidError, match="cannot predict its own example"):
        registry.models.save(good, "delay", example=holdout[["a", "b"]])
    assert registry.models.list() == []


def test_a_class_defined_in_a_cell_is_refused_with_the_way_out(registry: Registry) -> None:
    cell = type("Guess", (ClassifierMixin, BaseEstimator), {"__module__": "__main__", "fit": lambda self: self})
    model = cell()
    model.fitted_ = True
    with pytest.raises(InvalidError, match=r"defined in a cell.*: Guess") as refused:
        registry.models.save(model, "delay")
    assert "move it to a module" in str(refused.value.hint)


def test_a_function_without_a_name_is_refused(registry: Registry) -> None:
    model = make_pipeline(FunctionTransformer(lambda rows: rows)).fit([[1.0]])
    with pytest.raises(InvalidError, match="<lambda>"):
        registry.models.save(model, "delay")


def test_an_unknown_class_needs_trust_by_name(registry: Registry, third_party: ModuleType) -> None:
    model = third_party.Double().fit([[1.0]])
    with pytest.raises(UntrustedError, match=r"third_party\.Double") as refused:
        registry.models.save(model, "double")
    assert str(refused.value.hint).endswith("`nbmlops model trust third_party.Double`")
    assert registry.models.trust_type("third_party.Double") == ("third_party.Double",)
    registry.models.save(model, "double", example=np.ones((2, 1)))
    assert registry.models.load("double").transform(np.ones((1, 1))) == [[2.0]]
    event = registry.audit.events()[0]
    assert (event.action, event.subject) == ("model.trust", "third_party.Double")


def test_an_unknown_function_needs_trust_by_name(registry: Registry, third_party: ModuleType) -> None:
    model = FunctionTransformer(third_party.halve).fit([[1.0]])
    with pytest.raises(UntrustedError, match=r"third_party\.halve"):
        registry.models.save(model, "halve")
    registry.models.trust_type("third_party.halve")
    registry.models.save(model, "halve")
    assert registry.models.load("halve").transform(np.ones((1, 1))) == [[0.5]]


@pytest.mark.parametrize(
    "name",
    ["os.system", "builtins.eval", "subprocess.Popen", "joblib.load", "scipy.stats._distn_infrastructure.rv_frozen"],
)
def test_what_can_run_any_code_cannot_be_trusted(registry: Registry, name: str) -> None:
    with pytest.raises(RefusedError, match=name):
        registry.models.trust_type(name)
    assert registry.keyring.types() == frozenset()


@pytest.mark.parametrize(
    ("name", "error"), [("__main__.Mine", RefusedError), ("nosuch.Type", NotFoundError), ("numpy.Nope", NotFoundError)]
)
def test_what_is_nowhere_cannot_be_trusted(registry: Registry, name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=name):
        registry.models.trust_type(name)
    assert registry.keyring.types() == frozenset()


def test_a_bad_name_is_refused_before_anything_is_stored(registry: Registry, good: LogisticRegression) -> None:
    for name in ("../delay", "a/b", ""):
        with pytest.raises(InvalidError):
            registry.models.save(good, name)
    assert registry.models.list() == []


def test_a_model_from_somebody_else_needs_their_key(
    registry: Registry, good: LogisticRegression, tmp_path: Path
) -> None:
    from nbmlops.store.trust import Keyring

    registry.models.save(good, "delay")
    colleague = Keyring(tmp_path / "colleague")
    theirs = registry.as_seen_by(colleague)
    with pytest.raises(UntrustedError, match="delay@v1: signed by the key"):
        theirs.load("delay")
    colleague.trust_key(registry.keyring.public_key(), "author")
    assert theirs.load("delay").coef_.shape == (1, 3)


def test_what_skops_cannot_write_is_refused(registry: Registry) -> None:
    from sklearn.cluster import Birch

    with pytest.raises(UnsupportedError, match="Birch cannot be written"):
        registry.models.save(Birch().fit(np.random.default_rng(0).normal(size=(30, 2))), "groups")


def test_an_example_can_be_added_to_a_model_that_is_there(registry: Registry, good: LogisticRegression) -> None:
    first = registry.models.save(good, "delay")
    example = pd.DataFrame(np.zeros((3, good.n_features_in_)), columns=getattr(good, "feature_names_in_", None))
    second = registry.models.save(good, "delay", example=example)
    assert (second.number, second.digest) == (2, first.digest)
    assert second.signature.inputs != first.signature.inputs
    assert registry.models.save(good, "delay", example=example).number == 2
    assert registry.models.save(good, "delay").number == 2
    assert registry.models.load("delay").get_params() == good.get_params()
