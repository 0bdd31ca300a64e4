"""What a worker keeps answering with when the catalog is away, or what the alias is on does not open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbmlops.core.errors import UntrustedError
from nbmlops.models.signature import infer
from nbmlops.serving.endpoint.served import Served
from nbmlops.serving.endpoint.shelf import Shelf
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

    def where(self) -> int:
        if self.away:
            raise ConnectionError("no route to the catalog")
        return self.alias

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
