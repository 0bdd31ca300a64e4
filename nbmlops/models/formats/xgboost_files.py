"""xgboost's estimators in its own JSON, which holds numbers and no code: what xgboost documents as stable."""

from __future__ import annotations

import json
from importlib import import_module, metadata
from typing import Any

from nbmlops.core.errors import DependencyError, InvalidError, UnsupportedError
from nbmlops.models.formats.boosting_facts import KEY, told_of
from nbmlops.models.formats.protocol import Trust
from nbmlops.models.formats.xgboost_screening import ESTIMATORS, screened, written

__all__ = ["Xgboost"]


class Xgboost:
    """Files whose every index is looked at before xgboost follows it."""

    name = "xgboost"
    ending = ".json"
    bound = 0.0

    @property
    def libraries(self) -> tuple[str, ...]:
        """The package that brings xgboost here: there is one for machines without a graphics card."""
        try:
            metadata.version("xgboost")
        except metadata.PackageNotFoundError:
            return ("xgboost-cpu",)
        return ("xgboost",)

    def made_for(self, estimator: Any) -> bool:
        """Whether it is an estimator of xgboost; looks at its name alone, so that xgboost is not imported for this."""
        return _name(estimator) in ESTIMATORS

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Write the booster, with what the estimator knows beside it.

        Raises
        ------
        InvalidError
            When it is no fitted estimator of xgboost.
        UnsupportedError
            When its file cannot hold what it was told: an objective of one's own, another mark of missing values,
            categories.
        """
        if not self.made_for(estimator):
            raise InvalidError(
                f"a {_name(estimator)} cannot be saved as xgboost", hint="leave the format out: `ml model save`"
            )
        _refuse_settings(estimator)
        from sklearn.exceptions import NotFittedError

        try:
            booster = estimator.get_booster().copy()
        except NotFittedError:
            raise InvalidError(
                f"the {type(estimator).__name__} is not fitted", hint="call its fit before saving"
            ) from None
        booster.set_attr(**{KEY: json.dumps(told_of(estimator), sort_keys=True), "scikit_learn": None})
        content = written(json.loads(bytes(booster.save_raw("json"))))
        screened(content)
        return content

    def inspect(self, content: bytes, trust: Trust) -> str:  # noqa: ARG002 - numbers ask for no trust by name
        """Judge the file; see `nbmlops.models.formats.xgboost_screening.screened` for what is raised."""
        return f"numbers of a {screened(content)['estimator'].rpartition('.')[2]}, no code"

    def load(self, content: bytes, trust: Trust) -> Any:  # noqa: ARG002 - as above
        """Judge the file, and let xgboost read it.

        Raises
        ------
        CorruptError, UntrustedError, UnsupportedError
            See `inspect`; an UnsupportedError also when the xgboost that is installed refuses it.
        DependencyError
            When xgboost is not installed.
        """
        told = screened(content)
        try:
            import xgboost
        except ImportError:
            raise DependencyError("models of the format xgboost need xgboost", hint="pip install xgboost") from None
        module, _, word = told["estimator"].rpartition(".")
        # One thread: whoever serves has processes enough.
        model = getattr(import_module(module), word)(n_jobs=1)
        try:
            model.load_model(bytearray(content))
        except (xgboost.core.XGBoostError, KeyError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"the xgboost installed here cannot read the model: {str(error).strip().splitlines()[-1][:200]}",
                hint="install the library versions that it was saved with: `ml model show NAME`",
            ) from error
        return model


def _refuse_settings(estimator: Any) -> None:
    if callable(estimator.objective):
        raise UnsupportedError(
            f"the objective of this {type(estimator).__name__} is a function, which its file cannot hold",
            hint="fit it with an objective of xgboost's, by name",
        )
    if getattr(estimator, "multi_strategy", None) == "multi_output_tree":
        raise UnsupportedError(
            f"the trees of this {type(estimator).__name__} give more than one answer, which nbmlops does not look into",
            hint="fit it with multi_strategy='one_output_per_tree'",
        )
    missing = estimator.missing
    if missing is not None and missing == missing:  # noqa: PLR0124 - only NaN is not itself
        raise UnsupportedError(
            f"this {type(estimator).__name__} takes {missing!r} for missing, which its file cannot hold",
            hint="fit it with NaN where values are missing",
        )


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"
