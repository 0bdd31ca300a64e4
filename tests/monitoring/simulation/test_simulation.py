"""Monitors look at the past window by window, and what they would have told is told, but kept nowhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.pipelines.schedules import queries as notices
from tests.monitoring.conftest import Later, Traffic


@pytest.fixture
def past(workspace: Workspace, traffic: Traffic, clock: Later) -> Workspace:
    """Four days: inputs that move on the third and come back on the fourth."""
    clock.at = clock.at.replace(hour=0) + timedelta(days=1)
    for day, shift in ((4, 0.0), (3, 0.0), (2, 0.15), (1, 0.0)):
        traffic.send(24 * day - 3, 300, shift=shift)
    workspace.monitor.add("moved", "delay", "drift", reference="seen")
    workspace.monitor.add("sane", "delay", "stability")
    return workspace


def test_it_tells_when_each_monitor_would_have_failed_and_who_would_have_been_told(past: Workspace) -> None:
    found = past.monitor.simulate("delay", by="day")
    stood = [one.status for one in found.looks if one.monitor == "moved"]
    assert stood == ["passed", "passed", "failed", "passed"]
    assert {one.status for one in found.looks if one.monitor == "sane"} == {"passed"}
    (alert,) = found.alerts
    third, fourth = (sorted({one.until for one in found.looks})[place] for place in (2, 3))
    assert (alert.cause, alert.monitors, alert.opened_at, alert.closed_at) == ("inputs", ("moved",), third, fourth)
    assert alert.told_at == third


def test_nothing_of_it_is_kept_and_nobody_is_told(past: Workspace) -> None:
    past.monitor.simulate("delay", by="day")
    now = past.clock.now()
    assert past.catalog.read(lambda c: notices.due_notices(c, now - timedelta(days=9), now, 5)) == []
    assert past.monitor.alerts(closed=True) == []
    assert past.check.list(section="production") == []
    assert past.monitor.show("moved").status is None


@pytest.mark.parametrize(("by", "windows"), [("hour", 73), ("day", 4), ("week", (1, 2)), ("month", (1, 2))])
def test_windows_are_whole_hours_days_weeks_and_months(past: Workspace, by: Any, windows: Any) -> None:
    found = past.monitor.simulate("sane", by=by)
    assert len(found.looks) in (windows if isinstance(windows, tuple) else (windows,))
    edges = [one.since for one in found.looks]
    assert all((edge.minute, edge.second) == (0, 0) for edge in edges)
    if by == "month":
        assert {edge.day for edge in edges} == {1}
    if by == "week":
        assert {edge.weekday() for edge in edges} == {0}


def test_dates_say_where_it_begins_and_ends(past: Workspace) -> None:
    day = past.clock.now() - timedelta(days=2)
    found = past.monitor.simulate(
        "moved", by="day", since=f"{day:%Y-%m-%d}", until=f"{day + timedelta(days=1):%Y-%m-%d}"
    )
    assert [(one.since, one.status) for one in found.looks] == [(day, "failed")]


def test_a_label_counts_from_when_it_was_known(past: Workspace, traffic: Traffic) -> None:
    rows = past.deployment.captured.rows("delay").collect()
    known = rows.select("_id", label=rows["out:predict"], at=rows["_at"] + timedelta(hours=30))
    past.monitor.labels("delay", known, label="label", at="at")
    past.monitor.add("good", "delay", "quality", metric="accuracy")
    found = past.monitor.simulate("good", by="day")
    # On the first day nothing was known, later what had been asked a day before.
    assert [one.status for one in found.looks] == ["errored", "passed", "passed", "passed"]
    assert all("accuracy, estimated" in one.evidence for one in found.looks[1:])


def test_the_version_that_answered_then_is_the_one_that_is_judged(past: Workspace) -> None:
    past.monitor.add("old", "delay", "staleness", bound=1)
    found = past.monitor.simulate("old", by="day")
    assert "delay@v1" in found.looks[-1].evidence or found.looks[-1].status in {"passed", "warned"}


@pytest.mark.parametrize(
    ("name", "asked", "error", "words"),
    [
        ("dely", {}, NotFoundError, "dely"),
        ("moved", {"by": "year"}, InvalidError, "by cannot be 'year'"),
        ("moved", {"since": "spring"}, InvalidError, "since is no date"),
        ("moved", {"since": "2026-05-01", "until": "2026-04-01"}, InvalidError, "is not before"),
        ("moved", {"until": "2001-01-01"}, NotFoundError, "nothing was captured"),
        ("packages", {}, InvalidError, "of now alone"),
    ],
)
def test_what_cannot_be_simulated_is_said(
    past: Workspace, name: str, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    past.monitor.add("packages", "delay", "dependencies")
    with pytest.raises(error, match=words):
        past.monitor.simulate(name, **asked)


def test_a_deployment_without_monitors_is_said(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="has no monitor"):
        workspace.monitor.simulate("delay")


def test_the_shell_shows_what_would_have_fired(
    past: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(past.marker.root)
    for words in (["--by", "day"], ["--by", "day", "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["monitor", "simulate", "delay", *words])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        if "--json" in words:
            assert json.loads(out)["alerts"][0]["cause"] == "inputs"
        else:
            assert "what would have fired when" in out
            assert "its inputs have changed" in out
