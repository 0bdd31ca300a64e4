"""What an estimator must be before it becomes a version: fitted, and the same once loaded from its bytes."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.models.allowlist import VERSION
from nbmlops.models.canonical import FORM
from nbmlops.models.formats import Format, Trust, format_asked
from nbmlops.models.records import ModelSignature
from nbmlops.models.signature import head, infer

__all__ = ["admitted"]

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas")


def admitted(
    estimator: Any, example: Any, asked: str | None, types: frozenset[str]
) -> tuple[bytes, ModelSignature, dict[str, Any]]:
    """Bytes of a model that may become a version, its signature, and what is recorded and signed of it.

    It has been loaded from these bytes and gives the same answers on the example; raises what `Models.save` raises.
    """
    chosen = format_asked(asked, estimator)
    if not chosen.made_for(estimator):
        _refuse_unfitted(estimator)
    trust = Trust(types, code=True)  # what this person has in their own process is theirs
    content = chosen.dump(estimator, trust, example)
    copy = chosen.load(content, trust)
    learnt = infer(copy, example)
    _refuse_changed(estimator, copy, example, chosen.bound)
    return content, learnt, {"format": chosen.name, "signature": learnt.to_json(), **_origin(estimator, chosen)}


def _refuse_unfitted(estimator: Any) -> None:
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


def _refuse_changed(estimator: Any, copy: Any, example: Any, bound: float) -> None:
    """Refuse a model that gives other answers once it is loaded from its bytes."""
    import numpy as np

    if example is None:
        return
    rows = head(example)
    method = "predict" if hasattr(estimator, "predict") else "transform"
    ours, theirs = (_dense(getattr(each, method)(rows)) for each in (estimator, copy))
    numbers = ours.dtype.kind == "f" and ours.shape == theirs.shape
    if not (np.allclose(ours, theirs, bound, bound, equal_nan=True) if numbers else np.array_equal(ours, theirs)):
        raise InvalidError(
            f"the {type(estimator).__name__} gives other answers once it is loaded from its file",
            hint="it keeps something that its file does not hold; fit it without that",
        )


def _dense(answer: Any) -> Any:
    import numpy as np

    return answer.toarray() if hasattr(answer, "toarray") else np.asarray(answer)


def _origin(estimator: Any, chosen: Format) -> dict[str, Any]:
    """What is recorded of where a model comes from: its class, and the libraries it needs."""
    return {
        # What was loaded from a file and is of a class of ours says itself which one it was made from.
        "estimator": getattr(estimator, "estimator", None)
        if type(estimator).__module__.startswith("nbmlops.models.formats.")
        else f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "canonical": FORM,
        "allowlist": VERSION,
        "libraries": {name: version(name) for name in (*_LIBRARIES, *chosen.libraries)},
    }
