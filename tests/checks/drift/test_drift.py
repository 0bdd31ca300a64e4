"""The verb: on references, files and tables, in the order of what matters, and clear on what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.checks import Report
from nbmlops.checks.evidence import BarsEvidence
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.render import html, text
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def table(seed: int, rows: int, **moved: Any) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    made = {
        "size": generator.normal(size=rows),
        "price": generator.lognormal(size=rows),
        "kind": generator.choice(list("abcd"), rows),
        "fast": generator.random(rows) < 0.3,
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(generator.integers(0, 365, rows), "D"),
        "same": 1,
    }
    return pd.DataFrame({**made, **moved})


def by_column(report: Report) -> dict[str | None, Any]:
    return {one.column: one for one in report.outcomes if one.check == "drift"}


def test_what_has_not_drifted_passes_and_what_has_comes_first_with_a_picture(workspace: Workspace) -> None:
    workspace.data.save(table(1, 4_000), "sales")
    workspace.data.save(table(2, 300, size=np.random.default_rng(3).normal(0.8, 1, 300)), "sales")
    report = workspace.check.drift("sales")
    first, *others = report.outcomes
    assert (first.column, first.status) == ("size", "failed")
    assert first.figure.endswith("standard deviations, up")
    assert [one.status for one in others] == ["passed"] * 5
    assert (report.suite, report.subject) == ("drift from sales@v1", "sales@v2")
    assert len(report.judged) == 2
    bars = next(one for one in first.evidence if isinstance(one, BarsEvidence))
    assert sum(bars.before) == pytest.approx(1)
    assert "size" in text(report, detail=True)
    assert "<svg" in html(report, detail=True)
    with pytest.raises(RefusedError, match="size drift"):
        workspace.check.drift("sales", strict=True)
    assert list(by_column(workspace.check.drift("sales", columns=["kind", "fast"]))) == ["kind", "fast"]


def test_files_and_tables_of_any_library_give_the_same(workspace: Workspace, tmp_path: Path) -> None:
    before, after = table(1, 500), table(2, 500, kind="a")
    path = tmp_path / "after.parquet"
    after.to_parquet(path)
    told = {
        tuple((one.column, one.status, one.figure) for one in workspace.check.drift(now, against=was).outcomes)
        for now, was in (
            (after, before),
            (path, before),
            (pl.from_pandas(after), pl.from_pandas(before)),
        )
    }
    assert len(told) == 1


def test_a_real_drift_that_is_small_warns(workspace: Workspace) -> None:
    seed = np.random.default_rng(0)
    before, after = (pd.DataFrame({"a": seed.normal(far, 1, 200_000)}) for far in (0, 0.03))
    (found,) = workspace.check.drift(after, against=before).outcomes
    assert (found.status, "it is there, but below 0.1" in found.detail) == ("warned", True)


def test_what_a_model_leans_on_comes_first(workspace: Workspace) -> None:
    seed = np.random.default_rng(0)
    before = pd.DataFrame({"a": seed.normal(size=900), "b": seed.normal(size=900)})
    after = pd.DataFrame({"a": seed.normal(1.5, 1, 900), "b": seed.normal(1, 1, 900)})
    model = LinearRegression().fit(before, 3 * before["b"] + 0.01 * before["a"])
    assert [one.column for one in workspace.check.drift(after, against=before).outcomes] == ["a", "b"]
    ranked = workspace.check.drift(after, against=before, model=model)
    assert [one.column for one in ranked.outcomes] == ["b", "a"]
    assert "importance 3" in ranked.outcomes[0].detail


def test_new_levels_missing_values_and_new_columns_are_said(workspace: Workspace) -> None:
    before = pd.DataFrame({"a": ["x", "y"] * 100, "b": [1.0] * 200, "gone": 1})
    after = pd.DataFrame({"a": ["x", "z"] * 100, "b": [1.0, None] * 100, "new": 1})
    report = workspace.check.drift(after, against=before)
    assert {(one.check, one.column, one.figure) for one in report.outcomes if one.status == "failed"} == {
        ("columns", "gone", "missing"),
        ("columns", "new", "new"),
        ("drift", "a", "50.0% of rows moved"),
        ("drift of missing values", "b", "0.00% → 50.00% missing"),
    }
    assert "new: z (100)" in by_column(report)["a"].detail


def test_of_a_tiny_batch_it_is_said_what_could_not_be_seen(workspace: Workspace) -> None:
    report = workspace.check.drift(table(2, 8)[["size"]], against=table(1, 4_000)[["size"]])
    assert by_column(report)["size"].detail.endswith("a shift of 1.4 standard deviations is found in nine of ten cases")


@pytest.mark.parametrize(
    ("before", "after", "status", "said"),
    [
        ([None, None], [1.0, 2.0], "errored", "the reference has no value"),
        ([1.0, 2.0], [None, None], "failed", "the current table has no value"),
        ([1.0, 2.0], ["a", "b"], "failed", "values cannot be compared"),
        ([], [1.0], "errored", "the reference has no rows"),
        ([1.0], [], "errored", "the current table has no rows"),
        ([[1], [2]], [[1], [2]], "errored", "whose drift cannot be told"),
        ([1.0], [1.0], "passed", "p = 1"),
        ([np.inf, 1.0], [1.0, 1.0], "passed", "p = 1"),
    ],
)
def test_what_cannot_be_compared(workspace: Workspace, before: Any, after: Any, status: str, said: str) -> None:
    frames = [pl.DataFrame({"a": values}) for values in (before, after)]
    found = by_column(workspace.check.drift(frames[1], against=frames[0]))["a"]
    assert found.status == status
    assert said in found.detail


def test_evidentlys_rules(workspace: Workspace) -> None:
    before, after = table(1, 4_000), table(2, 50)
    theirs = workspace.check.drift(after, against=before, like="evidently")
    whole, *columns = theirs.outcomes
    assert whole.check == "drift of the table"
    assert theirs.suite == "drift from dataframe, as evidently"
    assert {one.column for one in columns} == {*before.columns}
    # At 50 rows its fixed bounds cry wolf, where the calibrated verdict does not.
    assert any(one.status == "failed" for one in columns)
    assert workspace.check.drift(after, against=before).passed


def test_bad_input(workspace: Workspace) -> None:
    workspace.data.save(table(1, 30), "sales")
    with pytest.raises(InvalidError, match=r"neither table has a column 'sise'.*"):
        workspace.check.drift(table(1, 30), against="sales", columns=["sise"])
    with pytest.raises(InvalidError, match=r"sales@v1 has no version before it"):
        workspace.check.drift("sales")
    with pytest.raises(InvalidError, match="nothing to compare with"):
        workspace.check.drift(table(1, 30))
    with pytest.raises(InvalidError, match="has no rules that are known"):
        workspace.check.drift("sales", against="sales", like="deepchecks")  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="does not tell how much it leans"):
        workspace.check.drift("sales", against="sales", model=LinearRegression().fit([[1.0]], [1.0]))


def test_times_move_on_and_are_no_drift(workspace: Workspace) -> None:
    days = [pd.DataFrame({"at": pd.date_range(start, periods=100, freq="h")}) for start in ("2026-01-01", "2026-02-01")]
    (found,) = workspace.check.drift(days[1], against=days[0]).outcomes
    assert (found.status, found.figure) == ("passed", "31.0 days later")
