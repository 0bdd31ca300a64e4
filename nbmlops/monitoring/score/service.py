"""The verb ``score``: what the store holds for each of the 28 tests, kept whenever it has become another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError
from nbmlops.core.spans import parse_span
from nbmlops.monitoring.score import data_tests, infrastructure_tests, model_tests, monitor_tests
from nbmlops.monitoring.score.maturity import maturity
from nbmlops.monitoring.score.records import SECTIONS, SUITE, ScoredTest, ScorePoint, ScoreSection, ScoreSheet, Section
from nbmlops.store import lineage

if TYPE_CHECKING:
    from nbmlops.checks.service import Checks
    from nbmlops.monitoring.pages import Place
    from nbmlops.monitoring.score.facts import Facts
    from nbmlops.monitoring.score.gathering import Gatherer

__all__ = ["TESTS", "WITHIN", "Scores"]

TESTS = (*data_tests.TESTS, *model_tests.TESTS, *infrastructure_tests.TESTS, *monitor_tests.TESTS)
"""The 28 tests of Breck et al. 2017, *The ML Test Score*, in their order; the titles are ours."""
WITHIN = "90d"
"""How old evidence may be."""
_DAY = timedelta(days=1)
_HISTORY = 200
_WORTH = {0.0: "0", 0.5: "½", 1.0: "1"}


class Scores:
    """Scores models.

    Parameters
    ----------
    gatherer : Gatherer
        Asks the store.
    checks : Checks
        Keeps what was found, as a report.
    """

    def __init__(self, gatherer: Gatherer, checks: Checks) -> None:
        self._gatherer = gatherer
        self._checks = checks

    def __call__(
        self, name: str, *, within: str = WITHIN, keep: bool = True, html: Place = None, markdown: Place = None
    ) -> ScoreSheet:
        """Score the version of a model that is served by the evidence that the store holds.

        Parameters
        ----------
        name : str
            The model.
        within : str
            How old evidence may be, such as ``30d``; what a monitor says is too old after two of its windows.
        keep : bool
            Whether the score joins the history, where it is another than the last one.
        html, markdown : path, optional
            Where to write the sheet: as a page of its own, without scripts and with nothing to be fetched; as Markdown.

        Returns
        -------
        ScoreSheet
            Four sections of seven tests, each with points, evidence, or the line that would earn more.

        Raises
        ------
        NotFoundError
            When there is no such model, or no folder for a file.
        InvalidError
            When `within` is no span of time of at least a day.
        """
        span = parse_span(within)
        if span < _DAY:
            raise InvalidError(f"evidence that is older than {within} would not count", hint="--within 30d")
        facts = self._gatherer.gather(name, span)
        sheet = _scored(facts, span)
        past = self._past(name)
        # While a run is only executed again, or somebody only looks, nothing is kept.
        active = lineage.current()
        if keep and not (active.proof or active.looks) and (not past or not _is_same(past[-1], sheet)):
            past = (*past, _point(self._checks.save(_report(sheet))))
        sheet = replace(sheet, history=past)
        if html is not None or markdown is not None:
            from nbmlops.monitoring.pages import write

            write(sheet, f"ML Test Score of {sheet.ref}", html, markdown)
        return sheet

    def _past(self, name: str) -> tuple[ScorePoint, ...]:
        """Scores that were kept, the oldest first."""
        found = self._checks.list(_HISTORY, subject=name, section="production")
        return tuple(_point(report) for report in reversed(found) if report.suite == SUITE)


def _scored(facts: Facts, span: timedelta) -> ScoreSheet:
    tests = [test.scored(facts) for test in TESTS]
    by_id = {test.id: test for test in tests}

    def of(section: Section) -> Sequence[ScoredTest]:
        return [test for test in tests if test.section == section]

    return ScoreSheet(
        name=facts.name,
        ref=facts.version.ref,
        alias=facts.alias,
        is_served=facts.is_served,
        at=facts.now,
        days=span // _DAY,
        sections=tuple(ScoreSection(section, tuple(of(section))) for section in SECTIONS),
        maturity=maturity(facts, by_id),
    )


def _report(sheet: ScoreSheet) -> Report:
    """A score as a report: a check for each test, whose number is its points; what has none warns."""
    outcomes = []
    for test in sheet.tests:
        told = "; ".join(one.what for one in test.evidence[:1]) if test.points else test.why
        status = "passed" if test.points else "warned"
        outcomes.append(Outcome(test.id, None, status, _WORTH[test.points], "", told, number=test.points))  # type: ignore[arg-type]
    # It judges the way to a version and no version: so it links to none, and is no report on one.
    return Report(None, SUITE, "production", sheet.ref, tuple(outcomes), sheet.at, lineage.current().run_id)


def _point(report: Report) -> ScorePoint:
    points = [outcome.number or 0.0 for outcome in report.outcomes]
    each = len(points) // len(SECTIONS)
    sums = tuple(sum(points[place * each : (place + 1) * each]) for place in range(len(SECTIONS)))
    return ScorePoint(report.created_at, report.subject, min(sums), sums, report.id or 0, tuple(points))


def _is_same(point: ScorePoint, sheet: ScoreSheet) -> bool:
    return (point.ref, point.points) == (sheet.ref, tuple(test.points for test in sheet.tests))
