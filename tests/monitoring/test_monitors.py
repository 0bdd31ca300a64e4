"""Monitors look at what was captured, keep a report, and tell people once for what has changed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.checks.records import Report
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from nbmlops.monitoring.records import KINDS
from nbmlops.pipelines.schedules import queries as notices
from tests.monitoring.conftest import Later, Traffic


def looked(workspace: Workspace, kind: str, **asked: Any) -> Report:
    workspace.monitor.add("watch", "delay", kind, **asked)
    (report,) = workspace.monitor.run("watch")
    return report


def told(workspace: Workspace) -> list[tuple[str, str]]:
    now = workspace.clock.now()
    rows = workspace.catalog.read(lambda c: notices.due_notices(c, now - timedelta(days=9), now, 5))
    return [(row.kind, row.title) for row in rows]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"dependencies", "pipeline", "staleness"}])
def test_of_an_empty_window_is_said_that_there_is_nothing_to_judge(workspace: Workspace, kind: str) -> None:
    (workspace.marker.root / "own.py").write_text("def count(rows): return len(rows)\n")
    own: dict[str, Any] = {"code": "own.py:count"}
    asked: dict[str, dict[str, Any]] = {"metric": {**own, "bound": 1.0}, "skew": own, "fairness": {"column": "x"}}
    seen = {"reference": "seen"} if kind in {"drift", "invariants"} else {}
    report = looked(workspace, kind, **seen, **asked.get(kind, {}))
    (outcome,) = report.outcomes
    assert report.status == "errored"
    assert any(words in outcome.detail for words in ("nothing was captured", "no rows were kept", "0 labels came"))


def test_drift_is_told_from_profiles_against_the_data_that_is_named(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 300)
    assert looked(workspace, "drift", reference="seen").passed
    traffic.send(1, 300, shift=0.15)
    (report,) = workspace.monitor.run("watch")
    assert [(one.column, one.status) for one in report.failures] == [("x", "failed")]
    assert (report.section, report.subject, report.suite) == ("production", "delay", "monitor:watch")


def test_drift_against_the_window_before_tells_of_answers_as_well(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(30, 300)
    traffic.send(2, 300, shift=0.15)
    report = looked(workspace, "drift", reference="before")
    assert {one.column for one in report.failures} >= {"x", "answer proba:1"}


def test_no_hour_is_in_the_window_and_in_the_one_before(workspace: Workspace, traffic: Traffic, clock: Later) -> None:
    traffic.send(30, 100)
    traffic.send(24, 100, status=500)
    clock.at += timedelta(minutes=30)
    (errors,) = looked(workspace, "performance").failures
    assert errors.figure == "0.00% → 100.00% of requests"


def test_a_reference_that_was_deleted_is_said_and_not_guessed(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2)
    workspace.monitor.add("watch", "delay", "drift", reference="seen@v1")
    workspace.data.delete("seen@v1", unlock=True)
    (report,) = workspace.monitor.run("watch")
    assert report.status == "errored"
    assert "seen" in report.outcomes[0].detail


def test_live_inputs_are_asked_what_was_expected_of_the_training_data(workspace: Workspace, traffic: Traffic) -> None:
    path = workspace.marker.root / "x.suite"
    path.write_text("x: number, between(0, 1), nulls < 1%\nlabel: number\n")
    traffic.send(2)
    assert looked(workspace, "invariants", reference=str(path)).passed
    traffic.send(1, 20, shift=1.0)
    (report,) = workspace.monitor.run("watch")
    assert [(one.column, one.check) for one in report.failures] == [("x", "between")]


def test_answers_that_are_nan_or_saturated_fail(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(3, 200)
    assert looked(workspace, "stability").passed
    nan = float("nan")
    traffic.send(2, 10, outputs={"predict": [1], "proba:0": [nan], "proba:1": [nan]})
    traffic.send(1, 30, outputs={"predict": [1], "proba:0": [0.0], "proba:1": [1.0]})
    (report,) = workspace.monitor.run("watch")
    assert {(one.check, one.column) for one in report.failures} == {
        (check, f"answer proba:{number}") for check in ("finite", "saturated") for number in (0, 1)
    }


def test_a_step_of_latency_and_more_errors_fail_and_the_same_as_before_passes(
    workspace: Workspace, traffic: Traffic
) -> None:
    for hour in range(1, 13):
        traffic.send(hour + 12, 40)
        traffic.send(hour, 40)
    assert looked(workspace, "performance", window="12h").passed
    for hour in range(1, 13):
        traffic.send(hour, 60, slow=2.0, status=500 if hour < 5 else 200)
    (report,) = workspace.monitor.run("watch")
    assert {one.check for one in report.failures} == {"latency", "errors"}


def test_latency_that_creeps_up_is_a_leak(workspace: Workspace, traffic: Traffic) -> None:
    for hour in range(1, 13):
        traffic.send(hour, 40, slow=1 + (12 - hour) * 0.05)
    report = looked(workspace, "performance", window="12h")
    assert [one.check for one in report.failures] == ["slow leak", "slow fall of throughput"]


def test_an_old_model_is_stale(workspace: Workspace, clock: Later) -> None:
    report = looked(workspace, "staleness", bound=10)
    assert [one.status for one in report.outcomes] == ["passed", "warned"]
    clock.at += timedelta(days=11)
    (report,) = workspace.monitor.run("watch")
    assert [one.check for one in report.failures] == ["age of the model"]


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_quality_is_estimated_until_labels_come_and_then_measured(
    workspace: Workspace, traffic: Traffic, metric: str
) -> None:
    traffic.send(30, 1_000)
    traffic.label()
    traffic.send(2, 1_000)
    report = looked(workspace, "quality", metric=metric)
    assert (report.status, report.outcomes[0].check) == ("passed", f"{metric}, estimated")
    traffic.label(hours=24, wrong=0.5)
    (report,) = workspace.monitor.run("watch")
    assert (report.status, report.outcomes[0].check) == ("failed", metric)


def test_quality_fails_below_its_bound_only_when_chance_does_not_explain_it(
    workspace: Workspace, traffic: Traffic
) -> None:
    traffic.send(2, 1_000)
    traffic.label()
    assert looked(workspace, "quality", bound=0.66).passed
    workspace.monitor.add("strict", "delay", "quality", bound=0.9)
    assert not workspace.monitor.run("strict")[0].passed


def test_people_are_told_once_when_it_fails_and_once_when_it_is_well_again(
    workspace: Workspace, traffic: Traffic, clock: Later
) -> None:
    traffic.send(2, 300, shift=0.15)
    for name in ("one", "two"):
        workspace.monitor.add(name, "delay", "drift", reference="seen")
    workspace.monitor.run()
    workspace.monitor.run()
    assert told(workspace) == [("failure", "delay: its inputs have changed (2 monitors)")]
    clock.at += timedelta(days=2)
    traffic.send(2, 300)
    workspace.monitor.run()
    assert told(workspace)[1:] == [("recovery", "delay: well again (its inputs have changed)")]


def test_of_a_silent_monitor_nobody_is_told_and_of_a_paused_one_nothing_is_looked_at(
    workspace: Workspace, traffic: Traffic
) -> None:
    traffic.send(2, 300, shift=0.15)
    workspace.monitor.add("watch", "delay", "drift", reference="seen")
    workspace.monitor.silence("watch", "2h")
    assert not workspace.monitor.run("watch")[0].passed
    assert told(workspace) == []
    workspace.monitor.pause("watch")
    with pytest.raises(NotFoundError, match="no monitor to run"):
        workspace.monitor.run()
    assert workspace.monitor.resume("watch").paused_at is None


def test_a_monitor_that_only_warns_does_not_fail(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 300, shift=0.15)
    assert looked(workspace, "drift", reference="seen", severity="warn").status == "warned"


def test_strict_raises_after_the_report_is_kept(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 300, shift=0.15)
    workspace.monitor.add("watch", "delay", "drift", reference="seen")
    with pytest.raises(RefusedError):
        workspace.monitor.run(strict=True)
    assert [one.status for one in workspace.monitor.history("watch")] == ["failed"]
    assert workspace.monitor.show("watch").status == "failed"


def test_the_scheduler_runs_monitors_and_a_failing_one_is_an_event(workspace: Workspace, traffic: Traffic) -> None:
    workspace.monitor.add("watch", "delay", "drift", reference="seen")
    workspace.schedule.add("watch", every="1h", action="monitor", name="hourly")
    workspace.schedule.add("watch", on="monitor:watch", action="monitor", name="again")
    traffic.send(2, 300, shift=0.15)
    workspace.monitor.run("watch")
    workspace.schedule.run(once=True)
    (fire,) = workspace.schedule.history("again")
    assert (fire.state, fire.note) == ("completed", "watch failed")
    with pytest.raises(NotFoundError):
        workspace.schedule.add("wach", every="1h", action="monitor")


@pytest.mark.parametrize(
    ("kind", "asked", "words"),
    [
        ("drft", {}, "kind cannot be 'drft'"),
        ("drift", {"bound": 0.1}, "has no bound"),
        ("stability", {"bound": -1.0}, "no bound"),
        ("stability", {"metric": "mae"}, "no metric"),
        ("quality", {"metric": "mea"}, "metric cannot be 'mea'"),
        ("quality", {"reference": "seen"}, "no reference to choose"),
        ("drift", {"window": "10m"}, "too short"),
        ("drift", {"severity": "loud"}, "severity cannot be"),
        ("drift", {"color": "red"}, "has no 'color'"),
    ],
)
def test_rules_that_cannot_be_are_refused(workspace: Workspace, kind: str, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        workspace.monitor.add("watch", "delay", kind, **asked)
    assert workspace.monitor.list() == []


def test_names_that_are_not_there_or_taken_are_said(workspace: Workspace) -> None:
    workspace.monitor.add("watch", "delay", "stability")
    with pytest.raises(ConflictError):
        workspace.monitor.add("watch", "delay", "drift")
    with pytest.raises(NotFoundError):
        workspace.monitor.add("other", "dely", "drift")
    with pytest.raises(NotFoundError):
        workspace.monitor.add("other", "delay", "drift", reference="nothing")
    with pytest.raises(NotFoundError) as found:
        workspace.monitor.show("wach")
    assert "watch" in str(found.value.hint)


def test_a_deleted_monitor_comes_back_with_its_reports(workspace: Workspace) -> None:
    workspace.monitor.add("watch", "delay", "staleness")
    workspace.monitor.run("watch")
    workspace.monitor.delete("watch")
    assert workspace.monitor.list() == []
    with pytest.raises(NotFoundError) as found:
        workspace.monitor.run("watch")
    assert "monitor restore" in str(found.value.hint)
    assert workspace.monitor.restore("watch").report is not None
    assert len(workspace.monitor.history("watch")) == 1


def test_the_shell_adds_runs_and_tells_by_its_exit_code(
    workspace: Workspace, traffic: Traffic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.marker.root)

    def shell(*words: str) -> tuple[Any, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        return ended.value.code, capsys.readouterr().out

    assert shell("monitor", "add", "age", "delay", "staleness", "--bound", "9", "--owner", "ann")[0] == 0
    code, out = shell("monitor", "run", "age", "--json")
    (report,) = json.loads(out)
    assert (code, report["suite"], report["section"]) == (0, "monitor:age", "production")
    traffic.send(2, 300, shift=0.15)
    assert shell("monitor", "add", "moved", "delay", "drift", "--reference", "seen")[0] == 0
    assert shell("monitor", "run", "moved")[0] == 1
    code, out = shell("monitor", "list")
    assert code == 0
    assert "moved" in out
