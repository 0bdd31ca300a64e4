"""Groups of live callers are compared by answers, and by errors once labels came."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbmlops import Workspace
from nbmlops.checks.records import Report
from nbmlops.core.errors import InvalidError
from tests.monitoring.conftest import Traffic


def ask(traffic: Traffic, rates: dict[str, float], rows: int = 300) -> None:
    """Requests of each group, answered with yes as often as the rate says."""
    random = np.random.default_rng(3)
    for group, rate in rates.items():
        asked = []
        for yes in random.random(rows) < rate:
            answers = {"predict": [int(yes)], "proba:0": [0.9 - 0.8 * yes], "proba:1": [0.1 + 0.8 * yes]}
            asked.append({"inputs": {"x": [0.5], "group": [group]}, "outputs": answers})
        traffic.each(2, asked)


def looked(workspace: Workspace, column: str = "group", **asked: float) -> Report:
    workspace.monitor.add("fair", "delay", "fairness", column=column, **asked)
    (report,) = workspace.monitor.run("fair")
    return report


def test_groups_that_are_answered_alike_pass_and_others_fail(workspace: Workspace, traffic: Traffic) -> None:
    ask(traffic, {"a": 0.5, "b": 0.5})
    parity, odds = looked(workspace).outcomes
    assert (parity.check, parity.column, parity.status) == ("demographic parity difference", "group", "passed")
    assert (odds.figure, odds.detail[:8]) == ("not judged", "0 labels")
    ask(traffic, {"c": 0.1})
    (report,) = workspace.monitor.run("fair")
    assert [one.check for one in report.failures] == ["demographic parity difference"]


def test_a_group_of_few_rows_is_left_out_and_alone_nothing_is_compared(workspace: Workspace, traffic: Traffic) -> None:
    ask(traffic, {"a": 0.5})
    ask(traffic, {"b": 0.0}, rows=29)
    parity, _ = looked(workspace).outcomes
    assert (parity.status, parity.figure) == ("passed", "not judged")


def test_errors_that_one_group_has_more_of_fail_once_labels_came(workspace: Workspace, traffic: Traffic) -> None:
    ask(traffic, {"a": 0.5, "b": 0.5}, rows=200)
    rows = workspace.deployment.captured.rows("delay").collect()
    # For one group what was said is true, for the other it is drawn.
    drawn = np.random.default_rng(4).integers(0, 2, rows.height)
    true = np.where(rows["in:group"].to_numpy() == "a", rows["out:predict"].to_numpy(), drawn)
    workspace.monitor.labels("delay", pd.DataFrame({"_id": rows["_id"].to_list(), "late": true}))
    report = looked(workspace)
    assert [one.check for one in report.failures] == ["equalised odds difference"]


def test_what_is_no_input_or_no_share_is_said(workspace: Workspace, traffic: Traffic) -> None:
    ask(traffic, {"a": 0.5}, rows=2)
    report = looked(workspace, "gruop")
    assert report.status == "errored"
    assert "group" in report.outcomes[0].detail
    with pytest.raises(InvalidError, match="needs a column"):
        workspace.monitor.add("other", "delay", "fairness")
    with pytest.raises(InvalidError, match="is a share"):
        workspace.monitor.add("other", "delay", "fairness", column="group", bound=7.0)
