"""Autolog: every estimator fits as it does without, and what it fitted is on a run."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from scipy.sparse import csr_matrix
from sklearn import metrics, model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.utils.parallel import Parallel

from nbmlops.models.autolog import hooks, sample
from nbmlops.render import text
from nbmlops.tracking.records import Run
from nbmlops.workspace import Workspace
from tests.models.estimators import NUMBERS, X, every_estimator, target

assert enable_halving_search_cv is not None
assert enable_iterative_imputer is not None

pytestmark = pytest.mark.filterwarnings("ignore:::sklearn")
EVERY = dict(every_estimator())
WHOLE = bool(os.environ.get("NBMLOPS_SOAK_AUTOLOG"))
"""Draw and save for every estimator; else for some of each kind."""
Y = (X[:, 0] + X[:, 1] > 1.6).astype(int)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
RATES = {"C": [0.1, 1.0, 10.0]}
ORIGINAL_FIT, ORIGINAL_CALL = LogisticRegression.fit, Parallel.__call__


def fitted(estimator: BaseEstimator) -> tuple[Any, str, Any]:
    """What an estimator answers once it is fitted, or how it refuses, and what is drawn next."""
    np.random.seed(0)  # noqa: NPY002 - what estimators draw from
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer, refusal = None, ""
        try:
            estimator.fit(X, target(estimator))
        except Exception as error:  # noqa: BLE001 - it is compared
            refusal = f"{type(error).__name__}: {error}"
        else:
            methods = [name for name in ("predict", "transform", "score_samples") if hasattr(estimator, name)]
            answer = getattr(estimator, methods[0])(X) if methods else getattr(estimator, "labels_", None)
    return answer, refusal, np.random.random()  # noqa: NPY002 - as above


@pytest.fixture(scope="module")
def plain() -> dict[str, tuple[Any, str, Any]]:
    """What every estimator does without autolog."""
    return {name: fitted(clone(estimator)) for name, estimator in EVERY.items()}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, plain: object) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("autolog") / "project") as made:
        made.run.autolog(plots=WHOLE, models=WHOLE)
        yield made


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        made.run.autolog()
        yield made


def newest(workspace: Workspace, experiment: str | None = None) -> Run:
    """The newest run with all that is known of it."""
    return workspace.run.show(workspace.run.list(1, experiment=experiment)[0].id)


@pytest.mark.parametrize("name", EVERY)
def test_every_estimator_fits_as_without_and_is_logged(name: str, shared: Workspace, plain: dict[str, Any]) -> None:
    before = shared.run.list(1)
    answer, error, drawn = fitted(clone(EVERY[name]))
    expected, expected_error, expected_drawn = plain[name]
    assert error == expected_error
    assert drawn == expected_drawn, "the random state is another"
    np.testing.assert_array_equal(_dense(answer), _dense(expected))
    after = [run for run in shared.run.list(30) if not before or run.started_at > before[0].started_at]
    whole = [run for run in after if "autolog.part" not in run.tags]
    if not any(hasattr(EVERY[name], method) for method in ("predict", "fit_predict")):
        assert len(whole) <= 1
        return
    (run,) = whole
    assert run.experiment == type(EVERY[name]).__name__
    assert run.status == ("failed" if error else "finished")
    assert run.params
    if not error:
        assert float(run.tags["autolog.seconds"]) > 0
        assert run.metrics["train.rows"] == len(X)


def _dense(answer: Any) -> Any:
    return answer.toarray() if hasattr(answer, "toarray") else answer


def test_most_estimators_were_fitted(plain: dict[str, Any]) -> None:
    assert sum(not error for _, error, _ in plain.values()) > 160


def test_a_fit_is_a_run_with_params_measures_pictures_and_the_model(workspace: Workspace) -> None:
    model = LogisticRegression(C=0.5).fit(FRAME, Y)
    run = newest(workspace)
    assert (run.name, run.status) == ("LogisticRegression-1", "finished")
    assert (run.params["C"], run.params["fit_intercept"], run.params["class_weight"]) == (0.5, True, None)
    assert run.tags["autolog"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert set(run.tags) == {"autolog", "autolog.seconds"}
    given, chances = model.predict(FRAME), model.predict_proba(FRAME)
    expected = {
        "train.accuracy": metrics.accuracy_score(Y, given),
        "train.f1": metrics.f1_score(Y, given, average="weighted"),
        "train.precision": metrics.precision_score(Y, given, average="weighted"),
        "train.recall": metrics.recall_score(Y, given, average="weighted"),
        "train.log_loss": metrics.log_loss(Y, chances),
        "train.roc_auc": metrics.roc_auc_score(Y, chances[:, 1]),
        "train.rows": 40,
        "train.columns": 4,
    }
    assert expected.items() <= run.metrics.items()
    assert set(run.artifacts) == {
        "calibration.png",
        "confusion_matrix.png",
        "feature_importances.json",
        "feature_importances.png",
        "roc_curve.png",
    }
    kept = workspace.run.load_artifact(run.id, "feature_importances.json")
    assert kept["what"] == "coefficient"
    assert kept["columns"] == pytest.approx(dict(zip("abcd", model.coef_[0], strict=True)))
    assert workspace.run.load_artifact(run.id, "roc_curve.png").startswith(b"\x89PNG")
    assert run.outputs == ("LogisticRegression@v1",)
    version = workspace.model.show("LogisticRegression")
    assert [field.name for field in version.signature.inputs] == ["a", "b", "c", "d"]
    assert version.run_id == run.id
    np.testing.assert_array_equal(workspace.model.load("LogisticRegression").predict_proba(FRAME), chances)


def test_a_regressor_is_measured_as_one_with_the_weights_of_its_rows(workspace: Workspace) -> None:
    weight = np.linspace(0.1, 1, len(X))
    model = RandomForestRegressor(3, random_state=0).fit(FRAME, NUMBERS, sample_weight=weight)
    run, given = newest(workspace), model.predict(FRAME)
    assert run.metrics["train.r2"] == metrics.r2_score(NUMBERS, given, sample_weight=weight)
    assert run.metrics["train.rmse"] == metrics.root_mean_squared_error(NUMBERS, given, sample_weight=weight)
    assert set(run.artifacts) == {"feature_importances.json", "feature_importances.png", "residuals.png"}


def test_several_classes_are_measured_one_against_the_rest(workspace: Workspace) -> None:
    several = np.digitize(X[:, 0], [0.5, 1.0])
    model = GaussianNB().fit(X, several)
    chances, settings = model.predict_proba(X), {"multi_class": "ovr", "average": "weighted"}
    run = newest(workspace)
    assert run.metrics["train.roc_auc"] == metrics.roc_auc_score(several, chances, **settings)
    assert set(run.artifacts) == {"confusion_matrix.png", "roc_curve.png"}


def test_several_labels_at_once_are_measured_as_a_set(workspace: Workspace) -> None:
    labels = np.column_stack([Y, 1 - Y, X[:, 2] > 0.8]).astype(int)
    model = MultiOutputClassifier(LogisticRegression()).fit(X, labels)
    run = newest(workspace)
    assert run.metrics["train.accuracy"] == metrics.accuracy_score(labels, model.predict(X))
    assert (set(run.artifacts), run.tags.get("autolog.left_out")) == (set(), None)


def test_rows_without_a_label_are_not_measured(workspace: Workspace) -> None:
    some = np.where(np.arange(len(Y)) % 4, Y, -1)
    model = SelfTrainingClassifier(LogisticRegression()).fit(X, some)
    known = some != -1
    assert newest(workspace).metrics["train.accuracy"] == metrics.accuracy_score(some[known], model.predict(X)[known])


def test_groups_and_densities_are_measured_as_such(workspace: Workspace) -> None:
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    found = newest(workspace).metrics
    assert found["train.clusters"] == 3
    assert found["train.silhouette"] == metrics.silhouette_score(X, model.labels_)
    assert found["inertia"] == model.inertia_
    DBSCAN(eps=0.5).fit_predict(X)
    assert newest(workspace).experiment == "DBSCAN"
    mixture = GaussianMixture(2, random_state=0).fit(X)
    assert newest(workspace).metrics["train.log_likelihood"] == pytest.approx(mixture.score(X))


def test_what_the_fit_reached_step_by_step_becomes_a_curve(workspace: Workspace) -> None:
    model = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(X, Y)
    points = workspace.run.history("GradientBoostingClassifier", "train_score")
    assert points == list(enumerate(model.train_score_.tolist()))


def test_the_active_run_takes_the_first_fit_and_further_ones_are_its_parts(workspace: Workspace) -> None:
    with workspace.run("gbm", params={"depth": 3, "C": 5}) as run:
        LogisticRegression(C=0.5).fit(X, Y)
        Ridge().fit(X, NUMBERS)
    record = workspace.run.show("gbm")
    assert record.params["depth"] == 3
    # The run was given another C by hand, which stays.
    assert (record.params["C"], record.params["LogisticRegression.C"]) == (5, 0.5)
    assert record.metrics["train.accuracy"] > 0.5
    assert record.outputs == ("gbm@v1",)
    assert [(child.experiment, child.parent_id) for child in record.children] == [("Ridge", run.id)]
    with workspace.run("gbm"):
        Ridge().fit(X, NUMBERS)
    assert workspace.run.show("gbm-2").tags["autolog"].endswith("Ridge")


def test_a_pipeline_is_one_run_and_what_only_transforms_is_none(workspace: Workspace) -> None:
    StandardScaler().fit(X)
    PCA(2).fit_transform(X)
    assert workspace.run.list() == []
    pipe = make_pipeline(StandardScaler(), PCA(2), BaggingClassifier(LogisticRegression(), 3, random_state=0))
    pipe.fit(FRAME, Y)
    make_pipeline(StandardScaler(), KMeans(2, n_init=1)).fit_predict(X)
    first, second = reversed(workspace.run.list())
    assert (first.experiment, first.params["pca.n_components"]) == ("Pipeline", 2)
    assert first.params["baggingclassifier.estimator"] == "LogisticRegression"
    assert second.metrics["train.clusters"] == 2


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_is_one_run_and_one_for_each_candidate(workspace: Workspace, backend: str) -> None:
    with parallel_config(backend=backend, n_jobs=2):
        search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), _of_step(RATES), cv=3).fit(X, Y)
    runs = workspace.run.list()
    assert len(runs) == 1 + 3
    whole = workspace.run.show("GridSearchCV-1")
    assert whole.params["best.logisticregression.C"] == search.best_params_["logisticregression__C"]
    assert whole.metrics["best_score"] == search.best_score_
    assert [child.params["logisticregression.C"] for child in whole.children] == RATES["C"]
    reached = [child.metrics["mean_test_score"] for child in whole.children]
    assert reached == search.cv_results_["mean_test_score"].tolist()
    folds = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    assert workspace.run.history("GridSearchCV.candidate-1", "split_test_score") == list(enumerate(folds))
    assert workspace.run.load_artifact(whole.id, "cv_results.csv").count("\n") == 4
    np.testing.assert_array_equal(workspace.model.load("GridSearchCV").predict(X), search.predict(X))


def _of_step(rates: dict[str, list[float]]) -> dict[str, list[float]]:
    return {f"logisticregression__{name}": values for name, values in rates.items()}


@pytest.mark.parametrize(
    ("search", "candidates"),
    [
        (RandomizedSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, n_iter=2, cv=2, random_state=0), 2),
        (HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=2, random_state=0), 4),
        (HalvingRandomSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=2, random_state=0), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_search_is_one_run_and_its_candidates(workspace: Workspace, search: Any, candidates: int | None) -> None:
    search.fit(X, NUMBERS)
    assert len(search.cv_results_["params"]) == (candidates or len(search.cv_results_["params"]))
    runs = workspace.run.list()
    assert len(runs) == 1 + len(search.cv_results_["params"])
    if "n_resources" in search.cv_results_:
        assert {run.params["n_resources"] for run in runs[:-1]} == set(search.cv_results_["n_resources"].tolist())


def test_a_candidate_that_cannot_be_fitted_has_failed(workspace: Workspace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GridSearchCV(LogisticRegression(), {"C": [1.0, -1.0]}, cv=2).fit(X, Y)
    assert [child.status for child in workspace.run.show("GridSearchCV").children] == ["finished", "failed"]


@pytest.mark.parametrize("jobs", [None, 2])
def test_a_cross_validation_is_one_run_and_one_for_each_fold(workspace: Workspace, jobs: int | None) -> None:
    # Both were imported before autolog was switched on, as notebooks do it in their first cell.
    scores = cross_val_score(LogisticRegression(), X, Y, cv=3, n_jobs=jobs)
    found = cross_validate(Ridge(), X, NUMBERS, cv=2, n_jobs=jobs, return_train_score=True, return_estimator=True)
    assert len(workspace.run.list()) == (1 + 3) + (1 + 2)
    first, second = workspace.run.show("LogisticRegression-1"), workspace.run.show("Ridge-1")
    assert first.metrics["mean_test_score"] == pytest.approx(scores.mean())
    assert [child.metrics["test_score"] for child in first.children] == scores.tolist()
    assert second.metrics["std_train_score"] == pytest.approx(found["train_score"].std())
    assert first.params["cv"] == 3
    assert "fit_time" in second.children[0].metrics
    assert set(second.metrics) == {"mean_test_score", "std_test_score", "mean_train_score", "std_train_score"}


def test_fits_that_serve_no_model_are_not_logged(workspace: Workspace) -> None:
    learning_curve(LogisticRegression(), X, Y, cv=2, train_sizes=[0.9])
    model_selection.cross_val_predict(LogisticRegression(), X, Y, cv=2)
    assert workspace.run.list() == []


def test_a_fit_that_raises_fails_its_run_and_raises_what_it_would(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LogisticRegression().fit(X * np.nan, Y)
    run = newest(workspace)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["name"] == "ValueError"
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        LogisticRegression().fit(X)
    assert len(workspace.run.list()) == 1


class Interrupted(ClassifierMixin, BaseEstimator):
    """Is stopped while it is fitted."""

    def fit(self, X: Any, y: Any) -> Any:  # noqa: N803 - scikit-learn's protocol
        raise KeyboardInterrupt

    def predict(self, X: Any) -> Any:  # noqa: N803 - as above
        raise AssertionError


def test_an_interrupt_goes_through(workspace: Workspace) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_pipeline(StandardScaler(), Interrupted()).fit(X, Y)
    assert newest(workspace).status == "killed"


def nearest(rows: Any, others: Any) -> Any:
    return np.abs(rows - others).sum()


def test_what_cannot_be_logged_is_said_on_the_run_and_once_in_a_warning(workspace: Workspace) -> None:
    models = [KNeighborsClassifier(count, metric=nearest) for count in (1, 2, 3)]
    with pytest.warns(UserWarning, match="autolog leaves out model: ") as said:
        assert [model.fit(X, Y) for model in models] == models
    assert len([each for each in said if "autolog" in str(each.message)]) == 1
    for run in workspace.run.list():
        assert run.status == "finished"
        assert "model: " in run.tags["autolog.left_out"]
        assert run.metrics["train.accuracy"] > 0.5


def test_where_warnings_are_errors_a_fit_goes_on(workspace: Workspace) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KNeighborsClassifier(2, metric=nearest).fit(X, Y)
    assert "model: " in newest(workspace).tags["autolog.left_out"]


def test_without_matplotlib_the_run_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.warns(UserWarning, match="autolog leaves out pictures: ModuleNotFoundError"):
        Ridge().fit(X, NUMBERS)
    run = newest(workspace)
    assert "pictures: ModuleNotFoundError" in run.tags["autolog.left_out"]
    assert set(run.artifacts) == {"feature_importances.json"}


def test_a_store_that_cannot_be_written_stops_no_fit(workspace: Workspace) -> None:
    journal = workspace.marker.state / "journal"
    journal.write_text("in the way")
    with pytest.warns(UserWarning, match="autolog leaves out a fit: cannot write to"):
        model = LogisticRegression().fit(X, Y)
    assert model.predict(X).shape == (40,)
    journal.unlink()


def test_a_model_that_draws_when_it_predicts_draws_the_same(workspace: Workspace) -> None:
    holes = np.where(X < 0.3, np.nan, X)

    def predicted() -> Any:
        imputer = IterativeImputer(sample_posterior=True, random_state=np.random.RandomState(0), max_iter=2)
        model = make_pipeline(imputer, LinearRegression()).fit(holes, NUMBERS)
        return model.predict(holes)

    logged = predicted()
    workspace.run.autolog(off=True)
    np.testing.assert_array_equal(logged, predicted())
    assert len(workspace.run.list()) == 1


def test_many_rows_are_measured_by_some(workspace: Workspace) -> None:
    workspace.run.autolog(plots=False, models=False)
    rows = 3 * sample.ROWS
    table = np.random.default_rng(0).normal(size=(rows, 2))
    LinearRegression().fit(table, table[:, 0])
    run = newest(workspace)
    assert run.tags["autolog.measured"] == "10000 of 30000 rows"
    assert (run.metrics["train.rows"], run.metrics["train.r2"]) == (rows, 1)


def test_input_that_the_fit_may_have_written_into_is_not_measured(workspace: Workspace) -> None:
    LinearRegression(copy_X=False).fit(X.copy(), NUMBERS)
    run = newest(workspace)
    assert "train.r2" not in run.metrics
    assert run.tags["autolog.left_out"].startswith("measures: fit may have overwritten its input")


def test_texts_sparse_tables_and_frames_are_taken_as_they_are(workspace: Workspace) -> None:
    make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["one", "two", "one two", "two two"], [0, 1, 0, 1])
    assert workspace.model.show("Pipeline").signature.form == "texts"
    LogisticRegression().fit(csr_matrix(X), Y)
    Ridge().fit(pl.DataFrame(FRAME), pl.Series(NUMBERS))
    assert [field.name for field in workspace.model.show("Ridge").signature.inputs] == ["a", "b", "c", "d"]
    GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2).fit(FRAME, pd.Series(NUMBERS))
    assert [run.tags.get("autolog.left_out") for run in workspace.run.list()] == [None] * 5


def test_threads_of_the_user_get_a_run_each(workspace: Workspace) -> None:
    workspace.run.autolog(plots=False, models=False)
    threads = [threading.Thread(target=Ridge(alpha=n).fit, args=(X, NUMBERS)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.params["alpha"] for run in workspace.run.list()) == [0, 1, 2, 3]


def test_a_forked_process_logs_nothing(workspace: Workspace) -> None:
    script = (
        "import os, sys; import numpy as np; from sklearn.linear_model import Ridge; from nbmlops import ml\n"
        "X = np.eye(4); ml.run.autolog(plots=False, models=False); child = os.fork()\n"
        "Ridge(alpha=1 if child else 2).fit(X, X[0])\n"
        "if not child: os._exit(0)\n"
        "sys.exit(os.waitpid(child, 0)[1])"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, cwd=workspace.marker.root)
    assert [run.params["alpha"] for run in workspace.run.list()] == [1]


def test_switched_off_everything_is_as_before(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "one") as first, Workspace.init(tmp_path / "two") as second:
        assert text(first.run.autolog(plots=False)).startswith("autolog on   what scikit-learn ")
        assert LogisticRegression.fit is not ORIGINAL_FIT
        assert model_selection.cross_val_score is cross_val_score
        second.run.autolog(models=False, plots=False)
        assert text(first.run.autolog(off=True)) == "autolog off"
        Ridge().fit(X, NUMBERS)
        assert (first.run.count(), second.run.count()) == (0, 1)
    assert LogisticRegression.fit is ORIGINAL_FIT
    assert Parallel.__call__ is ORIGINAL_CALL
    assert not hasattr(cross_val_score, "__code__") or cross_val_score.__code__.co_name != "hooked"
    assert isinstance(vars(Pipeline)["fit_predict"], type(vars(Pipeline)["predict"]))


def test_hooks_leave_a_method_its_signature_and_its_condition(workspace: Workspace) -> None:
    assert list(inspect.signature(SVC.fit).parameters) == ["self", "X", "y", "sample_weight"]
    assert not hasattr(make_pipeline(StandardScaler(), Ridge()), "fit_predict")
    assert hasattr(make_pipeline(StandardScaler(), KMeans(2)), "fit_predict")
    assert RandomForestClassifier.set_fit_request is not None


def test_what_a_task_carries_to_another_process_is_its_function_alone() -> None:
    carried = pickle.loads(pickle.dumps(hooks._Within(nearest)))
    assert type(carried).__module__ == "functools"
    assert carried(3, 1) == 2
