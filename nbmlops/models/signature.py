"""Learn a model's signature from the model and an example of its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.models.records import ModelSignature, Output, Scalar, SignatureField

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXAMPLE_ROWS", "head", "infer"]

EXAMPLE_ROWS = 100
_METHODS = ("predict", "predict_proba", "transform")


def infer(estimator: Any, example: Any = None) -> ModelSignature:
    """What `estimator` takes and gives.

    Parameters
    ----------
    estimator : estimator
        A fitted scikit-learn estimator.
    example : pandas.DataFrame, pyarrow.Table, polars.DataFrame, numpy.ndarray or list of str, optional
        Rows of its input; the first hundred are predicted. Without it the inputs have the names that the
        estimator remembers and the type ``unknown``, and there are no outputs.

    Raises
    ------
    InvalidError
        When the example is of another kind, empty, or the estimator cannot predict on it.
    """
    if example is None:
        return _remembered(estimator)
    rows = head(example)
    if _is_frame(rows):
        form, inputs = "table", _columns(rows)
    elif isinstance(rows, list):
        form, inputs = "texts", (SignatureField("text", "string", nullable=False),)
    else:
        form, inputs = "array", tuple(_array_fields(rows))
    return ModelSignature(form, inputs, _outputs(estimator, rows))  # type: ignore[arg-type]


def head(example: Any) -> Any:
    """First rows of an example, as a pandas table, an array of two dimensions or a list of texts.

    Raises
    ------
    InvalidError
        When it is none of them, or has no rows.
    """
    import numpy as np
    import pandas as pd

    if hasattr(example, "to_pandas"):
        example = example.to_pandas()
    if isinstance(example, pd.Series) or (isinstance(example, list) and all(isinstance(row, str) for row in example)):
        rows: Any = list(example)[:EXAMPLE_ROWS]
    elif isinstance(example, pd.DataFrame):
        rows = example.head(EXAMPLE_ROWS)
    elif isinstance(example, np.ndarray) and example.ndim == 2:
        rows = example[:EXAMPLE_ROWS]
    else:
        raise InvalidError(
            f"the example is a {type(example).__name__}, not rows of a table",
            hint="give some rows of what the model was fitted on, such as X.head()",
        )
    if len(rows) == 0:
        raise InvalidError("the example has no rows", hint="give some rows of what the model was fitted on")
    return rows


def _is_frame(rows: Any) -> bool:
    return hasattr(rows, "columns")


def _columns(rows: pd.DataFrame) -> tuple[SignatureField, ...]:
    import pandas as pd
    import pyarrow as pa

    from nbmlops.data.identity import column_type

    found = []
    for name, column in rows.items():
        try:
            kind = column_type(pa.array(column, from_pandas=True).type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InvalidError(f"the example's column {name!r} has no plain type: {error}") from None
        categories = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else None
        found.append(
            SignatureField(
                str(name),
                kind,
                nullable=bool(column.isna().any()) or (categories is None and column.dtype.kind in "fOM"),
                categories=None if categories is None else tuple(_scalar(value) for value in categories),
            )
        )
    return tuple(found)


def _array_fields(rows: Any) -> list[SignatureField]:
    import pyarrow as pa

    from nbmlops.data.identity import column_type

    kind = "string" if rows.dtype == object else column_type(pa.from_numpy_dtype(rows.dtype))
    return [SignatureField(f"x{index}", kind, nullable=rows.dtype.kind in "fO") for index in range(rows.shape[1])]


def _remembered(estimator: Any) -> ModelSignature:
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return ModelSignature("table", tuple(SignatureField(str(name), "unknown") for name in names), ())
    count = getattr(estimator, "n_features_in_", 0)
    return ModelSignature("array", tuple(SignatureField(f"x{index}", "unknown") for index in range(count)), ())


def _outputs(estimator: Any, rows: Any) -> tuple[Output, ...]:
    found: list[Output] = []
    for method in _METHODS:
        call = getattr(estimator, method, None)
        if call is None or (method == "transform" and found):
            continue
        found.append(_output(estimator, method, call, rows))
    if not found:
        raise InvalidError(
            f"{type(estimator).__name__} neither predicts nor transforms, so it is no model",
            hint="save a fitted scikit-learn estimator or pipeline",
        )
    return tuple(found)


def _output(estimator: Any, method: str, call: Callable[[Any], Any], rows: Any) -> Output:
    import numpy as np

    try:
        answer = call(rows)
    except Exception as error:
        raise InvalidError(
            f"{type(estimator).__name__} cannot {method} its own example: {type(error).__name__}: {error}",
            hint="fit it first, and give an example with the columns that it was fitted on",
        ) from error
    values = answer if hasattr(answer, "dtype") else np.asarray(answer)
    classes = getattr(estimator, "classes_", None)
    plain = isinstance(classes, np.ndarray) and method != "transform"
    return Output(
        method,
        str(values.dtype),
        (None, *values.shape[1:]),
        tuple(_scalar(value) for value in classes) if plain and classes is not None else None,
    )


def _scalar(value: Any) -> Scalar:
    plain = value.item() if hasattr(value, "item") else value
    return plain if isinstance(plain, str | int | float | bool) or plain is None else str(plain)
