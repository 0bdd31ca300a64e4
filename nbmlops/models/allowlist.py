"""The reviewed list of types that skops distrusts and that are safe to build from a file.

Reviewed on scikit-learn 1.9 with skops 0.16, numpy 2.4 and scipy 1.17 and 1.18: every estimator that
`sklearn.utils.all_estimators` names, and common settings of them, was fitted, dumped, and each type that
skops asked about was read. A type is here when building it runs no code of the file's choosing: no import,
no file, no call of something that the file names. A test round-trips an estimator that needs each of them.

An entry holds only for the skops loaders named with it. That matters: skops takes one list of trusted
names for all loaders, and its ``ConstructorFromReduceNode`` calls whatever the name stands for, so a
function trusted as the setting of a transformer would otherwise be callable by a file.

Types whose arrays scikit-learn's compiled code indexes without looking are also checked once built, in
`nbmlops.models.bounds`.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nbmlops.core.errors import NotFoundError, RefusedError

__all__ = ["ALLOWED", "GROUPS", "VERSION", "Group", "check_exists", "never"]

VERSION = 2
"""Raised with every change of the list; recorded with each model."""

_OBJECT = ("ObjectNode",)
_FUNCTION = ("FunctionNode",)


@dataclass(frozen=True, slots=True)
class Group:
    """Types reviewed together: their names below `prefix`, the loaders that may build them, and why."""

    prefix: str
    names: tuple[str, ...]
    loaders: tuple[str, ...]
    why: str

    @property
    def types(self) -> tuple[str, ...]:
        """Full names."""
        return tuple(f"{self.prefix}.{name}" for name in self.names)


def _group(prefix: str, names: str, loaders: tuple[str, ...], why: str) -> Group:
    return Group(prefix, tuple(names.split()), loaders, why)


GROUPS: tuple[Group, ...] = (
    _group(
        "sklearn.tree._tree",
        "Tree",
        ("TreeNode",),
        "two arrays and four numbers, copied; node and feature indices are checked once built",
    ),
    _group(
        "sklearn.ensemble._hist_gradient_boosting.predictor",
        "TreePredictor",
        _OBJECT,
        "three arrays; __setstate__ casts the nodes to the platform's integers; indices are checked once built",
    ),
    _group(
        "sklearn.neighbors._kd_tree",
        "KDTree",
        _OBJECT,
        "arrays and counters, copied with a check of their types; node and row indices are checked once built",
    ),
    _group("sklearn.neighbors._ball_tree", "BallTree", _OBJECT, "as KDTree, whose code it shares"),
    _group(
        "sklearn.metrics._dist_metrics",
        "BrayCurtisDistance64 CanberraDistance64 ChebyshevDistance64 EuclideanDistance64 HammingDistance64 "
        "ManhattanDistance64",
        _OBJECT,
        "one number and two unused arrays; those with weights, a matrix or a Python function are left out",
    ),
    _group(
        "scipy.sparse._csr",
        "csr_matrix",
        ("SparseMatrixNode",),
        "read by scipy with allow_pickle=False; its indices are checked once built",
    ),
    _group(
        "scipy.interpolate._bsplines",
        "BSpline _BSpline",
        _OBJECT,
        "knots, coefficients and a degree, from scipy 1.18 in a part of its own; checked by its constructor once built",
    ),
    _group(
        "scipy._lib.array_api_compat.numpy._aliases",
        "asarray",
        _FUNCTION,
        "BSpline of scipy before 1.18 keeps this function beside its arrays; it converts an array",
    ),
    _group("numpy", "dtype", ("DTypeNode",), "taken from an empty array read with allow_pickle=False"),
    _group(
        "numpy",
        "clip max mean median min nan_to_num",
        _FUNCTION,
        "compute on arrays and have no other effect; settings of FunctionTransformer and FeatureAgglomeration",
    ),
    _group("numpy", "number", ("TypeNode",), "an abstract type: a setting of make_column_selector"),
    _group(
        "functools",
        "partial",
        ("PartialNode",),
        "binds arguments and calls nothing; the function in it is judged by its own name",
    ),
    _group("builtins", "frozenset", ("ConstructorFromReduceNode",), "a container; what it holds is judged by itself"),
    _group(
        "sklearn.utils.validation",
        "check_array",
        _FUNCTION,
        "converts and checks an array; histogram boosting binds it for categorical columns",
    ),
    _group(
        "sklearn.utils._bunch",
        "Bunch",
        ("DictNode",),
        "a dict whose keys are attributes too; its __setstate__ does nothing",
    ),
    _group(
        "sklearn.utils._metadata_requests",
        "MetadataRequest MethodMetadataRequest",
        _OBJECT,
        "names of fit parameters, in dicts",
    ),
    _group(
        "sklearn._loss.loss",
        "HalfTweedieLoss HalfTweedieLossIdentity",
        _OBJECT,
        "a power, a link and a compiled loss, like the losses that skops trusts itself",
    ),
    _group(
        "sklearn.calibration",
        "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
        _OBJECT,
        "a fitted classifier with its calibrators; fitted numbers",
    ),
    _group("sklearn.cluster._bisect_k_means", "_BisectingTree", _OBJECT, "a centre, a score and two children"),
    _group("sklearn.cluster._kmeans", "_kmeans_single_lloyd", _FUNCTION, "the algorithm that fit would call again"),
    _group("sklearn.compose._column_transformer", "make_column_selector", _OBJECT, "a pattern and lists of types"),
    _group(
        "sklearn.feature_selection._univariate_selection",
        "chi2 f_classif f_regression r_regression",
        _FUNCTION,
        "scores of columns, computed in fit",
    ),
    _group(
        "sklearn.feature_selection._mutual_info",
        "mutual_info_classif mutual_info_regression",
        _FUNCTION,
        "scores of columns, computed in fit",
    ),
    _group(
        "sklearn.gaussian_process._gpc",
        "_BinaryGaussianProcessClassifierLaplace",
        _OBJECT,
        "fitted arrays and a kernel",
    ),
    _group(
        "sklearn.gaussian_process.kernels",
        "ConstantKernel DotProduct ExpSineSquared Exponentiation Matern PairwiseKernel Product RBF "
        "RationalQuadratic Sum WhiteKernel",
        _OBJECT,
        "numbers and bounds, or two such kernels",
    ),
    _group("sklearn.impute._iterative", "IterativeImputer", _OBJECT, "an estimator that skops misses as experimental"),
    _group("sklearn.impute._iterative", "_ImputerTriplet", ("TupleNode",), "a named tuple"),
    _group(
        "sklearn.model_selection._search_successive_halving",
        "HalvingGridSearchCV HalvingRandomSearchCV",
        _OBJECT,
        "estimators that skops misses as experimental",
    ),
    _group(
        "sklearn.model_selection._split",
        "KFold LeaveOneOut RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedKFold "
        "StratifiedShuffleSplit TimeSeriesSplit",
        ("ObjectNode", "TypeNode"),
        "numbers of folds and a seed",
    ),
    _group(
        "sklearn.metrics._scorer",
        "_CurveScorer _PassthroughScorer _Scorer",
        _OBJECT,
        "a metric by function, a sign and settings; the function is judged by its own name",
    ),
    _group(
        "sklearn.metrics._classification",
        "accuracy_score balanced_accuracy_score brier_score_loss f1_score log_loss precision_score recall_score",
        _FUNCTION,
        "metrics of arrays, inside scorers",
    ),
    _group(
        "sklearn.metrics._ranking",
        "average_precision_score roc_auc_score",
        _FUNCTION,
        "metrics of arrays, inside scorers",
    ),
    _group(
        "sklearn.metrics._regression",
        "max_error mean_absolute_error mean_absolute_percentage_error mean_squared_error median_absolute_error "
        "r2_score root_mean_squared_error",
        _FUNCTION,
        "metrics of arrays, inside scorers",
    ),
    _group("sklearn.multiclass", "_ConstantPredictor", _OBJECT, "one class"),
    _group(
        "sklearn.neural_network._stochastic_optimizers",
        "AdamOptimizer SGDOptimizer",
        _OBJECT,
        "moments and learning rates of the fit",
    ),
)


def _allowed() -> dict[str, frozenset[str]]:
    return {name: frozenset(group.loaders) for group in GROUPS for name in group.types}


ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(_allowed())
"""Loaders that may build a type, by its full name."""

# Values only; everything else of the standard library can reach the system.
_PLAIN_LIBRARY = ("collections.", "datetime.", "decimal.", "fractions.", "uuid.", "zoneinfo.")
_CODE_LIBRARIES = frozenset({"cloudpickle", "dill", "joblib", "nbmlops", "pip", "setuptools"})


def never(name: str) -> str | None:
    """Why a type may not be trusted even by name, or None when a person may decide.

    Examples
    --------
    >>> never("posix.system")
    'it is part of the standard library and could reach the system'
    >>> never("mycompany.features.Clean") is None
    True
    """
    package = name.partition(".")[0]
    if name.startswith("scipy.stats."):
        return "distributions of scipy.stats execute text of their state as code while they are built"
    if package in _CODE_LIBRARIES:
        return f"{package} can run code that a file names"
    if package in sys.stdlib_module_names and not name.startswith(_PLAIN_LIBRARY):
        return "it is part of the standard library and could reach the system"
    return None


def check_exists(name: str) -> None:
    """Refuse to trust what is defined in a notebook, and what is nowhere.

    Raises
    ------
    RefusedError
        When the type is of ``__main__``, which is another module in every process.
    NotFoundError
        When it cannot be imported from here.
    """
    if name.partition(".")[0] in {"__main__", "__mp_main__"}:
        raise RefusedError(
            f"{name} cannot be trusted: what a notebook or a script defines has no name that holds elsewhere",
            hint="move it to a module beside the notebook and import it from there",
        )
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotFoundError(
            f"there is no type {name} to trust: {error}", hint="type this where its module can be imported"
        ) from None
