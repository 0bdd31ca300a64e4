"""Stories of models in a real workspace, whose clock the tests move."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.commands.answer import answer
from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.monitoring.story.records import Story
from nbmlops.monitoring.story.training import cause
from nbmlops.monitoring.story.views import drawing
from nbmlops.render.dispatch import html, markdown, text
from tests.commands.fakes import in_a_shell
from tests.monitoring.conftest import Later, Traffic

GATE = """
[tool.nbmlops.gates.delay]
holdout = "held"
target = "late"
metric = "accuracy"
floor = 0.9
"""


def save(workspace: Workspace, turn: float, **said: object) -> str:
    """A version of the model, each `turn` another."""
    data = workspace.data.load("seen")
    model = LogisticRegression(C=turn).fit(data, data["x"] > 0.5)
    saved: str = workspace.model.save(model, "delay", example=data, **said).ref  # type: ignore[arg-type]
    return saved


def whats(story: Story) -> list[str]:
    return [moment.what for moment in story.moments]


@pytest.fixture
def lived(workspace: Workspace, clock: Later, traffic: Traffic) -> Workspace:
    """A model that drifted, was trained anew, tried on some callers, promoted and rolled back."""
    workspace.monitor.add("moved", "delay", "drift", reference="seen", owner="ann")
    traffic.send(1)
    workspace.monitor.run()
    clock.at += timedelta(days=2)
    traffic.send(2, shift=0.15)
    workspace.monitor.run()
    workspace.monitor.run()
    clock.at += timedelta(hours=3)
    with workspace.run("gbm") as run:
        save(workspace, 0.1, message="<b>June</b>")
        run.log(roc_auc=0.712)
    workspace.model.promote("delay", to="challenger")
    workspace.deployment.split("delay", "challenger=10")
    workspace.deployment.shadow("delay", "challenger")
    clock.at += timedelta(days=1)
    workspace.deployment.split("delay", off=True)
    workspace.model.promote("delay", to="production")
    clock.at += timedelta(days=2)
    workspace.model.rollback("delay", "production")
    traffic.send(2)
    workspace.monitor.run()
    clock.at += timedelta(days=1)
    return workspace


def test_what_happened_is_told_once_in_the_order_of_time(lived: Workspace) -> None:
    story = lived.story("delay")
    assert whats(story) == [
        "v1 saved",
        "gate of production: v1 warned",
        "v1 promoted to production",
        "monitor moved added",
        "monitor moved failed",
        "v2 trained",
        "gate of challenger: v2 warned",
        "v2 promoted to challenger",
        "callers shared out: challenger 10 %, the others 90 %",
        "challenger answers in shadow",
        "gate of production: v2 warned",
        "v2 promoted to production",
        "one version answers all again",
        "production rolled back to v1",
        "monitor moved is well again",
    ]
    assert [moment.at for moment in story.moments] == sorted(moment.at for moment in story.moments)
    assert story.aliases == {"challenger": "delay@v2", "production": "delay@v1"}
    assert story.failing == ()
    assert not story.is_cut


def test_each_moment_says_why_with_figures_and_what_to_type(lived: Workspace) -> None:
    story = {moment.what: moment for moment in lived.story("delay").moments}
    trained = story["v2 trained"]
    assert trained.told == ("from seen@v1", "by hand, in run gbm-1", "roc_auc 0.712", "<b>June</b>")
    assert trained.look == "`ml model show delay@v2`"
    assert trained.who
    failed = story["monitor moved failed"]
    assert failed.mood == "bad"
    assert "drift over 1 d, ask ann" in failed.told
    assert any("x drift" in told for told in failed.told)
    for moment in story.values():
        words = moment.look.strip("`").split()[1:]
        assert answer(words, in_a_shell(lived)).result is not None


def test_what_held_meanwhile_has_a_beginning_and_an_end(lived: Workspace) -> None:
    story = lived.story("delay")
    held = [(span.row, span.label, span.end is None) for span in story.spans]
    assert held == [
        ("production", "v1", False),
        ("monitor moved", "failing", False),
        ("challenger", "v2", True),
        ("traffic", "challenger 10 %, the others 90 %", False),
        ("shadow", "challenger", True),
        ("production", "v2", False),
        ("production", "v1", True),
    ]


def test_years_of_quiet_do_not_press_the_moments_together(lived: Workspace, clock: Later) -> None:
    clock.at += timedelta(days=1_000)
    story = lived.story("delay")
    drawn = drawing(story)
    last = max(moment.at for moment in story.moments)
    assert story.at - last > timedelta(days=999)
    assert drawn.end - last == (last - drawn.begin) / 2
    assert all(bar.end <= drawn.end for row in drawn.rows for bar in row.bars)


def test_a_story_begins_where_it_is_asked_to(lived: Workspace, clock: Later) -> None:
    late = lived.story("delay", since="80h")
    assert whats(late)[0] == "gate of production: v2 warned"
    assert not late.is_cut
    assert {span.row for span in late.spans} == {"production", "monitor moved", "challenger", "traffic", "shadow"}
    day = (clock.at - timedelta(days=1)).date().isoformat()
    assert all(
        moment.at >= datetime.fromisoformat(day).replace(tzinfo=UTC)
        for moment in lived.story("delay", since=day).moments
    )
    assert "nothing happened to it since" in text(lived.story("delay", since="1h"))


def test_the_newest_moments_are_kept_and_it_is_said_that_others_are_left_out(lived: Workspace) -> None:
    story = lived.story("delay", limit=3)
    assert story.is_cut
    assert whats(story)[-1] == "monitor moved is well again"
    assert len(story.moments) == 3
    assert "earlier moments are left out: `nbmlops story delay --limit 1000`" in text(story)


def test_the_page_is_whole_static_and_fetches_nothing(lived: Workspace, tmp_path: Path) -> None:
    answer(
        ["story", "delay", "--html", str(tmp_path / "s.html"), "--markdown", str(tmp_path / "s.md")], in_a_shell(lived)
    )
    page = (tmp_path / "s.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "&lt;b&gt;June&lt;/b&gt;" in page
    assert "<b>" not in page
    assert not re.search(r"<script|https?:|url\(|@import| src=| href=", page)
    assert page.count('class="nbmlops-bar-bad"') == 1
    assert "prefers-color-scheme:dark" in page
    assert "| v2 trained |" in (tmp_path / "s.md").read_text()


def test_a_thousand_moments_make_a_page_below_100_kb(workspace: Workspace, clock: Later) -> None:
    for turn in range(400):
        clock.at += timedelta(hours=1)
        workspace.deployment.split("delay", f"v1={turn % 90 + 1}")
    story = workspace.story("delay", limit=1_000)
    assert len(story.moments) == 403
    shown = html(story)
    assert len(shown.encode()) < 100_000
    assert "earlier moments more" in shown
    assert f"v1 {399 % 90 + 1} %" in shown
    assert len(markdown(story).encode()) < 100_000


def test_a_gate_that_says_no_and_the_answers_of_others_are_told(
    workspace: Workspace, clock: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = workspace.data.load("seen")
    workspace.data.save(pd.DataFrame({"x": data["x"], "late": data["x"] < 0.5}), "held")
    settings = workspace.marker.root / "pyproject.toml"
    settings.write_text(GATE)
    with pytest.raises(RefusedError):
        workspace.model.promote(save(workspace, 0.2), to="production")
    settings.write_text("[tool.nbmlops.approvals.model.delay]\nproduction = 1\n")
    clock.at += timedelta(hours=1)
    workspace.model.promote("delay", to="production", message="please")
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    clock.at += timedelta(hours=1)
    workspace.model.reject("delay", to="production", message="not yet")
    story = workspace.story("delay", since="3h")
    told = {moment.what: moment for moment in story.moments}
    refused = told["gate of production: v2 failed"]
    assert refused.mood == "bad"
    assert any(one.startswith("accuracy") for one in refused.told)
    assert "please" in told["production asked for v2"].told
    assert told["v2 rejected for production"].who == "ann"
    assert "not yet" in told["v2 rejected for production"].told


def test_a_deleted_model_keeps_its_story(workspace: Workspace) -> None:
    save(workspace, 0.3)
    workspace.model.delete("delay@v2")
    told = {moment.what: moment for moment in workspace.story("delay").moments}
    assert "deleted since" in told["v2 trained"].told
    assert told["v2 deleted"].who


def test_an_unknown_name_a_version_and_a_wrong_time_are_refused_with_what_to_type(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="did you mean delay"):
        workspace.story("dealy")
    with pytest.raises(InvalidError, match="that of a model"):
        workspace.story("delay@v1")
    with pytest.raises(InvalidError, match="is no time"):
        workspace.story("delay", since="yesterday")
    with pytest.raises(InvalidError, match="no number of moments"):
        workspace.story("delay", limit=0)
    with pytest.raises(NotFoundError, match="folder"):
        workspace.story("delay", html=workspace.marker.root / "nowhere" / "s.html")


@pytest.mark.parametrize(
    ("trigger", "logical_time", "told"),
    [
        ({"cron": "0 6 * * *", "zone": "UTC"}, "2026-11-27T06:00:00Z", "due 2026-11-27T06:00:00Z"),
        ({"on": "report", "name": "monitor:good"}, "report:31", "monitor good failed, report 31"),
        ({"on": "report", "name": "flights"}, "report:31", "flights failed, report 31"),
        ({"on": "drift", "name": "flights"}, "report:31", "flights drifted, report 31"),
        ({"on": "data", "name": "flights"}, "flights@v5", "new data flights@v5"),
        ({"on": "stale", "name": "delay"}, "delay@v1 stale 1", "delay@v1 stale 1"),
        ({"on": "commit", "name": ""}, "commit:7f3a", "commit 7f3a"),
    ],
)
def test_why_something_started_is_told_in_words(trigger: dict[str, str], logical_time: str, told: str) -> None:
    assert cause(trigger, logical_time) == told
