"""The same fitted model has the same bytes, whatever process wrote them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from skops.io import dumps, get_untrusted_types, loads

from nbmlops.models.canonical import canonical

ROOT = Path(__file__).parents[2]
FITS = """
import os
import sys
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from nbmlops.core.digests import of_bytes
from nbmlops.models.formats import Skops, Trust

litter = [os.urandom(int(size)) for size in np.random.default_rng().integers(10, 9999, 400)]
del litter[::2]
generator = np.random.default_rng(0)
X = pd.DataFrame(generator.normal(size=(300, 3)), columns=list("abc"))
y = X.a + generator.normal(size=300) > 0
X["kind"] = pd.Categorical(generator.choice(list("xyz"), 300))
columns = ColumnTransformer([("n", StandardScaler(), list("abc")), ("k", OneHotEncoder(sparse_output=False), ["kind"])])
words = TfidfVectorizer().fit(["one two", "two three"])
words.extra_ = {"a", "b", "c", "d", "e"}
words.frozen_ = frozenset(["a", "b", "c", "d", "e"])
for model in (
    HistGradientBoostingClassifier(max_iter=9, random_state=0, categorical_features="from_dtype").fit(X, y),
    HistGradientBoostingClassifier(max_iter=9, random_state=0, early_stopping=True, scoring="roc_auc").fit(X[["a"]], y),
    RandomForestClassifier(9, random_state=0).fit(X[["a", "b"]], y),
    GradientBoostingClassifier(n_estimators=9, random_state=0).fit(X[["a", "b"]], y),
    make_pipeline(columns, HistGradientBoostingClassifier(max_iter=9, random_state=0)).fit(X, y),
    make_pipeline(columns, LogisticRegression()).fit(X, y),
    words,
):
    print(type(model).__name__, of_bytes(Skops().dump(model, Trust())))
"""


def written() -> str:
    found = subprocess.run([sys.executable, "-c", FITS], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout


def test_two_processes_write_the_same_bytes() -> None:
    first = written()
    assert len(first.splitlines()) == 7
    assert first == written()


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(200, 3))
    return values, values[:, 0] > 0


def test_canonical_bytes_stay_as_they_are(rows: tuple[np.ndarray, np.ndarray]) -> None:
    content = canonical(dumps(RandomForestClassifier(5, random_state=0).fit(*rows)))
    assert canonical(content) == content


def test_a_loaded_model_is_written_as_it_was_read(rows: tuple[np.ndarray, np.ndarray]) -> None:
    for model in (GradientBoostingClassifier(n_estimators=5), RandomForestClassifier(5), KMeans(3)):
        content = canonical(dumps(model.fit(*rows)))
        loaded = loads(content, trusted=get_untrusted_types(data=content))
        assert canonical(dumps(loaded)) == content


def test_what_a_model_was_asked_leaves_no_trace(rows: tuple[np.ndarray, np.ndarray]) -> None:
    model = KNeighborsClassifier(algorithm="ball_tree").fit(*rows)
    before = canonical(dumps(model))
    model.predict(rows[0])
    assert canonical(dumps(model)) == before


def test_shared_parts_stay_shared(rows: tuple[np.ndarray, np.ndarray]) -> None:
    part = LogisticRegression().fit(*rows)
    pipeline = make_pipeline(part)
    pipeline.twin_ = part
    loaded = loads(canonical(dumps(pipeline)))
    assert loaded.twin_ is loaded.steps[0][1]


def test_equal_arrays_are_stored_once_and_loaded_apart() -> None:
    model = LogisticRegression()
    model.first_, model.second_ = np.arange(9.0), np.arange(9.0)
    content = canonical(dumps(model))
    assert ZipFile(io.BytesIO(content)).namelist() == ["schema.json", "0.npy"]
    loaded = loads(content)
    assert loaded.first_ is not loaded.second_


def test_the_file_is_plain_zip_with_fixed_times(rows: tuple[np.ndarray, np.ndarray]) -> None:
    words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["one two", "three"] * 5, [0, 1] * 5)
    for member in ZipFile(io.BytesIO(canonical(dumps(words)))).infolist():
        assert (member.date_time, member.compress_type) == ((1980, 1, 1, 0, 0, 0), ZIP_STORED)


def test_a_dict_of_the_users_may_have_any_key() -> None:
    model = LogisticRegression()
    model.extra_ = {"__loader__": "mine", "__id__": 7, "file": "notes.txt", "content": {"__class__": [1, 2]}}
    assert loads(canonical(dumps(model))).extra_ == model.extra_


def test_no_address_remains(rows: tuple[np.ndarray, np.ndarray]) -> None:
    model = RandomForestClassifier(3, random_state=0).fit(*rows)
    schema = ZipFile(io.BytesIO(canonical(dumps(model)))).read("schema.json")
    for part in (model, model.estimators_[0], model.estimators_, model.classes_):
        assert str(id(part)).encode() not in schema
    assert json.loads(schema)["protocol"] >= 2
