"""What a classifier answered, and which of its classes is meant when there are two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.watching import OUTPUT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Array = npt.NDArray[np.float64]

__all__ = ["PREDICT", "answers_of", "is_class", "positive_class", "probabilities", "said_and_true"]

PREDICT, _PROBABILITY = f"{OUTPUT}predict", f"{OUTPUT}proba:"


def answers_of(rows: pl.DataFrame) -> pl.Series:
    """What ``predict`` said.

    Raises
    ------
    InvalidError
        When it was not captured.
    """
    if PREDICT not in rows.columns:
        raise InvalidError(f"{PREDICT} was not captured: there are no answers of predict")
    return rows[PREDICT]


def probabilities(rows: pl.DataFrame) -> pl.Series | None:
    """Those of the class that comes last of two; None when the model gives none.

    Raises
    ------
    InvalidError
        When there are more classes.
    """
    names = sorted(name for name in rows.columns if name.startswith(_PROBABILITY))
    if not names:
        return None
    if len(names) != 2:
        raise InvalidError(f"the model has {len(names)} classes: only two are watched")
    return rows[names[-1]]


def positive_class(rows: pl.DataFrame) -> str:
    """The class that comes last of two, as text."""
    said = probabilities(rows)
    if said is not None:
        return said.name.removeprefix(_PROBABILITY)
    known = sorted({_text(value) for value in answers_of(rows).drop_nulls().unique()})
    return known[-1] if known else ""


def is_class(column: pl.Series, positive: str) -> Any:
    """For each value whether it is that class, of shape ``(n,)``."""
    import numpy as np

    return np.array([_text(value) == positive for value in column], bool)


def said_and_true(rows: pl.DataFrame) -> tuple[Array, Array]:
    """Probabilities, and whether they came true, both of shape ``(n,)``, of rows with a label.

    Of the class that comes last of two; of more classes, of the most probable one.

    Raises
    ------
    InvalidError
        When the model gives no probabilities.
    """
    import numpy as np
    import polars as pl

    names = sorted(name for name in rows.columns if name.startswith(_PROBABILITY))
    if not names:
        raise InvalidError(
            "no probabilities were captured", hint="serve a classifier that has predict_proba, or watch its quality"
        )
    classes = [name.removeprefix(_PROBABILITY) for name in names]
    given = rows.select(names).cast(pl.Float64).fill_null(np.nan).to_numpy()
    if len(names) == 2:
        return given[:, 1], is_class(rows["label"], classes[1]).astype(np.float64)
    # A row without an answer has no class that is the most probable: it is told by what it says, which is no number.
    said = given.max(axis=1)
    best = np.where(np.isnan(given), -np.inf, given).argmax(axis=1)
    true = [_text(label) == classes[place] for label, place in zip(rows["label"], best, strict=True)]
    return said, np.array(true, np.float64)


def _text(value: Any) -> str:
    """A class as text: a label 1.0 is the class 1, and True is it as well where classes are numbers."""
    if isinstance(value, bool):
        return str(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)
