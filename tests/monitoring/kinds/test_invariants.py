"""What is expected of live inputs may be learnt from the data that the model was trained on."""

from __future__ import annotations

import pandas as pd

from nbmlops import Workspace
from tests.monitoring.conftest import Traffic


def test_a_version_of_data_says_what_is_expected(workspace: Workspace, traffic: Traffic) -> None:
    traffic.send(2, 200)
    workspace.monitor.add("expected", "delay", "invariants", reference="seen")
    (report,) = workspace.monitor.run()
    assert report.passed
    assert {one.column for one in report.outcomes} == {"x"}
    traffic.send(1, 50, shift=40.0)
    assert [one.column for one in workspace.monitor.run()[0].failures] == ["x"]


def test_data_without_an_input_is_said(workspace: Workspace, traffic: Traffic) -> None:
    workspace.data.save(pd.DataFrame({"y": [1.0]}), "other")
    traffic.send(2, 20)
    workspace.monitor.add("expected", "delay", "invariants", reference="other")
    (report,) = workspace.monitor.run()
    assert "other has none of the inputs x" in report.outcomes[0].detail
