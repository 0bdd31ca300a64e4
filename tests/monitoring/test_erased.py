"""A monitor whose reference was erased goes on with what is left of it, or says that nothing is."""

from __future__ import annotations

import pandas as pd

from nbmlops import Workspace
from tests.monitoring.conftest import Traffic


def forget(workspace: Workspace, who: str) -> None:
    condition = workspace.marker.root / "condition"
    condition.write_text(f"who = '{who}'")
    condition.chmod(0o600)
    assert workspace.data.erase("people", where_file=condition, yes=True).ok


def test_a_reference_of_which_rows_were_erased_is_judged_against_what_is_left(
    workspace: Workspace, traffic: Traffic
) -> None:
    people = pd.DataFrame(
        {"x": [0.2 + 0.6 * place / 400 for place in range(400)], "who": [f"p{n}" for n in range(400)]}
    )
    workspace.data.save(people, "people")
    traffic.send(1, 300)
    workspace.monitor.add("moved", "delay", "drift", reference="people@v1")
    assert workspace.monitor.run()[0].passed
    forget(workspace, "p7")
    (report,) = workspace.monitor.run()
    assert report.passed
    assert [one.column for one in report.outcomes] == ["x"]


def test_a_reference_that_was_erased_whole_is_said_with_what_to_type(workspace: Workspace, traffic: Traffic) -> None:
    people = pd.DataFrame({"x": [0.5] * 50, "who": ["ann"] * 50})
    workspace.data.save(people, "people")
    traffic.send(1, 300)
    workspace.monitor.add("moved", "delay", "drift", reference="people@v1")
    forget(workspace, "ann")
    (report,) = workspace.monitor.run()
    assert report.status == "errored"
    assert "rows" in report.outcomes[0].detail
    (alert,) = workspace.monitor.alerts()
    assert (alert.cause, alert.told_at is not None, alert.command) == ("judging", True, f"ml check show {report.id}")
