"""Odd tables: no rows, one row, many rows, more columns, columns that are missing or of another type, many callers.

Each must give whole answers or an error that says why, within the time of a call.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

from nbmlops.checks.behaviour.attempts import Attempt, attempt
from nbmlops.checks.behaviour.trial import Trial, answers, column, columns, differing, fault, replaced, swept, take
from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome

__all__ = ["judge"]

_MANY, _WIDE, _THREADS, _TURNS, _COLUMNS = 100_000, 200, 8, 4, 20
_ASKED = "answers, or an error that says why"


def judge(trial: Trial, many: int = _MANY) -> Iterator[Outcome]:
    """Predict on odd tables and from many threads; fit on odd tables when the truth is known."""
    yield _empty(trial)
    yield _repeated("one row", trial, [0])
    yield _repeated("many rows", trial, _cycle(trial, many))
    if hasattr(trial.rows, "columns"):
        yield _wide(trial)
        yield _missing(trial)
    if columns(trial.sample, "nt", 1):
        yield swept(trial, "columns of another type", _other_types(trial.sample), None)
    yield _together(trial)
    if trial.truth is not None and hasattr(trial.model, "fit"):
        yield _fits(trial)


def _cycle(trial: Trial, many: int) -> Any:
    import numpy as np

    return np.arange(many) % len(trial.sample)


def _told(check: str, tried: Attempt, said: str) -> Outcome:
    """The outcome of one call: `said` is what is wrong with its answers."""
    if tried.ended:
        return Outcome(check, None, "failed" if said else "passed", said or "answered", _ASKED)
    if tried.refused:
        return Outcome(check, None, "passed", "refused", _ASKED, tried.words)
    return Outcome(
        check, None, "failed", tried.words, _ASKED, "" if tried.late else "this error says not what is wrong"
    )


def _empty(trial: Trial) -> Outcome:
    tried = trial.tried(take(trial.rows, []) if not hasattr(trial.rows, "iloc") else trial.rows.iloc[:0])
    said = f"{len(tried.value):,} answers to no rows" if tried.ended and len(tried.value) else ""
    return _told("no rows", tried, said)


def _repeated(check: str, trial: Trial, places: Any) -> Outcome:
    """Rows that were answered before, some of them or many times over: the same answers."""
    tried = trial.tried(take(trial.sample, places))
    said = fault(trial.model, tried.value, len(places)) if tried.ended else ""
    if tried.ended and not said and (count := len(differing(trial.base[places], tried.value))):
        said = f"{count:,} of {len(places):,} answers are others than before"
    if tried.refused:
        return Outcome(check, None, "failed", f"refused: {tried.words}", "the same answers")
    return _told(check, tried, said)


def _wide(trial: Trial) -> Outcome:
    import pandas as pd

    more = pd.DataFrame(0.0, index=trial.sample.index, columns=[f"another_{n}" for n in range(_WIDE)])
    tried = trial.tried(pd.concat([trial.sample, more], axis=1))
    said = ""
    if tried.ended and (count := len(differing(trial.base, tried.value))):
        said = f"{count:,} answers are others with {_WIDE} more columns"
    return _told(f"{_WIDE} more columns", tried, said)


def _missing(trial: Trial) -> Outcome:
    """Each column left out: an error that says so, or the same answers from a model that does not use it."""
    bad, lines = [], []
    for name in [*trial.sample.columns][:_COLUMNS]:
        tried = trial.tried(trial.sample.drop(columns=name))
        said = "" if tried.ended or tried.refused else tried.words
        if tried.ended and (count := len(differing(trial.base, tried.value))):
            said = f"{count:,} answers are others, without an error"
        if said:
            bad.append(f"without {name}: {said}")
        lines.append((str(name), said or tried.words or "not used"))
    table = TableEvidence.of(["left out", "what came of it"], lines)
    status = "failed" if bad else "passed"
    figure = f"{len(bad)} of {len(lines)} go wrong"
    asked = "an error that says why"
    return Outcome("a column missing", None, status, figure, asked, "; ".join(bad[:5]), (), (table,), len(bad))  # type: ignore[arg-type]


def _other_types(rows: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    for name in columns(rows, "nt", _COLUMNS):
        number = column(rows, name).dtype.kind in "fiu"
        values = np.full(len(rows), "no number" if number else 7, dtype=object)
        yield f"{'text' if number else 'numbers'} in {name}", replaced(rows, name, values)


def _together(trial: Trial) -> Outcome:
    """Eight threads at once, each on its own rows; every answer must be that of one caller alone."""
    import numpy as np

    check, parts = f"{_THREADS} callers at once", np.array_split(np.arange(len(trial.sample)), _THREADS)
    mine = [part if len(part) else np.array([0]) for part in parts]
    gate = threading.Barrier(_THREADS)

    found: list[Attempt] = [Attempt(late=True)] * _THREADS

    def ask(place: int) -> None:
        try:
            gate.wait(trial.seconds)
            found[place] = Attempt([answers(trial.model, take(trial.sample, mine[place])) for _ in range(_TURNS)])
        except Exception as error:  # noqa: BLE001 - a model is anyone's code: what it raises is the finding
            found[place] = Attempt(error=error)

    def all_at_once() -> None:
        threads = [threading.Thread(target=ask, args=(place,), daemon=True) for place in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    expected = trial.base
    # One attempt for all of them: silencing warnings is no matter of one thread.
    attempt(all_at_once, trial.seconds)
    done = list(found)
    if stopped := next((each for each in done if not each.ended), None):
        return Outcome(check, None, "failed", stopped.words, "the answers of one caller alone")
    wrong = sum(
        len(differing(expected[part], given)) for part, each in zip(mine, done, strict=True) for given in each.value
    )
    total = sum(len(part) for part in mine) * _TURNS
    status = "failed" if wrong else "passed"
    figure = f"{wrong:,} of {total:,} answers are others"
    return Outcome(check, None, status, figure, "none", number=wrong)  # type: ignore[arg-type]


def _fit(trial: Trial, places: Any) -> Any:
    import numpy as np
    from sklearn.base import clone

    return clone(trial.model).fit(take(trial.rows, places), np.asarray(trial.truth)[places])


def _fits(trial: Trial) -> Outcome:
    """Training on odd tables: a model, or an error that says why."""
    import numpy as np

    truth, size = np.asarray(trial.truth), len(trial.rows)
    few = np.arange(min(size, 200))
    one = np.flatnonzero(truth == truth[0])[:200]
    cases = {"no rows": [], "one row": [0], "two rows": [0, size - 1], "one answer only": one}
    cases["the same row again and again"] = np.zeros(len(few), dtype=int)
    bad, lines = [], []
    for label, places in cases.items():
        tried = attempt(partial(_fit, trial, np.asarray(places, dtype=int)), trial.seconds)
        said = "" if tried.ended or tried.refused else tried.words
        bad += [f"{label}: {said}"] if said else []
        lines.append((label, tried.words or "fitted"))
    table = TableEvidence.of(["fitted on", "what came of it"], lines)
    status = "failed" if bad else "passed"
    figure, asked = f"{len(bad)} of {len(lines)} go wrong", "a model, or an error that says why"
    return Outcome("training on odd tables", None, status, figure, asked, "; ".join(bad), (), (table,), len(bad))  # type: ignore[arg-type]
