"""The verdict on a candidate, computed outside any transaction: integrity, floor, and the present champion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from nbmlops.checks import models as checks
from nbmlops.checks.model.case import Asked, Case, Opened
from nbmlops.checks.model.champion import comparable
from nbmlops.checks.model.named import judge as judge_model
from nbmlops.checks.model.shown import no_worse
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError, NbmlopsError, nearest
from nbmlops.models.gates import Gate, example
from nbmlops.models.inputs import taken
from nbmlops.models.records import ModelSignature

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.data.records import DataVersion
    from nbmlops.store.versions import Version

__all__ = ["Tables", "Verdict", "integrity", "judge"]

Opener = Callable[["Version"], Opened]


class Tables(Protocol):
    """What a verdict needs of data."""

    def show(self, ref: str) -> DataVersion:
        """What is known of a version."""

    def load(self, ref: str) -> Any:
        """The table as pandas."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcomes, and what they were computed on: digests of the gate, the held-out table and the training rows."""

    outcomes: tuple[Outcome, ...]
    policy: str | None = None
    holdout: str | None = None
    train: str | None = None


def integrity(version: Version, opener: Opener) -> tuple[Opened | None, Outcome]:
    """Open a version and say whether its digest, signature and format hold; None when they do not."""
    asked = "digest, signature and format hold"
    try:
        opened = opener(version)
    except NbmlopsError as error:
        return None, Outcome("integrity", None, "failed", "", asked, error.message)
    return opened, Outcome("integrity", None, "passed", f"signed by {version.detail['signed']['key']}", asked)


def judge(candidate: Version, champion: Version | None, gate: Gate | None, tables: Tables, opener: Opener) -> Verdict:
    """Judge a candidate against its gate and the version that the alias is on.

    Parameters
    ----------
    candidate : Version
        The version to be promoted.
    champion : Version or None
        Where the alias is; None when it is nowhere.
    gate : Gate or None
        What to pass; without one only the integrity is judged, with a warning that says so.
    tables : Tables
        Where the held-out table is.
    opener : callable
        Opens a version after all checks of trust.
    """
    opened, held = integrity(candidate, opener)
    if gate is None:
        lines = example(candidate.name)
        return Verdict((held, Outcome("gate", None, "warned", "none: only the integrity was judged", "", lines)))
    if opened is None:
        return Verdict((held,), gate.digest)
    try:
        holdout = tables.show(gate.holdout)
        train = tables.show(gate.train) if gate.train else None
    except NbmlopsError as error:
        return Verdict((held, _errored(gate, error)), gate.digest)
    outcomes = [held]
    try:
        table = tables.load(holdout.ref)
        outcomes += _suites(gate, table)
        outcomes += _measured(candidate, opened.model, champion, gate, table, opener)
        learnt_from = tables.load(train.ref) if train and gate.checks else None
        outcomes += _checked(opened, gate, table, learnt_from)
    except NbmlopsError as error:
        outcomes.append(_errored(gate, error))
    return Verdict(tuple(outcomes), gate.digest, holdout.digest, train.digest if train else None)


def _errored(gate: Gate, error: NbmlopsError) -> Outcome:
    return Outcome(gate.metric, None, "errored", "", "", error.message)


def _measured(
    candidate: Version, model: Any, champion: Version | None, gate: Gate, table: pd.DataFrame, opener: Opener
) -> list[Outcome]:
    metric = gate.measure
    column = _target(table, gate)
    known = checks.truth(metric, model, column)
    given = _answers(candidate, model, gate, table)
    found = checks.figure(metric, known, given)
    outcomes = []
    if gate.bound is not None:
        outcomes.append(checks.reaches(metric, found, gate.bound, len(table)))
    if champion is None:
        first = Outcome(f"{gate.metric} against the champion", None, "passed", "there is none yet", "")
        return [*outcomes, first]
    other, held = integrity(champion, opener)
    if other is None:
        # A broken champion must not keep a sound candidate out.
        why = f"it cannot be loaded: {held.detail}"
        return [*outcomes, Outcome(f"{gate.metric} against {champion.ref}", None, "warned", "not compared", "", why)]
    if not comparable(model, other.model):
        raise InvalidError(f"{champion.ref} knows other classes than {candidate.ref}, so the two cannot be compared")
    theirs = _answers(champion, other.model, gate, table)
    if gate.risk is None:
        compared = checks.compare(metric, known, given, theirs)
        return [*outcomes, checks.not_worse(metric, compared, gate.tolerance, champion.ref)]
    compared = checks.compare(metric, known, given, theirs, risk=gate.risk)
    judged = no_worse(metric, compared, gate.tolerance, champion.ref, gate.risk)
    # A gate with a risk asks for proof: what the rows do not show is not passed.
    return [*outcomes, replace(judged, status="failed") if judged.status == "warned" else judged]


def _suites(gate: Gate, table: pd.DataFrame) -> list[Outcome]:
    """What the suites of the gate say of the held-out table."""
    from nbmlops.checks.engine import judge as judge_data
    from nbmlops.checks.frames import table_of

    return [
        replace(outcome, check=f"{outcome.check} of {path}")
        for path, written in gate.suites
        for outcome in judge_data(table_of(table), Suite.parse(written, path))
    ]


def _checked(opened: Opened, gate: Gate, table: pd.DataFrame, train: pd.DataFrame | None) -> tuple[Outcome, ...]:
    """What the model checks say that the gate names."""
    if not gate.checks:
        return ()
    risk = {} if gate.risk is None else {"risk": gate.risk}
    asked = Asked.of({"metric": gate.metric, **risk, **dict(gate.asked)})
    return judge_model(Case(opened, table, gate.target, asked, train=train), gate.checks)


def _target(table: pd.DataFrame, gate: Gate) -> Any:
    if len(table) == 0:
        raise InvalidError(f"the held-out table {gate.holdout} has no rows")
    if gate.target not in table.columns:
        known = ", ".join(map(str, table.columns))
        raise InvalidError(
            f"the held-out table {gate.holdout} has no column {gate.target!r}; "
            f"{nearest(gate.target, map(str, table.columns)) or f'it has {known}'}"
        )
    return table[gate.target]


def _answers(version: Version, model: Any, gate: Gate, table: pd.DataFrame) -> Any:
    signature = ModelSignature.from_json(version.detail["signature"])
    rows = taken(signature, table, gate.target, f"the held-out table {gate.holdout}")
    try:
        return checks.answers(gate.measure, model, rows, table[gate.target])
    except NbmlopsError:
        raise
    except Exception as error:
        raise InvalidError(
            f"{version.ref} cannot answer the rows of {gate.holdout}: {type(error).__name__}: {error}"
        ) from error
