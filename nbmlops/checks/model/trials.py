"""Checks of how a model behaves, on a case: what each is given, and which bounds are asked."""

from __future__ import annotations

from collections.abc import Iterator

from nbmlops.checks.behaviour import budgets as measured
from nbmlops.checks.behaviour import determinism as repeated
from nbmlops.checks.behaviour import robustness as spoilt
from nbmlops.checks.behaviour import stability as numbers
from nbmlops.checks.behaviour import staleness as aged
from nbmlops.checks.behaviour import stress as odd
from nbmlops.checks.behaviour import training as trained
from nbmlops.checks.behaviour.budgets import Budgets
from nbmlops.checks.behaviour.staleness import Aged
from nbmlops.checks.behaviour.trial import Trial
from nbmlops.checks.model.case import Case
from nbmlops.checks.model.champion import comparable
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, NbmlopsError

__all__ = ["budgets", "determinism", "robustness", "stability", "staleness", "stress", "training"]

_MEGA = 1_000_000


def _trial(case: Case) -> Trial:
    return Trial(case.model, case.rows, case.table[case.target].to_numpy(), case.opened.reload)


def robustness(case: Case) -> Iterator[Outcome]:
    """Rows in another order and by themselves, gaps, noise, unseen categories, extreme numbers."""
    yield from spoilt.judge(_trial(case), case.asked.change)


def stability(case: Case) -> Iterator[Outcome]:
    """NaN and infinities in weights and answers."""
    yield from numbers.judge(_trial(case))


def determinism(case: Case) -> Iterator[Outcome]:
    """Two predictions, two fits, and the model read back."""
    yield from repeated.judge(_trial(case))


def budgets(case: Case) -> Iterator[Outcome]:
    """Time, memory and bytes."""
    asked = case.asked
    memory, size = (None if value is None else int(value * _MEGA) for value in (asked.memory, asked.size))
    yield from measured.judge(_trial(case), Budgets(asked.latency, asked.batch_latency, memory, size), case.opened.size)


def training(case: Case) -> Iterator[Outcome]:
    """Ten rows by heart, and a loss that falls."""
    yield from trained.judge(_trial(case))


def stress(case: Case) -> Iterator[Outcome]:
    """Odd tables and many callers."""
    yield from odd.judge(_trial(case))


def staleness(case: Case) -> Iterator[Outcome]:
    """Its age, and what it loses against the newest version.

    Raises
    ------
    InvalidError
        When the model is no saved version.
    """
    mine = case.opened
    if mine.age is None or mine.history is None:
        raise InvalidError("only a saved version has an age", hint="name it by its reference, such as delay@v3")
    versions, left = [Aged(mine.name, mine.age, case.given)], []
    for other in mine.history():
        if other.name == mine.name or other.age is None:
            continue
        try:
            if not comparable(case.model, other.model):
                raise InvalidError("it knows other classes")
            versions.append(Aged(other.name, other.age, case.answers(other, case.table)))
        except NbmlopsError as error:
            left.append(f"{other.name} is left out: {error.message}")
    asked = case.asked
    yield from aged.judge(case.metric, case.known, versions, mine.name, days=asked.max_age, lost=asked.lost)
    if left:
        yield Outcome("versions left out", None, "warned", f"{len(left)}", "", "; ".join(left[:5]))
