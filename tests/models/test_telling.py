"""What the whole store knows of versions: their differences, and their cards."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.render.dispatch import html, json, markdown, text
from nbmlops.workspace.root import Workspace
from tests.models.registry import table

HOSTILE = "<script>alert(1)</script> | `x` $y$"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two models of two runs on two versions of data, each judged; the first is in production."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text("")
    ws = Workspace.init(root)
    frame = table(0)
    ws.data.save(table(1), "holdout")
    for depth, (columns, rows) in enumerate(((["a", "b", "noise"], 600), (["a", "b"], 500))):
        ws.data.save(frame.head(rows), "delays", message=f"{rows} rows", tags={"licence": "CC0-1.0"})
        with ws.run("train", params={"C": depth + 1}) as run:
            learnt = ws.data.load("delays")
            ws.model.save(LogisticRegression(C=depth + 1).fit(learnt[columns], learnt.late), "delay")
            run.log(auc=0.8 + depth / 10)
        ws.check.model("delay", "holdout", target="late", slices="a")
        if not depth:
            ws.model.promote("delay@v1", message="the first")
    return ws


def test_a_diff_tells_metrics_params_features_data_and_code(workspace: Workspace) -> None:
    diff = workspace.model.diff("delay@v1", "delay@v2")
    assert not diff.same
    assert diff.runs == ("train-1", "train-2")
    assert {each.name: each.values for each in diff.params} == {"C": (1, 2)}
    metrics = {each.name: each.values for each in diff.metrics}
    assert metrics["auc"] == (0.8, 0.9)
    assert any(": " in name for name in metrics), "what reports measured stands beside what the runs logged"
    assert [(each.name, each.what) for each in diff.features] == [("noise", "removed")]
    (data,) = [each for each in diff.data if each.name == "delays"]
    assert (data.name, data.before, data.after) == ("delays", "delays@v1", "delays@v2")
    assert data.diff is not None
    assert data.diff.rows is not None
    assert (data.diff.rows.before, data.diff.rows.after) == (600, 500)
    told = text(diff)
    assert "delay@v1 → delay@v2" in told
    assert "600 → 500 rows" in told
    assert "+0.1" in told
    for written in (html(diff), markdown(diff)):
        assert "noise" in written
        assert "params that differ" in written
    assert [each["diff"]["rows"]["after"] for each in json(diff)["data"] if each["name"] == "delays"] == [500]


def test_a_version_differs_in_nothing_from_itself(workspace: Workspace) -> None:
    diff = workspace.model.diff("delay@v1", "delay@production")
    assert diff.same
    assert (diff.params, diff.features, diff.data, diff.code, diff.facts) == ((), (), (), (), ())
    assert "the same content" in text(diff)


def test_what_cannot_be_compared_is_said(workspace: Workspace) -> None:
    frame = table(2)
    workspace.model.save(LogisticRegression().fit(frame[["a"]], frame.late), "loose")
    diff = workspace.model.diff("delay@v1", "loose")
    assert diff.runs == ("train-1", None)
    assert "not both were made in a run" in text(diff)
    (data,) = [each for each in diff.data if each.name == "delays"]
    assert (data.before, data.after, data.diff) == ("delays@v1", "delays@v1, delays@v2", None)
    with pytest.raises(NotFoundError):
        workspace.model.diff("delay@v1", "delay@v9")


def test_a_card_holds_what_the_store_knows(workspace: Workspace) -> None:
    card = workspace.model.card("delay@v1")
    assert "delays@v1" in [one.ref for one in card.data]
    assert card.run is not None
    assert card.run.name == "train-1"
    assert [move.alias for move in card.moves] == ["production"]
    told = text(card)
    titles = (
        "What it is", "Intended use", "Limits", "Data", "Metrics", "Metrics by slice", "Fairness", "Lineage",
        "How to reproduce", "Environment", "Approvals and history",
    )  # fmt: skip
    for title in titles:
        assert f"\n  {title}\n" in told, title
        assert f"<h2>{title}</h2>" in html(card), title
        assert f"\n## {title}\n" in markdown(card), title
    for fact in ("600 rows", "CC0-1.0", "auc", "reproduce train-1", "promote: production moved to it"):
        assert fact in told, fact


def test_gaps_are_shown_with_what_fills_them_and_stay_filled(workspace: Workspace) -> None:
    assert "model describe delay --intended-use" in text(workspace.model.card("delay@v2"))
    assert "things are not said yet" in text(workspace.model.card("delay@v2"))
    workspace.model.describe("delay", intended_use="planning gates", limits="winter only", owner="ann")
    for ref in ("delay@v1", "delay@v2"):
        told = text(workspace.model.card(ref))
        assert "planning gates" in told
        assert "2 things are not said yet" in told


def test_a_card_is_a_file_that_nothing_breaks_out_of(workspace: Workspace, tmp_path: Path) -> None:
    workspace.model.describe("delay", description=HOSTILE, limits="x" * 20_000)
    for name in ("card.md", "card.html"):
        workspace.model.card("delay", tmp_path / name)
        written = (tmp_path / name).read_text()
        assert "<script" not in written
        assert "&lt;script&gt;" in written
        assert len(written.encode()) < 100_000
        with pytest.raises(ConflictError, match="is there already"):
            workspace.model.card("delay", tmp_path / name)
        workspace.model.card("delay", tmp_path / name, overwrite=True)
    assert (tmp_path / "card.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(InvalidError, match=r"written as \.md or \.html"):
        workspace.model.card("delay", tmp_path / "card.pdf")
    with pytest.raises(InvalidError, match="there is no folder"):
        workspace.model.card("delay", tmp_path / "nowhere" / "card.md")
    assert not (tmp_path / "card.pdf").exists()
