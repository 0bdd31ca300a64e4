"""Verbs on checks over a real store: reports are kept, linked and found again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from nbmlops.checks.evidence import RowsEvidence
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.service import Checks
from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, UnsupportedError
from nbmlops.data.service import Data
from nbmlops.store import lineage, schema
from nbmlops.store.catalog import Catalog
from nbmlops.store.lineage import Active, Lineage

FLIGHTS = pd.DataFrame({"dep_delay": [1.0, None, 2000.0] * 20, "carrier": ["UA", "AA", "UA"] * 20})
SUITE = 'dep_delay: number, between(-60, 1500), nulls < 50%\ncarrier: in("UA", "AA")'


def test_a_report_is_kept_and_found_again(checks: Checks, data: Data) -> None:
    version = data.save(FLIGHTS, "flights")
    report = checks.data("flights", SUITE)
    assert (report.id, report.suite, report.subject, report.section) == (1, "flights", version.ref, "data")
    assert report.status == "failed"
    assert report.counts == {"passed": 3, "warned": 0, "failed": 1, "errored": 0}
    assert checks.show(1) == checks.show("1") == report
    second = checks.data(FLIGHTS, SUITE, name="mine")
    assert (second.subject, second.suite) == ("mine", "mine")
    assert checks.data(FLIGHTS, Suite.parse("carrier: string")).subject == "dataframe"
    assert [each.id for each in checks.list()] == [3, 2, 1]
    assert [each.id for each in checks.list(1, before=3)] == [2]


def test_a_report_is_linked_to_the_version_that_it_judged(checks: Checks, data: Data, catalog: Catalog) -> None:
    version = data.save(FLIGHTS, "flights")
    report = checks.data("flights", SUITE)
    assert report.judged == (f"data:{version.id}",)
    edges = catalog.read(lambda connection: list(connection.execute(select(schema.edge).filter_by(relation="judges"))))
    assert [(edge.subject, edge.object) for edge in edges] == [("report:1", f"data:{version.id}")]
    assert checks.data(FLIGHTS, SUITE).judged == ()


def test_a_failed_check_keeps_its_first_rows_and_its_share(checks: Checks) -> None:
    frame = FLIGHTS.assign(day=range(60))
    table = 'expr("dep_delay is null or day < 30 or dep_delay < 100"), rows between(100, 200), key(carrier)'
    outcomes = {outcome.label: outcome for outcome in checks.data(frame, f"{SUITE}\ntable: {table}").outcomes}
    between = outcomes["dep_delay between"]
    assert between.number == 0.5
    assert between.evidence == (RowsEvidence(("dep_delay",), between.rows, ((2000.0,),) * 5, 20),)
    said = outcomes["expr"]
    late = (32, 35, 38, 41, 44)
    assert said.evidence == (RowsEvidence(("day", "dep_delay"), late, tuple((row, 2000.0) for row in late), 10),)
    assert said.number == 10 / 60
    assert (outcomes["rows"].number, outcomes["rows"].evidence) == (60, ())
    (key,) = outcomes["key"].evidence
    assert isinstance(key, RowsEvidence)
    assert (key.columns, key.numbers[:2], key.values[:2], key.total) == (("carrier",), (2, 3), (("UA",), ("UA",)), 58)
    assert outcomes["carrier in"].number == 0
    assert outcomes["carrier in"].evidence == ()


def test_a_report_does_not_show_personal_data_in_full(checks: Checks) -> None:
    frame = pd.DataFrame({"contact": ["ann.lee@example.org", "none"], "surname": ["Leebaum", "X"]})
    report = checks.data(frame, 'contact: matches("[a-z]+")\nsurname: in("X")')
    assert "ann" not in str(report.to_json())
    assert "Leebaum" not in str(report.to_json())
    assert [outcome.rows for outcome in report.outcomes] == [(0,), (0,)]
    assert report.outcomes[0].detail == "such as 'a••.•••@•••••••.••g'"


def test_a_strict_check_raises_after_its_report_was_kept(checks: Checks) -> None:
    with pytest.raises(RefusedError) as raised:
        checks.data(FLIGHTS, SUITE, strict=True)
    assert "dep_delay between: 20 of 40 values outside (50%), bound -60 to 1,500" in raised.value.message
    assert raised.value.hint == "see the whole report with `nbmlops check show 1`"
    assert checks.show(1).failures[0].rows == (2, 5, 8, 11, 14)


def test_a_report_is_linked_to_the_run_and_what_it_read(checks: Checks, data: Data, catalog: Catalog) -> None:
    version = data.save(FLIGHTS, "flights")
    with lineage.activate(Active(run_id="7" * 32)):
        report = checks.data("flights@v1", SUITE)
    assert report.run_id == "7" * 32
    assert checks.show(1).run_id == report.run_id
    assert Lineage(catalog, SystemClock()).of_run("7" * 32, "reads") == [("data", version.id)]


def test_without_a_suite_a_version_is_judged_by_the_one_before_it(checks: Checks, data: Data) -> None:
    data.save(FLIGHTS, "flights")
    with pytest.raises(InvalidError, match="no version before it"):
        checks.data("flights")
    data.save(FLIGHTS.assign(dep_delay=-FLIGHTS.dep_delay, carrier="XX"), "flights")
    report = checks.data("flights")
    assert (report.suite, report.subject) == ("learnt from flights@v1", "flights@v2")
    assert {each.label for each in report.failures} == {"dep_delay between", "carrier in"}
    with pytest.raises(InvalidError, match="no suite is given"):
        checks.data(FLIGHTS)


def test_a_suite_is_learnt_from_a_version_a_table_and_a_file(checks: Checks, data: Data, tmp_path: Path) -> None:
    data.save(FLIGHTS, "flights")
    file = tmp_path / "flights.parquet"
    FLIGHTS.to_parquet(file)
    learnt = checks.infer("flights")
    assert learnt.name == "flights"
    assert checks.infer(FLIGHTS, name="flights") == checks.infer(file, name="flights") == learnt
    assert checks.infer(str(file), name="flights") == learnt
    assert checks.data("flights", learnt).status == "passed"


def test_the_columns_of_a_saved_table_are_those_of_the_table(checks: Checks, data: Data) -> None:
    data.save(FLIGHTS[FLIGHTS.index > 3], "part")
    assert [each.column for each in checks.infer("part").columns] == ["dep_delay", "carrier"]
    assert checks.data("part", "table: columns(exact, dep_delay, carrier)").status == "passed"
    assert checks.data("part", "nix: number\ncarrier: string").counts["errored"] == 1


def test_a_suite_may_be_built_in_python(checks: Checks) -> None:
    builder = checks.suite("flights").column("dep_delay").between(-60, 3000)
    assert isinstance(builder, SuiteBuilder)
    assert checks.data(FLIGHTS, builder).suite == "flights"


def test_what_cannot_be_judged_is_told_why(checks: Checks, data: Data, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        checks.data("nothing", SUITE)
    with pytest.raises(InvalidError, match="no check"):
        checks.data(FLIGHTS, "# nothing yet")
    (tmp_path / "notes.txt").write_text("hello")
    data.save(tmp_path / "notes.txt", "notes")
    with pytest.raises(InvalidError, match="is a file, and checks judge tables"):
        checks.data("notes", SUITE)
    for number in (99, "99", "first", "-1", "9" * 40):
        with pytest.raises(NotFoundError, match="no report"):
            checks.show(number)
    assert checks.list() == []


def test_reports_of_other_sections_are_kept_too(checks: Checks) -> None:
    outcome = Outcome("roc_auc", None, "failed", "0.59", "at least 0.6")
    report = checks.save(Report(None, "delay gate", "model", "delay@v3", (outcome,), datetime(2013, 1, 1, tzinfo=UTC)))
    assert checks.show(report.id or 0) == report
    with pytest.raises(
        RefusedError, match=r"delay@v3: 1 of 1 checks of delay gate did not pass\n.*roc_auc: 0.59, bound"
    ):
        report.raise_if_failed()


def test_a_report_has_the_worst_status_of_its_outcomes() -> None:
    at = datetime(2013, 1, 1, tzinfo=UTC)

    def report(*statuses: str) -> Report:
        outcomes = tuple(Outcome("x", None, status, "", "") for status in statuses)  # type: ignore[arg-type]
        return Report(None, "s", "data", "d", outcomes, at)

    assert report().status == "passed"
    assert report("passed", "warned").status == "warned"
    assert report("warned").passed
    assert report("failed", "errored", "passed").status == "errored"
    assert not report("failed", "warned").passed
    report("warned").raise_if_failed()
    with pytest.raises(RefusedError, match="and 2 more"):
        report(*["failed"] * 7).raise_if_failed()


def test_a_report_of_a_newer_format_is_refused() -> None:
    document = Report(None, "s", "data", "d", (), datetime(2013, 1, 1, tzinfo=UTC)).to_json()
    with pytest.raises(UnsupportedError, match="format 3"):
        Report.from_json({**document, "format": 3})


def test_leaks_are_looked_for_in_versions_which_the_report_judges(checks: Checks, data: Data) -> None:
    frame = pd.DataFrame({"x": range(100), "late": [0, 1] * 50})
    train, test = data.save(frame, "train"), data.save(frame.tail(5), "held")
    signs: list[object] = []
    report = checks.leakage("train", "late", test="held", progress=signs.append)
    assert (report.subject, report.suite, report.section) == (train.ref, "leakage", "data")
    assert report.judged == (f"data:{train.id}", f"data:{test.id}")
    assert [outcome.label for outcome in report.failures] == ["test rows in training"]
    assert len(signs) == 1
    assert checks.show(report.id or 0) == report
    with pytest.raises(RefusedError, match="test rows in training: 5 of 5 rows"):
        checks.leakage("train", "late", test="held", strict=True)


def test_the_importance_of_features_is_kept_with_what_it_judged(checks: Checks, data: Data) -> None:
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame({"x": [float(number % 7) for number in range(210)], "zero": 0.0})
    frame["late"] = (frame.x > 3).astype(int)
    version = data.save(frame, "held")
    model = LogisticRegression().fit(frame[["x", "zero"]], frame.late)
    report = checks.importance(model, "held", "late")
    assert (report.subject, report.suite, report.judged) == (
        "LogisticRegression",
        "importance",
        (f"data:{version.id}",),
    )
    assert report.outcomes[0].detail == "adding nothing: zero"
    assert version.ref in report.outcomes[0].evidence[0].cells[0]  # type: ignore[union-attr]
    assert report.passed
    assert checks.show(report.id or 0) == report
