"""Answers explained: what each input column added to each, against rows that the version is explained by.

For a classifier it is the probability of the class that was answered, else the number that was predicted. All of an
explanation is computed from the model's own answers, so it holds for a model of any kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nbmlops.core.errors import InvalidError
from nbmlops.serving.endpoint.refusals import Refusal
from nbmlops.serving.endpoint.shapley import orders_for, shares

if TYPE_CHECKING:
    from nbmlops.models.records import Scalar
    from nbmlops.serving.endpoint.rows import Columns
    from nbmlops.serving.endpoint.served import Answer, Arrays, Served

__all__ = ["BACKGROUND_ROWS", "Background", "ExplainedRow", "Explanation", "background", "explained", "needed"]

BACKGROUND_ROWS = 100
"""How many rows a prediction is explained against."""
_AT_A_TIME = 4_096  # composed rows that are asked at once: other requests are answered in between


@dataclass(frozen=True, slots=True)
class Background:
    """Rows that predictions are explained against, as the model takes them, and where they are from."""

    ref: str
    arrays: Arrays

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.arrays[0])


@dataclass(frozen=True, slots=True)
class ExplainedRow:
    """One prediction: `base` and all `contributions` add up to it.

    Attributes
    ----------
    label : str, int, float, bool or None
        The class whose probability it is; None of a number.
    prediction, base : float
        What was predicted, and what is predicted on average for the background.
    contributions, errors : mapping of str to float
        By column what it added, and the standard error of that over the orders that were drawn.
    """

    label: Scalar
    prediction: float
    base: float
    contributions: Mapping[str, float] = field(hash=False)
    errors: Mapping[str, float] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Predictions of one request, explained.

    Attributes
    ----------
    output : str
        What is explained: ``predict``, or ``predict_proba``.
    background : str
        The table that the background is from.
    background_rows : int
        How many rows of it.
    orders : int or None
        How many orders of the columns were drawn; None when all were reckoned with, and nothing is estimated.
    rows : tuple of ExplainedRow
        One for each row.
    """

    output: str
    background: str
    background_rows: int
    orders: int | None
    rows: tuple[ExplainedRow, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "output": self.output,
            "method": "exact" if self.orders is None else "permutations",
            "permutations": self.orders,
            "background": {"ref": self.background, "rows": self.background_rows},
            "rows": [
                {
                    "class": row.label,
                    "prediction": row.prediction,
                    "base_value": row.base,
                    "contributions": dict(row.contributions),
                    "standard_errors": dict(row.errors),
                }
                for row in self.rows
            ],
        }


def needed(served: Served) -> tuple[str, ...]:
    """The outputs that an explanation is made from.

    Raises
    ------
    InvalidError
        When the model gives nothing that could be shared out among columns.
    """
    promised = {each.method: each for each in served.signature.outputs}
    if served.signature.form == "texts":
        raise InvalidError(f"{served.name} takes one text, so there are no columns to tell apart")
    if "predict_proba" in promised and promised["predict_proba"].classes:
        return ("predict", "predict_proba")
    number = promised.get("predict")
    if number is None or len(number.shape) != 1 or number.classes or np.dtype(number.type).kind != "f":
        raise InvalidError(f"{served.name} gives neither one number for each row nor the probabilities of classes")
    return ("predict",)


def background(served: Served, ref: str, columns: Columns) -> Background:
    """Rows of a table as the model takes them; those that its signature refuses are left out.

    Raises
    ------
    InvalidError
        When none is left.
    """
    names = list(columns)
    rows = [dict(zip(names, ([value] for value in row), strict=True)) for row in zip(*columns.values(), strict=True)]
    kept = [row for row in rows if _fits(served, row)]
    if not kept:
        raise InvalidError(f"no row of {ref} fits the signature of {served.name}")
    return Background(ref, served.intake.take({name: [row[name][0] for row in kept] for name in names}))


def _fits(served: Served, row: Mapping[str, Sequence[Any]]) -> bool:
    try:
        served.intake.take(row)
    except Refusal:
        return False
    return True


def explained(
    served: Served, arrays: Arrays, answer: Answer, against: Background, go_on: Callable[[], None] = lambda: None
) -> Explanation:
    """Explain what a version answered to rows.

    Parameters
    ----------
    served : Served
        The version.
    arrays, answer : list of array, mapping of str to array
        Rows, and what it answered: all outputs that are `needed`.
    against : Background
        What it is explained against.
    go_on : callable
        Called again and again between; what it raises ends the explanation.
    """
    output = needed(served)[-1]
    columns = served.intake.names
    orders = orders_for(len(columns), against.rows)
    found = []
    for row in range(len(arrays[0])):
        at, label = _explained_class(served, answer, row) if output == "predict_proba" else (None, None)
        worth = _Worth(served, output, at, [array[row : row + 1] for array in arrays], against, go_on)
        parts = shares(worth, len(columns), orders)
        value = answer[output][row] if at is None else answer[output][row, at]
        found.append(
            ExplainedRow(
                label,
                float(value),
                parts.base,
                dict(zip(columns, parts.contributions.tolist(), strict=True)),
                dict(zip(columns, parts.errors.tolist(), strict=True)),
            )
        )
    return Explanation(output, against.ref, against.rows, orders, tuple(found))


def _explained_class(served: Served, answer: Answer, row: int) -> tuple[int, Scalar]:
    """The class that was answered: where its probability is, and what it is called."""
    classes = served.classes("predict_proba") or []
    label = answer["predict"][row]
    plain = label.item() if hasattr(label, "item") else label
    # A model with a threshold of its own may answer another class than the most probable one: that one is explained.
    at = classes.index(plain) if plain in classes else int(np.argmax(answer["predict_proba"][row]))
    return at, classes[at]


@dataclass(frozen=True, slots=True)
class _Worth:
    """The mean answer of rows that are in part the explained one, in part those of the background."""

    served: Served
    output: str
    at: int | None
    row: Arrays
    against: Background
    go_on: Callable[[], None]

    def __call__(self, taken: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        size = max(1, _AT_A_TIME // self.against.rows)
        return np.concatenate([self._mean(taken[start : start + size]) for start in range(0, len(taken), size)])

    def _mean(self, taken: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self.go_on()
        rows = self.against.rows
        composed = [
            np.where(np.repeat(mask, rows), own, np.tile(others, len(taken)))
            for mask, own, others in zip(taken.T, self.row, self.against.arrays, strict=True)
        ]
        values = self.served.answer(composed, (self.output,))[self.output]
        numbers = np.asarray(values if self.at is None else values[:, self.at], float)
        mean: np.ndarray[Any, Any] = numbers.reshape(len(taken), rows).mean(axis=1)
        return mean
