"""What a worker keeps answering with when the catalog is away, or what the alias is on does not open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbmlops.core.errors import UntrustedError
from nbmlops.models.signature import infer
from nbmlops.serving.endpoint.lineup import Lineup, Wanted
from nbmlops.serving.endpoint.served import Served
from nbmlops.serving.endpoint.shelf import Shelf
from nbmlops.serving.records import Deployment
from tests.serving.endpoint.places import fitted, flights

MODEL = fitted()
SIGNATURE = infer(MODEL, flights(5))


@dataclass
class Versions:
    """A catalog that a test can move, spoil and take away."""

    name: str = "delay"
    alias: int = 1
    away: bool = False
    spoilt: set[int] = field(default_factory=set)
    opened: list[int] = field(default_factory=list)
    deployment: Deployment = field(default_factory=lambda: Deployment("delay"))
    others: dict[str, int] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def wanted(self) -> Wanted:
        if self.away:
            raise ConnectionError("no route to the catalog")
        return Wanted(self.deployment, {"production": self.alias, **self.others}, self.absent)

    def number(self, version_id: int) -> int:
        return version_id

    def open(self, version_id: int) -> Served:
        self.opened.append(version_id)
        if version_id in self.spoilt:
            raise UntrustedError("its signer is a stranger")
        return Served("delay", version_id, version_id, "0" * 64, SIGNATURE, MODEL)


def looked(versions: Any) -> tuple[Shelf, list[bool]]:
    told: list[bool] = []
    return Shelf(versions, told=told.append), told


def test_a_catalog_that_is_away_leaves_the_last_good_version() -> None:
    versions = Versions()
    shelf, told = looked(versions)
    versions.away = True
    shelf.look()
    assert (shelf.current.version, told) == (1, [False])
    assert "no route" in (shelf.failure or "")
    versions.away, versions.alias = False, 2
    shelf.look()
    assert (shelf.current.version, shelf.failure, told) == (2, None, [False, True])


def test_a_version_that_does_not_open_is_tried_once_and_the_next_one_is_taken() -> None:
    versions = Versions(spoilt={2})
    shelf, told = looked(versions)
    versions.alias = 2
    shelf.look()
    shelf.look()
    assert (shelf.current.version, versions.opened, told) == (1, [1, 2], [False, False])
    assert "stranger" in (shelf.failure or "")
    versions.alias = 3
    shelf.look()
    assert (shelf.current.version, shelf.failure) == (3, None)


def test_an_alias_that_comes_back_to_what_answers_is_in_order_again() -> None:
    versions = Versions(spoilt={2})
    shelf, told = looked(versions)
    for alias in (2, 1):
        versions.alias = alias
        shelf.look()
    assert (shelf.current.version, shelf.failure, told) == (1, None, [False, True])


SPLIT = Deployment("delay", split=(("challenger", 50.0),), shadow=("v3",))


def answers(lineup: Lineup) -> set[int]:
    return {lineup.choose(str(number))[0].version for number in range(100)}


def test_a_deployment_that_changes_is_followed_whole() -> None:
    versions = Versions()
    before: list[Lineup] = []
    shelf = Shelf(versions, before=before.append)
    assert answers(shelf.lineup) == {1}
    versions.deployment, versions.others = SPLIT, {"challenger": 2, "v3": 3}
    shelf.look()
    assert answers(shelf.lineup) == {1, 2}
    assert [served.version for served in shelf.lineup.shadows] == [3]
    shelf.look()
    assert versions.opened == [1, 2, 3]
    assert before[-1] is shelf.lineup
    assert len(before) == 2
    versions.deployment, versions.others = Deployment("delay", unseen="null"), {}
    shelf.look()
    assert answers(shelf.lineup) == {1}
    assert shelf.current.intake.columns[0].unseen == "null"
    assert versions.opened == [1, 2, 3]


def test_a_challenger_that_does_not_open_is_missing_and_the_champion_answers() -> None:
    versions = Versions(spoilt={2}, deployment=SPLIT, others={"challenger": 2}, absent={"v3": "there is no v3"})
    shelf, told = looked(versions)
    shelf.look()
    assert told == [True]
    assert answers(shelf.lineup) == {1}
    missing = shelf.lineup.missing["challenger"]
    assert missing.version == 2
    assert "stranger" in missing.why
    assert shelf.lineup.missing["v3"].why == "there is no v3"
    assert versions.opened == [1, 2]
    skipped = {shelf.lineup.choose(str(number))[1] for number in range(100)}
    assert skipped == {None, missing}
    versions.others = {"challenger": 4}
    shelf.look()
    assert answers(shelf.lineup) == {1, 4}


def test_shares_that_change_while_the_alias_is_on_a_bad_version_are_followed() -> None:
    versions = Versions(spoilt={2})
    shelf, told = looked(versions)
    versions.alias, versions.deployment, versions.others = 2, SPLIT, {"challenger": 3, "v3": 3}
    shelf.look()
    assert told == [False]
    assert answers(shelf.lineup) == {1, 3}
