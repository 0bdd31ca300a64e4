"""Judge a table by a suite: one pass that measures all checks at once, a second one for the evidence of what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.checks.compile import needed, plan
from nbmlops.checks.evidence import RowsEvidence
from nbmlops.checks.kinds import Check, Nulls, Rows
from nbmlops.checks.looking_up import Found
from nbmlops.checks.plans import ROWS, CheckPlan, Frame
from nbmlops.checks.records import Outcome, Status
from nbmlops.checks.words import bound_words, figure_words, value_words
from nbmlops.core.errors import NbmlopsError, nearest

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable
    from nbmlops.checks.looking_up import Finder
    from nbmlops.checks.suite import Suite

__all__ = ["judge"]

EVIDENCE = 5
"""How many offending rows an outcome names."""
_PART = 4_000


@dataclass(frozen=True, slots=True)
class _Planned:
    check: Check
    column: str | None
    plan: CheckPlan


def judge(
    table: CheckedTable, suite: Suite, find: Finder | None = None, now: datetime | None = None
) -> tuple[Outcome, ...]:
    """Judge `table` by `suite`; one outcome per check, in the suite's order.

    A check that cannot run (a missing column, another type) gives an ``errored`` outcome; the others
    still run. A table without rows fails, unless the suite itself says how many rows there may be. `find` gives the
    table and the version that a reference in the suite means; `now` is the time that ages are told from, the machine's
    by default.

    Raises
    ------
    InvalidError
        When a judged column holds Python objects.
    """
    frame, lazy = _frame(table, suite)
    finder = Found(find) if find is not None else None
    frame = replace(frame, reference=finder, now=(now or datetime.now(UTC)).replace(tzinfo=None))
    outcomes = [_planned(check, None, frame, number) for number, check in enumerate(suite.table)]
    for each in suite.columns:
        if each.column not in frame.places:
            outcomes.append(_absent(each.column, frame, len(each.checks)))
            continue
        outcomes += [_planned(check, each.column, frame, len(outcomes) + n) for n, check in enumerate(each.checks)]
    planned = [each for each in outcomes if isinstance(each, _Planned)]
    measured = _measured(table, lazy, planned)
    judged = {id(each): _outcome(each, values) for each, values in zip(planned, measured, strict=True)}
    bad = {
        id(each): _Bad(each, _tallied(each, values)[0], _shown(each, frame))
        for each, values in zip(planned, measured, strict=True)
        if judged[id(each)].status in ("failed", "warned") and each.plan.evidence is not None
    }
    for key, evidence in _evidence(table, lazy, list(bad.values())).items():
        kept = (evidence.table,) if evidence.table is not None else ()
        judged[key] = replace(judged[key], rows=evidence.rows, detail=evidence.detail, evidence=kept)
    found = [each if isinstance(each, Outcome) else judged[id(each)] for each in outcomes]
    left_out = [Outcome("left out", None, "warned", "", "", words) for words in suite.left_out]
    return (*_empty(table, suite), *left_out, *found)


def _frame(table: CheckedTable, suite: Suite) -> tuple[Frame, pl.LazyFrame | None]:
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
    said = f"no such column; {near or ''} {checks} check{'s' if checks > 1 else ''} could not run"
    return Outcome("present", column, "errored", "", "", " ".join(said.split()))


def _planned(check: Check, column: str | None, frame: Frame, number: int) -> Outcome | _Planned:
    try:
        return _Planned(check, column, plan(check, column, frame, number))
    except NbmlopsError as error:
        said = error.message if error.hint is None else f"{error.message}; {error.hint}"
        return _of(check, Outcome(check.kind, column, "errored", "", bound_words(check), said))


def _empty(table: CheckedTable, suite: Suite) -> list[Outcome]:
    if any(isinstance(check, Rows) for check in suite.table) or table.height():
        return []
    return [Outcome("rows", None, "failed", "0 rows", "at least 1", "an empty table satisfies everything else")]


# -- the passes -------------------------------------------------------------------------------------


def _measured(
    table: CheckedTable, lazy: pl.LazyFrame | None, planned: Sequence[_Planned]
) -> list[Mapping[str, Any] | BaseException]:
    """Measure all plans in one pass; when the engine refuses that, each by itself, to find which it was."""
    if lazy is None:
        return [{ROWS: table.height()}] * len(planned)
    values = _tried(table, lazy, planned)
    if not isinstance(values, BaseException):
        return [values] * len(planned)
    return [_tried(table, lazy, [each]) for each in planned]


def _tried(table: CheckedTable, lazy: pl.LazyFrame, planned: Sequence[_Planned]) -> Mapping[str, Any] | BaseException:
    import polars as pl

    measures = {ROWS: pl.len()}
    for each in planned:
        measures.update(each.plan.measures)
        lazy = each.plan.join.onto(lazy) if each.plan.join else lazy
    try:
        return _select(table, lazy, measures)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return error


def _select(table: CheckedTable, lazy: pl.LazyFrame, wanted: Mapping[str, pl.Expr]) -> dict[str, Any]:
    named = [expression.alias(name) for name, expression in wanted.items()]
    found: dict[str, Any] = {}
    # One pass, but for very wide tables: planning a stream grows faster than its number of expressions.
    for part in range(0, len(named), _PART):
        selected = lazy.select(named[part : part + _PART])
        found |= selected.collect(engine="streaming" if table.streaming else "in-memory").row(0, named=True)
    return found


@dataclass(frozen=True, slots=True)
class _Bad:
    """A check that does not hold, how many values or rows offend, and which columns show that: name -> place."""

    planned: _Planned
    total: int
    shown: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Evidence:
    rows: tuple[int, ...]
    detail: str
    table: RowsEvidence | None = None


def _shown(each: _Planned, frame: Frame) -> dict[str, str]:
    named = [each.column] if each.column is not None and each.plan.shown is not None else []
    named += [name for name in needed(each.check) if name in frame.places]
    return {name: frame.places[name] for name in dict.fromkeys(named)}


def _evidence(table: CheckedTable, lazy: pl.LazyFrame | None, bad: Sequence[_Bad]) -> dict[int, _Evidence]:
    """Find the first bad rows of each plan in one more pass, over the columns of these plans alone."""
    import polars as pl

    wanted: dict[str, pl.Expr] = {}
    for number, each in enumerate(bad):
        where, join = each.planned.plan.evidence, each.planned.plan.join
        assert where is not None
        lazy = join.onto(lazy) if join is not None and lazy is not None else lazy
        wanted[f"rows{number}"] = where.arg_true().head(EVIDENCE).implode()
        for place in {*each.shown.values(), *filter(None, [each.planned.plan.shown])}:
            wanted[f"{place} of {number}"] = pl.col(place).filter(where).head(EVIDENCE).implode()
    if lazy is None or not wanted:
        return {}
    try:
        values = _select(table, lazy, wanted)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if len(bad) > 1:
            return {key: value for each in bad for key, value in _evidence(table, lazy, [each]).items()}
        return {id(bad[0].planned): _Evidence((), f"the rows cannot be located: {_first_line(error)}")}
    return {id(each.planned): _located(each, number, values) for number, each in enumerate(bad)}


def _located(bad: _Bad, number: int, values: Mapping[str, Any]) -> _Evidence:
    from nbmlops.checks.policy.hiding import hidden

    rows = tuple(values[f"rows{number}"])
    column = bad.planned.column or ""
    found = values.get(f"{bad.planned.plan.shown} of {number}") or ()
    told = (hidden(value, column) if isinstance(value, str) else value for value in found)
    examples = dict.fromkeys(value_words(value) for value in told)
    detail = f"such as {', '.join(examples)}" if examples else ""
    if not bad.shown or not rows:
        return _Evidence(rows, detail)
    columns = [
        [hidden(each, name) if isinstance(each, str) else each for each in values[f"{place} of {number}"]]
        for name, place in bad.shown.items()
    ]
    return _Evidence(
        rows,
        detail,
        RowsEvidence.of(dict(zip(rows, zip(*columns, strict=True), strict=True)), list(bad.shown), bad.total),
    )


# -- verdicts and words -----------------------------------------------------------------------------


def _outcome(each: _Planned, values: Mapping[str, Any] | BaseException) -> Outcome:
    check = each.check
    if isinstance(values, BaseException):
        return _of(check, Outcome(check.kind, each.column, "errored", "", bound_words(check), _first_line(values)))
    bad, judged = _tallied(each, values)
    if each.plan.tally is None:
        holds, figure = each.plan.holds, each.plan.fixed or ""
    else:
        said = each.plan.said
        holds, figure = _holds(check, bad, judged), said(values) if said else figure_words(check, bad, judged)
    status: Status = "passed" if holds else "warned" if check.severity == "warn" else "failed"
    bound = each.plan.bound or bound_words(check)
    number = _number(each, bad, judged)
    return _of(check, Outcome(check.kind, each.column, status, figure, bound, number=number))


def _of(check: Check, outcome: Outcome) -> Outcome:
    """The outcome with what its check says of itself."""
    return replace(outcome, owner=check.owner, reason=check.reason) if check.owner or check.reason else outcome


def _tallied(each: _Planned, values: Mapping[str, Any] | BaseException) -> tuple[int, int]:
    return (0, 0) if isinstance(values, BaseException) or each.plan.tally is None else each.plan.tally(values)


def _number(each: _Planned, bad: int, judged: int) -> float | None:
    """The share that offends; of a check of rows, how many there are."""
    if isinstance(each.check, Rows):
        return judged
    return bad / judged if judged and each.plan.said is None else None


def _holds(check: Check, bad: int, judged: int) -> bool:
    if isinstance(check, Nulls):
        share = bad / judged if judged else 0.0
        return share <= check.limit if check.inclusive else share < check.limit
    # Shares such as 0.99 are not exact in binary: 99 of 100 must satisfy mostly(0.99).
    return judged - bad >= check.mostly * judged - 1e-9 * max(judged, 1)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
