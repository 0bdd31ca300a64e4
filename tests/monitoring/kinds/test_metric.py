"""A function of the user's own says a figure, and the bound is held against it."""

from __future__ import annotations

from typing import Any

import pytest

from nbmlops import Workspace
from nbmlops.checks.records import Report
from nbmlops.core.errors import InvalidError
from tests.monitoring.conftest import Traffic

CODE = """
def money(rows):
    return 10 * rows["label"].sum()

def share(rows):
    return rows["predict"].mean(), 0.2, 0.9

def number(rows):
    return len(rows)

def words(rows):
    return "much"

def nan(rows):
    return float("nan")

def outside(rows):
    return 5, 6, 7
"""


@pytest.fixture
def served(workspace: Workspace, traffic: Traffic) -> Workspace:
    (workspace.marker.root / "money.py").write_text(CODE)
    traffic.send(2, 40)
    traffic.label()
    traffic.send(1, 10)
    return workspace


def looked(workspace: Workspace, function: str, bound: float, **asked: Any) -> Report:
    workspace.monitor.add("own", "delay", "metric", code=f"money.py:{function}", bound=bound, **asked)
    (report,) = workspace.monitor.run("own")
    return report


def test_a_figure_of_rows_and_labels_passes_at_its_bound_and_fails_beyond(served: Workspace) -> None:
    (outcome,) = looked(served, "money", 10).outcomes
    labels = served.deployment.captured.labelled("delay").collect()["label"].sum()
    assert (outcome.check, outcome.status, outcome.number) == ("money", "passed", 10.0 * labels)
    assert outcome.detail == "money.py:money of 50 rows, 40 with a label"
    served.monitor.add("strict", "delay", "metric", code="money.py:money", bound=1_000)
    assert not served.monitor.run("strict")[0].passed


def test_low_may_be_better(served: Workspace) -> None:
    assert looked(served, "number", 50, better="low").passed
    served.monitor.add("strict", "delay", "metric", code="money.py:number", bound=49, better="low")
    assert not served.monitor.run("strict")[0].passed


def test_with_an_interval_it_fails_only_when_all_of_that_is_beyond(served: Workspace) -> None:
    (outcome,) = looked(served, "share", 0.89).outcomes
    assert outcome.status == "passed"
    assert outcome.figure.endswith("between 0.2 and 0.9")
    served.monitor.add("strict", "delay", "metric", code="money.py:share", bound=0.91)
    assert not served.monitor.run("strict")[0].passed


@pytest.mark.parametrize(
    ("function", "words"), [("words", "gives a str"), ("nan", "gives nan"), ("outside", "not between 6 and 7")]
)
def test_what_is_no_figure_is_said(served: Workspace, function: str, words: str) -> None:
    report = looked(served, function, 1)
    assert report.status == "errored"
    assert words in report.outcomes[0].detail


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"code": "money.py:money"}, "needs a bound"),
        ({"bound": 1.0}, "needs a code"),
        ({"code": "money.py:money", "bound": float("nan")}, "no bound"),
        ({"code": "money.py:money", "bound": 1.0, "better": "left"}, "better cannot be 'left'"),
        ({"code": "money.py:money", "bound": 1.0, "key": "x"}, "has no key"),
    ],
)
def test_rules_that_are_missing_or_none_are_refused(served: Workspace, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        served.monitor.add("own", "delay", "metric", **asked)
