"""Figures over time: a chart of characters, a chart in a cell, and a page of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import NotFoundError
from nbmlops.render.dispatch import html, text
from tests.monitoring.conftest import Later, Traffic


@pytest.fixture
def watched(workspace: Workspace, traffic: Traffic, clock: Later) -> Workspace:
    """Three days: two that are calm, and one on which the input moved."""
    workspace.monitor.add("moved", "delay", "drift", reference="seen")
    for shift in (0.0, 0.0, 0.15):
        traffic.send(2, 300, shift=shift)
        workspace.monitor.run("moved")
        clock.at += timedelta(days=1)
    return workspace


def test_figures_stand_in_the_order_of_time_with_the_band_in_which_they_may_be(watched: Workspace) -> None:
    (line,) = watched.monitor.show("moved").lines
    assert (line.label, line.low, line.high) == ("x drift", None, 0.1)
    assert [point.status for point in line.points] == ["passed", "passed", "failed"]
    assert line.points[2].value > 0.1 > line.points[0].value
    assert [one.report for one in line.points] == sorted(one.report or 0 for one in line.points)
    assert len(watched.monitor.show("moved", limit=1).lines[0].points) == 1


def test_a_terminal_shows_signs_and_the_bound(watched: Workspace) -> None:
    drawn = text(watched.monitor.show("moved"))
    assert "✗" in drawn
    assert "┄" in drawn
    assert "at most 0.1" in drawn


def test_a_cell_shows_a_band_and_a_point_for_each_report(watched: Workspace) -> None:
    page = html(watched.monitor.show("moved"))
    assert page.count("<circle") == 3
    assert page.count('class="nbmlops-bad"') >= 1
    assert "<rect" in page


def test_a_page_of_its_own_is_whole_static_and_escaped(watched: Workspace, tmp_path: Path) -> None:
    watched.monitor.add("evil", "delay", "stability", owner="<script>alert(1)</script>")
    watched.monitor.run("evil")
    file = tmp_path / "evil.html"
    watched.monitor.show("evil", html=file)
    page = file.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert len(page.encode()) < 100_000
    with pytest.raises(NotFoundError):
        watched.monitor.show("evil", html=tmp_path / "no" / "evil.html")


def test_the_shell_writes_the_page(
    watched: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(watched.marker.root)
    with pytest.raises(SystemExit) as ended:
        main(["monitor", "show", "moved", "--html", "moved.html"])
    assert ended.value.code == 0
    assert "x drift" in capsys.readouterr().out
    assert "<svg" in Path("moved.html").read_text()
