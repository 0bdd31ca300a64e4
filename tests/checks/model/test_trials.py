"""The checks of behaviour by the verb: on saved versions they know size, age and the way back; on objects less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.checks.model.named import CHECKS
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError
from nbmlops.workspace import Workspace

TRIED = ("robustness", "stability", "determinism", "budgets", "training", "stress", "staleness")


def table(seed: int, rows: int = 200) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(rows, 2)), columns=["a", "b"])
    frame["late"] = frame.a + frame.b + generator.normal(size=rows) > 0
    return frame


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def model() -> LogisticRegression:
    train = table(1)
    return LogisticRegression().fit(train[["a", "b"]], train.late)


def by_name(report: Report) -> dict[str, Outcome]:
    return {outcome.check: outcome for outcome in report.outcomes}


def test_a_saved_version_is_judged_by_all_of_them(workspace: Workspace, model: LogisticRegression) -> None:
    poor = LogisticRegression().fit(table(1)[["a", "b"]], ~table(1).late)
    workspace.model.save(poor, "delay", example=table(1)[["a", "b"]])
    workspace.model.save(model, "delay", example=table(1)[["a", "b"]])
    report = workspace.check.model("delay@v2", table(2), "late", only=TRIED, latency=60_000, size=1, max_age=1)
    assert [outcome for outcome in report.outcomes if outcome.status in ("failed", "errored")] == []
    found = by_name(report)
    assert found["reading back"].figure == "0 of 200 answers differ"
    assert found["size"].bound == "≤ 1,000,000 bytes"
    assert found["age"].bound == "≤ 1 days"
    older = by_name(workspace.check.model("delay@v1", table(2), "late", only=["staleness"], lost=0.01))["lost by age"]
    assert older.status == "failed"
    assert "against delay@v2" in older.figure


def test_an_object_has_no_age_and_is_not_read_back(workspace: Workspace, model: LogisticRegression) -> None:
    report = workspace.check.model(model, table(2), "late", only=["determinism", "staleness"])
    found = by_name(report)
    assert "reading back" not in found
    assert (found["staleness"].status, found["two fits"].status) == ("errored", "passed")
    assert "only a saved version has an age" in found["staleness"].detail


def test_a_model_that_raises_is_errored_and_the_others_still_run(workspace: Workspace) -> None:
    class Broken(LogisticRegression):
        def predict_proba(self, X: pd.DataFrame) -> None:  # noqa: N803 - as scikit-learn calls it
            raise RuntimeError("out of order")

    train = table(1)
    broken = Broken().fit(train[["a", "b"]], train.late)
    report = workspace.check.model(broken, table(2), "late", only=["robustness", "stability"])
    assert [(one.check, one.status) for one in report.outcomes] == [
        ("robustness", "errored"),
        ("weights", "passed"),
        ("stability", "errored"),
    ]
    assert "RuntimeError: out of order" in report.outcomes[0].detail


def test_they_run_only_when_named_and_their_bounds_are_no_negative_numbers(
    workspace: Workspace, model: LogisticRegression
) -> None:
    assert {name for name, check in CHECKS.items() if check.asked_only} >= set(TRIED)
    with pytest.raises(InvalidError, match="the bound of latency is -1"):
        workspace.check.model(model, table(2), "late", latency=-1)
