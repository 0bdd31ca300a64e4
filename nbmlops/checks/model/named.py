"""The model checks by name: what each needs, where it lives, and how a choice of them is run.

A check is a function ``judge(case)`` in a module of its own, which gives the outcomes one after the other. One
that cannot run is ``errored``, with the reason; the others run all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType

from nbmlops.checks.model.case import Case
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, NbmlopsError, nearest
from nbmlops.core.signs import StepProgress

__all__ = ["CHECKS", "NamedCheck", "judge"]


def _nothing(_: Case) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """One kind of model check.

    Parameters
    ----------
    name : str
        What it is called.
    asks : str
        What it asks, in a few words.
    home : str
        Dotted name of the module with its ``judge``, which takes a `Case` and gives outcomes; after a colon the
        name of another function.
    lacks : callable
        What the case lacks for it, as text; None when it can run.
    asked_only : bool
        Whether it runs only when it is named.
    """

    name: str
    asks: str
    home: str
    lacks: Callable[[Case], str | None] = _nothing
    asked_only: bool = False

    def judge(self, case: Case) -> Iterable[Outcome]:
        """Run it."""
        home, _, function = self.home.partition(":")
        found: Iterable[Outcome] = getattr(import_module(home), function or "judge")(case)
        return found


def _no_champion(case: Case) -> str | None:
    return None if case.champion else "there is no champion; name one with --champion"


def _no_groups(case: Case) -> str | None:
    return None if case.asked.sensitive else "there is no sensitive column; name one with --sensitive"


def _no_probabilities(case: Case) -> str | None:
    return None if hasattr(case.model, "predict_proba") else f"{type(case.model).__name__} gives no probabilities"


def _no_training(case: Case) -> str | None:
    return None if case.train is not None else "there are no training rows; name them with --train"


_HERE = __name__.rpartition(".")[0]

_ALL = (
    NamedCheck("floor", "whether the figure reaches its bound", f"{_HERE}.floor"),
    NamedCheck("champion", "whether it is no worse than the champion", f"{_HERE}.champion", _no_champion),
    NamedCheck("baseline", "whether it is better than simple models", f"{_HERE}.baseline"),
    NamedCheck("slices", "whether it is weak on parts of the rows", f"{_HERE}.slices"),
    NamedCheck("fairness", "whether groups are treated alike", f"{_HERE}.fairness", _no_groups),
    NamedCheck("calibration", "whether probabilities mean what they say", f"{_HERE}.calibration", _no_probabilities),
    NamedCheck("overfit", "how much it loses from the training rows", f"{_HERE}.overfit", _no_training),
)

# They ask a model for many more answers than its quality takes, and fit copies of it: they run when they are named.
_TRIED = tuple(
    NamedCheck(name, asks, f"{_HERE}.trials:{name}", asked_only=True)
    for name, asks in {
        "robustness": "whether answers follow their rows, and what spoilt rows do",
        "stability": "whether weights and answers are numbers",
        "determinism": "whether the same gives the same, read back too",
        "budgets": "what time, memory and bytes it takes",
        "training": "whether it learns ten rows, and its loss falls",
        "stress": "what odd tables and many callers do",
        "staleness": "how old it is, and what that costs",
    }.items()
)

CHECKS = MappingProxyType({each.name: each for each in (*_ALL, *_TRIED)})
"""The model checks by name, in the order in which they run."""


def judge(
    case: Case, only: Sequence[str] = (), progress: Callable[[StepProgress], None] | None = None
) -> tuple[Outcome, ...]:
    """Run the checks that are named, or all that the case has enough for; `progress` is told of each.

    Raises
    ------
    InvalidError
        When a name is unknown, or the table has no row or lacks a column that is named.
    """
    for name in only:
        if name not in CHECKS:
            raise InvalidError(
                f"there is no model check {name!r}", hint=nearest(name, CHECKS) or f"there are {', '.join(CHECKS)}"
            )
    case.refuse()
    outcomes: list[Outcome] = []
    chosen = [
        each
        for each in CHECKS.values()
        if (each.name in only if only else not each.asked_only and each.lacks(case) is None)
    ]
    for each in chosen:
        if progress:
            progress(StepProgress(each.name, "running"))
        outcomes.extend(_outcomes(each, case))
        if progress:
            progress(StepProgress(each.name, "completed", 1, 1))
    return tuple(outcomes)


def _outcomes(check: NamedCheck, case: Case) -> Iterator[Outcome]:
    try:
        if missing := check.lacks(case):
            raise InvalidError(missing)
        yield from check.judge(case)
    except NbmlopsError as error:
        yield Outcome(check.name, None, "errored", "", "", error.message)
    except Exception as error:  # noqa: BLE001 - a model is anyone's code: what it raises is the outcome
        yield Outcome(check.name, None, "errored", "", "", f"{type(error).__name__}: {error}")
