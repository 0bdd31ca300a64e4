from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.jupyter.panels.checks import panel
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.render.dispatch import html
from nbmlops.workspace.current import workspace
from tests.jupyter.panels.filled import a_report, reports, text_of_error


def said(kind: str, what: str, /, **params: Any) -> dict[str, Any]:
    return answer(workspace, {"panel": "checks", kind: what, "params": params})


def asked(what: str, /, **params: Any) -> Any:
    given = said("ask", what, **params)
    assert "error" not in given, given
    return given["ok"]


def line(what: str, /, **params: Any) -> str:
    return str(answer(workspace, {"panel": "checks", "act": what, "params": params, "dry": True})["ok"]["line"])


@pytest.fixture
def four(project: Path) -> list[int]:
    return reports()


def test_the_newest_of_each_suite_stands_with_failures_first(four: list[int]) -> None:
    workspace().check.save(a_report("other", 3, "failed"))
    told = [(row["suite"], row["subject"], row["status"]) for row in asked("standing")["rows"]]
    assert told == [("other", "flights@v3", "failed"), ("strict", "flights@v4", "warned")]


def test_a_thousand_reports_come_in_pages(project: Path) -> None:
    for version in range(450):
        workspace().check.save(a_report("strict", version, "passed" if version % 3 else "failed"))
    found, before, pages = [], None, 0
    while pages == 0 or before is not None:
        page = asked("page", before=before, status="failed")
        found += [row["subject"] for row in page["rows"]]
        before, pages = page["next"], pages + 1
        assert len(page["rows"]) <= 200
    assert found == [f"flights@v{version}" for version in range(449, -1, -1) if version % 3 == 0]
    assert len(asked("page", limit=10**6)["rows"]) == 200


def test_a_report_shows_its_worst_check_first_and_its_evidence_when_it_is_asked_for(four: list[int]) -> None:
    report = asked("report", number=four[2])
    assert [(one["place"], one["status"], one["evidence"]) for one in report["outcomes"]] == [
        (1, "failed", 5),
        (0, "passed", 0),
    ]
    assert (report["total"], report["counts"]["failed"], report["run"]) == (2, 1, None)
    kinds = [one["kind"] for one in asked("evidence", number=four[2], place=1)]
    assert kinds == ["rows", "table", "bars", "curves", "note"]
    assert asked("evidence", number=four[2], place=0) == []
    assert "has no check 9" in text_of_error(said("ask", "evidence", number=four[2], place=9))
    assert "there is no report 99" in text_of_error(said("ask", "report", number=99))


def test_what_was_masked_when_it_was_stored_is_masked_here(project: Path) -> None:
    people = pd.DataFrame({"email": ["ann@example.org", "bob@example.org", "no address"], "age": [31, 44, -5]})
    ml.data.save(people, "people")
    kept = workspace().check.data("people", "age: between(0, 120)")
    shown = asked("evidence", number=kept.id, place=0)
    stored = [one for outcome in workspace().check.show(kept.id).outcomes for one in outcome.evidence]
    assert "example.org" not in str(shown)
    assert [one["values"] for one in shown if one["kind"] == "rows"] == [
        [list(row) for row in one.values] for one in stored
    ]


def test_a_check_is_followed_over_versions(four: list[int]) -> None:
    points = asked("trend", number=four[-1], place=1)["points"]
    assert [(point["subject"], point["number"], point["status"]) for point in points] == [
        ("flights@v1", 1.0, "passed"),
        ("flights@v2", 2.0, "passed"),
        ("flights@v3", 8.0, "failed"),
        ("flights@v4", 4.0, "warned"),
    ]


def test_two_reports_are_compared(four: list[int]) -> None:
    found = asked("diff", before=four[1], after=four[2])
    assert [(change["kind"], change["by"]) for change in found["changes"]] == [("worse", 6.0)]
    assert found["same"] == 1
    assert line("diff", before=four[1], after=four[2]) == f"%ml check diff {four[1]} {four[2]}"


def test_what_can_be_judged_is_listed(project: Path) -> None:
    ml.data.save(pd.DataFrame({"a": [1]}), "flights")
    for name in ("flights.suite", "checks/strict.suite"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("a: between(0, 9)")
    assert asked("subjects") == {"data": ["flights"], "suites": ["checks/strict.suite", "flights.suite"]}


def test_judging_runs_in_a_process_of_its_own_and_leaves_a_report(project: Path) -> None:
    ml.data.save(pd.DataFrame({"a": [1, 20]}), "flights")
    (project / "checks").mkdir()
    (project / "checks" / "strict.suite").write_text("a: between(0, 9)")
    wanted = {"ref": "flights@v1", "suite": "checks/strict.suite"}
    assert line("run", **wanted) == "%ml check data flights@v1 --suite checks/strict.suite"
    begun = said("act", "run", **wanted)["ok"]["apart"]
    while (now := answer(workspace, {"panel": "checks", "apart": begun})["ok"])["running"]:
        pass
    assert "1 failed" in now["text"]
    (row,) = asked("standing")["rows"]
    assert (row["subject"], row["status"]) == ("flights@v1", "failed")


@pytest.mark.parametrize("suite", ["/etc/passwd", "../other.suite", "checks/../../other.suite", "pyproject.toml"])
def test_a_suite_is_a_file_of_the_project(project: Path, suite: str) -> None:
    given = said("act", "run", ref="flights", suite=suite)
    assert "is no suite of the project" in text_of_error(given)


@pytest.mark.parametrize("ref", ["/etc/passwd", "data/flights.parquet", "--help", "s3://there/flights", ""])
def test_what_is_judged_is_a_reference(project: Path, ref: str) -> None:
    assert "is not a reference" in text_of_error(said("act", "run", ref=ref))
    assert "is not a reference" in text_of_error(said("act", "policy", ref=ref))


def test_showing_is_a_line_whose_result_is_text_and_html(four: list[int]) -> None:
    done = said("act", "show", number=four[2])["ok"]
    assert done["line"] == f"%ml check show {four[2]}"
    assert "failed" in done["text"]
    assert "<script" not in done["html"]


def test_text_of_a_person_is_given_as_it_is_and_never_as_markup(project: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    numbers = reports(hostile)
    assert asked("report", number=numbers[2])["outcomes"][0]["column"] == hostile
    assert "<img" not in said("act", "show", number=numbers[2])["ok"]["html"]


def test_without_a_front_end_the_reports_are_a_table(project: Path) -> None:
    for version in range(60):
        workspace().check.save(a_report("<b>strict</b>", version))
    shown = html(panel.static(workspace()))
    assert "flights@v59" in shown
    assert "<b>strict</b>" not in shown
    assert len(shown) < 100_000
