"""The rollback drill moves an alias of its own there and back, and leaves everything else as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.models.drill import DRILL
from tests.models.registry import Registry, table

if TYPE_CHECKING:
    import pandas as pd


@pytest.fixture
def two(registry: Registry, good: LogisticRegression, train: pd.DataFrame) -> Registry:
    registry.models.save(good, "delay", example=train[["a", "b", "noise"]])
    other = LogisticRegression(C=0.01).fit(train[["a", "b", "noise"]], train.late)
    registry.models.save(other, "delay", example=train[["a", "b", "noise"]])
    return registry


def test_a_drill_goes_there_and_back_and_leaves_the_real_alias(two: Registry) -> None:
    two.models.promote("delay@v1")
    two.models.promote("delay@v2")
    for _ in range(2):
        report = two.models.drill("delay", on=table(3))
        assert (report.section, report.status) == ("infrastructure", "passed")
        assert [outcome.check for outcome in report.outcomes] == [
            "way back",
            "promotion",
            "answers after the promotion",
            "rollback",
            "answers after the rollback",
            "production is not touched",
        ]
        assert report.outcomes[3].figure.startswith("delay@v1 loaded after")
        assert two.checks.show(report.id or 0) == report
    assert two.models.show("delay@production").ref == "delay@v2"
    assert all(DRILL not in version.aliases for version in two.models.history("delay"))
    drilled = [event.action for event in two.audit.events() if event.detail.get("alias") == DRILL][:4]
    assert drilled == ["model.remove", "model.rollback", "model.promote", "model.promote"]
    assert two.audit.verify() > 0


def test_without_a_way_back_the_two_newest_are_taken_and_it_says_so(two: Registry) -> None:
    report = two.models.drill("delay")
    assert (report.status, report.outcomes[0].status) == ("warned", "warned")
    assert "no earlier production" in report.outcomes[0].detail
    assert report.outcomes[-1].figure == "nowhere"


def test_a_version_that_does_not_load_any_more_fails_the_drill(two: Registry) -> None:
    from sqlalchemy import update

    from nbmlops.store import schema

    two.models.promote("delay@v1")
    two.models.promote("delay@v2")
    old = two.versions.resolve("delay@v1")
    detail = {**old.detail, "estimator": "a.B"}
    two.catalog.transact(lambda c: c.execute(update(schema.version).filter_by(id=old.id).values(detail=detail)))
    report = two.models.drill("delay", on=table(3))
    assert [outcome.check for outcome in report.failures] == ["rollback"]
    assert "signature" in report.failures[0].detail
    assert all(DRILL not in version.aliases for version in two.models.history("delay"))


def test_one_version_has_nothing_to_go_back_to(registry: Registry, good: LogisticRegression) -> None:
    registry.models.save(good, "delay")
    with pytest.raises(NotFoundError, match="one version only"):
        registry.models.drill("delay")
    with pytest.raises(NotFoundError, match="no model named 'none'"):
        registry.models.drill("none")
    with pytest.raises(InvalidError, match="the alias that a drill moves"):
        registry.models.drill("delay", DRILL)
