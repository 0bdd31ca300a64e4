from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.serving.records import Deployment
from nbmlops.serving.routing import place, route


def test_without_a_split_the_alias_answers() -> None:
    assert route(Deployment("delay"), "anybody") == "production"
    assert route(Deployment("delay", alias="staging"), "anybody") == "staging"


def test_shares_are_what_was_asked_for() -> None:
    deployment = Deployment("delay", split=(("challenger", 10.0), ("v7", 30.0)))
    answered = [route(deployment, str(number)) for number in range(20_000)]
    assert abs(answered.count("challenger") / 20_000 - 0.10) < 0.01
    assert abs(answered.count("v7") / 20_000 - 0.30) < 0.015
    assert abs(answered.count("production") / 20_000 - 0.60) < 0.015


@given(st.text(), st.floats(1, 49), st.floats(0, 50))
def test_who_has_the_challenger_keeps_it_as_its_share_grows(key: str, share: float, more: float) -> None:
    before = Deployment("delay", split=(("challenger", share), ("champion", 100 - share)))
    after = Deployment("delay", split=(("challenger", share + more), ("champion", 100 - share - more)))
    if route(before, key) == "challenger":
        assert route(after, key) == "challenger"


@given(st.text())
def test_shares_that_sum_to_a_hair_below_a_hundred_leave_nobody_over(key: str) -> None:
    third = 100 / 3
    deployment = Deployment("delay", split=tuple((name, third) for name in ("v1", "v2", "v3")))
    assert route(deployment, key) in {"v1", "v2", "v3"}


@given(st.text())
def test_a_place_is_below_a_hundred_and_another_in_another_deployment(key: str) -> None:
    assert 0 <= place("delay", key) < 100
    assert place("delay", key) != place("other", key)


@pytest.mark.parametrize("split", [(("v1", 60.0), ("v2", 41.0)), (("v1", 0.0),), (("v1", -5.0),)])
def test_shares_above_a_hundred_or_of_nothing_are_refused(split: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(InvalidError, match="the shares of delay"):
        Deployment("delay", split=split)


def test_who_answers_at_all_is_told() -> None:
    assert Deployment("delay").refs == ("production",)
    split = Deployment("delay", split=(("champion", 90.0), ("challenger", 10.0)), shadow=("v7",))
    assert split.refs == ("champion", "challenger", "v7")
