from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import ml
from nbmlops.core.errors import speak
from nbmlops.jupyter.panels.monitor import panel
from nbmlops.render.dispatch import html
from nbmlops.workspace.current import workspace
from tests.jupyter.panels.filled import watched
from tests.jupyter.panels.talk import act, ask, line, refused


@pytest.fixture
def answering(project: Path) -> None:
    watched()


def test_what_answers_stands_before_models_that_do_not(answering: None) -> None:
    data = pd.DataFrame({"x": [0.1, 0.9]})
    ml.model.save(LogisticRegression().fit(data, [0, 1]), "alone", example=data)
    first, second = ask("monitor", "deployments")["rows"]
    assert (first["name"], second["name"]) == ("delay", "alone")
    assert first["split"] == [["challenger", 10.0]]
    assert first["failing"] == ["moved"]
    assert first["monitors"] == 2
    assert first["placed"] == {"challenger": "delay@v2", "production": "delay@v1"}
    assert ask("monitor", "alerts", name="alone")["rows"] == []
    assert ask("monitor", "story", name="alone")["moments"][0]["version"] == 1


def test_an_alert_has_its_evidence(answering: None) -> None:
    (alert,) = ask("monitor", "alerts", name="delay")["rows"]
    assert alert["title"] == "delay: its inputs have changed"
    assert (alert["state"], alert["command"]) == ("open", "monitor show moved")
    assert alert["why"]
    (one,) = alert["monitors"]
    assert (one["name"], one["status"], one["owner"]) == ("moved", "failed", "ann")
    assert one["evidence"][0]["check"] == "x drift"
    assert one["evidence"][0]["figure"]
    assert line("monitor", "report", number=one["report"]) == f"%ml check show {one['report']}"


def test_the_figures_of_a_monitor_come_over_time_with_the_band_that_they_may_be_in(answering: None) -> None:
    ml.monitor.run("steady")
    one = ask("monitor", "monitor", name="steady")
    assert [look["status"] for look in one["looks"]] == ["passed"] * 3
    series = next(each for each in one["series"] if "saturated" in each["check"])
    assert len(series["points"]) == 3
    assert (series["low"], series["high"]) == (None, 0.01)
    failed = ask("monitor", "monitor", name="moved")["series"][0]
    assert failed["check"] == "x drift"
    assert failed["points"][-1]["status"] == "failed"


def test_traffic_comes_by_hour_and_version(answering: None) -> None:
    hours = ask("monitor", "traffic", name="delay")["hours"]
    assert sum(hour["requests"] for hour in hours) == 600
    assert {(hour["version"], hour["role"], hour["errors"]) for hour in hours} == {(1, "served", 0)}
    assert all(5 <= hour["p50"] <= hour["p95"] <= 6 for hour in hours)
    assert len(ask("monitor", "traffic", name="delay", days=10**6)["hours"]) == len(hours)


def test_the_story_is_drawn_and_told(answering: None) -> None:
    story = ask("monitor", "story", name="delay")
    assert [row["name"] for row in story["drawing"]["rows"]][:2] == ["versions", "verdicts"]
    failed = next(one for one in story["moments"] if one["what"] == "monitor moved failed")
    assert failed["mood"] == "bad"
    assert failed["look"].startswith("check show")


def test_an_action_is_the_line_that_it_shows(answering: None) -> None:
    speak("%ml")
    act("monitor", "silence", name="moved", span="4h")
    assert ml.monitor.show("moved").silent_until is not None
    act("monitor", "pause", name="moved")
    assert ml.monitor.show("moved").paused_at is not None
    act("monitor", "resume", name="moved")
    act("monitor", "alone", name="delay")
    assert ml.deployment.show("delay").split == ()
    assert line("monitor", "run", name="moved") == "%ml monitor run moved"
    assert line("monitor", "run", name="-x") == "%ml monitor run -- -x"
    assert line("monitor", "story", name="delay") == "%ml story delay"
    assert act("monitor", "history", name="delay")["good"]


def test_what_is_not_there_is_told_with_what_is_near(answering: None) -> None:
    assert "did you mean delay" in str(refused("monitor", "story", asks=True, name="dealy")["hint"])
    assert "did you mean moved" in str(refused("monitor", "monitor", asks=True, name="movde")["hint"])
    assert refused("monitor", "traffic", asks=True, name="../../etc")


def test_without_a_front_end_the_monitors_are_a_table(answering: None) -> None:
    shown = html(panel.static(workspace()))
    assert "moved" in shown
    assert "steady" in shown
