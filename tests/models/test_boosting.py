"""xgboost and lightgbm: saved in their own safe files, signed, loaded, and refused where an index does not hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest
import xgboost

from nbmlops.core.errors import CorruptError, InvalidError, NbmlopsError, UnsupportedError
from nbmlops.models.formats import FORMATS, Trust
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parents[2]
COLUMNS = ["a", "b", "noise"]


def light(kind: str = "LGBMClassifier", **settings: Any) -> Any:
    return getattr(lightgbm, kind)(**{"n_estimators": 5, "verbose": -1, "random_state": 0, **settings})


def extreme(kind: str = "XGBClassifier", **settings: Any) -> Any:
    return getattr(xgboost, kind)(**{"n_estimators": 5, "random_state": 0, **settings})


def thirds(train: pd.DataFrame) -> Any:
    return np.digitize(train.a, np.quantile(train.a, [1 / 3, 2 / 3]))


ESTIMATORS = {
    "light": (light(), lambda train: np.where(train.late, "late", "on time")),
    "light, three classes": (light(), thirds),
    "light, one against all": (light(objective="multiclassova"), thirds),
    "light, truth": (light(), lambda train: train.late.to_numpy(dtype=bool)),
    "light, numbers": (light("LGBMRegressor", objective="huber"), lambda train: train.a),
    "light, of roots": (light("LGBMRegressor", reg_sqrt=True), lambda train: train.a),
    "light, a forest": (
        light("LGBMRegressor", boosting_type="rf", bagging_freq=1, bagging_fraction=0.5),
        lambda train: train.a,
    ),
    "light, monotone": (light("LGBMRegressor", monotone_constraints=[1, 0, 0]), lambda train: train.a),
    "light, nothing to learn": (light("LGBMRegressor"), lambda train: np.ones(len(train))),
    "extreme": (extreme(), lambda train: train.late.astype(int)),
    "extreme, three classes": (extreme(), thirds),
    "extreme, pruned": (extreme(tree_method="exact", gamma=2), lambda train: train.late.astype(int)),
    "extreme, lossguide": (extreme(grow_policy="lossguide", max_leaves=8), lambda train: train.late.astype(int)),
    "extreme, dart": (extreme("XGBRegressor", booster="dart"), lambda train: train.a),
    "extreme, linear": (extreme("XGBRegressor", booster="gblinear"), lambda train: train.a),
    "extreme, a forest": (extreme("XGBRFClassifier"), lambda train: train.late.astype(int)),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_loaded_answers_as_what_was_saved(
    registry: Registry, name: str, train: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    estimator, target = ESTIMATORS[name]
    estimator.fit(train[COLUMNS], target(train))
    saved = registry.models.save(estimator, "delay", example=train[COLUMNS].head(50))
    loaded = registry.models.load("delay")
    assert saved.format == ("lightgbm" if name.startswith("light") else "xgboost")
    assert saved.estimator == f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    for method in ("predict", "predict_proba"):
        assert hasattr(estimator, method) == hasattr(loaded, method)
        if hasattr(estimator, method):
            np.testing.assert_array_equal(
                getattr(loaded, method)(holdout[COLUMNS]), getattr(estimator, method)(holdout[COLUMNS])
            )
    assert registry.models.save(loaded, "delay", example=train[COLUMNS].head(50)) == saved
    assert registry.models.save(estimator, "delay", example=train[COLUMNS].head(50)) == saved
    (seal,) = registry.models.verify("delay")
    assert seal.holds


def test_the_library_itself_reads_the_file(train: pd.DataFrame) -> None:
    for estimator in (light(), extreme()):
        estimator.fit(train[COLUMNS], train.late.astype(int))
    ours = FORMATS["lightgbm"].dump(estimator := light().fit(train[COLUMNS], train.late), Trust())
    booster = lightgbm.Booster(model_str=ours.decode())
    np.testing.assert_array_equal(booster.predict(train[COLUMNS]), estimator.predict_proba(train[COLUMNS])[:, 1])
    other = extreme().fit(train[COLUMNS], train.late.astype(int))
    found = xgboost.Booster()
    found.load_model(bytearray(FORMATS["xgboost"].dump(other, Trust())))
    np.testing.assert_array_equal(
        found.predict(xgboost.DMatrix(train[COLUMNS])), other.predict_proba(train[COLUMNS])[:, 1]
    )


def test_light_keeps_categories_and_takes_columns_in_any_order(registry: Registry, train: pd.DataFrame) -> None:
    rows = train[["a", "b"]].assign(carrier=np.where(train.noise > 0, "UA", "AA")).astype({"carrier": "category"})
    model = light(min_data_per_group=1).fit(rows, train.late)
    registry.models.save(model, "delay", example=rows.head(50))
    loaded = registry.models.load("delay")
    np.testing.assert_array_equal(loaded.predict_proba(rows[["carrier", "b", "a"]]), model.predict_proba(rows))
    with pytest.raises(InvalidError, match="lack columns that the model takes: carrier"):
        loaded.predict(rows[["a", "b"]])
    with pytest.raises(InvalidError, match="takes rows of 3 columns"):
        loaded.predict(np.zeros((2, 2)))


def test_light_says_what_each_column_adds(registry: Registry, train: pd.DataFrame) -> None:
    model = light("LGBMRegressor").fit(train[COLUMNS], train.a)
    registry.models.save(model, "delay", example=train[COLUMNS])
    parts = registry.models.load("delay").contributions(train[COLUMNS])
    np.testing.assert_allclose(parts.sum(axis=1), model.predict(train[COLUMNS]))
    assert np.abs(parts[:, 0]).mean() > 10 * np.abs(parts[:, 1:3]).mean()


@pytest.mark.parametrize(
    ("estimator", "error", "words"),
    [
        (light(), InvalidError, "the LGBMClassifier is not fitted"),
        (extreme(), InvalidError, "the XGBClassifier is not fitted"),
        (extreme("XGBRegressor", missing=-1.0), UnsupportedError, r"takes -1\.0 for missing"),
        (extreme("XGBRegressor", multi_strategy="multi_output_tree"), UnsupportedError, "more than one answer"),
        (extreme("XGBRegressor", objective=lambda truth, given: (given, given)), UnsupportedError, "is a function"),
        (light("LGBMRegressor", objective=lambda truth, given: (given, given)), UnsupportedError, "is a function"),
        (light("LGBMRegressor", linear_tree=True), UnsupportedError, "linear trees"),
    ],
    ids=lambda each: getattr(each, "__name__", None) if isinstance(each, type) else None,
)
def test_what_a_file_cannot_hold_is_refused_at_save(
    registry: Registry, train: pd.DataFrame, estimator: Any, error: type[NbmlopsError], words: str
) -> None:
    if "not fitted" not in words:
        both = getattr(estimator, "multi_strategy", None) is not None
        estimator.fit(train[COLUMNS], train[["a", "b"]] if both else train.a)
    with pytest.raises(error, match=words) as refused:
        registry.models.save(estimator, "delay", example=train[COLUMNS].head())
    assert refused.value.hint


def test_categories_inside_xgboost_are_refused(registry: Registry, train: pd.DataFrame) -> None:
    rows = train[["a"]].assign(carrier=np.where(train.noise > 0, "UA", "AA")).astype({"carrier": "category"})
    with pytest.raises(UnsupportedError, match="categories"):
        registry.models.save(extreme(enable_categorical=True).fit(rows, train.late.astype(int)), "delay")


def test_another_class_is_refused(registry: Registry, good: Any) -> None:
    for kind in ("xgboost", "lightgbm"):
        with pytest.raises(InvalidError, match=f"LogisticRegression cannot be saved as {kind}"):
            registry.models.save(good, "delay", format=kind)


def test_a_model_of_a_stranger_is_not_read(registry: Registry, train: pd.DataFrame, tmp_path: Path) -> None:
    registry.models.save(light().fit(train[COLUMNS], train.late), "delay")
    with pytest.raises(NbmlopsError, match="which you do not trust"):
        registry.as_seen_by(Keyring(tmp_path / "other")).load("delay")


def test_no_number_that_is_changed_ends_the_process(train: pd.DataFrame, tmp_path: Path) -> None:
    rounds = int(os.environ.get("NBMLOPS_SOAK_MUTATIONS", "80"))
    names = ["light, three classes", "extreme, three classes", "extreme, dart", "extreme, linear", "extreme, pruned"]
    files = []
    for number, name in enumerate(names):
        estimator, target = ESTIMATORS[name]
        kind = "lightgbm" if name.startswith("light") else "xgboost"
        path = tmp_path / str(number)
        path.write_bytes(FORMATS[kind].dump(estimator.fit(train[COLUMNS], target(train)), Trust()))
        files.append(f"{kind}:{path}")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.models.mutations", str(rounds), *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, line in zip(names, done.stdout.splitlines(), strict=True):
        refused, answered = map(int, line.split())
        print(f"{name}: {refused} changed files refused, {answered} that are models still answer")
        assert refused > rounds / 10


def test_neither_library_is_imported_by_who_has_no_such_model() -> None:
    code = (
        "from sklearn.linear_model import LogisticRegression as L\n"
        "from nbmlops.models.formats import format_asked, Trust\n"
        "model = L().fit([[0.0], [1.0]], [0, 1])\n"
        "chosen = format_asked(None, model)\n"
        "chosen.load(chosen.dump(model, Trust()), Trust())\n"
        "import sys; print({'lightgbm', 'xgboost'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_file_of_a_later_form_asks_for_a_later_version(train: pd.DataFrame) -> None:
    content = FORMATS["lightgbm"].dump(light().fit(train[COLUMNS], train.late), Trust())
    with pytest.raises(UnsupportedError, match="form 2; this version reads 1"):
        FORMATS["lightgbm"].load(content.replace(b'"form":1', b'"form":2'), Trust())
    with pytest.raises(CorruptError, match="does not say what the model takes"):
        FORMATS["lightgbm"].load(content.replace(b'"form":1', b'"form":"1"'), Trust())
