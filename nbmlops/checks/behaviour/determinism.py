"""Whether the same gives the same: two predictions, two fits with the seeds that are set, and a model read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.checks.behaviour.attempts import attempt
from nbmlops.checks.behaviour.trial import Trial, answers, differing, named, take
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, NbmlopsError

__all__ = ["judge"]

_FITTED = 1_000
_TIMES = 2


def judge(trial: Trial) -> Iterator[Outcome]:
    """Predict twice; fit twice when the truth is known; write and read back when that can be done."""
    yield _predicted(trial)
    if trial.truth is not None and hasattr(trial.model, "fit"):
        yield _fitted(trial)
    if trial.reload is not None:
        yield _reloaded(trial)


def _predicted(trial: Trial) -> Outcome:
    again = trial.answered(trial.sample)
    return _compared("two predictions", trial, again, "the answers change: look for an unset seed, the clock or state")


def _compared(check: str, trial: Trial, found: Any, why: str) -> Outcome:
    places = trial.places[differing(trial.base, found)]
    figure = f"{len(places):,} of {len(trial.base):,} answers differ"
    if not len(places):
        return Outcome(check, None, "passed", figure, "none", number=0)
    return Outcome(check, None, "failed", figure, "none", why, named(places), (), len(places))


def _fitted(trial: Trial) -> Outcome:
    check = "two fits"
    first, second = (_fit(trial, seeded=False) for _ in range(_TIMES))
    count = len(differing(first, second))
    figure = f"{count:,} of {len(first):,} answers differ"
    if not count:
        return Outcome(check, None, "passed", figure, "none", number=0)
    if _unset(trial.model) and not len(differing(*(_fit(trial, seeded=True) for _ in range(_TIMES)))):
        why = "random_state is not set; with it the fits are equal"
        return Outcome(check, None, "warned", figure, "none", why, number=count)
    why = "with random_state as well: look for the global generator, the clock or threads"
    return Outcome(check, None, "failed", figure, "none", why, number=count)


def _fit(trial: Trial, *, seeded: bool) -> Any:
    """Answers of a copy that was fitted on the first thousand rows."""
    import numpy as np
    from sklearn.base import clone

    places = np.arange(min(len(trial.rows), _FITTED))

    def work() -> Any:
        copy = clone(trial.model)
        if seeded:
            copy.set_params(**dict.fromkeys(_unset(copy), 0))
        copy.fit(take(trial.rows, places), np.asarray(trial.truth)[places])
        return answers(copy, trial.sample)

    tried = attempt(work, trial.seconds)
    if not tried.ended:
        raise InvalidError(f"it cannot be fitted anew: {tried.words}")
    return tried.value


def _unset(model: Any) -> list[str]:
    """Names of the seeds that are not set, those of the parts within it included."""
    given = model.get_params() if hasattr(model, "get_params") else {}
    return [name for name, value in given.items() if name.split("__")[-1] == "random_state" and value is None]


def _reloaded(trial: Trial) -> Outcome:
    check, asked = "reading back", "the same answers"
    assert trial.reload is not None
    try:
        copy = trial.reload(trial.model)
    except NbmlopsError as error:
        return Outcome(check, None, "failed", "it cannot be saved", asked, error.message)
    tried = attempt(lambda: answers(copy, trial.sample), trial.seconds)
    if not tried.ended:
        return Outcome(check, None, "failed", "no answers", asked, tried.words)
    return _compared(check, trial, tried.value, "it keeps something that its file does not hold")
