"""What a table tells that will not be known when a prediction is made.

| check | fails when |
|---|---|
| ``copy of the target`` | a column is the label under another name: the same classes, the same order, a line |
| ``alone`` | a column alone tells the label as well as the bound, and chance does not |
| ``after the event`` | a time of the row lies after its event |
| ``test rows in training``, ``groups in both``, ``training before test`` | `overlap` |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import RowsEvidence
from nbmlops.checks.features.alone import Label, label_of, strength
from nbmlops.checks.features.overlap import by_group, by_rows, by_time, moments
from nbmlops.checks.frames import CheckedTable
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, NbmlopsError, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BOUND", "Question", "find"]

BOUND = 0.99
"""AUC or R² of one column from which on it is taken to tell the label itself."""
_RISK, _LINE, _FEW = 0.001, 1 - 1e-12, 20


@dataclass(frozen=True, slots=True)
class Question:
    """A table, its label, and what is known of its rows.

    Parameters
    ----------
    table : CheckedTable
        The rows to learn from.
    target : str
        The column with the label.
    time, group : str or None
        The columns with the time of the event, and with what rows belong together by.
    test : CheckedTable or None
        The rows to be judged on.
    bound : float
        AUC or R² of one column that is too good to be true.
    """

    table: CheckedTable
    target: str
    time: str | None = None
    group: str | None = None
    test: CheckedTable | None = None
    bound: float = BOUND

    @property
    def features(self) -> list[str]:
        """The columns that a model could learn from."""
        return [name for name in self.table.names if name not in (self.target, self.group)]

    def refuse(self) -> None:
        """Raise when a column is missing, or the bound no figure.

        Raises
        ------
        InvalidError
            Names the column, and the nearest.
        """
        for name in (self.target, self.time, self.group):
            for table in (self.table, self.test) if name != self.target else (self.table,):
                if name is not None and table is not None and name not in table.names:
                    where = "table" if table is self.table else "test table"
                    there = ", ".join(table.names[:20])
                    hint = nearest(name, table.names) or f"it has {there}"
                    raise InvalidError(f"the {where} has no column {name!r}", hint=hint)
        if not 0 < self.bound <= 1:
            raise InvalidError(f"the bound is {self.bound:g}, and must lie between 0 and 1", hint="--bound 0.99")
        if self.group is not None and self.test is None:
            raise InvalidError(f"groups of {self.group} are compared with a test table", hint="--test TABLE")


def find(question: Question, looked: Callable[[str, int, int], None] | None = None) -> tuple[Outcome, ...]:
    """Look for leaks; `looked` is told each column, how many were looked at, and of how many.

    Raises
    ------
    InvalidError
        When a named column is missing, the label is none, or nothing can be compared.
    """
    question.refuse()
    target = _column(question.table, question.target)
    label = label_of(target, question.target)
    outcomes, copies = list[Outcome](), list[Outcome]()
    for done, name in enumerate(question.features):
        if looked:
            looked(name, done, len(question.features))
        try:
            column = _column(question.table, name)
            copies += _copy(name, column, target, label)
            outcomes.append(_alone(question, name, column, label))
        except NbmlopsError as error:
            outcomes.append(Outcome("alone", name, "errored", error.message, ""))
    none = Outcome("copy of the target", None, "passed", "none", "none")
    return (*(copies or [none]), *outcomes, *_after(question), *_overlaps(question))


def _column(table: CheckedTable, name: str) -> pl.Series:
    return table.frame([name]).collect().get_column("c0")


def _copy(name: str, column: pl.Series, target: pl.Series, label: Label) -> list[Outcome]:
    """An outcome when the column is the label under another name."""
    import polars as pl

    both = column.is_not_null() & pl.Series(label.known)
    ours, truth = column.filter(both), target.filter(both)
    if len(ours) < _FEW or column.dtype.is_nested() or truth.n_unique() < 2:
        return []
    how = ""
    distinct, of_truth = ours.n_unique(), truth.n_unique()
    pairs = pl.DataFrame({"a": ours, "b": truth}).n_unique()
    if distinct == of_truth == pairs and (label.classes or _same_order(ours, truth)):
        how = "each of its values stands for one of the label's" if label.classes else "it orders the rows as the label"
    elif column.dtype.is_numeric() and not label.classes and _line(ours, truth) >= _LINE:
        how = "it is the label on another scale"
    if not how:
        return []
    rows = f"{len(ours):,} of {int(label.known.sum()):,} rows"
    return [Outcome("copy of the target", name, "failed", rows, "none", how)]


def _same_order(ours: pl.Series, truth: pl.Series) -> bool:
    first, second = ours.rank("dense"), truth.rank("dense")
    return bool((first == second).all() or (first + second == first.n_unique() + 1).all())


def _line(ours: pl.Series, truth: pl.Series) -> float:
    import numpy as np
    import polars as pl

    numbers = ours.cast(pl.Float64).to_numpy()
    if not np.isfinite(numbers).all() or np.ptp(numbers) == 0:
        return 0.0
    return float(abs(np.corrcoef(numbers, truth.cast(pl.Float64).to_numpy())[0, 1]))


def _alone(question: Question, name: str, column: pl.Series, label: Label) -> Outcome:
    if column.dtype.is_nested():
        raise InvalidError(f"{name} holds lists or records, and is not looked at alone")
    found = strength(column, label)
    chance = min(1.0, found.chance * len(question.features))
    high = found.figure >= question.bound
    by_chance = f"chance gives as much once in {1 / max(chance, 1e-9):,.0f} tables of {len(label.values):,} rows"
    return Outcome(
        check="alone",
        column=name,
        status="passed" if not high else "failed" if chance < _RISK else "warned",
        figure=f"{label.measure} {found.figure:.4f}",
        bound=f"< {question.bound:g}",
        detail=f"at least {max(found.low, 0.0):.3f}" + (f"; {by_chance}" if high and chance >= _RISK else ""),
        number=found.figure,
    )


def _after(question: Question) -> Iterator[Outcome]:
    """Times of a row that lie after its event."""
    import numpy as np
    import polars as pl

    if question.time is None:
        return
    event = moments(_column(question.table, question.time))
    if event.dtype != pl.Datetime("us"):
        if question.test is None:
            yield Outcome("after the event", question.time, "errored", f"it holds {event.dtype}, and no times", "")
        return
    names = [name for name in question.table.names if name != question.time]
    for name in names:
        column = _column_or_none(question.table, name)
        if column is None or column.dtype not in (pl.Date, pl.Datetime):
            continue
        # A date is its first moment: only a day that begins after the event is certain to come after it.
        late = (moments(column) > event).fill_null(False)
        rows = [int(row) for row in np.flatnonzero(late.to_numpy())[:100]]
        values = {row: [event[row], column[row]] for row in rows}
        total = int(late.sum())
        yield Outcome(
            check="after the event",
            column=name,
            status="failed" if total else "passed",
            figure=f"{total:,} of {len(event):,} rows",
            bound=f"none after {question.time}",
            rows=tuple(rows[:5]),
            evidence=(RowsEvidence.of(values, [question.time, name], total),) if total else (),
            number=total / len(event) if len(event) else 0.0,
        )


def _column_or_none(table: CheckedTable, name: str) -> pl.Series | None:
    try:
        return _column(table, name)
    except NbmlopsError:  # a column of Python objects, of which `alone` says so
        return None


def _overlaps(question: Question) -> Iterator[Outcome]:
    test = question.test
    if test is None:
        return
    asked: list[tuple[str, str | None, Callable[..., Outcome], Any]] = [
        ("test rows in training", None, by_rows, question.target),
        ("groups in both", question.group, by_group, question.group),
        ("training before test", question.time, by_time, question.time),
    ]
    for check, column, work, argument in asked:
        if argument is None:
            continue
        try:
            yield work(question.table, test, argument)
        except NbmlopsError as error:
            yield Outcome(check, column, "errored", error.message, "")
