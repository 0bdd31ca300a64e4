"""What an estimator must be before it becomes a version: fitted, and the same once loaded from its bytes."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.models.allowlist import VERSION
from nbmlops.models.canonical import FORM
from nbmlops.models.signature import head

__all__ = ["origin", "refuse_changed", "refuse_unfitted"]

_LIBRARIES = ("scikit-learn", "skops", "numpy", "scipy", "pandas")


def refuse_unfitted(estimator: Any) -> None:
    """Refuse what is no scikit-learn estimator, or one that has not been fitted."""
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(estimator, BaseEstimator) or not hasattr(estimator, "fit"):
        raise InvalidError(
            f"a {type(estimator).__module__}.{type(estimator).__qualname__} is no scikit-learn estimator",
            hint="save a fitted estimator or pipeline",
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise InvalidError(f"the {type(estimator).__name__} is not fitted", hint="call its fit before saving") from None


def refuse_changed(estimator: Any, copy: Any, example: Any) -> None:
    """Refuse a model that gives other answers once it is loaded from its bytes."""
    import numpy as np

    if example is None:
        return
    rows = head(example)
    method = "predict" if hasattr(estimator, "predict") else "transform"
    ours, theirs = (_dense(getattr(each, method)(rows)) for each in (estimator, copy))
    if not np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
        raise InvalidError(
            f"the {type(estimator).__name__} gives other answers once it is loaded from its file",
            hint="it keeps something that its file does not hold; fit it without that",
        )


def _dense(answer: Any) -> Any:
    import numpy as np

    return answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)


def origin(estimator: Any) -> dict[str, Any]:
    """What is recorded of where a model comes from: its class, and the libraries it needs."""
    return {
        "estimator": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "canonical": FORM,
        "allowlist": VERSION,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
