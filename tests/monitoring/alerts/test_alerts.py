"""One alert for each cause; people are told when it matters, once, and when it is over; the rest is in the digest."""

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


def told(workspace: Workspace) -> list[tuple[str, str]]:
    now = workspace.clock.now()
    rows = workspace.catalog.read(lambda c: notices.due_notices(c, now - timedelta(days=9), now, 5))
    return [(row.kind, row.title) for row in rows]


def body(workspace: Workspace) -> str:
    now = workspace.clock.now()
    rows = workspace.catalog.read(lambda c: notices.due_notices(c, now - timedelta(days=9), now, 5))
    return str(rows[-1].body)


def drifted(workspace: Workspace, traffic: Traffic) -> None:
    """Inputs that moved, on which a monitor of drift fails."""
    traffic.send(2, 300, shift=0.15)
    workspace.monitor.add("moved", "delay", "drift", reference="seen")


def test_what_fails_for_one_cause_is_one_alert_with_its_evidence_and_the_command(
    workspace: Workspace, traffic: Traffic
) -> None:
    (workspace.marker.root / "x.suite").write_text("x: number, between(0, 0.8)\n")
    drifted(workspace, traffic)
    workspace.monitor.add("expected", "delay", "invariants", reference=str(workspace.marker.root / "x.suite"))
    workspace.monitor.add("slow", "delay", "performance")
    workspace.monitor.run()
    (alert,) = workspace.monitor.alerts()
    assert (alert.cause, alert.monitors, alert.state) == ("inputs", ("expected", "moved"), "open")
    assert alert.command == "ml monitor show expected"
    assert told(workspace) == [("failure", "delay: its inputs have changed (2 monitors)")]
    text = body(workspace)
    for words in ("moved (drift, ask", "x drift: ", "ml check show", "it matters: expected failed", "next: ml monitor"):
        assert words in text


def test_unlike_causes_are_alerts_of_their_own(workspace: Workspace, traffic: Traffic, clock: Later) -> None:
    for hour in range(1, 13):
        traffic.send(hour + 12, 20)
        traffic.send(hour, 20, slow=2.0)
    workspace.monitor.add("slow", "delay", "performance", window="12h")
    workspace.monitor.add("old", "delay", "staleness", bound=1)
    clock.at += timedelta(hours=1)
    workspace.monitor.run("slow")
    clock.at += timedelta(days=2)
    workspace.monitor.run("old")
    assert [one.cause for one in workspace.monitor.alerts("delay")] == ["training", "service"]


