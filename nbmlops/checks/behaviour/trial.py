"""A model on trial: the rows that it is tried on, how its answers are looked at, and how two of them are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from nbmlops.checks.behaviour.attempts import SECONDS, Attempt, attempt
from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome, Status
from nbmlops.core.errors import InvalidError

__all__ = ["Trial", "answers", "column", "columns", "differing", "fault", "moved", "named", "replaced", "swept", "take"]

_RTOL, _ATOL = 1e-6, 1e-9
_RTOL_SINGLE, _ATOL_SINGLE = 1e-4, 1e-6
_SAMPLE = 300
_NAMED = 5


@dataclass(frozen=True)
class Trial:
    """A model and rows to try it on.

    Parameters
    ----------
    model : estimator
        A fitted estimator, or anything with ``predict``.
    rows : pandas.DataFrame, numpy.ndarray or list
        What the model takes, without the truth.
    truth : array-like, optional
        The truth of each row, for what has to be fitted anew.
    reload : callable, optional
        Writes the model in the registry's format and builds it again from that.
    seconds : float
        How long one call may take.
    """

    model: Any
    rows: Any
    truth: Any = None
    reload: Callable[[Any], Any] | None = None
    seconds: float = SECONDS

    @cached_property
    def sample(self) -> Any:
        """At most 300 rows, evenly spaced over all."""
        return take(self.rows, self.places)

    @cached_property
    def places(self) -> Any:
        """Positions of the rows of `sample`."""
        import numpy as np

        if not len(self.rows):
            raise InvalidError("there are no rows to try the model on")
        return np.unique(np.linspace(0, len(self.rows) - 1, min(len(self.rows), _SAMPLE)).astype(int))

    @cached_property
    def base(self) -> Any:
        """The answers to `sample`, shape ``(n, …)``.

        Raises
        ------
        InvalidError
            When the model does not answer rows as they are.
        """
        return self.answered(self.sample)

    def tried(self, rows: Any) -> Attempt:
        """Ask the model for answers to `rows`, within the time of one call."""
        return attempt(lambda: answers(self.model, rows), self.seconds)

    def answered(self, rows: Any) -> Any:
        """The answers to `rows`.

        Raises
        ------
        InvalidError
            When there are none.
        """
        tried = self.tried(rows)
        if not tried.ended:
            raise InvalidError(f"the model does not answer its rows: {tried.words}")
        return tried.value


def answers(model: Any, rows: Any) -> Any:
    """The probabilities of each class where the model tells them, else what it predicts; shape ``(n, …)``."""
    import numpy as np

    if not hasattr(model, "predict_proba"):
        return np.asarray(model.predict(rows))
    given = model.predict_proba(rows)
    return np.hstack(given) if isinstance(given, list) else np.asarray(given)


def differing(first: Any, second: Any) -> Any:
    """Positions at which two sets of answers differ: numbers by more than 1e-6 of their size, others at all.

    Single-precision numbers may differ by 1e-4: sums of them depend on how many rows are answered at once.
    """
    import numpy as np

    first, second = np.asarray(first), np.asarray(second)
    if first.shape != second.shape:
        return np.arange(max(len(first), len(second)))
    if first.dtype.kind == "f" and second.dtype.kind == "f":
        single = min(first.dtype.itemsize, second.dtype.itemsize) < 8
        near = (_RTOL_SINGLE, _ATOL_SINGLE) if single else (_RTOL, _ATOL)
        same = np.isclose(first, second, rtol=near[0], atol=near[1], equal_nan=True)
    else:
        same = np.asarray(first == second)
    return np.flatnonzero(~same.reshape(len(first), -1).all(axis=1)) if len(first) else np.arange(0)


def moved(model: Any, before: Any, after: Any) -> float:
    """How far answers moved: the share of rows of another class, or of numbers the mean move in standard deviations.

    Without a spread of the numbers before, any move counts as 1.
    """
    import numpy as np

    if hasattr(model, "predict_proba") and before.ndim == 2:
        return float(np.mean(before.argmax(axis=1) != after.argmax(axis=1)))
    if hasattr(model, "classes_") or before.dtype.kind not in "fiu":
        return float(np.mean(before.reshape(len(before), -1) != after.reshape(len(after), -1)))
    move, spread = float(np.abs(after.astype(float) - before).mean()), float(np.std(before))
    return move / spread if spread else float(move > 0)


def fault(model: Any, given: Any, wanted: int) -> str:
    """What is wrong with answers to `wanted` rows: how many, gaps and infinities, probabilities that are none."""
    import numpy as np
    import pandas as pd

    if len(given) != wanted:
        return f"{len(given):,} answers to {wanted:,} rows"
    bad = ~np.isfinite(given) if given.dtype.kind == "f" else pd.isna(given)
    if bad.any():
        return f"{int(bad.reshape(len(given), -1).any(axis=1).sum()):,} of {wanted:,} answers are no numbers"
    if hasattr(model, "predict_proba") and given.ndim == 2 and given.dtype.kind == "f":
        if (given < -1e-6).any() or (given > 1 + 1e-6).any():
            return "probabilities outside 0 to 1"
        if given.shape[1] == len(getattr(model, "classes_", ())) and (abs(given.sum(axis=1) - 1) > 1e-3).any():
            return "probabilities that do not add up to 1"
    return ""


def take(rows: Any, places: Any) -> Any:
    """The rows at some positions, in their order."""
    if hasattr(rows, "iloc"):
        return rows.iloc[places]
    return [rows[place] for place in places] if isinstance(rows, list) else rows[places]


def columns(rows: Any, kinds: str, most: int) -> list[Any]:
    """Names, or of an array the numbers, of at most so many columns of some kinds, evenly spaced.

    `kinds` are letters: ``n`` for numbers, ``t`` for texts and categories.
    """
    import numpy as np
    import pandas as pd

    if isinstance(rows, list):
        return []
    names = range(rows.shape[1]) if isinstance(rows, np.ndarray) and rows.ndim == 2 else getattr(rows, "columns", ())
    found = []
    for name in names:
        kind = column(rows, name).dtype
        number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
        text = isinstance(kind, pd.CategoricalDtype) or pd.api.types.is_string_dtype(kind)
        if (number and "n" in kinds) or (text and not number and "t" in kinds):
            found.append(name)
    if len(found) > most:
        found = [found[place] for place in np.unique(np.linspace(0, len(found) - 1, most).astype(int))]
    return found


def column(rows: Any, name: Any) -> Any:
    """One column as a series."""
    import pandas as pd

    return rows[name] if hasattr(rows, "columns") else pd.Series(rows[:, name])


def replaced(rows: Any, name: Any, values: Any) -> Any:
    """The rows with other values in one column; the given ones stay as they are."""
    import numpy as np

    if hasattr(rows, "columns"):
        copy = rows.copy()
        copy[name] = values
        return copy
    copy = rows.astype(np.result_type(rows.dtype, np.asarray(values).dtype), copy=True)
    copy[:, name] = values
    return copy


def swept(
    trial: Trial, check: str, spoilt: Iterable[tuple[str, Any]], bound: float | None, *, refusal: Status = "passed"
) -> Outcome:
    """Try the model on spoilt rows, one kind of spoiling after the other, and join what came of it.

    A model must answer with as many whole answers, or refuse with an error that says why. `bound` limits how far
    answers may move; `refusal` is the status of a refusal.
    """
    lines: list[tuple[Any, ...]] = []
    bad, refused, worst = [], [], ("", 0.0)
    for label, rows in spoilt:
        tried = trial.tried(rows)
        said = fault(trial.model, tried.value, len(rows)) if tried.ended else "" if tried.refused else tried.words
        move = moved(trial.model, trial.base, tried.value) if tried.ended and not said else None
        if said:
            bad.append(f"{label}: {said}")
        elif not tried.ended:
            refused.append(f"{label}: {tried.words}")
        if move is not None and move > worst[1]:
            worst = label, move
        lines.append((label, said or tried.words or "answered", move))
    far = bound is not None and worst[1] > bound
    status: Status = "failed" if bad or far else refusal if refused else "passed"
    figure = _figure(len(lines), len(bad), len(refused), worst)
    table = TableEvidence.of(["what was spoilt", "what came of it", "answers moved"], lines)
    asked = "whole answers, or an error that says why" if bound is None else f"answers move by at most {bound:g}"
    detail = "; ".join([*bad, *refused][:_NAMED])
    return Outcome(check, None, status, figure, asked, detail, (), (table,), worst[1])


def _figure(tried: int, bad: int, refused: int, worst: tuple[str, float]) -> str:
    parts = [f"{tried - bad - refused} of {tried} answered"]
    parts += [f"{refused} refused"] if refused else []
    parts += [f"{bad} wrong"] if bad else []
    parts += [f"answers moved by {worst[1]:.3g} at most, by {worst[0]}"] if worst[0] else []
    return ", ".join(parts)


def named(places: Iterable[int]) -> tuple[int, ...]:
    """The first positions that an outcome names."""
    return tuple(int(place) for place in islice(places, _NAMED))
