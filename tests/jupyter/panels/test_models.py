"""The panel of models without a browser: what it is told, and what each of its actions does to the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import ml
from nbmlops.jupyter.panels.models import panel
from nbmlops.render.dispatch import html
from nbmlops.workspace.current import workspace
from tests.jupyter.panels.talk import act, ask, line, refused
from tests.models.registry import table

GATE = """
[tool.nbmlops.gates.delay]
holdout = "delays_holdout"
target = "late"
metric = "roc_auc"
floor = 0.6
tolerance = 0.002
"""
APPROVALS = """
[tool.nbmlops.approvals.model]
delay = { production = 1 }
"""
COLUMNS = ["a", "b", "noise"]


def good() -> LogisticRegression:
    train = table(0)
    return LogisticRegression().fit(train[COLUMNS], train.late)


def poor() -> LogisticRegression:
    """Has learnt the contrary of what is true."""
    train = table(0)
    return LogisticRegression().fit(train[COLUMNS], ~train.late)


@pytest.fixture
def delay(project: Path) -> str:
    """Two versions behind a gate: `delay@v1` from a run, in production, and `delay@v2`, which is poor."""
    (project / "pyproject.toml").write_text(GATE)
    ml.data.save(table(1), "delays_holdout")
    ml.data.save(table(0), "delays_train")
    with ml.run("fit", {"C": 1.0}) as run:
        ml.data.load("delays_train")
        ml.model.save(good(), "delay", message="first")
        run.log(auc=0.8)
    ml.model.promote("delay")
    ml.model.save(poor(), "delay", example=table(0)[COLUMNS], message="<b>turned round</b>")
    return "delay"


@pytest.fixture
def asked(delay: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ann has asked for production of `delay@v3`; bo looks at it."""
    (project / "pyproject.toml").write_text(GATE + APPROVALS)
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    ml.model.save(LogisticRegression(C=0.5).fit(table(0)[COLUMNS], table(0).late), "delay")
    assert not ml.model.promote("delay", message="smaller weights").moved
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    return delay


def production() -> str:
    return str(ml.model.show("delay@production").ref)


def test_every_model_is_told_by_its_newest_version(delay: str) -> None:
    (found,) = ask("models", "names")
    assert (found["ref"], found["message"]) == ("delay@v2", "<b>turned round</b>")
    assert found["signature"] == "3 columns → predict, predict_proba"
    assert (found["aliases"], found["placed"]) == ([], {"production": "delay@v1"})


def test_a_version_has_its_card_and_differs_from_another_as_in_a_cell(delay: str) -> None:
    card = ask("models", "card", ref="delay@v2")
    assert "Model card of delay@v2" in card["text"]
    assert "&lt;b&gt;turned round" in card["html"] or "turned round" not in card["html"]
    assert "<b>turned round" not in card["html"]
    found = ask("models", "diff", before="delay@v1", after="delay@v2")
    assert (found["before"], found["after"]) == ("delay@v1", "delay@v2")
    assert "delay@v1 → delay@v2" in found["text"]
    assert line("models", "card", ref="delay@v2") == "%ml model card delay@v2"
    assert line("models", "diff", before="delay@v1", after="delay@v2") == "%ml model diff delay@v1 delay@v2"
    assert line("models", "serve", ref="delay@v2") == "%ml serve delay@v2"


def test_its_picture_says_where_the_aliases_of_all_versions_are(delay: str) -> None:
    ml.model.save(good().set_params(C=0.5), delay)
    ml.model.promote("delay@v3", "challenger")
    assert "challenger → v3, production → v1" in html(panel.static(workspace()))


def test_a_store_without_models_has_none(project: Path) -> None:
    assert ask("models", "names") == []
    assert ask("models", "waiting") == []


def test_the_board_has_the_versions_that_an_alias_is_on(delay: str) -> None:
    (card,) = ask("models", "board", name=delay)
    assert (card["ref"], card["aliases"]) == ("delay@v1", ["production"])
    assert "delays_train@v1" in card["inputs"]
    assert card["judged"][1] == "passed"
    assert [one["ref"] for one in ask("models", "versions", name=delay)] == ["delay@v2", "delay@v1"]
    assert ask("models", "outline", name=delay) == {"total": 2, "size": 60, "anchors": []}
    assert [one["ref"] for one in ask("models", "versions", name=delay, after="delay@v2")] == ["delay@v1"]


def test_a_version_is_told_with_signature_libraries_and_what_its_run_measured(delay: str) -> None:
    found = ask("models", "version", ref="delay@v1")
    assert [one["name"] for one in found["signature"]["inputs"]] == COLUMNS
    assert "scikit-learn" in found["libraries"]
    made = ask("models", "run", run_id=found["run_id"])
    assert (made["name"], made["params"], made["metrics"]) == ("fit-1", {"C": 1.0}, {"auc": 0.8})
    assert ask("models", "run", run_id="0" * 32) is None


def test_a_promotion_moves_the_alias_and_is_told(delay: str) -> None:
    assert line("models", "promote", ref="delay@v1") == "%ml model promote delay@v1"
    given = act("models", "promote", ref="delay@v1", to="champion", message="it's the best")
    assert given["line"].startswith("%ml model promote --to=champion ")
    assert "champion: nothing → delay@v1" in given["text"]
    assert ml.model.show("delay@champion").ref == "delay@v1"


