"""Judge a table by a suite: one pass that measures all checks at once, a second one for the evidence of what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.compile import ROWS, Frame, Plan, needed, plan
from nbmlops.checks.kinds import Check, Nulls, Rows
from nbmlops.checks.records import Outcome, Status
from nbmlops.checks.words import bound_words, figure_words, value_words
from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import Table
    from nbmlops.checks.suite import Suite

__all__ = ["judge"]

EVIDENCE = 5
"""How many offending rows an outcome names."""


@dataclass(frozen=True, slots=True)
class _Planned:
    check: Check
    column: str | None
    plan: Plan


def judge(table: Table, suite: Suite) -> tuple[Outcome, ...]:
    """Judge `table` by `suite`; one outcome per check, in the suite's order.

    A check that cannot run (a missing column, another type) gives an ``errored`` outcome; the others
    still run. A table without rows fails, unless the suite itself says how many rows there may be.

    Raises
    ------
    InvalidError
        When a judged column holds Python objects.
    """
    frame, lazy = _frame(table, suite)
    outcomes = [_planned(check, None, frame, number) for number, check in enumerate(suite.table)]
    for each in suite.columns:
        if each.column not in frame.places:
            outcomes.append(_absent(each.column, frame, len(each.checks)))
            continue
        outcomes += [_planned(check, each.column, frame, len(outcomes) + n) for n, check in enumerate(each.checks)]
    planned = [each for each in outcomes if isinstance(each, _Planned)]
    measured = _measured(table, lazy, planned)
    judged = {id(each): _outcome(each, values) for each, values in zip(planned, measured, strict=True)}
    evidence = _evidence(table, lazy, [each for each in planned if judged[id(each)].status in ("failed", "warned")])
    found = [
        each if isinstance(each, Outcome) else _with_evidence(judged[id(each)], evidence.get(id(each)))
        for each in outcomes
    ]
    return (*_empty(table, suite), *found)


def _frame(table: Table, suite: Suite) -> tuple[Frame, pl.LazyFrame | None]:
    judged = tuple(each.column for each in suite.columns)
    named = [*judged]
    for check in [*suite.table, *(check for each in suite.columns for check in each.checks)]:
        named += needed(check)
    present = set(table.names)
    wanted = [name for name in dict.fromkeys(named) if name in present]
    if not wanted:
        return Frame(table.names, {}, {}, judged), None
    lazy = table.frame(wanted)
    types = lazy.collect_schema().dtypes()
    places = {name: f"c{place}" for place, name in enumerate(wanted)}
    return Frame(table.names, places, dict(zip(wanted, types, strict=True)), judged), lazy


def _absent(column: str, frame: Frame, checks: int) -> Outcome:
    near = nearest(column, frame.names)
    idle = f"{checks} check{'s' if checks > 1 else ''} could not run"
    return Outcome("present", column, "errored", "no such column", "", f"{near} {idle}" if near else idle)


def _planned(check: Check, column: str | None, frame: Frame, number: int) -> Outcome | _Planned:
    try:
        return _Planned(check, column, plan(check, column, frame, number))
    except InvalidError as error:
        said = error.message if error.hint is None else f"{error.message}; {error.hint}"
        return Outcome(check.kind, column, "errored", "could not run", bound_words(check), said)


def _empty(table: Table, suite: Suite) -> list[Outcome]:
    if any(isinstance(check, Rows) for check in suite.table) or table.height():
        return []
    return [Outcome("rows", None, "failed", "0 rows", "at least 1", "an empty table satisfies everything else")]


# -- the passes -------------------------------------------------------------------------------------


def _measured(
    table: Table, lazy: pl.LazyFrame | None, planned: Sequence[_Planned]
) -> list[Mapping[str, Any] | Exception]:
    """Measure all plans in one pass; when the engine refuses that, each by itself, to find which it was."""
    import polars as pl

    if lazy is None:
        return [{ROWS: table.height()}] * len(planned)
    try:
        values = _collected(table, lazy, planned)
    except pl.exceptions.PolarsError:
        found: list[Mapping[str, Any] | Exception] = []
        for each in planned:
            try:
                found.append(_collected(table, lazy, [each]))
            except pl.exceptions.PolarsError as error:
                found.append(error)
        return found
    return [values] * len(planned)


def _collected(table: Table, lazy: pl.LazyFrame, planned: Sequence[_Planned]) -> Mapping[str, Any]:
    import polars as pl

    measures = {ROWS: pl.len()}
    for each in planned:
        measures.update(each.plan.measures)
    return _select(table, lazy, measures)


def _select(table: Table, lazy: pl.LazyFrame, wanted: Mapping[str, pl.Expr]) -> Mapping[str, Any]:
    selected = lazy.select([expression.alias(name) for name, expression in wanted.items()])
    return selected.collect(engine="streaming" if table.streaming else "in-memory").row(0, named=True)


def _evidence(
    table: Table, lazy: pl.LazyFrame | None, bad: Sequence[_Planned]
) -> dict[int, tuple[list[int], list[Any]]]:
    import polars as pl

    wanted: dict[str, pl.Expr] = {}
    for number, each in enumerate(bad):
        if each.plan.evidence is None:
            continue
        wanted[f"rows{number}"] = each.plan.evidence.arg_true().head(EVIDENCE).implode()
        if each.plan.shown is not None:
            wanted[f"values{number}"] = pl.col(each.plan.shown).filter(each.plan.evidence).head(EVIDENCE).implode()
    if lazy is None or not wanted:
        return {}
    values = _select(table, lazy, wanted)
    return {
        id(each): (list(values[f"rows{number}"]), list(values.get(f"values{number}", [])))
        for number, each in enumerate(bad)
        if f"rows{number}" in wanted
    }


# -- verdicts and words -----------------------------------------------------------------------------


def _outcome(each: _Planned, values: Mapping[str, Any] | Exception) -> Outcome:
    check = each.check
    if isinstance(values, Exception):
        said = str(values).partition("\n")[0]
        return Outcome(check.kind, each.column, "errored", "could not run", bound_words(check), said)
    if each.plan.tally is None:
        holds, figure = each.plan.holds, each.plan.fixed or ""
    else:
        bad, judged = each.plan.tally(values)
        holds, figure = _holds(check, bad, judged), figure_words(check, bad, judged)
    status: Status = "passed" if holds else "warned" if check.severity == "warn" else "failed"
    return Outcome(check.kind, each.column, status, figure, bound_words(check))


def _holds(check: Check, bad: int, judged: int) -> bool:
    if isinstance(check, Nulls):
        share = bad / judged if judged else 0.0
        return share <= check.limit if check.inclusive else share < check.limit
    # Shares such as 0.99 are not exact in binary: 99 of 100 must satisfy mostly(0.99).
    return judged - bad >= check.mostly * judged - 1e-9 * max(judged, 1)


def _with_evidence(outcome: Outcome, evidence: tuple[list[int], list[Any]] | None) -> Outcome:
    if evidence is None:
        return outcome
    rows, values = evidence
    shown = ", ".join(dict.fromkeys(value_words(value) for value in values))
    return Outcome(
        outcome.check,
        outcome.column,
        outcome.status,
        outcome.figure,
        outcome.bound,
        f"such as {shown}" if shown else "",
        tuple(rows),
    )
