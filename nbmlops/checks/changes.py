"""What a new version would change in a suite: the checks that it does not pass, and the columns that are new.

What it passes stays as somebody wrote it, so that a suite that was edited keeps its edits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbmlops.checks.aggregates import Depends
from nbmlops.checks.engine import judge
from nbmlops.checks.kinds import Check, Columns, Expression
from nbmlops.checks.lines import ColumnChecks, written
from nbmlops.checks.records import Outcome
from nbmlops.checks.suite import Suite

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable

__all__ = ["LineChange", "SuiteChanges", "changes", "suite_outcomes"]


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of a suite that would change.

    Parameters
    ----------
    place : str
        The column, or ``table``.
    before, after : str
        The line as it is and as it would be; empty when there is none.
    why : str
        What the version showed.
    """

    place: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class SuiteChanges:
    """What a version would change in a suite.

    Parameters
    ----------
    subject : str
        The version.
    before, after : Suite
        The suite as it is, and as it would be.
    lines : tuple of LineChange
        Where they differ, in the order of the suite.
    """

    subject: str
    before: Suite
    after: Suite
    lines: tuple[LineChange, ...]


Judged = tuple[str | None, Check, Outcome]


def suite_outcomes(table: CheckedTable, suite: Suite) -> list[Judged]:
    """Judge `table`, and give each check of `suite` with its column and its outcome."""
    outcomes = list(judge(table, suite))
    places: list[tuple[str | None, Check]] = [(None, check) for check in suite.table]
    present = set(table.names)
    judged = []
    missing = {each.column for each in suite.columns if each.column not in present}
    # A table without rows gets an outcome of its own before all others.
    at = len(outcomes) - _expected(suite, missing)
    for place, check in places:
        judged.append((place, check, outcomes[at]))
        at += 1
    for each in suite.columns:
        for check in each.checks:
            judged.append((each.column, check, outcomes[at]))
            at += each.column not in missing
        at += each.column in missing
    return judged


def _expected(suite: Suite, missing: set[str]) -> int:
    return len(suite.table) + sum(1 if each.column in missing else len(each.checks) for each in suite.columns)


def changes(suite: Suite, table: CheckedTable, learnt: Suite, subject: str) -> SuiteChanges:
    """Say what `table`, called `subject`, would change in `suite`.

    Parameters
    ----------
    suite : Suite
        The suite as it is.
    table : CheckedTable
        The new version.
    learnt : Suite
        What is learnt from that version, and from those before it.
    subject : str
        What the version is called.

    Returns
    -------
    SuiteChanges
        A check that the version does not pass takes the bound of its kind in `learnt`; without one there it is
        left out. A column that is new gets its line when the suite names all columns, and one that is gone loses it.
    """
    judged = suite_outcomes(table, suite)
    fresh = {each.column: each for each in learnt.columns}
    found: list[LineChange] = []
    of_table = _renewed(None, [each for each in judged if each[0] is None], learnt.table)
    before, after = (written("table", checks, "") if checks else "" for checks in (suite.table, of_table[0]))
    if before != after:
        found.append(LineChange("table", before, after, of_table[1]))
    lines = []
    for each in suite.columns:
        if each.column not in table.names:
            found.append(LineChange(each.column, _bare(each), "", "the column is gone"))
            continue
        checks, why = _renewed(each.column, [one for one in judged if one[0] == each.column], _of(fresh, each.column))
        renewed = replace(each, checks=checks)
        if checks != each.checks:
            found.append(LineChange(each.column, _bare(each), _bare(renewed) if checks else "", why))
        if checks:
            lines.append(renewed)
    if any(isinstance(check, Columns) and check.mode == "exact" and not check.names for check in suite.table):
        known = {each.column for each in suite.columns}
        new = [fresh[name] for name in table.names if name in fresh and name not in known]
        found += [LineChange(each.column, "", _bare(each), "the column is new") for each in new]
        lines += new
    return SuiteChanges(subject, suite, replace(suite, columns=tuple(lines), table=of_table[0]), tuple(found))


def _of(fresh: dict[str, ColumnChecks], column: str) -> tuple[Check, ...]:
    return fresh[column].checks if column in fresh else ()


def _renewed(column: str | None, judged: list[Judged], learnt: tuple[Check, ...]) -> tuple[tuple[Check, ...], str]:
    """The checks of one line with what failed replaced, and why."""
    checks: list[Check] = []
    why = []
    for _, check, outcome in judged:
        if outcome.status == "passed" or (column is None and isinstance(check, Columns) and not check.names):
            checks.append(check)
            continue
        why.append(f"{outcome.check}: {outcome.figure or outcome.detail}")
        alike = [each for each in learnt if type(each) is type(check)]
        if alike and not isinstance(check, Expression | Depends):
            checks.append(replace(alike[0], severity=check.severity))
    return tuple(checks), "; ".join(why)


def _bare(line: ColumnChecks) -> str:
    return str(replace(line, note=""))
