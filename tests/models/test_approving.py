"""A model's promotion that others must approve: the gate has said yes, and the alias waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbmlops.core.errors import ConflictError, NotFoundError, RefusedError
from nbmlops.models import PromotionRefusedError
from nbmlops.render.dispatch import text
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

GATE = {"holdout": "delays_holdout", "target": "late", "metric": "roc_auc", "floor": 0.6, "tolerance": 0.002}


@pytest.fixture
def asked(
    registry: Registry, holdout: pd.DataFrame, good: LogisticRegression, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    """`delay@v1` passed its gate; ann asked for production, and bo looks at it."""
    registry.data.save(holdout, "delays_holdout")
    registry.gates["delay"] = dict(GATE)
    registry.approvals["model"] = {"delay": {"production": 1}}
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    registry.models.save(good, "delay")
    promotion = registry.models.promote("delay", message="better on long flights")
    assert (promotion.moved, promotion.after, promotion.waits is None) == (False, "delay@v1", False)
    assert promotion.report is not None
    assert promotion.report.passed
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    return registry


def position(registry: Registry) -> str | None:
    (found,) = [each.ref for each in registry.models.history("delay") if "production" in each.aliases] or [None]
    return found


def test_another_person_approves_what_passed_its_gate(asked: Registry) -> None:
    assert position(asked) is None
    assert asked.models.history("delay")[0].asked == ("production: asked by ann, 0 of 1 approvals",)
    done = asked.models.approve("delay@v1", message="looked at the slices")
    assert (done.moved, done.before, done.after) == (True, None, "delay@v1")
    assert "production: nothing → delay@v1" in text(done)
    assert position(asked) == "delay@v1"
    moved, approved, ask = asked.audit.events(3)
    assert [each.action for each in (ask, approved, moved)] == ["model.ask", "model.approve", "model.promote"]
    assert [each.detail["message"] for each in (ask, approved)] == ["better on long flights", "looked at the slices"]
    assert (moved.detail["asked_by"], moved.detail["approved_by"]) == ("ann", ["bo"])
    assert ask.detail["judged_on"]["holdout"] == asked.data.show("delays_holdout").digest
    assert asked.models.show("delay").asked[0].endswith("approved by bo (of the account that asked), moved")
    with pytest.raises(NotFoundError, match="nothing of delay waits for approval at production"):
        asked.models.approve("delay")


def test_nobody_approves_their_own_model(asked: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with pytest.raises(RefusedError, match="ann asked for production of delay and cannot approve it"):
        asked.models.approve("delay")
    assert "delay@v1 rejected" in text(asked.models.reject("delay", message="not yet"))
    assert position(asked) is None


def test_what_the_verdict_was_computed_on_must_hold_when_it_is_approved(
    asked: Registry, holdout: pd.DataFrame, poor: LogisticRegression
) -> None:
    asked.gates["delay"]["floor"] = 0.7
    with pytest.raises(ConflictError, match="the gate of delay changed since it was judged"):
        asked.models.approve("delay")
    asked.gates["delay"]["floor"] = 0.6

    asked.data.save(holdout.head(100), "delays_holdout")
    with pytest.raises(ConflictError, match=r"the held-out table delays_holdout changed since delay was judged"):
        asked.models.approve("delay")
    asked.data.save(holdout, "delays_holdout")

    asked.approvals["model"]["delay"]["production"] = 2
    with pytest.raises(ConflictError, match="needed 1 approvals when it was judged, and needs 2 now"):
        asked.models.approve("delay")
    asked.approvals["model"]["delay"]["production"] = 1

    asked.models.delete("delay@v1")
    asked.models.save(poor, "delay")
    with pytest.raises(ConflictError, match=r"delay@v1 is not what was asked for any more"):
        asked.models.approve("delay")
    asked.models.restore("delay@v1")
    assert asked.models.approve("delay").moved


def test_who_does_not_trust_the_signer_does_not_approve(asked: Registry) -> None:
    stranger = asked.as_seen_by(Keyring(asked.folder / "stranger"))
    with pytest.raises(RefusedError, match="delay@v1 cannot be approved: "):
        stranger.approve("delay")
    assert position(asked) is None


def test_what_its_gate_refuses_is_not_asked_for(asked: Registry, poor: LogisticRegression) -> None:
    asked.models.approve("delay")
    asked.models.save(poor, "delay")
    with pytest.raises(PromotionRefusedError):
        asked.models.promote("delay")
    with pytest.raises(NotFoundError, match="nothing of delay waits"):
        asked.models.reject("delay")


def test_other_aliases_and_names_move_at_once(asked: Registry) -> None:
    assert asked.models.promote("delay", "staging").moved
    asked.approvals["model"] = {"other": {"production": 1}}
    assert asked.models.promote("delay").moved
