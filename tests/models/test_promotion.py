"""Promote through a gate, refuse with figures, race, and roll back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from nbmlops.models import Models, PromotionRefusedError
from nbmlops.store.lineage import Active, activate
from tests.models.registry import Registry, table

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

GATE = {"holdout": "delays_holdout", "target": "late", "metric": "roc_auc", "floor": 0.6, "tolerance": 0.002}


@pytest.fixture
def gated(registry: Registry, holdout: pd.DataFrame) -> Registry:
    registry.data.save(holdout, "delays_holdout")
    registry.gates["delay"] = dict(GATE)
    return registry


@pytest.fixture
def both(gated: Registry, poor: LogisticRegression, good: LogisticRegression) -> Registry:
    """`delay@v1` is poor, `delay@v2` is good."""
    gated.models.save(poor, "delay")
    gated.models.save(good, "delay")
    return gated


def position(registry: Registry, alias: str = "production") -> str | None:
    (found,) = [version.ref for version in registry.models.history("delay") if alias in version.aliases] or [None]
    return found


def test_the_first_promotion_passes_its_floor(gated: Registry, good: LogisticRegression) -> None:
    gated.models.save(good, "delay")
    promotion = gated.models.promote("delay")
    assert (promotion.before, promotion.after, promotion.moved) == (None, "delay@v1", True)
    assert promotion.report is not None
    integrity, floor, champion = promotion.report.outcomes
    assert (integrity.status, floor.status, champion.figure) == ("passed", "passed", "there is none yet")
    assert (floor.bound, floor.detail) == ("≥ 0.6", "on 600 held-out rows")
    assert float(floor.figure) > 0.8
    assert gated.checks.show(promotion.report.id or 0) == promotion.report
    assert position(gated) == "delay@v1"


def test_a_better_challenger_moves_the_alias(both: Registry) -> None:
    both.models.promote("delay@v1")
    promotion = both.models.promote("delay@v2")
    assert (promotion.before, promotion.after, promotion.moved) == ("delay@v1", "delay@v2", True)
    assert promotion.report is not None
    against = promotion.report.outcomes[-1]
    assert against.check == "roc_auc against delay@v1"
    assert against.figure.startswith("+0.")
    assert "95% interval +0." in against.detail
    event = both.audit.events()[0]
    assert (event.action, event.subject, event.detail["report"]) == ("model.promote", "delay@v2", promotion.report.id)
    assert event.detail["holdout"] == both.data.show("delays_holdout").digest
    assert both.audit.verify() == both.audit.count()


def test_a_worse_challenger_is_refused_with_figure_and_bound(both: Registry) -> None:
    both.models.promote("delay@v2")
    with pytest.raises(
        PromotionRefusedError, match=r"roc_auc against delay@v2: -0\.\d{4} \(.*\), bound ≥ -0.002"
    ) as no:
        both.models.promote("delay@v1")
    assert "production stays on delay@v2" in str(no.value.hint)
    promotion = no.value.promotion
    assert promotion is not None
    assert not promotion.moved
    assert promotion.report is not None
    assert both.checks.show(promotion.report.id or 0).status == "failed"
    assert position(both) == "delay@v2"
    assert isinstance(no.value, RefusedError)


def test_a_floor_that_is_not_reached_refuses(both: Registry) -> None:
    both.gates["delay"]["floor"] = 0.99
    with pytest.raises(PromotionRefusedError, match=r"bound ≥ 0\.99"):
        both.models.promote("delay@v2")
    assert position(both) is None


@pytest.mark.parametrize(
    ("metric", "bound"),
    [
        ("brier", {"ceiling": 0.24}),
        ("log_loss", {"ceiling": 0.6}),
        ("accuracy", {"floor": 0.6}),
        ("average_precision", {"floor": 0.6}),
    ],
)
def test_other_metrics_judge_too(both: Registry, metric: str, bound: dict[str, float]) -> None:
    both.gates["delay"] = {"holdout": "delays_holdout", "target": "late", "metric": metric, **bound}
    both.models.promote("delay@v2")
    with pytest.raises(PromotionRefusedError, match=f"{metric} against delay@v2: -0"):
        both.models.promote("delay@v1")


def test_without_a_gate_the_report_says_so_and_how_to_add_one(registry: Registry, good: LogisticRegression) -> None:
    registry.models.save(good, "delay")
    promotion = registry.models.promote("delay", "champion")
    assert promotion.moved
    assert promotion.report is not None
    assert promotion.report.status == "warned"
    assert "[tool.nbmlops.gates.delay]" in promotion.report.outcomes[-1].detail


def test_what_is_there_already_is_judged_and_stays(both: Registry) -> None:
    both.models.promote("delay@v2")
    again = both.models.promote("delay@v2")
    assert (again.before, again.after, again.moved) == ("delay@v2", "delay@v2", False)
    assert [event.action for event in both.audit.events()].count("model.promote") == 1


def test_a_version_of_a_running_pipeline_is_not_promoted(registry: Registry, good: LogisticRegression) -> None:
    from datetime import UTC, datetime

    from sqlalchemy import insert

    from nbmlops.store import schema

    row = {"id": "1" * 32, "sequence": 1, "experiment": "p", "number": 1, "kind": "pipeline", "status": "running"}
    started = {"started_at": datetime.now(UTC), "as_of": 0}
    registry.catalog.transact(lambda c: c.execute(insert(schema.run).values(**_known(row | started))))
    with activate(Active(run_id="1" * 32, pipeline_run_id="1" * 32)):
        saved = registry.models.save(good, "delay")
        assert saved.number is None
        with pytest.raises(RefusedError, match="has not committed"):
            registry.models.promote("delay")


def _known(values: dict[str, Any]) -> dict[str, Any]:
    from nbmlops.store import schema

    return {key: value for key, value in values.items() if key in schema.run.c}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"holdout": "nothing"}, "no data named 'nothing'"),
        ({"target": "lat"}, "no column 'lat'; did you mean late"),
        ({"target": "carrier"}, "no column 'carrier'"),
    ],
)
def test_a_gate_that_cannot_judge_refuses_and_says_why(both: Registry, change: dict[str, Any], why: str) -> None:
    both.gates["delay"].update(change)
    with pytest.raises(PromotionRefusedError, match=why):
        both.models.promote("delay@v2")
    assert position(both) is None


def test_a_held_out_table_without_the_models_columns_refuses(both: Registry, holdout: pd.DataFrame) -> None:
    both.data.save(holdout.drop(columns="noise"), "delays_holdout")
    with pytest.raises(PromotionRefusedError, match="lacks columns that the model takes: noise"):
        both.models.promote("delay@v2")


def test_gaps_in_the_truth_refuse(both: Registry, holdout: pd.DataFrame) -> None:
    late = holdout.late.astype("boolean")
    late[3] = None
    both.data.save(holdout.assign(late=late), "delays_holdout")
    with pytest.raises(PromotionRefusedError, match="1 of 600 held-out rows have no truth"):
        both.models.promote("delay@v2")


def test_a_gate_with_a_mistake_is_an_error_of_the_person(both: Registry) -> None:
    both.gates["delay"]["flor"] = 1
    with pytest.raises(InvalidError, match="unknown key 'flor'"):
        both.models.promote("delay@v2")


def test_rollback_goes_back_once_and_twice(both: Registry, train: pd.DataFrame) -> None:
    third = LogisticRegression(C=0.5).fit(train[["a", "b", "noise"]], train.late)
    both.models.save(third, "delay")
    for ref in ("delay@v1", "delay@v2", "delay@v3"):
        both.models.promote(ref)
    back = both.models.rollback("delay")
    assert (back.before, back.after, back.moved) == ("delay@v3", "delay@v2", True)
    assert both.audit.events()[0].action == "model.rollback"
    assert both.models.rollback("delay").after == "delay@v1"
    with pytest.raises(NotFoundError, match="no earlier production"):
        both.models.rollback("delay")
    assert position(both) == "delay@v1"


def test_nothing_to_roll_back(registry: Registry, good: LogisticRegression) -> None:
    registry.models.save(good, "delay")
    with pytest.raises(NotFoundError, match="no earlier production"):
        registry.models.rollback("delay")
    with pytest.raises(NotFoundError, match="no model named 'none'"):
        registry.models.rollback("none")


def test_a_rollback_to_a_deleted_version_is_refused(both: Registry) -> None:
    both.models.promote("delay@v1")
    both.models.promote("delay@v2")
    both.models.delete("delay@v1")
    with pytest.raises(ConflictError, match="delay@v1 was deleted"):
        both.models.rollback("delay")
    assert position(both) == "delay@v2"


def meddling(registry: Registry, meddle: Any) -> Models:
    """The registry, where something happens after the verdict and before the move."""

    class Checks:
        def save(self, report: Any) -> Any:
            kept = registry.checks.save(report)
            meddle()
            return kept

    from tests.models.registry import build

    return build(registry.catalog, registry.objects, registry.keyring, registry.data, Checks(), registry.gates)  # type: ignore[arg-type]


def test_an_alias_that_moved_meanwhile_wins(both: Registry) -> None:
    late = meddling(both, lambda: both.models.promote("delay@v1"))
    with pytest.raises(ConflictError, match="production of delay was moved by somebody else"):
        late.promote("delay@v2")
    assert position(both) == "delay@v1"


def test_a_candidate_that_was_deleted_meanwhile_is_not_promoted(both: Registry) -> None:
    with pytest.raises(ConflictError, match="delay@v2 was deleted"):
        meddling(both, lambda: both.models.delete("delay@v2")).promote("delay@v2")


def test_a_held_out_table_that_changed_meanwhile_voids_the_verdict(both: Registry) -> None:
    with pytest.raises(ConflictError, match=r"held-out table delays_holdout changed .* delays_holdout@v2 now"):
        meddling(both, lambda: both.data.save(table(7), "delays_holdout")).promote("delay@v2")
    assert position(both) is None


def test_training_rows_that_changed_meanwhile_void_the_verdict(both: Registry) -> None:
    both.data.save(table(8), "delays_train")
    both.gates["delay"] = {**GATE, "train": "delays_train", "checks": ["overfit"]}
    with pytest.raises(ConflictError, match=r"training table delays_train changed .* delays_train@v2 now"):
        meddling(both, lambda: both.data.save(table(9), "delays_train")).promote("delay@v2")
    assert position(both) is None


def test_the_checks_of_a_gate_get_the_training_rows(both: Registry) -> None:
    both.data.save(table(8), "delays_train")
    both.gates["delay"] = {**GATE, "train": "delays_train", "checks": ["baseline", "overfit"]}
    try:
        report = both.models.promote("delay@v2").report
    except PromotionRefusedError as refused:
        report = refused.promotion.report if refused.promotion else None
    assert report is not None
    assert "errored" not in {outcome.status for outcome in report.outcomes}
    assert any("fitted on the training rows" in outcome.detail for outcome in report.outcomes)


def test_a_gate_that_changed_meanwhile_voids_the_verdict(both: Registry) -> None:
    for change in (lambda: both.gates["delay"].update(floor=0.99), both.gates.clear):
        with pytest.raises(ConflictError, match="the gate of delay changed"):
            meddling(both, change).promote("delay@v2")
        both.gates["delay"] = dict(GATE)
    assert position(both) is None


def test_of_two_promotions_at_once_one_moves_and_one_is_told_why(both: Registry) -> None:
    together = Barrier(2)

    def promote(ref: str) -> str:
        try:
            meddling(both, together.wait).promote(ref)
        except ConflictError as error:
            return error.message
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(promote, ["delay@v1", "delay@v2"]))
    assert ends[0] == "moved"
    assert "moved by somebody else" in ends[1]
    assert [event.action for event in both.audit.events()].count("model.promote") == 1


def test_a_broken_champion_does_not_keep_a_sound_candidate_out(both: Registry) -> None:
    from sqlalchemy import update

    from nbmlops.store import schema

    both.models.promote("delay@v1")
    champion = both.versions.resolve("delay@v1")
    detail = {**champion.detail, "estimator": "a.B"}
    both.catalog.transact(lambda c: c.execute(update(schema.version).filter_by(id=champion.id).values(detail=detail)))
    promotion = both.models.promote("delay@v2")
    assert promotion.report is not None
    assert promotion.report.status == "warned"
    with pytest.raises(PromotionRefusedError, match="signature"):
        both.models.rollback("delay")


def test_with_a_risk_a_challenger_must_be_shown_to_be_no_worse(both: Registry) -> None:
    both.gates["delay"] |= {"risk": 0.025, "tolerance": 0.0}
    both.models.promote("delay@v1")
    assert both.models.promote("delay@v2").moved
    both.models.save(LogisticRegression(C=0.05).fit(*fitted_on()), "delay")
    with pytest.raises(PromotionRefusedError, match="against delay@v2"):
        both.models.promote("delay@v3")
    both.gates["delay"]["tolerance"] = 0.05
    assert both.models.promote("delay@v3").moved


def fitted_on() -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Few other rows: what is fitted on them is about as good."""
    rows = table(7, 150)
    return rows[["a", "b", "noise"]], rows.late


