"""The verb on a real workspace: models by reference, tables by reference, by path and as objects; reports are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def table(seed: int, rows: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(rows, 2)), columns=["a", "b"])
    frame["late"] = frame.a + frame.b + generator.normal(size=rows) > 0
    return frame


@pytest.fixture
def model() -> LogisticRegression:
    train = table(1)
    return LogisticRegression().fit(train[["a", "b"]], train.late)


def test_references_are_judged_and_the_report_is_linked_to_model_and_data(
    workspace: Workspace, model: LogisticRegression
) -> None:
    held = workspace.data.save(table(2), "held")
    saved = workspace.model.save(model, "delay", example=table(1)[["a", "b"]])
    report = workspace.check.model("delay", "held", "late", floor=0.6, champion="delay@v1", only=["floor", "champion"])
    assert (report.section, report.subject, report.suite) == ("model", saved.ref, f"model on {held.ref}")
    assert report.passed
    assert len(report.judged) == 2
    assert workspace.check.show(report.id or 0) == report


def test_objects_and_files_give_the_same_figures(
    workspace: Workspace, model: LogisticRegression, tmp_path: Path
) -> None:
    rows = table(2)
    rows.to_parquet(tmp_path / "held.parquet")
    found = [
        workspace.check.model(model, value, "late", only=["floor"]).outcomes[0].figure
        for value in (rows, tmp_path / "held.parquet", str(tmp_path / "held.parquet"), pl.from_pandas(rows))
    ]
    assert len(set(found)) == 1


def test_a_strict_check_raises_and_its_report_is_kept(workspace: Workspace, model: LogisticRegression) -> None:
    with pytest.raises(RefusedError, match="roc_auc"):
        workspace.check.model(model, table(2), "late", floor=0.999, only=["floor"], strict=True)
    (kept,) = workspace.check.list()
    assert kept.status == "failed"


def test_what_is_not_there_or_no_model_is_named(workspace: Workspace, model: LogisticRegression) -> None:
    with pytest.raises(NotFoundError):
        workspace.check.model("delay", table(2), "late")
    with pytest.raises(InvalidError, match="a dict is no model"):
        workspace.check.model({}, table(2), "late")
    with pytest.raises(InvalidError, match="a list is no table"):
        workspace.check.model(model, [1], "late")
