"""A figure that happened to be perfect before is no reason to call one that is nearly so worse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nbmlops import Workspace
from nbmlops.monitoring.estimation.estimates import Estimate
from nbmlops.monitoring.kinds.quality import is_worse
from tests.monitoring.conftest import Traffic


@pytest.mark.parametrize(
    ("was", "now", "worse"),
    [
        ((1.0, 0.0, 100), (0.98, 0.0014, 10_000), False),
        ((1.0, 0.0, 100), (0.90, 0.003, 10_000), True),
        ((1.0, 0.0, 10_000), (0.98, 0.0014, 10_000), True),
        ((0.9, 0.01, 900), (0.86, 0.01, 900), False),
        ((0.9, 0.01, 900), (0.85, 0.01, 900), True),
        ((0.9, 0.01, 900), (0.95, 0.01, 900), False),
    ],
)
def test_worse_is_what_chance_does_not_explain(
    was: tuple[float, float, int], now: tuple[float, float, int], worse: bool
) -> None:
    assert is_worse(Estimate("accuracy", *now, most=1.0), Estimate("accuracy", *was, most=1.0)) is worse


def test_a_loss_is_worse_when_it_is_higher() -> None:
    assert is_worse(Estimate("mae", 2.0, 0.1, 100), Estimate("mae", 1.0, 0.1, 100))
    assert not is_worse(Estimate("mae", 1.0, 0.1, 100), Estimate("mae", 2.0, 0.1, 100))


def labelled(workspace: Workspace, traffic: Traffic, hours: int, wrong: dict[str, float]) -> None:
    """Answers of each group of callers, wrong as often as it says."""
    random = np.random.default_rng(hours)
    first = traffic.number
    groups = np.repeat(list(wrong), 300)
    traffic.each(hours, [{"inputs": {"x": [0.8], "group": [str(group)]}} for group in groups])
    late = [int(random.random() >= wrong[group]) for group in groups]
    ids = [f"r{first + place}" for place in range(len(groups))]
    workspace.monitor.labels("delay", pd.DataFrame({"_id": ids, "late": late}))


def test_a_part_that_got_worse_is_named_though_the_whole_is_well(workspace: Workspace, traffic: Traffic) -> None:
    labelled(workspace, traffic, 40, {"a": 0.1, "b": 0.1, "c": 0.1, "d": 0.1, "e": 0.1, "f": 0.1})
    labelled(workspace, traffic, 2, {"a": 0.02, "b": 0.06, "c": 0.06, "d": 0.06, "e": 0.06, "f": 0.3})
    workspace.monitor.add("good", "delay", "quality", column="group")
    (report,) = workspace.monitor.run()
    assert [one.column for one in report.failures] == ["group = f"]
    assert {one.column for one in report.outcomes} == {None, *(f"group = {group}" for group in "abcdef")}


def test_a_column_that_is_no_input_is_said(workspace: Workspace, traffic: Traffic) -> None:
    labelled(workspace, traffic, 2, {"a": 0.1})
    workspace.monitor.add("good", "delay", "quality", column="gruop")
    (report,) = workspace.monitor.run()
    assert "gruop is no input that is kept; did you mean group" in report.outcomes[0].detail
