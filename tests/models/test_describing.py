"""What people say of a model: kept across versions, audited, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.render.dispatch import html, text
from tests.models.registry import Registry

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


@pytest.fixture
def two(registry: Registry, good: LogisticRegression, poor: LogisticRegression) -> Registry:
    registry.models.save(good, "delay")
    registry.models.save(poor, "delay")
    return registry


def test_what_is_said_of_a_name_holds_for_all_its_versions(two: Registry, good: LogisticRegression) -> None:
    two.models.describe("delay", owner="the delays team", intended_use="planning <b>gates</b>")
    good.C = 0.5
    two.models.save(good, "delay")
    for ref in ("delay@v1", "delay@v2", "delay@v3"):
        assert two.models.show(ref).description == {
            "owner": "the delays team", "intended_use": "planning <b>gates</b>"
        }  # fmt: skip
    assert "planning &lt;b&gt;gates" in html(two.models.show("delay"), detail=True)


def test_what_is_said_of_one_version_goes_before(two: Registry) -> None:
    two.models.describe("delay", limits="not for helicopters", owner="ann")
    two.models.describe("delay@v1", limits="winter only")
    assert two.models.show("delay@v1").description == {"limits": "winter only", "owner": "ann"}
    assert two.models.show("delay@v2").description == {"limits": "not for helicopters", "owner": "ann"}
    two.models.describe("delay@v1", remove=["limits"])
    assert two.models.show("delay@v1").description["limits"] == "not for helicopters"


def test_each_change_is_an_event_with_what_was_said_before(two: Registry) -> None:
    two.models.describe("delay", owner="ann")
    two.models.describe("delay", owner="bo")
    two.models.describe("delay", owner="bo")
    last, first = two.audit.events(2)
    assert (last.action, last.subject) == ("model.describe", "delay")
    assert last.detail == {"said": {"owner": "bo"}, "before": {"owner": "ann"}}
    assert first.detail == {"said": {"owner": "ann"}, "before": {}}


def test_it_survives_a_rename(two: Registry) -> None:
    two.models.describe("delay", owner="ann")
    assert two.models.rename("delay", "lateness").description == {"owner": "ann"}


def test_nothing_to_say_is_refused(two: Registry) -> None:
    with pytest.raises(InvalidError, match="there is nothing to say"):
        two.models.describe("delay")
    with pytest.raises(InvalidError, match="the owner of a model cannot be nothing"):
        two.models.describe("delay", owner="  ")
    with pytest.raises(InvalidError, match=r"cannot be 20,001 characters"):
        two.models.describe("delay", description="x" * 20_001)
    with pytest.raises(InvalidError, match="models have no 'licens'") as error:
        two.models.describe("delay", remove=["licens"])
    assert "licence" in str(error.value.hint)
    with pytest.raises(NotFoundError, match="there is no licence of delay to take back"):
        two.models.describe("delay", remove=["licence"])
    with pytest.raises(InvalidError, match="owner is both said and taken back"):
        two.models.describe("delay", owner="ann", remove=["owner"])
    with pytest.raises(NotFoundError, match="dellay"):
        two.models.describe("dellay", owner="ann")


def test_tags_belong_to_one_version(two: Registry) -> None:
    tagged = two.models.tag("delay@v1", {"season": "winter", "year": 2013})
    assert tagged.tags == {"season": "winter", "year": "2013"}
    assert two.models.show("delay@v2").tags == {}
    assert "season=winter" in text(two.models.show("delay@v1"), detail=True)
    assert two.models.tag("delay@v1", remove=["year"]).tags == {"season": "winter"}
    assert [event.action for event in two.audit.events(2)] == ["model.tag", "model.tag"]
    with pytest.raises(InvalidError, match="there is no tag to set"):
        two.models.tag("delay")
    with pytest.raises(NotFoundError, match="there is no tag 'month' on it"):
        two.models.tag("delay@v1", remove=["month"])
