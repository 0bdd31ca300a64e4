"""Judge a table by a suite: one pass that measures all checks at once, a second one for the evidence of what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nbmlops.checks.compile import needed, plan
from nbmlops.checks.evidence import RowsEvidence
from nbmlops.checks.frames import is_text
from nbmlops.checks.kinds import Check, Matches, Nulls, OneOf, Rows, TypeOf
from nbmlops.checks.looking_up import Found
from nbmlops.checks.plans import EVIDENCE, ROWS, CheckPlan, Frame
from nbmlops.checks.records import Outcome, Status
from nbmlops.checks.sequence import Length
from nbmlops.checks.words import bound_words, figure_words, value_words
from nbmlops.core.errors import NbmlopsError, nearest

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.checks.frames import CheckedTable
    from nbmlops.checks.looking_up import Finder
    from nbmlops.checks.suite import Suite

__all__ = ["judge"]

_PART = 4_000
_OF_TEXTS = (OneOf, Matches, Length)


@dataclass(frozen=True, slots=True)
class _Planned:
    check: Check
    column: str | None
    plan: CheckPlan
    number: int

    @property
    def rows(self) -> str:
        """Name of the measure of its first bad rows."""
        return f"rows{self.number}"


def judge(
    table: CheckedTable,
    suite: Suite,
    find: Finder | None = None,
    now: datetime | None = None,
    functions: Mapping[str, Any] | None = None,
) -> tuple[Outcome, ...]:
    """Judge `table` by `suite`; one outcome per check, in the suite's order.

    A check that cannot run (a missing column, another type) gives an ``errored`` outcome; the others
    still run. A table without rows fails, unless the suite itself says how many rows there may be. `find` gives the
    table and the version that a reference in the suite means; `now` is the time that ages are told from, the machine's
    by default; `functions` are those that its tests may name.

    Raises
    ------
    InvalidError
        When a judged column holds Python objects.
    """
    frame, lazy = _frame(table, suite)
    finder = Found(find) if find is not None else None
    at = (now or datetime.now(UTC)).replace(tzinfo=None)
    frame = replace(frame, reference=finder, table=table, functions=functions or {}, now=at)
    outcomes = [_planned(check, None, frame, number) for number, check in enumerate(suite.table)]
    for each in suite.columns:
        if each.column not in frame.places:
            outcomes.append(_absent(each.column, frame, len(each.checks)))
            continue
        outcomes += [_planned(check, each.column, frame, len(outcomes) + n) for n, check in enumerate(each.checks)]
    opened = [each for each in outcomes if isinstance(each, _Planned)]
    planned, measured = _measured(table, lazy, opened)
    judged = {each.number: _outcome(each, values) for each, values in zip(planned, measured, strict=True)}
    bad = {
        each.number: _Bad(each, _tallied(each, values)[0], _shown(each, frame), _known(each, values))
        for each, values in zip(planned, measured, strict=True)
        if judged[each.number].status in ("failed", "warned") and (each.plan.evidence is not None or each.plan.located)
    }
    for key, evidence in _evidence(table, lazy, list(bad.values())).items():
        kept = (evidence.table,) if evidence.table is not None else ()
        judged[key] = replace(judged[key], rows=evidence.rows, detail=evidence.detail, evidence=kept)
    found = [each if isinstance(each, Outcome) else judged[each.number] for each in outcomes]
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
    coded = _coded(suite, table)
    lazy = table.frame(wanted, coded)
    types = lazy.collect_schema().dtypes()
    places = {name: f"c{place}" for place, name in enumerate(wanted)}
    coded &= _texts(wanted, types)
    return Frame(table.names, places, dict(zip(wanted, types, strict=True)), judged, coded), lazy


def _coded(suite: Suite, table: CheckedTable) -> frozenset[str]:
    """The columns whose every check looks at one text at a time, so that different texts are enough to be looked at."""
    named = {name for check in suite.table for name in needed(check)}
    found = set()
    for each in suite.columns:
        named |= {name for check in each.checks for name in needed(check)}
        of_texts = [check for check in each.checks if isinstance(check, _OF_TEXTS)]
        rest = [check for check in each.checks if not (isinstance(check, (*_OF_TEXTS, Nulls)) or _is_text(check))]
        # Read from a file, a text is coded while it is counted: that pays when it is looked at several times.
        if of_texts and not rest and (len(of_texts) > 1 or not table.streaming):
            found.add(each.column)
    return frozenset(found - named)


def _is_text(check: Check) -> bool:
    return isinstance(check, TypeOf) and check.name in ("string", "category")


def _texts(names: Sequence[str], types: Sequence[pl.DataType]) -> frozenset[str]:
    return frozenset(name for name, dtype in zip(names, types, strict=True) if is_text(dtype))


def _absent(column: str, frame: Frame, checks: int) -> Outcome:
    near = nearest(column, frame.names)
    said = f"no such column; {near or ''} {checks} check{'s' if checks > 1 else ''} could not run"
    return Outcome("present", column, "errored", "", "", " ".join(said.split()))


def _planned(check: Check, column: str | None, frame: Frame, number: int) -> Outcome | _Planned:
    try:
        return _Planned(check, column, plan(check, column, frame, number), number)
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
) -> tuple[list[_Planned], list[Mapping[str, Any] | BaseException]]:
    """Measure all plans in one pass, and in another what the first has not settled; the plans as they are then.

    When the engine refuses that, each is measured by itself, to find which it was.
    """
    if lazy is None:
        return [*planned], [{ROWS: table.height()}] * len(planned)
    values = _tried(table, lazy, planned, proofs=True)
    if not isinstance(values, BaseException):
        settled = [_settled(each, values) for each in planned]
        left = [each for each in settled if each.plan.proof is not None]
        counted = _tried(table, lazy, left) if left else {}
        if not isinstance(counted, BaseException):
            return settled, [{**values, **counted}] * len(planned)
    return [*planned], [_tried(table, lazy, [each]) for each in planned]


def _settled(each: _Planned, values: Mapping[str, Any]) -> _Planned:
    plan = each.plan.proof.settle(values) if each.plan.proof is not None else None
    return each if plan is None else replace(each, plan=plan)


def _tried(
    table: CheckedTable, lazy: pl.LazyFrame, planned: Sequence[_Planned], *, proofs: bool = False
) -> Mapping[str, Any] | BaseException:
    import polars as pl

    measures = {ROWS: pl.len()}
    for each in planned:
        if proofs and each.plan.proof is not None:
            measures.update(each.plan.proof.measures)
            continue
        measures.update(each.plan.measures)
        if each.plan.at_once and not table.streaming:
            measures[each.rows] = _first_rows(each.plan)
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
    """A check that does not hold, how many values or rows offend, and what shows them.

    `shown` are columns (name -> place); `rows` are the first of those rows, where counting has found them.
    """

    planned: _Planned
    total: int
    shown: Mapping[str, str]
    rows: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class _Evidence:
    rows: tuple[int, ...]
    detail: str
    table: RowsEvidence | None = None


def _shown(each: _Planned, frame: Frame) -> dict[str, str]:
    by_itself = each.plan.shown is not None or each.plan.located
    named = [each.column] if each.column is not None and by_itself else []
    named += [name for name in needed(each.check) if name in frame.places]
    return {name: frame.places[name] for name in dict.fromkeys(named)}


def _evidence(table: CheckedTable, lazy: pl.LazyFrame | None, bad: Sequence[_Bad]) -> dict[int, _Evidence]:
    """Find the first bad rows of each plan in one more pass, over the columns of these plans alone."""
    import polars as pl

    wanted: dict[str, pl.Expr] = {}
    for number, each in enumerate(bad):
        where, join = each.planned.plan.evidence, each.planned.plan.join
        assert where is not None or each.rows is not None
        lazy = join.onto(lazy) if join is not None and lazy is not None else lazy
        known = None if each.rows is None else pl.lit(pl.Series(each.rows, dtype=pl.get_index_type()))
        wanted[f"rows{number}"] = _first_rows(each.planned.plan) if known is None else known.implode()
        for place in {*each.shown.values(), *filter(None, [each.planned.plan.shown])}:
            value = pl.col(place)
            found = value.gather(known) if where is None or known is not None else value.filter(where).head(EVIDENCE)
            wanted[f"{place} of {number}"] = found.implode()
    if lazy is None or not wanted:
        return {each.planned.number: _Evidence(each.rows, "") for each in bad if each.rows}
    try:
        values = _select(table, lazy, wanted)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if len(bad) > 1:
            return {key: value for each in bad for key, value in _evidence(table, lazy, [each]).items()}
        return {bad[0].planned.number: _Evidence((), f"the rows cannot be located: {_first_line(error)}")}
    return {each.planned.number: _located(each, number, values) for number, each in enumerate(bad)}


def _first_rows(plan: CheckPlan) -> pl.Expr:
    assert plan.evidence is not None
    return plan.evidence.arg_true().head(EVIDENCE).implode()


def _known(each: _Planned, values: Mapping[str, Any] | BaseException) -> tuple[int, ...] | None:
    """The first bad rows of a plan, if the first pass has found them."""
    if each.plan.located:
        return each.plan.located
    if isinstance(values, BaseException) or each.rows not in values:
        return None
    return tuple(values[each.rows])


def _located(bad: _Bad, number: int, values: Mapping[str, Any]) -> _Evidence:
    from nbmlops.profiling.personal.hiding import hidden_value

    rows = tuple(values[f"rows{number}"])
    column = bad.planned.column or ""
    found = values.get(f"{bad.planned.plan.shown} of {number}") or ()
    told = (hidden_value(value, column) for value in found)
    examples = dict.fromkeys(value_words(value) for value in told)
    detail = f"such as {', '.join(examples)}" if examples else ""
    if not bad.shown or not rows:
        return _Evidence(rows, detail)
    columns = [
        [hidden_value(each, name) for each in values[f"{place} of {number}"]] for name, place in bad.shown.items()
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
    return _of(check, Outcome(check.kind, each.column, status, figure, bound, each.plan.detail, number=number))


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
