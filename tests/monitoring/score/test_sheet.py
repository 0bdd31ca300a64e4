"""The sheet as people meet it: three faces, history, a page, and models of which little is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.monitoring.score.records import SECTIONS, band
from nbmlops.render.dispatch import html, markdown, text


def shell(*words: str, ends: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == ends


def test_a_model_of_which_nothing_was_tested_has_no_point_and_says_what_would_earn_each(workspace: Workspace) -> None:
    sheet = workspace.score("delay")
    assert (sheet.ref, sheet.alias, sheet.is_served) == ("delay@v1", "production", True)
    assert (sheet.score, len(sheet.tests)) == (0, 28)
    assert [len(section.tests) for section in sheet.sections] == [7] * len(SECTIONS)
    assert sum(test.points for test in sheet.tests) == 0
    assert all(test.why and test.command for test in sheet.tests)
    assert [ladder.level.number for ladder in sheet.maturity] == [0, 0]
    assert all(ladder.missing for ladder in sheet.maturity)


def test_a_score_joins_the_history_only_when_it_is_another(workspace: Workspace) -> None:
    assert workspace.score("delay", keep=False).history == ()
    (first,) = workspace.score("delay").history
    assert (first.ref, first.score, first.sums) == ("delay@v1", 0, (0, 0, 0, 0))
    assert len(workspace.score("delay").history) == 1
    workspace.check.policy("delay", kind="model")  # without a rule it is worth nothing
    assert len(workspace.score("delay").history) == 1
    workspace.monitor.add("old", "delay", "staleness")
    workspace.monitor.run("old")
    earlier, later = workspace.score("delay").history
    assert (earlier, later.sums) == (first, (0, 0, 0, 0.5))
    report = workspace.check.show(later.report)
    assert (report.suite, report.status, len(report.outcomes)) == ("ml test score", "warned", 28)


def test_the_sheet_is_text_html_markdown_json_and_a_page(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.monitor.add("old", "delay", "staleness")
    workspace.monitor.run("old")
    sheet = workspace.score("delay")
    for written in (text(sheet), markdown(sheet), html(sheet)):
        assert "ML Test Score of delay@v1" in written.replace("**", "")
        assert "old: age of the model" in written
        assert "½ recorded" in written
    monkeypatch.chdir(tmp_path)
    shell("score", "delay", "--no-keep", "--html", "score.html", "--markdown", "score.md")
    assert "nbmlops check model delay@v1 TABLE --target COLUMN --only staleness" in capsys.readouterr().out
    page = (tmp_path / "score.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert (tmp_path / "score.md").read_text() == markdown(workspace.score("delay", keep=False), detail=True)
    shell("score", "delay", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [len(section["tests"]) for section in told["sections"]] == [7, 7, 7, 7]


def test_a_model_that_is_not_served_is_scored_by_its_newest_version_and_has_halves_at_most(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.model.rename("delay", "lateness")
    with pytest.raises(NotFoundError, match="delay"):
        workspace.score("delay")
    workspace.model.save(workspace.model.load("lateness"), "fresh")
    workspace.monitor.add("old", "fresh", "performance")
    sheet = workspace.score("fresh")
    assert (sheet.is_served, sheet.ref) == (False, "fresh@v1")
    assert "production is nowhere" in text(sheet)


@pytest.mark.parametrize("span", ["", "-3d", "soon", "2h", "0"])
def test_a_span_that_is_none_is_refused(workspace: Workspace, span: str) -> None:
    with pytest.raises(InvalidError):
        workspace.score("delay", within=span)


def test_an_unknown_model_is_refused_by_its_name_with_the_nearest(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shell("score", "delays", ends=2)
    assert "delays" in (told := capsys.readouterr().err)
    assert "delay" in told.replace("delays", "")


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0, "research"),
        (0.5, "holes"),
        (1, "holes"),
        (1.5, "first step"),
        (3, "reasonably"),
        (5, "strong"),
        (7, "excep"),
    ],
)
def test_bands_are_those_of_the_paper_of_2017(score: float, words: str) -> None:
    assert words in band(score)
