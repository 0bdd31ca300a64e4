"""Learn a suite from several versions, and test it on one that it has not seen.

The newest is held out. What it does not pass is said in the notes, and nothing is widened for it: that
is for the person who reads them. The test is kept as a report like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.accepting import read_suite
from nbmlops.checks.changes import SuiteChanges, changes, suite_outcomes
from nbmlops.checks.infer import infer
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable
    from nbmlops.data.service import Data

__all__ = ["Learner", "suite_of", "suite_path", "write_suite"]

_FEWEST = 2
Named = tuple["CheckedTable", str, tuple[str, ...]]


class Learner:
    """Learns suites from what references, paths and tables name.

    Parameters
    ----------
    data : Data
        Lists the versions of a name.
    table : callable
        Gives the table of a value, what it is called, and the version that it is.
    keep : callable
        Keeps the outcomes by a suite's name on a subject that is a version, and gives the report.
    """

    def __init__(
        self,
        data: Data,
        table: Callable[[Any], Named],
        keep: Callable[[str, str, tuple[Outcome, ...], tuple[str, ...]], Report],
    ) -> None:
        self._data = data
        self._table = table
        self._keep = keep

    def suite(self, values: Sequence[Any], from_: int | None, name: str | None) -> Suite:
        """Learn from all of `values` but the last, and test on that; from a single one, without a test."""
        named = self._named(self._sources(values, from_))
        subjects = [subject for _, subject, _ in named]
        called = subjects[-1].partition("@")[0] if name is None else name
        if len(named) == 1:
            return infer([named[0][0]], called)
        *learnt, (held_out, subject, version) = named
        suite = infer([table for table, _, _ in learnt], called)
        judged = suite_outcomes(held_out, suite)
        report = self._keep(called, subject, tuple(outcome for _, _, outcome in judged), version)
        return _noted(suite, subjects[:-1], report, judged)

    def changes(self, suite: Suite, values: Sequence[Any], from_: int | None) -> SuiteChanges:
        """Say what the last of `values` would change in `suite`, were it learnt from all of them."""
        named = self._named(self._sources(values, from_))
        tables = [table for table, _, _ in named]
        return changes(suite, tables[-1], infer(tables, suite.name), named[-1][1])

    def _named(self, values: Sequence[Any]) -> list[Named]:
        return [self._table(value) for value in values]

    def _sources(self, values: Sequence[Any], from_: int | None) -> Sequence[Any]:
        if not values:
            raise InvalidError("nothing is given to learn from", hint="name a version: `ml check infer REF --from 3`")
        if from_ is None:
            return values
        if from_ < _FEWEST:
            raise InvalidError(f"--from takes a number of versions from {_FEWEST}, not {from_}", hint="--from 3")
        if len(values) > 1 or not isinstance(values[0], str) or os.sep in values[0]:
            raise InvalidError("--from goes back from one saved version", hint="leave --from out, or name one version")
        version = self._data.show(values[0])
        until = version.number or 0
        numbered = sorted((each.number or 0, each.ref) for each in self._data.history(version.name))
        known = [ref for number, ref in numbered if number <= until]
        if len(known) < from_:
            raise InvalidError(
                f"--from {from_} asks for {from_} versions, and {version.name} has {len(known)} until {version.ref}",
                hint=f"see them with `ml data history {version.name}`",
            )
        return known[-from_:]


def _noted(suite: Suite, learnt: Sequence[str], report: Report, judged: Sequence[tuple[Any, Any, Outcome]]) -> Suite:
    """Say in the notes what was learnt from, and how the test went."""
    passed = sum(outcome.status == "passed" for _, _, outcome in judged)
    kept = f" (report {report.id})" if report.id is not None else ""
    note = (
        f"learnt from {', '.join(learnt)}: {suite.note}; {report.subject}, held out, passed {passed} of {len(judged)}"
    )
    missed: dict[str | None, list[str]] = {}
    for column, _, outcome in judged:
        if outcome.status != "passed":
            missed.setdefault(column, []).append(
                f"{outcome.check} {outcome.status}: {outcome.figure or outcome.detail}"
            )
    lines = []
    for each in suite.columns:
        said = "; ".join(
            filter(None, [each.note, *(f"{report.subject} {words}" for words in missed.get(each.column, ()))])
        )
        lines.append(replace(each, note=said))
    of_table = "; ".join([note + kept, *missed.get(None, ())])
    return replace(suite, columns=tuple(lines), note=of_table)


def suite_of(given: Any, judged: Any) -> Suite:
    """The suite that somebody gave: one, a builder of one, its text, a file of it, or a schema of pandera.

    Raises
    ------
    NotFoundError
        When it is a word, and no file of that name is there.
    InvalidError
        When it does not parse, or has no check.
    """
    name = judged.partition("@")[0] if isinstance(judged, str) and os.sep not in judged else ""
    if isinstance(given, str) and (":" not in given or Path(given).is_file()):
        given = Path(given)
    if isinstance(given, os.PathLike):
        path = Path(given)
        if not path.is_file():
            raise NotFoundError(
                f"there is no report and no file {path}",
                hint="see the reports with `ml check list`, or write a suite with `ml check infer REF --to FILE`",
            )
        name = name or path.stem
    suite = read_suite(given, name)
    if not len(suite):
        raise InvalidError("the suite has no check", hint="let one be written with `ml check infer REF`")
    return suite


def suite_path(to: str | os.PathLike[str]) -> Path:
    """The file to write a suite to.

    Raises
    ------
    ConflictError
        When it is there already.
    """
    path = Path(to)
    if path.exists():
        raise ConflictError(
            f"{path} is there already, and somebody may have edited it",
            hint="give another name, or delete it first",
        )
    return path


def write_suite(suite: Suite, path: Path) -> None:
    """Write the text of `suite` to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{suite}\n", encoding="utf-8")