def test_a_gate_that_says_no_is_told_with_its_figures_and_kept_as_a_report_with_evidence(delay: str) -> None:
    error = refused("models", "promote", ref="delay@v2")
    assert "delay@v2 was not promoted to production" in error["message"]
    assert "bound" in error["message"]
    assert "production stays on delay@v1" in error["hint"]
    assert production() == "delay@v1"
    (kept,) = ask("models", "reports", ref="delay@v2")
    assert (kept["status"], kept["passed"]) == ("failed", False)
    failed = [one for one in kept["outcomes"] if one["status"] == "failed"]
    assert any("roc_auc" in one["label"] and one["bound"] for one in failed)
    whole = ask("models", "report", number=kept["id"])
    assert whole["html"].startswith('<div class="nbmlops ')
    assert "roc_auc" in whole["text"]


def test_what_waits_is_told_and_another_person_approves_it(asked: str) -> None:
    (found,) = ask("models", "waiting", name=asked)
    assert (found["ref"], found["alias"], found["author"]) == ("delay@v3", "production", "ann")
    assert (found["needed"], found["lacking"], found["message"]) == (1, 1, "smaller weights")
    act("models", "approve", ref="delay@v3", message="looked at it")
    assert production() == "delay@v3"
    assert ask("models", "waiting") == []


def test_nobody_approves_what_they_asked_for_themselves(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    error = refused("models", "approve", ref="delay@v3")
    assert "ann" in error["message"]
    assert production() == "delay@v1"


def test_what_waits_can_be_rejected(asked: str) -> None:
    assert line("models", "reject", ref="delay@v3", message="no slices") == (
        '%ml model reject "--message=no slices" delay@v3'
    )
    act("models", "reject", ref="delay@v3", message="no slices")
    assert ask("models", "waiting", name=asked) == []
    assert production() == "delay@v1"


def test_a_rollback_is_told_before_and_moves_the_alias_back(delay: str) -> None:
    ml.model.save(LogisticRegression(C=0.5).fit(table(0)[COLUMNS], table(0).late), "delay")
    act("models", "promote", ref="delay@v3")
    assert production() == "delay@v3"
    told = ask("models", "way_back", name=delay, alias="production")
    assert (told["before"], told["after"], told["message"]) == ("delay@v3", "delay@v1", "first")
    assert line("models", "rollback", name=delay) == "%ml model rollback delay"
    act("models", "rollback", name=delay, alias="production")
    assert production() == "delay@v1"


def test_without_a_way_back_the_reason_is_told(delay: str) -> None:
    assert (
        "no earlier production" in refused("models", "way_back", asks=True, name=delay, alias="production")["message"]
    )
    assert "no earlier production" in refused("models", "rollback", name=delay)["message"]
    assert production() == "delay@v1"


def test_a_rollback_is_rehearsed(delay: str) -> None:
    given = act("models", "drill", name=delay)
    assert "report" in given["text"]
    assert production() == "delay@v1"


def test_a_lineage_leads_from_the_data_through_the_run_to_the_model(delay: str) -> None:
    found = ask("models", "lineage", ref="delay@v1")
    assert {"delays_train@v1", "run fit-1", "model delay@v1"} <= {box["label"] for box in found["boxes"]}
    refs = {box["label"]: (box["kind"], box["ref"]) for box in found["boxes"]}
    assert refs["model delay@v1"] == ("model", "delay@v1")
    assert refs["run fit-1"] == ("run", "fit-1")


def test_what_is_deleted_is_told_and_comes_back(delay: str) -> None:
    assert "production" in refused("models", "delete", ref="delay@v1")["message"]
    act("models", "delete", ref="delay@v2")
    assert [one["ref"] for one in ask("models", "deleted")] == ["delay@v2"]
    act("models", "restore", ref="delay@v2")
    assert ask("models", "deleted") == []


def test_a_model_gets_another_name(delay: str) -> None:
    act("models", "rename", old=delay, new="lateness")
    assert ml.model.show("lateness").ref == "lateness@v2"


def test_models_are_loaded_in_a_cell_by_the_grammars_own_line_and_pushed_apart(delay: str) -> None:
    assert line("models", "load", ref="delay@v1") == "%ml model load delay@v1"
    assert line("models", "push", ref=delay) == "%ml model push delay"
    assert "push" in panel.apart


@pytest.mark.parametrize(
    ("name", "params", "why"),
    [
        ("version", {"ref": "dealy"}, "no model named 'dealy'"),
        ("board", {"name": "nothing"}, "no model named"),
        ("report", {"number": 99}, "no report 99"),
        ("report", {"number": "1"}, "is to be int"),
        ("way_back", {"name": "delay", "alias": "v1"}, "looks like a version"),
    ],
)
def test_what_cannot_be_told_is_an_error_with_a_reason(delay: str, name: str, params: dict[str, Any], why: str) -> None:
    assert why in refused("models", name, asks=True, **params)["message"]
