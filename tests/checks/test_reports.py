"""Reports found again, compared, and written for CI systems and for people without nbmlops."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops import Workspace, render
from nbmlops.checks.changes import SuiteChanges
from nbmlops.checks.evidence import BarsEvidence, RowsEvidence
from nbmlops.checks.junit import junit_xml
from nbmlops.checks.records import STATUSES, Outcome, Report, Section
from nbmlops.checks.report_diff import ReportDiff, compare
from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render.standalone import standalone
from tests.render.samples import report as sample
from tests.render.test_html import HOSTILE, Reader

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        yield made


def report(*outcomes: Outcome, subject: str = "flights@v1", section: Section = "data") -> Report:
    return Report(None, "flights", section, subject, outcomes, NOW)


def outcome(column: str, status: Any = "passed", figure: str = "0", **more: Any) -> Outcome:
    return Outcome("between", column, status, figure, more.pop("bound", "0 to 9"), **more)


# -- listing ----------------------------------------------------------------------------------------


def test_reports_are_listed_by_subject_status_and_section_a_page_at_a_time(workspace: Workspace) -> None:
    check = workspace.check
    for subject, status, section in (
        ("flights@v1", "failed", "data"),
        ("flights@v2", "passed", "data"),
        ("flights_clean@v1", "passed", "data"),
        ("gbm@v1", "failed", "model"),
        ("flights.csv", "passed", "data"),
        ("flightsX@v1", "passed", "data"),
    ):
        check.save(report(outcome("a", status), subject=subject, section=section))  # type: ignore[arg-type]

    def numbers(*limit: int, **wanted: Any) -> list[int | None]:
        return [each.id for each in check.list(*limit, **wanted)]

    assert numbers(subject="flights") == [2, 1]
    assert numbers(subject="flights@v1") == [1]
    assert numbers(subject="flights_clean") == [3]
    assert numbers(subject="flight_") == []
    assert numbers(status="failed") == [4, 1]
    assert numbers(status="failed", section="model") == [4]
    pages = [numbers(2), numbers(2, before=5), numbers(2, before=3), numbers(2, before=1)]
    assert pages == [[6, 5], [4, 3], [2, 1], []]
    assert numbers(1, status="failed", before=4) == [1]


def test_a_version_names_the_newest_report_on_it(workspace: Workspace) -> None:
    frame = pd.DataFrame({"a": [1, 2, 30]})
    workspace.data.save(frame, "t")
    assert workspace.data.show("t").judged is None
    workspace.check.data("t", "a: between(0, 9)")
    workspace.check.data("t", "a: between(0, 99)")
    workspace.check.data(frame, "a: between(0, 9)", name="t@v1")
    shown = workspace.data.show("t")
    assert shown.judged == (2, "passed")
    assert "passed: `nbmlops check show 2`" in render.text(shown, detail=True)
    workspace.data.save(pd.DataFrame({"a": [1]}), "t")
    assert workspace.data.show("t").judged is None
    assert workspace.data.show("t@v1").judged == (2, "passed")


# -- files ------------------------------------------------------------------------------------------

# What Jenkins' junit-10.xsd says of attributes and children.
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time", "status", "assertions"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "properties": {"property"},
    "testcase": {"failure", "error", "system-out", "skipped", "system-err"},
}


def parsed(written: bytes) -> ET.Element:
    """Parse a document and hold it to the schema."""
    root = ET.fromstring(written)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        assert {"name", "tests"} <= set(suite.attrib)
        assert [child.tag for child in suite][:1] == ["properties"]
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for tag in ("failure", "error"):
            assert int(suite.attrib[f"{tag}s"]) == sum(case.find(tag) is not None for case in cases)
        for case in cases:
            assert {"classname", "name"} <= set(case.attrib)
            assert len(case) <= 1
    return root


def test_junit_says_what_failed_and_what_only_warned() -> None:
    written = junit_xml(
        report(
            outcome("a"),
            outcome("b", "warned", "2 outside", detail="such as 12"),
            outcome("c", "failed", "3 outside", rows=(4, 7)),
            outcome("d", "errored", "", detail="no such column"),
        )
    )
    root = parsed(written)
    first, second, third, fourth = root.iter("testcase")
    assert (first.attrib["classname"], first.attrib["name"]) == ("data.flights@v1", "a between 0 to 9")
    assert len(first) == 0
    assert second.findtext("system-out") == "warned: b between: 2 outside, bound 0 to 9\nsuch as 12"
    failure = third.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "c between: 3 outside, bound 0 to 9", "type": "between"}
    assert (failure.text or "").endswith("rows 4, 7")
    assert fourth.find("error") is not None
    assert root.attrib["errors"] == root.attrib["failures"] == "1"


text = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.builds(Outcome, text, text | st.none(), st.sampled_from(STATUSES), text, text, text)), text)
def test_junit_parses_whatever_was_judged(outcomes: list[Outcome], subject: str) -> None:
    root = parsed(junit_xml(report(*outcomes, subject=subject)))
    assert len(list(root.iter("testcase"))) == len(outcomes)


def test_a_page_of_its_own_is_static_escaped_and_small() -> None:
    page = standalone(sample(HOSTILE), "<b>a report</b>")
    assert page.startswith("<!DOCTYPE html>")
    read = Reader(page.removeprefix("<!DOCTYPE html>"))
    assert {"html", "head", "title", "body", "details"} <= read.tags
    assert not read.tags & {"script", "img", "link", "iframe"}
    assert len(page.encode()) < 100_000


def test_a_report_of_200_columns_has_all_outcomes_and_all_pictures_below_100_kb() -> None:
    many = [
        outcome(
            f"column_{place:03}",
            "failed" if place % 20 == 0 else "passed",
            "JS 0.0412, q 0.31",
            evidence=(BarsEvidence.of(f"column_{place:03}", range(10), range(10, 0, -1), "KS 0.04"),),
            number=0.04,
        )
        for place in range(200)
    ]
    page = standalone(report(*many), "many")
    assert len(page.encode()) < 100_000
    assert page.count("<svg") == 200
    assert page.count("<td>between</td>") == 200
    assert "more</div>" not in page


def test_bars_are_put_together_only_where_a_page_has_no_room_for_all_of_them() -> None:
    bars = BarsEvidence.of("a", range(1, 31), range(1, 31))
    assert render.html(report(outcome("a", evidence=(bars,)))).count("h6") == 60
    many = [outcome(f"c{place}", evidence=(bars,)) for place in range(200)]
    assert render.html(report(*many)).count("h6") == 200 * 20


def test_evidence_of_what_failed_comes_first_and_the_rest_is_counted() -> None:
    rows = RowsEvidence.of({3: [12]}, ["a"])
    many = [outcome(f"c{place}", "passed" if place else "failed", evidence=(rows,)) for place in range(30)]
    told = render.text(report(*reversed(many)), detail=True)
    assert "and evidence of 20 more outcomes: --json shows it" in told
    assert told.index("\n  c0 between\n") < told.index("\n  c29 between\n")


def test_files_are_written_where_they_are_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    workspace.check.save(report(outcome("a", "failed")))
    shown = workspace.check.show(1, junit=tmp_path / "junit.xml", html=str(tmp_path / "report.html"))
    assert shown.id == 1
    parsed((tmp_path / "junit.xml").read_bytes())
    assert "report 1" in (tmp_path / "report.html").read_text(encoding="utf-8")
    with pytest.raises(NotFoundError, match="there is no folder"):
        workspace.check.show(1, junit=tmp_path / "none" / "junit.xml")


# -- comparing --------------------------------------------------------------------------------------


def test_a_diff_says_what_got_worse_better_new_gone_and_moved(workspace: Workspace) -> None:
    check = workspace.check
    check.save(
        report(
            outcome("same"),
            outcome("worse"),
            outcome("better", "failed"),
            outcome("gone"),
            outcome("moved", figure="0.25", number=0.25),
            outcome("edited", bound="0 to 5"),
        )
    )
    check.save(
        report(
            outcome("same"),
            outcome("worse", "warned"),
            outcome("better"),
            outcome("new", "failed"),
            outcome("moved", figure="0.75", number=0.75),
            outcome("edited", bound="0 to 6"),
            subject="flights@v2",
        )
    )
    diff = check.diff(1, "2")
    assert isinstance(diff, ReportDiff)
    assert [(each.kind, each.label) for each in diff.changes] == [
        ("worse", "worse between"),
        ("new", "new between"),
        ("gone", "gone between"),
        ("better", "better between"),
        ("moved", "moved between"),
        ("moved", "edited between"),
    ]
    assert diff.same == 1
    assert [each.by for each in diff.of("moved")] == [0.5, None]
    told = render.text(diff)
    first = "flights@v1 (report 1) → flights@v2 (report 2)   1 worse   1 new   1 gone   1 better   2 moved   1 the same"
    assert told.startswith(first)
    assert "+0.5" in told
    assert render.json(diff)["changes"][0]["statuses"] == ["passed", "warned"]
    with pytest.raises(NotFoundError, match="no report 9"):
        check.diff(1, 9)


def test_two_checks_of_one_kind_on_a_column_are_told_apart_by_their_bounds() -> None:
    low, high = outcome("a", bound="≥ 0"), outcome("a", bound="≤ 9")
    assert compare(report(low, high), report(high, low)).changes == ()
    (gone,) = compare(report(low, high), report(high)).changes
    assert (gone.kind, gone.before) == ("gone", low)


def test_a_diff_says_what_a_version_would_change_in_a_suite(workspace: Workspace, tmp_path: Path) -> None:
    for low in (0, 10, 20):
        frame = pd.DataFrame({"a": range(low, low + 60), "b": ["x", "y"] * 30})
        workspace.data.save(frame, "t")
    file = tmp_path / "t.suite"
    file.write_text('a: between(0, 70)\nb: in("x", "y")\ngone: number\n')
    found = workspace.check.diff(file, "t@v3")
    assert isinstance(found, SuiteChanges)
    assert [(each.place, each.before) for each in found.lines] == [("a", "a: between(0, 70)"), ("gone", "gone: number")]
    assert workspace.check.data("t@v3", found.after).passed
    told = render.text(found)
    assert told.startswith("t@v3 would change 2 lines of suite t\n  - a: between(0, 70)\n  + a: between(")
    assert "- gone: number\n    the column is gone" in told
    assert render.json(found)["lines"][1]["after"] == ""
    same = workspace.check.diff("a: between(0, 70)", "t@v1", from_=None)
    assert render.text(same) == "t@v1 changes nothing in suite t"
    assert isinstance(workspace.check.diff(Suite.parse("a: between(0, 70)", "mine"), "t", from_=3), SuiteChanges)


@pytest.mark.parametrize("suite", ["missing.suite", "a", ""])
def test_a_diff_of_what_is_neither_report_nor_suite_says_so(workspace: Workspace, suite: str) -> None:
    with pytest.raises(NotFoundError, match="there is no report and no file"):
        workspace.check.diff(suite, "t")


def test_a_diff_of_an_empty_suite_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty.suite").write_text("# nothing\n")
    with pytest.raises(InvalidError, match="no check"):
        workspace.check.diff(tmp_path / "empty.suite", "t")


outcomes_ = st.lists(
    st.builds(Outcome, st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(STATUSES), text, text), max_size=8
)


@given(outcomes_, outcomes_)
def test_each_outcome_is_compared_once_and_the_other_way_round_mirrors_it(
    old: list[Outcome], new: list[Outcome]
) -> None:
    diff, mirrored = compare(report(*old), report(*new)), compare(report(*new), report(*old))
    befores = [each.before for each in diff.changes if each.before is not None]
    afters = [each.after for each in diff.changes if each.after is not None]
    assert len(befores) + diff.same == len(old)
    assert len(afters) + diff.same == len(new)
    assert (len(diff.of("new")), len(diff.of("gone"))) == (len(mirrored.of("gone")), len(mirrored.of("new")))
    assert compare(report(*old), report(*old)).changes == ()