def test_a_gate_runs_the_model_checks_and_suites_that_it_names(both: Registry, tmp_path: Path) -> None:
    suite = tmp_path / "holdout.suite"
    suite.write_text("a: number, between(-10, 10)")
    both.gates["delay"] |= {"checks": ["baseline", "slices", "calibration"], "suites": [str(suite)]}
    promotion = both.models.promote("delay@v2")
    assert promotion.report is not None
    names = {outcome.check for outcome in promotion.report.outcomes}
    assert {"roc_auc against a constant", "weakest slices", "calibration error"} <= names
    assert f"between of {suite}" in names
    suite.write_text("a: number, between(-1, 1)")
    with pytest.raises(PromotionRefusedError, match="between of"):
        both.models.promote("delay@v2")


def test_a_model_that_is_no_better_than_a_constant_is_refused(gated: Registry, train: pd.DataFrame) -> None:
    gated.gates["delay"] = {**GATE, "floor": 0.4, "checks": ["baseline"]}
    gated.models.save(LogisticRegression().fit(train[["noise"]], train.late), "delay")
    with pytest.raises(PromotionRefusedError, match="against a constant"):
        gated.models.promote("delay")
    assert position(gated) is None


def test_unfair_groups_refuse(both: Registry, holdout: pd.DataFrame) -> None:
    both.data.save(holdout.assign(group=(holdout.a > 0).map({True: "x", False: "y"})), "delays_holdout")
    both.gates["delay"] |= {"sensitive": "group", "fairness": 0.2}
    with pytest.raises(PromotionRefusedError, match="demographic parity difference"):
        both.models.promote("delay@v2")
