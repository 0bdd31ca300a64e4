"""How much a fitted model makes of each of its columns."""

from __future__ import annotations

from typing import Any

__all__ = ["core", "importances"]


def core(model: Any) -> Any:
    """What does the work inside of searches and pipelines: the best estimator, the last step."""
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "steps") and hasattr(model, "named_steps"):
            model = model.steps[-1][1]
        else:
            return model


def importances(model: Any) -> tuple[str, dict[str, float]] | None:
    """What the figures are, and one for each column, the largest first; None when the model has none.

    ``feature_importances_`` as it is, or else ``coef_``; of several rows of coefficients the mean of their absolutes.
    """
    import numpy as np

    inner = core(model)
    values: Any = getattr(inner, "feature_importances_", None)
    what = "importance"
    if values is None:
        values, what = getattr(inner, "coef_", None), "coefficient"
        values = values.toarray() if hasattr(values, "toarray") else values
        if values is not None and np.ndim(values) == 2:
            values, what = _one_row(np.asarray(values), what)
    if values is None or np.ndim(values) != 1 or np.asarray(values).dtype.kind != "f":
        return None
    found = dict(zip(_columns(model, len(values)), (float(value) for value in values), strict=True))
    return what, dict(sorted(found.items(), key=lambda item: -abs(item[1])))


def _one_row(values: Any, what: str) -> tuple[Any, str]:
    return (values[0], what) if len(values) == 1 else (abs(values).mean(axis=0), f"mean absolute {what}")


def _columns(model: Any, count: int) -> list[str]:
    """Names of what reaches the inner estimator, as far as they are known."""
    names: Any = None
    while hasattr(model, "best_estimator_"):
        model = model.best_estimator_
    if hasattr(model, "named_steps"):
        try:
            names = model[:-1].get_feature_names_out()
        except (AttributeError, TypeError, ValueError):  # a step before it that cannot tell
            names = None
    else:
        names = getattr(model, "feature_names_in_", None)
    if names is None or len(names) != count or len(set(names)) != count:
        return [f"x{place}" for place in range(count)]
    return [str(name) for name in names]
