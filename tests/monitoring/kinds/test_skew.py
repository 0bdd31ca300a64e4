"""Logged rows are made again by the code of training, and features that differ are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import Workspace
from nbmlops.checks.records import Report
from nbmlops.core.errors import InvalidError, NotFoundError, UntrustedError
from tests.monitoring.conftest import Traffic

CODE = """
import numpy as np
import pandas as pd

def same(rows):
    return rows[["x", "place"]]

def other(rows):
    return rows.assign(x=np.where(rows.index < 30, rows["x"] + 1, rows["x"]))[["x", "place"]]

def single(rows):
    return rows[["x", "place"]].astype({"x": "float32"})

def raw(table):
    return pd.DataFrame({"place": table["place"], "x": table["thousandth"] / 1000})

def fewer(rows):
    return rows[["x"]].head(3)

def nothing(rows):
    return None

def elsewhere(rows):
    return rows[["_id"]]

def broken(rows):
    return rows["nobody"]

def twice(table):
    return pd.concat([raw(table), raw(table)])
"""


@pytest.fixture
def logged(workspace: Workspace, traffic: Traffic) -> Workspace:
    (workspace.marker.root / "features.py").write_text(CODE)
    traffic.each(2, [{"inputs": {"x": [number / 100], "place": [f"p{number}"]}} for number in range(100)])
    return workspace


def looked(workspace: Workspace, function: str, **asked: Any) -> Report:
    workspace.monitor.add("skewed", "delay", "skew", code=f"features.py:{function}", **asked)
    (report,) = workspace.monitor.run("skewed")
    return report


@pytest.mark.parametrize("function", ["same", "single"])
def test_features_that_are_made_alike_pass(logged: Workspace, function: str) -> None:
    report = looked(logged, function)
    assert [(one.check, one.column, one.status) for one in report.outcomes] == [
        ("found again", None, "passed"),
        ("skew", "x", "passed"),
        ("skew", "place", "passed"),
    ]


def test_a_feature_that_differs_is_named_with_its_share_and_examples(logged: Workspace) -> None:
    (failure,) = looked(logged, "other").failures
    assert (failure.column, failure.figure) == ("x", "30.00% of rows differ")
    (table,) = failure.evidence
    assert (len(table.cells), table.total) == (5, 30)  # type: ignore[union-attr]
    served, made = table.cells[0][1:]  # type: ignore[union-attr]
    assert made == pytest.approx(served + 1)  # type: ignore[operator]


def test_a_share_that_is_allowed_passes(logged: Workspace) -> None:
    assert looked(logged, "other", bound=0.3).passed


def test_rows_of_raw_data_meet_the_logged_ones_by_a_key(logged: Workspace) -> None:
    raw = pd.DataFrame({"place": [f"p{number}" for number in range(95)], "thousandth": range(0, 950, 10)})
    raw.loc[3, "thousandth"] = 999
    logged.data.save(raw, "raw")
    report = looked(logged, "raw", reference="raw", key="place")
    again, x = report.outcomes
    assert (again.status, again.figure) == ("warned", "95 of 100 rows")
    assert (x.status, x.detail) == ("failed", "1 of 95")


@pytest.mark.parametrize(
    ("function", "asked", "words"),
    [
        ("fewer", {}, "gives 3 rows for 100"),
        ("nothing", {}, "gives a NoneType"),
        ("elsewhere", {}, "makes none of the inputs"),
        ("broken", {}, "raised KeyError in line 27: 'nobody'"),
        ("same", {"key": "nobody"}, "nobody is no input"),
        ("elsewhere", {"key": "place"}, "gives no column place"),
        ("raw", {"reference": "raw"}, "without a key"),
        ("twice", {"reference": "raw", "key": "place"}, "is there twice"),
    ],
)
def test_what_cannot_be_compared_is_said(logged: Workspace, function: str, asked: dict[str, Any], words: str) -> None:
    logged.data.save(pd.DataFrame({"place": ["p1"], "thousandth": [1]}), "raw")
    report = looked(logged, function, **asked)
    assert report.status == "errored"
    assert words in report.outcomes[0].detail


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("features.py:nobody", NotFoundError, "no function nobody"),
        ("fetures.py:same", NotFoundError, "no file fetures.py"),
        ("no_such_module:same", NotFoundError, "no module"),
        ("features.py", InvalidError, "names no function"),
        ("bad.py:same", InvalidError, "cannot be run: ZeroDivisionError"),
        (lambda rows: rows, InvalidError, "found by no name"),
        (None, InvalidError, "needs a code"),
    ],
)
def test_code_that_is_not_there_is_refused_when_it_is_named(
    logged: Workspace, code: Any, error: type[Exception], words: str
) -> None:
    (logged.marker.root / "bad.py").write_text("1 / 0\n")
    with pytest.raises(error, match=words):
        logged.monitor.add("skewed", "delay", "skew", code=code)
    assert logged.monitor.list() == []


def test_code_of_a_workspace_that_is_not_trusted_is_not_run(
    logged: Workspace, monkeypatch: Any, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    (logged.marker.root / "evil.py").write_text(
        f"import pathlib\npathlib.Path({str(ran)!r}).touch()\ndef make(rows): return rows\n"
    )
    logged.monitor.add("skewed", "delay", "skew", code="evil.py:make")
    ran.unlink()
    monkeypatch.setattr(type(logged.keyring), "is_trusted", lambda *_: False)
    (report,) = logged.monitor.run("skewed")
    assert report.status == "errored"
    assert "trust" in report.outcomes[0].detail
    assert not ran.exists()
    with pytest.raises(UntrustedError):
        logged.monitor.add("other", "delay", "skew", code="evil.py:make")