def test_worse_answers_join_the_drift_that_was_there_before_them(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(40, 300)
    traffic.label()
    drifted(workspace, traffic)
    workspace.monitor.run()
    workspace.monitor.add("good", "delay", "quality", bound=0.99)
    workspace.monitor.run()
    (alert,) = workspace.monitor.alerts()
    assert (alert.cause, alert.monitors) == ("inputs", ("moved", "good"))
    assert len(told(workspace)) == 1


def test_drift_while_quality_is_as_it_was_is_for_the_digest(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(40, 300)
    traffic.label()
    drifted(workspace, traffic)
    workspace.monitor.add("good", "delay", "quality", bound=0.5)
    workspace.monitor.run("good")
    workspace.monitor.run()
    assert told(workspace) == []
    (alert,) = workspace.monitor.alerts()
    assert (alert.weight, alert.why, alert.told_at) == (0.0, "quality is as it was, by good", None)
    digest = workspace.monitor.digest()
    assert [(line.deployment, line.state, line.command) for line in digest.lines] == [
        ("delay", "open", "ml monitor show moved")
    ]


def test_what_was_of_no_hurry_is_told_when_it_comes_to_matter(workspace: Workspace, traffic: Traffic) -> None:
    test_drift_while_quality_is_as_it_was_is_for_the_digest(workspace, traffic)
    workspace.monitor.delete("good")
    workspace.monitor.run()
    assert told(workspace) == [("failure", "delay: its inputs have changed (1 monitor)")]


def test_an_input_on_which_the_model_does_not_lean_is_for_the_digest(workspace: Workspace, traffic: Traffic) -> None:
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(2)
    data = pd.DataFrame({"x": random.random(2_000), "noise": random.random(2_000)})
    model = LogisticRegression(C=100).fit(data.assign(noise=0.0), data["x"] > 0.5)
    workspace.data.save(data, "two")
    workspace.model.save(model, "delay", example=data)
    workspace.model.promote("delay", to="production")
    traffic.each(2, [{"inputs": {"x": [float(x)], "noise": [float(0.5 * x)]}} for x in random.random(100)])
    workspace.monitor.add("moved", "delay", "drift", reference="two")
    (report,) = workspace.monitor.run()
    assert [one.column for one in report.failures] == ["noise"]
    (alert,) = workspace.monitor.alerts()
    assert alert.weight < 0.1
    assert told(workspace) == []


def test_a_window_without_callers_disturbs_nobody_and_a_reference_that_is_gone_does(
    workspace: Workspace, traffic: Traffic, clock: Later
) -> None:
    workspace.monitor.add("moved", "delay", "drift", reference="seen@v1")
    workspace.monitor.run()
    assert (told(workspace), workspace.monitor.alerts()[0].why) == ([], "there is nothing to judge")
    traffic.send(1, 50)
    workspace.data.delete("seen@v1", unlock=True)
    workspace.monitor.run()
    assert told(workspace) == [("failure", "delay: it cannot be judged (1 monitor)")]
    assert "seen is deleted" in body(workspace)


def test_silence_tells_nobody_and_what_outlasts_it_is_told(
    workspace: Workspace, traffic: Traffic, clock: Later
) -> None:
    drifted(workspace, traffic)
    workspace.monitor.silence("moved", "2h")
    workspace.monitor.run()
    assert (told(workspace), workspace.monitor.alerts()[0].state) == ([], "silenced")
    clock.at += timedelta(hours=3)
    workspace.monitor.run()
    assert [kind for kind, _ in told(workspace)] == ["failure"]


def test_a_recovery_is_told_to_whom_the_failure_was(workspace: Workspace, traffic: Traffic, clock: Later) -> None:
    drifted(workspace, traffic)
    workspace.monitor.run()
    clock.at += timedelta(days=2)
    traffic.send(2, 300)
    workspace.monitor.run()
    assert [kind for kind, _ in told(workspace)] == ["failure", "recovery"]
    assert "it lasted" in body(workspace)
    assert workspace.monitor.alerts() == []
    (alert,) = workspace.monitor.alerts(closed=True)
    assert (alert.state, alert.closed_at) == ("recovered", clock.at)


@pytest.mark.parametrize("verb", ["pause", "delete"])
def test_an_alert_of_monitors_that_nobody_runs_is_over_without_a_word(
    workspace: Workspace, traffic: Traffic, verb: str
) -> None:
    drifted(workspace, traffic)
    workspace.monitor.add("too", "delay", "drift", reference="seen")
    workspace.monitor.run()
    getattr(workspace.monitor, verb)("moved")
    assert [one.monitors for one in workspace.monitor.alerts()] == [("too",)]
    getattr(workspace.monitor, verb)("too")
    assert workspace.monitor.alerts() == []
    assert [kind for kind, _ in told(workspace)] == ["failure"]


def test_a_monitor_that_only_warns_is_in_the_digest(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 300, shift=0.15)
    workspace.monitor.add("moved", "delay", "drift", reference="seen", severity="warn")
    workspace.monitor.run()
    assert [(one.state, one.words) for one in workspace.monitor.digest().lines] == [("warned", "moved (drift)")]


def test_a_digest_is_sent_by_the_action_and_its_name_is_taken(
    workspace: Workspace, traffic: Traffic, clock: Later
) -> None:
    drifted(workspace, traffic)
    workspace.monitor.run()
    workspace.schedule.add("digest", every="1h", action="monitor", name="daily")
    clock.at += timedelta(hours=2)
    workspace.schedule.run(once=True)
    (fire,) = workspace.schedule.history("daily", limit=1)
    assert (fire.state, fire.note) == ("completed", "0 lines")
    assert told(workspace)[-1] == ("digest", "digest: 0 matters of no hurry, 1 told before")
    with pytest.raises(InvalidError, match="the digest"):
        workspace.monitor.add("digest", "delay", "stability")


def test_nobody_who_is_named_is_said_when_a_digest_is_to_be_sent(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="nobody is named"):
        workspace.monitor.digest(send=True)


def test_the_shell_lists_alerts_and_tells_the_digest(
    workspace: Workspace, traffic: Traffic, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.marker.root)
    drifted(workspace, traffic)
    workspace.monitor.run()

    def shell(*words: str) -> Any:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0
        return json.loads(capsys.readouterr().out)

    (alert,) = shell("monitor", "alerts", "delay", "--json")
    assert (alert["cause"], alert["state"]) == ("inputs", "open")
    assert shell("monitor", "digest", "--since", "2d", "--json")["told"] == 1
    with pytest.raises(NotFoundError):
        workspace.monitor.alerts("dely")
