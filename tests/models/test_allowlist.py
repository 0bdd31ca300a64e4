"""Every reviewed type is needed by an estimator that comes back with equal answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import _bsplines
from scipy.sparse import csr_matrix
from sklearn import metrics
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import BisectingKMeans, FeatureAgglomeration
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer
from sklearn.feature_selection import (
    SelectKBest,
    chi2,
    f_classif,
    f_regression,
    mutual_info_classif,
    mutual_info_regression,
    r_regression,
)
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, TweedieRegressor
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OrdinalEncoder, SplineTransformer
from sklearn.svm import SVC, LinearSVC
from skops.io import get_untrusted_types

from nbmlops.core.errors import UntrustedError
from nbmlops.models.allowlist import ALLOWED, GROUPS, never
from nbmlops.models.canonical import states
from nbmlops.models.formats import Skops, Trust

assert enable_halving_search_cv is not None
assert enable_iterative_imputer is not None

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
MIXED = pd.DataFrame({"a": X[:, 0], "kind": pd.Categorical(GENERATOR.choice(list("xyz"), 60))})
TREE = "sklearn.tree._tree.Tree"
FOLDS = "sklearn.model_selection._split"
RATES = {"C": [0.1, 1.0]}
# skops trusts these when they were enabled before it was imported, and distrusts them else.
# What a spline holds, before and from scipy 1.18.
SPLINE = {"scipy._lib.array_api_compat.numpy._aliases.asarray", "scipy.interpolate._bsplines._BSpline"}
PRESENT = {name for name in SPLINE if name.endswith("._BSpline") == hasattr(_bsplines, "_BSpline")}
EXPERIMENTAL = {
    "sklearn.impute._iterative.IterativeImputer",
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
    "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
}
SCORES = {
    "_classification": "accuracy_score balanced_accuracy_score brier_score_loss f1_score log_loss precision_score "
    "recall_score",
    "_ranking": "average_precision_score roc_auc_score",
    "_regression": "max_error mean_absolute_error mean_absolute_percentage_error mean_squared_error "
    "median_absolute_error r2_score root_mean_squared_error",
}


def search(**settings: Any) -> GridSearchCV:
    return GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, **{"cv": KFold(2), **settings}).fit(X, Y)


def knn(metric: str, algorithm: str = "ball_tree") -> KNeighborsClassifier:
    return KNeighborsClassifier(algorithm=algorithm, metric=metric).fit(X, Y)


def process(kernel: kernels.Kernel) -> GaussianProcessRegressor:
    return GaussianProcessRegressor(kernel, optimizer=None, alpha=1.0).fit(X, X[:, 0])


def named(prefix: str, words: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{word}" for word in words.split())


def selection(score: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: SelectKBest(score, k=2).fit(np.abs(X), Y)


def with_a_frozenset() -> LinearRegression:
    model = LinearRegression().fit(X, X[:, 0])
    model.used_ = frozenset(["a", "b", "c"])
    return model


Case = tuple[tuple[str, ...], Callable[[], Any], Any]
CASES: list[Case] = [
    ((TREE,), lambda: RandomForestClassifier(5).fit(X, Y), X),
    ((TREE,), lambda: GradientBoostingClassifier(n_estimators=5).fit(X, Y), X),
    ((TREE,), lambda: IsolationForest(n_estimators=5).fit(X), X),
    (
        (
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "functools.partial",
            "sklearn.utils.validation.check_array",
        ),
        lambda: HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype").fit(MIXED, Y),
        MIXED,
    ),
    (
        ("sklearn.neighbors._kd_tree.KDTree", *named("sklearn.metrics._dist_metrics", "EuclideanDistance64")),
        lambda: knn("euclidean", "kd_tree"),
        X,
    ),
    *[
        (
            ("sklearn.neighbors._ball_tree.BallTree", f"sklearn.metrics._dist_metrics.{title}Distance64"),
            lambda metric=metric: knn(metric),
            X,
        )
        for metric, title in {
            "braycurtis": "BrayCurtis",
            "canberra": "Canberra",
            "chebyshev": "Chebyshev",
            "hamming": "Hamming",
            "manhattan": "Manhattan",
        }.items()
    ],
    (("scipy.sparse._csr.csr_matrix",), lambda: SVC().fit(csr_matrix(X), Y), csr_matrix(X)),
    (
        ("scipy.interpolate._bsplines.BSpline", *(SPLINE & PRESENT)),
        lambda: SplineTransformer().fit(X),
        X,
    ),
    (("numpy.dtype",), lambda: make_pipeline(SimpleImputer(), KBinsDiscretizer(3)).fit(X), X),
    *[
        ((f"numpy.{name}",), lambda name=name: FeatureAgglomeration(2, pooling_func=getattr(np, name)).fit(X), X)
        for name in ("max", "mean", "median", "min")
    ],
    (
        ("numpy.clip", "numpy.nan_to_num"),
        lambda: make_pipeline(
            FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}), FunctionTransformer(np.nan_to_num)
        ).fit(X),
        X,
    ),
    (
        ("numpy.number", "sklearn.compose._column_transformer.make_column_selector"),
        lambda: ColumnTransformer(
            [
                ("n", SimpleImputer(), make_column_selector(dtype_include=np.number)),
                ("k", OrdinalEncoder(), ["kind"]),
            ]
        ).fit(MIXED),
        MIXED,
    ),
    (("builtins.frozenset",), with_a_frozenset, X),
    (
        ("sklearn.utils._bunch.Bunch",),
        lambda: VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())]).fit(X, Y),
        X,
    ),
    (
        (
            *named("sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest"),
            *named("sklearn.metrics._scorer", "_CurveScorer _Scorer"),
        ),
        lambda: TunedThresholdClassifierCV(LogisticRegression()).fit(X, Y),
        X,
    ),
    (
        ("sklearn._loss.loss.HalfTweedieLoss",),
        lambda: TweedieRegressor(power=1.5, link="log").fit(X, np.abs(X[:, 0])),
        X,
    ),
    (
        ("sklearn._loss.loss.HalfTweedieLossIdentity",),
        lambda: TweedieRegressor(power=0, link="identity").fit(X, X[:, 0]),
        X,
    ),
    (
        named("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration"),
        lambda: CalibratedClassifierCV(LinearSVC(), cv=2).fit(X, Y),
        X,
    ),
    (
        ("sklearn.calibration._TemperatureScaling",),
        lambda: CalibratedClassifierCV(LogisticRegression(), method="temperature", cv=2).fit(X, Y),
        X,
    ),
    (
        ("sklearn.cluster._bisect_k_means._BisectingTree", "sklearn.cluster._kmeans._kmeans_single_lloyd"),
        lambda: BisectingKMeans(3).fit(X),
        X,
    ),
    *[
        ((f"sklearn.feature_selection._univariate_selection.{score.__name__}",), selection(score), X)
        for score in (chi2, f_classif, f_regression, r_regression)
    ],
    *[
        ((f"sklearn.feature_selection._mutual_info.{score.__name__}",), selection(score), X)
        for score in (mutual_info_classif, mutual_info_regression)
    ],
    (
        ("sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",),
        lambda: GaussianProcessClassifier(optimizer=None).fit(X, Y),
        X,
    ),
    *[
        (tuple(f"sklearn.gaussian_process.kernels.{name}" for name in names), lambda kernel=kernel: process(kernel), X)
        for names, kernel in (
            (
                ["Sum", "Product", "ConstantKernel", "RBF"],
                kernels.WhiteKernel() + kernels.ConstantKernel() * kernels.RBF(),
            ),
            (["WhiteKernel", "DotProduct"], kernels.WhiteKernel() + kernels.DotProduct()),
            (["Exponentiation", "RationalQuadratic"], kernels.RationalQuadratic() ** 2),
            (["Matern"], kernels.Matern()),
            (["ExpSineSquared"], kernels.ExpSineSquared() + kernels.WhiteKernel(100.0)),
            (["PairwiseKernel"], kernels.PairwiseKernel(metric="rbf")),
        )
    ],
    (
        named("sklearn.impute._iterative", "IterativeImputer _ImputerTriplet"),
        lambda: IterativeImputer().fit(np.where(X > 1, np.nan, X)),
        np.where(X > 1, np.nan, X),
    ),
    (
        ("sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",),
        lambda: HalvingGridSearchCV(LogisticRegression(), RATES, cv=StratifiedKFold(2), random_state=0).fit(X, Y),
        X,
    ),
    (
        ("sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",),
        lambda: HalvingRandomSearchCV(
            LogisticRegression(), RATES, n_candidates=2, cv=StratifiedKFold(2), random_state=0
        ).fit(X, Y),
        X,
    ),
    *[
        ((f"{FOLDS}.{type(folds).__name__}",), lambda folds=folds: search(cv=folds), X)
        for folds in (
            KFold(2),
            RepeatedKFold(n_splits=2, n_repeats=2),
            RepeatedStratifiedKFold(n_splits=2, n_repeats=2),
            ShuffleSplit(2),
            StratifiedKFold(2),
            StratifiedShuffleSplit(2),
            TimeSeriesSplit(2),
        )
    ],
    (
        (f"{FOLDS}.LeaveOneOut", "sklearn.metrics._scorer._PassthroughScorer"),
        lambda: search(cv=LeaveOneOut()),
        X,
    ),
    *[
        (
            (f"sklearn.metrics.{home}.{score}",),
            lambda score=score: search(scoring=make_scorer(getattr(metrics, score))),
            X,
        )
        for home, scores in SCORES.items()
        for score in scores.split()
    ],
    (
        ("sklearn.multiclass._ConstantPredictor",),
        lambda: OutputCodeClassifier(LogisticRegression(), code_size=9, random_state=0).fit(X, np.arange(60) % 2),
        X,
    ),
    *[
        (
            (f"sklearn.neural_network._stochastic_optimizers.{optimizer}",),
            lambda solver=solver: MLPClassifier((4,), solver=solver, tol=10, n_iter_no_change=1).fit(X, Y),
            X,
        )
        for solver, optimizer in (("adam", "AdamOptimizer"), ("sgd", "SGDOptimizer"))
    ],
]


def answer(model: Any, rows: Any) -> np.ndarray:
    for method in ("predict_proba", "decision_function", "predict", "transform"):
        if hasattr(model, method):
            given = getattr(model, method)(rows)
            return given.toarray() if hasattr(given, "toarray") else np.asarray(given)
    raise AssertionError(model)


@pytest.mark.parametrize(("needed", "fit", "rows"), CASES, ids=[case[0][0].rpartition(".")[2] for case in CASES])
def test_an_estimator_that_needs_it_comes_back_with_equal_answers(
    needed: tuple[str, ...], fit: Callable[[], Any], rows: Any
) -> None:
    model = fit()
    content = Skops().dump(model, Trust())
    doubted = get_untrusted_types(data=content)
    assert set(needed) - EXPERIMENTAL <= set(doubted)
    loaders: dict[str, set[str]] = {}
    for state in states(json.loads(ZipFile(io.BytesIO(content)).read("schema.json"))):
        loaders.setdefault(f"{state['__module__']}.{state['__class__']}", set()).add(state["__loader__"])
    for name in needed:
        assert loaders[name] <= ALLOWED[name]
    np.testing.assert_array_equal(answer(Skops().load(content, Trust()), rows), answer(model, rows))


def test_every_entry_has_such_an_estimator() -> None:
    assert {name for needed, _, _ in CASES for name in needed} | (SPLINE - PRESENT) == set(ALLOWED)


def test_no_entry_is_listed_twice_and_each_says_why() -> None:
    names = [name for group in GROUPS for name in group.types]
    assert len(names) == len(set(names))
    assert all(group.why and group.loaders for group in GROUPS)


def test_no_function_may_be_called_while_a_file_is_built() -> None:
    calling = [name for name, loaders in ALLOWED.items() if "ConstructorFromReduceNode" in loaders]
    assert calling == ["builtins.frozenset"]


def test_distributions_of_scipy_stay_out() -> None:
    from scipy.stats import loguniform
    from sklearn.model_selection import RandomizedSearchCV

    search = RandomizedSearchCV(LogisticRegression(), {"C": loguniform(0.1, 1)}, n_iter=2, cv=2).fit(X, Y)
    trust = Trust(frozenset({"scipy.stats._continuous_distns.reciprocal_gen"}))
    with pytest.raises(UntrustedError, match="execute text of their state") as refused:
        Skops().load(Skops().dump(search, trust), trust)
    assert "best_estimator_" in str(refused.value.hint)


@pytest.mark.parametrize(("name", "fine"), [("datetime.timezone", True), ("os.system", False), ("mine.C", True)])
def test_what_nobody_may_trust(name: str, fine: bool) -> None:
    assert (never(name) is None) == fine
