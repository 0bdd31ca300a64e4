"""Where the checks stand, and how one of them went over versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nbmlops.checks import Checks
from nbmlops.checks.records import Outcome, Report, Status
from nbmlops.core.errors import NotFoundError

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def kept(checks: Checks, subject: str, status: Status = "passed", number: float | None = None, **more: str) -> Report:
    """A report with one check of one column, and one of the whole table."""
    outcomes = (
        Outcome("nulls", "delay", status, f"{number}%", more.pop("bound", "< 5%"), number=number),
        Outcome("rows", None, "passed", "9", "> 0"),
    )
    report = Report(None, more.pop("suite", "flights"), "data", subject, outcomes, NOW)
    return checks.save(replace(report, **more))  # type: ignore[arg-type]


def test_the_newest_of_each_suite_on_each_name_stands_and_failures_come_first(checks: Checks) -> None:
    kept(checks, "flights@v1", "failed")
    kept(checks, "flights@v2", "passed")
    kept(checks, "weather@v1", "warned")
    kept(checks, "planes@v1", "failed")
    kept(checks, "flights@v2", "errored", suite="strict")
    told = [(entry.subject, entry.suite, entry.status) for entry in checks.standing()]
    assert told == [
        ("flights@v2", "strict", "errored"),
        ("planes@v1", "flights", "failed"),
        ("weather@v1", "flights", "warned"),
        ("flights@v2", "flights", "passed"),
    ]
    assert [entry.subject for entry in checks.failing()] == ["flights@v2", "planes@v1"]
    kept(checks, "planes@v2", "passed")
    kept(checks, "weather@v2", "failed")
    assert [entry.subject for entry in checks.failing()] == ["weather@v2", "flights@v2"], "the last first"


def test_reports_are_listed_page_by_page_without_what_they_found(checks: Checks) -> None:
    for version in range(1, 8):
        kept(checks, f"flights@v{version}", "failed" if version % 2 else "passed")
    first = checks.entries(2, status="failed")
    rest = checks.entries(10, status="failed", before=first[-1].id)
    assert [entry.subject for entry in (*first, *rest)] == ["flights@v7", "flights@v5", "flights@v3", "flights@v1"]
    assert checks.entries(10, subject="flights@v4")[0].name == "flights"


def test_a_check_is_followed_over_the_versions_before(checks: Checks) -> None:
    for version, number in enumerate((1.0, 2.0, None, 8.0), start=1):
        kept(checks, f"flights@v{version}", "failed" if number == 8.0 else "passed", number)
    kept(checks, "weather@v1", "passed", 40.0)
    kept(checks, "flights@v5", "passed", 50.0, suite="another")
    last = kept(checks, "flights@v5", "passed", 3.0, bound="< 10%")
    assert last.id is not None
    points = checks.trend(last.id, 0)
    assert [(point.subject, point.number) for point in points] == [
        ("flights@v1", 1.0),
        ("flights@v2", 2.0),
        ("flights@v3", None),
        ("flights@v4", 8.0),
        ("flights@v5", 3.0),
    ]
    assert [point.bound for point in points[-2:]] == ["< 5%", "< 10%"], "a bound that was edited is the same check"
    assert [point.subject for point in checks.trend(last.id, 0, limit=2)] == ["flights@v5"]
    assert [point.subject for point in checks.trend(last.id - 3, 0)][-1] == "flights@v4", "later ones are left out"


def test_a_check_that_is_not_there_is_refused(checks: Checks) -> None:
    number = kept(checks, "flights@v1").id
    with pytest.raises(NotFoundError, match="has no check 2"):
        checks.trend(number or 0, 2)
    with pytest.raises(NotFoundError, match="there is no report 99"):
        checks.trend(99, 0)
